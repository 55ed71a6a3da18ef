"""Does every effect of a contract give its variable what the variable may hold?

A variable that has keys is changed key by key: an effect that gives it a plain value would wipe it out. What is
assigned has to be of the type that the domain declares for the variable's values; what is added to or taken from a
list, of the type of its items; what a number is increased or decreased by, a number.
"""

from collections.abc import Mapping

from htn.contract import Argument, Constant, Contract, Effect, Lookup, Output, Read, Term, Type
from htn.contract.terms import Applied, Entry
from htn.domain import Domain
from htn.failure import Gap

_NUMBER = Type("number")


def mistyped_effects(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    """Return what is wrong with the effects of a contract, each as a sentence."""
    keyed = _keyed(contract, domain, gap)
    return [why for effect in contract.effects if (why := _mistyped(effect, contract, domain, keyed))]


def _mistyped(effect: Effect, contract: Contract, domain: Domain, keyed: set[str]) -> str | None:
    name = effect.target.variable
    if not effect.target.key and name in keyed:
        return f"{effect}: {name} has keys, so an effect changes one entry of it: {name}[key]"
    declared = domain.variables.get(name)
    if declared is None or declared.type.kind == "any" or effect.value is None:
        return None
    asked = declared.type
    if effect.kind in ("increase", "decrease"):
        if not _NUMBER.takes(asked):
            return f"{effect}: {name} holds {asked}, which is no number"
        asked = Type(asked.kind)
    elif effect.kind in ("add", "remove"):
        if asked.kind != "array":
            return f"{effect}: {name} holds {asked}, which is no list"
        asked = asked.item or Type()
    return _unfit(effect, effect.value, name, asked, contract)


def _unfit(effect: Effect, value: Term, name: str, asked: Type, contract: Contract) -> str | None:
    if isinstance(value, Constant):
        return f"{effect}: {name} takes {asked}; {why}" if (why := asked.refuse(value.value, "the value")) else None
    given = _type_of(value, contract)
    what = "the output" if isinstance(value, Output) else str(value)
    if isinstance(value, Output) and given.kind == "any" and asked.kind != "any":
        return f"{effect}: {name} holds {asked}, but {what} is {given}"
    return None if asked.takes(given) else f"{effect}: {name} holds {asked}, but {what} is {given}"


def _type_of(term: Term, contract: Contract) -> Type:
    """Return what is known of a term's type; "any" where nothing is."""
    if isinstance(term, Output):
        return next((o.type for o in contract.outputs if o.name == term.name), Type())
    if isinstance(term, Argument):
        return next((p.type for p in contract.parameters if p.name == term.name), Type())
    if isinstance(term, Read):
        return next((r.type for r in contract.reads if r.name == term.name), Type())
    if isinstance(term, Applied):
        return {"len": Type("integer"), "sum": _NUMBER, "abs": _NUMBER}.get(term.function, Type())
    return Type()


def _keyed(contract: Contract, domain: Domain, gap: Gap) -> set[str]:
    """Return the variables that have keys: in the state, in an example, or elsewhere in the contract."""
    found = {name for name in gap.state if isinstance(getattr(gap.state, name), Mapping)}
    for example in domain.examples:
        for named in (example.given, example.then):
            found |= {name for name, value in named.items() if isinstance(value, Mapping)}
    targets = [effect.target for effect in contract.effects]
    return found | {part.variable for part in (*targets, *_sources(contract)) if part.key}


def _sources(contract: Contract) -> list[Lookup]:
    found: list[Lookup] = []
    for reading in contract.reads:
        source: Term = reading.source
        while isinstance(source, Entry):
            source = source.of
        if isinstance(source, Lookup):
            found.append(source)
    return found
