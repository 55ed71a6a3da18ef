"""What a learned operator was used on, in a form that can be kept: its arguments, and of the state what it can see.

A contract names all places of the state that matter to it. Only those are kept: what it reads, what its conditions
look at, what its effects change. Where they cannot be told apart, or cannot be written, nothing is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from htn.contract import Contract, Lookup, Undefined, refuse, scope_of
from htn.errors import HtnError, UsageError
from htn.state import State
from htn.values import from_json, to_json


def inputs_of(contract: Contract, state: State, arguments: Sequence[Any]) -> dict[str, Any] | None:
    """Return the inputs of a use as JSON, or None where they cannot be kept."""
    try:
        seen = _seen(contract, state, arguments)
        if refuse(contract, seen, arguments) is not None:
            return None
        return {"arguments": to_json(list(arguments), "the arguments"), "state": seen.to_json()}
    except (HtnError, Undefined, TypeError):
        return None


def read_inputs(kept: Mapping[str, Any]) -> tuple[State, tuple[Any, ...]]:
    """Return the state and the arguments that `inputs_of` wrote. UsageError where it is something else."""
    arguments = from_json(kept.get("arguments"), "the arguments")
    if not isinstance(arguments, list):
        raise UsageError("what was kept of a use has no list of arguments")
    return State.from_json(kept.get("state")), tuple(arguments)


def _seen(contract: Contract, state: State, arguments: Sequence[Any]) -> State:
    seen, scope = State(), scope_of(contract, state, arguments)
    for condition in contract.preconditions:
        whole = condition.right
        if condition.comparison in ("in", "not in") and isinstance(whole, Lookup) and not whole.key:
            _keep(seen, state, whole.variable, condition.left.worth(scope))
    memberships = {id(c.right) for c in contract.preconditions if c.comparison in ("in", "not in")}
    for part in (contract.reads, contract.preconditions, contract.effects, contract.ensures):
        for lookup in lookups(part):
            held = getattr(state, lookup.variable, None)
            if lookup.key:
                try:
                    _keep(seen, state, *lookup.at(scope))
                except Undefined:
                    continue
            elif not (id(lookup) in memberships and isinstance(held, dict)) and lookup.variable in state:
                setattr(seen, lookup.variable, held)
    return seen


def _keep(seen: State, state: State, variable: str, key: Any) -> None:
    held = getattr(state, variable, None)
    if not isinstance(held, dict):
        if variable in state:
            setattr(seen, variable, held)
        return
    if variable not in seen:
        setattr(seen, variable, {})
    value = state.look_up(variable, key)
    if value is not State.ABSENT:
        getattr(seen, variable)[key] = value


def lookups(part: Any) -> Iterator[Lookup]:
    """Yield every place of the state that terms, conditions or effects name, those inside of others as well."""
    if isinstance(part, Lookup):
        yield part
    if isinstance(part, tuple):
        for each in part:
            yield from lookups(each)
    elif is_dataclass(part):
        for field in fields(part):
            yield from lookups(getattr(part, field.name))
