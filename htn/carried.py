"""An operator that a domain's file brings along from a library: its contract, and the version that carries it out."""

from collections.abc import Mapping
from typing import Any

from htn.contract import Contract, model_of
from htn.domain import Arity, Domain, Operator
from htn.errors import DomainError


def carry(domain: Domain, contract: Mapping[str, Any], version: str) -> None:
    """Declare a primitive task in a domain by its contract, as JSON, and the version that a library has of its body.

    Plans need no library then. Carrying them out needs one that has the version. DomainError where the domain has
    the name already.
    """
    promise = Contract.from_json(contract)
    stands_in = any(aim.operator == promise.name for aim in domain.aims.values())
    if domain.knows(promise.name) and not (stands_in and domain.operators[promise.name].apply is None):
        raise DomainError(
            f"{domain.name} has {promise.name} already",
            hints=("an operator that is brought along takes the place of its declaration: remove the declaration",),
        )
    arity = Arity(tuple(p.name for p in promise.parameters), len(promise.parameters))
    extended = domain.extended_by([
        Operator(promise.name, arity, model_of(promise), promise.description, promise, promise.parameters, version)
    ])  # fmt: skip
    domain.operators, domain.methods, domain.goal_methods = extended.operators, extended.methods, extended.goal_methods
