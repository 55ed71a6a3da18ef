"""Make situations in which a contract applies, and ones in which it does not.

A situation is a state and arguments. Drawn blindly, none would satisfy `column in columns[file]`, so a situation
is built: the values that the contract reads are drawn by their types and put where they are read from, then each
precondition that does not hold is made to hold where that is simple (put in, take out, set equal, set beyond),
and the whole is checked. What cannot be made to hold is thrown away and counted, never weakened.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from executor.inputs import lookups
from executor.validate.values import draw
from htn.contract import (
    ANY,
    Argument,
    Condition,
    Contract,
    Entry,
    Lookup,
    Read,
    Scope,
    Term,
    Type,
    Undefined,
    refuse,
)
from htn.domain import StateVariable
from htn.errors import HtnError
from htn.state import State
from htn.unknown import Unknown
from htn.values import own_copy, plain

_OPPOSITE = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
}  # fmt: skip
_PARAMETER, _READ = "parameter ", "read "


@dataclass(frozen=True)
class Situation:
    """A state and the arguments of one use of an operator."""

    state: State
    arguments: tuple[Any, ...]


class CannotBeMade(Exception):
    """A condition that cannot be brought about by simple means."""


def applicable(
    contract: Contract,
    variables: Mapping[str, StateVariable],
    seeds: Sequence[Situation],
    *,
    count: int,
    seed: int = 0,
) -> list[Situation]:
    """Return up to `count` situations in which the contract applies, the simplest first.

    They vary the `seeds` (a user's examples, the situation of the gap) and an empty state in turn.
    """
    types = {_PARAMETER + p.name: p.type for p in contract.parameters}
    types |= {_READ + r.name: r.type for r in contract.reads}
    rows = draw(types, count * 2, seed)
    bases: list[Situation | None] = [*map(_known, seeds), None]
    found: list[Situation] = []
    for at, row in enumerate(rows):
        made = _build(contract, variables, bases[at % len(bases)], row)
        if made is not None and len(found) < count:
            found.append(made)
    return found


def situation_of(
    contract: Contract, variables: Mapping[str, StateVariable], arguments: Mapping[str, Any], reads: Mapping[str, Any]
) -> Situation | None:
    """Return a state in which an operator is given exactly these values, or None where the contract allows none."""
    row = {_PARAMETER + name: value for name, value in arguments.items()}
    row |= {_READ + name: value for name, value in reads.items()}
    made = _build(contract, variables, None, row)
    if made is None:
        return None
    scope = _scope(contract, made.state, made.arguments)
    kept = all(plain(scope.arguments[name]) == plain(value) for name, value in arguments.items())
    return made if kept and all(plain(scope.reads.get(n)) == plain(v) for n, v in reads.items()) else None


def given_in(contract: Contract, situation: Situation) -> dict[str, Any]:
    """Return what a body is given in a situation, by name: arguments, then what it reads."""
    scope = _scope(contract, situation.state, situation.arguments)
    return {name: plain(value) for name, value in {**scope.arguments, **scope.reads}.items()}


def identity(contract: Contract, situation: Situation) -> str:
    """Return what makes a situation what it is for a contract: two with the same come to the same.

    That is what the body is given, and what else of the state its effects and promises depend on. 2 and 2.0 are the
    same number, and the order of a record's entries does not count: so it is in JSON.
    """
    scope = _scope(contract, situation.state, situation.arguments)
    terms = [effect.value for effect in contract.effects]
    terms += [effect.target for effect in contract.effects if effect.kind not in ("assign", "delete")]
    beside = {}
    for lookup in lookups((*terms, *contract.ensures)):
        with suppress(Undefined, HtnError):
            beside[str(lookup)] = lookup.worth(scope)
    return repr(even([given_in(contract, situation), beside]))


def even(value: Any) -> Any:
    """Return a value as JSON means it: whole numbers as integers, entries in the order of their names."""
    value = plain(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [even(part) for part in value]
    if isinstance(value, dict):
        return {key: even(value[key]) for key in sorted(value)}
    return value


def refused(
    contract: Contract, variables: Mapping[str, StateVariable], good: Sequence[Situation]
) -> list[tuple[Condition, Situation]]:
    """Return, for each precondition, a situation that differs from a good one in breaking it."""
    found: list[tuple[Condition, Situation]] = []
    for condition in contract.preconditions:
        opposite = Condition(condition.left, _OPPOSITE[condition.comparison], condition.right)
        for situation in good:
            state, arguments = situation.state.copy(), list(situation.arguments)
            try:
                _establish(opposite, contract, state, arguments, variables)
            except (CannotBeMade, Undefined, HtnError):
                continue
            found.append((condition, Situation(state, tuple(arguments))))
            break
    return found


def _known(situation: Situation) -> Situation:
    """Return the situation without what only execution can know."""
    state = situation.state.copy()
    for name in list(state):
        value = getattr(state, name)
        if isinstance(value, dict):
            for key in [key for key, part in value.items() if _holds_unknown(part)]:
                del value[key]
        elif _holds_unknown(value):
            delattr(state, name)
    return Situation(state, situation.arguments)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_unknown, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_unknown, value))
    return isinstance(value, Unknown)


def _build(
    contract: Contract, variables: Mapping[str, StateVariable], base: Situation | None, row: Mapping[str, Any]
) -> Situation | None:
    state = base.state.copy() if base else State()
    drawn = [row[_PARAMETER + p.name] for p in contract.parameters]
    # Names in the state are what arguments usually are, so a base keeps its own; other arguments vary.
    arguments = [
        base.arguments[at] if base and p.type.kind in ("string", "any") and not _holds_unknown(base.arguments[at])
        else drawn[at]
        for at, p in enumerate(contract.parameters)
    ]  # fmt: skip
    try:
        _place_reads(contract, state, arguments, row)
        _begin(contract, state, arguments, variables)
        for condition in contract.preconditions:
            _establish(condition, contract, state, arguments, variables)
        if refuse(contract, state, arguments) is None:
            return Situation(state, tuple(arguments))
    except (CannotBeMade, Undefined, HtnError):
        pass
    return None


def _place_reads(contract: Contract, state: State, arguments: Sequence[Any], row: Mapping[str, Any]) -> None:
    """Put what is read where it is read from; one place may be named by what stands at another, so that goes first."""
    waiting = list(contract.reads)
    while waiting:
        later = []
        for reading in waiting:
            try:
                place(reading.source, row[_READ + reading.name], _scope(contract, state, arguments))
            except Undefined:
                later.append(reading)
        if len(later) == len(waiting):
            raise CannotBeMade(f"{later[0].source} is at a place that is not known")
        waiting = later


def _begin(contract: Contract, state: State, arguments: Sequence[Any], variables: Mapping[str, StateVariable]) -> None:
    """Put something where an effect adds to what is there, and nothing is: nothing can be added to nothing."""
    for effect in contract.effects:
        if effect.kind not in ("increase", "decrease", "add"):
            continue
        scope = _scope(contract, state, arguments)
        try:
            effect.target.worth(scope)
        except Undefined:
            declared = variables.get(effect.target.variable)
            simplest = _simplest(declared.type) if declared else None
            place(effect.target, simplest if simplest is not None else [] if effect.kind == "add" else 0, scope)


def _scope(contract: Contract, state: State, arguments: Sequence[Any]) -> Scope:
    bound = {p.name: argument for p, argument in zip(contract.parameters, arguments, strict=True)}
    scope = Scope(state, bound)
    reads = {}
    for reading in contract.reads:
        try:
            reads[reading.name] = reading.source.worth(scope)
        except Undefined:
            continue
    return Scope(state, bound, reads)


def place(term: Term, value: Any, scope: Scope) -> None:
    """Change the state so that `term` is worth `value`, making the maps on the way to it."""
    if isinstance(term, Lookup) and term.key:
        if term.variable not in scope.state:
            setattr(scope.state, term.variable, {})
        held = getattr(scope.state, term.variable)
        if not isinstance(held, dict):
            raise CannotBeMade(f"{term.variable} is one plain value")
        held[term.at(scope)[1]] = value
    elif isinstance(term, Entry):
        try:
            holder = own_copy(term.of.worth(scope), "a situation")
        except Undefined:
            holder = {}
        key = term.key.worth(scope)
        try:
            holder[key] = value  # type: ignore[index]  # a holder without entries raises, and is reported
        except (TypeError, IndexError) as error:
            raise CannotBeMade(f"{term} cannot be set") from error
        place(term.of, holder, scope)
    elif isinstance(term, Lookup):
        setattr(scope.state, term.variable, value)
    else:
        raise CannotBeMade(f"{term} cannot be set")


def _establish(
    condition: Condition,
    contract: Contract,
    state: State,
    arguments: list[Any],
    variables: Mapping[str, StateVariable],
) -> None:
    scope = _scope(contract, state, arguments)
    if condition.refuse(scope) is None:
        return
    if condition.comparison in ("in", "not in"):
        _set_membership(condition, contract, scope, arguments, variables)
    else:
        _set_relation(condition, contract, scope, arguments)
    if condition.refuse(_scope(contract, state, arguments)) is not None:
        raise CannotBeMade(f"{condition} cannot be made to hold")


def _put(term: Term, value: Any, contract: Contract, scope: Scope, arguments: list[Any]) -> None:
    """Make `term` worth `value`: an argument, what a read stands for, or a place in the state."""
    if isinstance(term, Argument):
        arguments[[p.name for p in contract.parameters].index(term.name)] = value
    elif isinstance(term, Read):
        place(next(r.source for r in contract.reads if r.name == term.name), value, scope)
    else:
        place(term, value, scope)


def _set_membership(
    condition: Condition,
    contract: Contract,
    scope: Scope,
    arguments: list[Any],
    variables: Mapping[str, StateVariable],
) -> None:
    member, wanted = condition.left.worth(scope), condition.comparison == "in"
    # `x in table` asks for an entry of a state variable; `x in table[file]` for one of what stands there.
    whole = condition.right.variable if isinstance(condition.right, Lookup) and not condition.right.key else None
    try:
        holder = own_copy(condition.right.worth(scope), "a situation")
    except Undefined:
        holder = [] if whole is None else {}
    try:
        if isinstance(holder, dict):
            if wanted:
                holder[member] = _simplest(variables[whole].type if whole and whole in variables else ANY)
            else:
                holder.pop(member, None)
        elif isinstance(holder, (list, tuple, set, frozenset)):
            kept = [part for part in holder if part != member]
            holder = type(holder)([*kept, member] if wanted else kept)
        else:
            raise CannotBeMade(f"{condition.right} holds nothing")
    except TypeError as error:
        raise CannotBeMade(f"{condition.right} cannot hold {condition.left}") from error
    _put(condition.right, holder, contract, scope, arguments)


def _simplest(type_: Type) -> Any:
    rows = draw({"value": type_}, 1, 0)
    return rows[0]["value"] if rows else None


def _set_relation(condition: Condition, contract: Contract, scope: Scope, arguments: list[Any]) -> None:
    """Set one side so that the comparison holds: the first side that can be set, to the first value that does."""
    for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
        try:
            bound = other.worth(scope)
        except Undefined:
            continue
        near = [bound, bound + 1, bound - 1] if type(bound) in (int, float) else [bound, None, "", "other"]
        for value in near:
            try:
                _put(side, value, contract, scope, arguments)
            except CannotBeMade:
                break
            if condition.refuse(_scope(contract, scope.state, arguments)) is None:
                return
    raise CannotBeMade(f"{condition} cannot be made to hold")
