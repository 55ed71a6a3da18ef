"""Use a contract on a state: may it be applied, what does the body get, what must have changed afterwards."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from htn.contract.conditions import rounding_noise
from htn.contract.contract import Contract
from htn.contract.terms import Scope, Undefined
from htn.errors import NeedsValue, UsageError
from htn.state import State
from htn.unknown import Unknown, has_unknown
from htn.values import plain, show

# What the body of a contract returns in a state for some arguments, by name; None where that is not known.
Outputs: TypeAlias = Callable[[State, tuple[Any, ...]], Mapping[str, Any] | None]
# The same for the version of an entry and its contract.
Evaluate: TypeAlias = Callable[[str, Contract, State, tuple[Any, ...]], Mapping[str, Any] | None]

ROUNDING = 1e-9  # relative; floating-point results that differ by less are the same result


def bind(contract: Contract, arguments: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments by parameter name. UsageError when their number is wrong."""
    if len(arguments) != len(contract.parameters):
        raise UsageError(
            f"{contract.name} takes {len(contract.parameters)} arguments, not {len(arguments)}",
            hints=(contract.signature,),
        )
    return {p.name: argument for p, argument in zip(contract.parameters, arguments, strict=True)}


def scope_of(contract: Contract, state: State, arguments: Sequence[Any]) -> Scope:
    """Return the scope in which the contract's conditions are worth something.

    A value that only execution can know is an `Unknown` in it. Undefined when the body would read what is absent.
    """
    bound = bind(contract, arguments)
    scope = Scope(state, bound)
    reads: dict[str, Any] = {}
    for reading in contract.reads:
        try:
            reads[reading.name] = reading.source.worth(scope)
        except NeedsValue:
            reads[reading.name] = Unknown(str(reading.source))
    return Scope(state, bound, reads)


def refuse(contract: Contract, state: State, arguments: Sequence[Any]) -> str | None:
    """Return why the contract does not apply here, with the values, or None when it does.

    Checks the types of what is known, that everything the body reads is there, and the preconditions.
    """
    try:
        scope = scope_of(contract, state, arguments)
    except Undefined as missing:
        return f"{contract.name} reads what is not there: {missing}"
    typed = [(p.name, p.type, scope.arguments[p.name]) for p in contract.parameters]
    typed += [(r.name, r.type, scope.reads[r.name]) for r in contract.reads]
    for name, type_, value in typed:
        if not isinstance(value, Unknown) and (why := type_.refuse(plain(value), name)):
            return why
    return next((why for c in contract.preconditions if (why := c.refuse(scope))), None)


def changes(contract: Contract, scope: Scope) -> dict[tuple[str, Any], Any]:
    """Return what the effects say the state holds afterwards, by (variable, key).

    `State.ABSENT` stands where an entry is gone. Undefined when an effect has no value in this scope.
    """
    after: dict[tuple[str, Any], Any] = {}
    for effect in contract.effects:
        after[effect.target.at(scope)] = effect.after(scope, after)
    return after


def noise_of(contract: Contract, scope: Scope) -> dict[tuple[str, Any], float]:
    """Return by how much rounding alone may shift what the effects add up, by (variable, key)."""
    noise: dict[tuple[str, Any], float] = {}
    for effect in contract.effects:
        if effect.kind in ("increase", "decrease") and effect.value is not None:
            place = effect.target.at(scope)
            added = rounding_noise(effect.target.worth(scope), effect.value.worth(scope))
            noise[place] = noise.get(place, 0.0) + added
    return noise


def write(state: State, after: Mapping[tuple[str, Any], Any]) -> None:
    """Make the state hold `after`, a map as `changes` returns it."""
    for (variable, key), value in after.items():
        if key is None:
            if value is not State.ABSENT:
                setattr(state, variable, value)
            elif variable in state:
                delattr(state, variable)
            continue
        if variable not in state:
            setattr(state, variable, {})
        held = getattr(state, variable)
        if not isinstance(held, dict):
            raise UsageError(f"state.{variable} is one plain value, so it has no entry for {show(key)}")
        if value is State.ABSENT:
            held.pop(key, None)
        else:
            held[key] = value


def broken_promise(contract: Contract, scope: Scope) -> str | None:
    """Return what the outputs in `scope` break, a declared type or an `ensures`, or None when they keep all."""
    outputs = scope.outputs or {}
    declared = {output.name for output in contract.outputs}
    if extra := sorted(set(outputs) - declared):
        return f"the body returned {extra[0]!r}, which the contract does not declare"
    for output in contract.outputs:
        if output.name not in outputs:
            return f"the body returned no {output.name!r}"
        if why := output.type.refuse(outputs[output.name], f"output.{output.name}"):
            return why
    return next((why for c in contract.ensures if (why := c.refuse(scope, ROUNDING))), None)


def model_of(contract: Contract, outputs: Outputs | None = None) -> Callable[..., State | None]:
    """Return the contract as the planner uses it: a function that changes the state, or None where it refuses.

    `outputs` says what the body returns in a state for arguments, or None where it does not: then that is unknown. It
    is only asked where all that the body gets is known.
    """

    def apply(state: State, *arguments: Any) -> State | None:
        if refuse(contract, state, arguments):
            return None
        try:
            scope = scope_of(contract, state, arguments)
            if outputs is not None:
                scope = _with_outputs(contract, scope, outputs)
            after = changes(contract, scope)
        except Undefined:
            return None
        write(state, after)
        return state

    apply.__doc__ = contract.description or contract.signature
    apply.__name__ = contract.name
    return apply


def _with_outputs(contract: Contract, scope: Scope, outputs: Outputs) -> Scope:
    """Return the scope with what the body returns, where that can be said and keeps the contract."""
    if any(map(has_unknown, [*scope.arguments.values(), *scope.reads.values()])):
        return scope
    found = outputs(scope.state, tuple(scope.arguments.values()))
    if found is None:
        return scope
    known = Scope(scope.state, scope.arguments, scope.reads, found)
    return scope if broken_promise(contract, known) else known


def describe_changes(after: Mapping[tuple[str, Any], Any], most: int | None = None) -> str:
    """Return changes as a person reads them, at most `most` of them."""
    rows = [
        f"{variable}{'' if key is None else f'[{show(key)}]'} = {'gone' if value is State.ABSENT else show(value)}"
        for (variable, key), value in islice(after.items(), most)
    ]
    left = len(after) - len(rows)
    return "; ".join([*rows, *([f"and {left:,} more places"] if left else [])]) or "nothing"
