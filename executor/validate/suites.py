"""Tests that were written from the specification alone: what they assert of an operator, and what is wrong with them.

A test names the arguments, what the body would read, and the outputs that it expects. What it asserts is compared as
what the contract makes of these outputs: the places of the state that change. So a user's example, which names those
places, is a test like any other, by a writer of its own.

A test whose input is not of the declared types, or does not satisfy the preconditions, asserts nothing: the operator
is never run there. It is left out and counted.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from executor.validate.differ import place_name
from executor.validate.situations import Situation, even, situation_of
from htn.contract import Contract, Undefined, broken_promise, changes, refuse, scope_of
from htn.domain import Example, StateVariable
from htn.errors import HtnError
from htn.state import State
from htn.values import plain, show

USER = "the user"
_MOST_DEPTH = 32
_MOST_BYTES = 100_000
_WHOLE = 100_000  # characters of a key: a place whose name is cut could be taken for another


@dataclass(frozen=True)
class Written:
    """A test as its writer put it: values by the names of parameters, reads and outputs."""

    arguments: Mapping[str, Any]
    reads: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Test:
    """An input that satisfies the preconditions, and what it is said to change, place by place."""

    __test__ = False  # no test of pytest's

    situation: Situation
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Suite:
    """The tests of one writer. `model` is who wrote it; `dropped` says why others of its tests assert nothing."""

    writer: str
    model: str
    tests: tuple[Test, ...]
    dropped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the suite as the evidence keeps it: who asserted what."""
        return {
            "writer": self.writer,
            "model": self.model,
            "tests": [
                {"arguments": [show(a, 200) for a in t.situation.arguments], "changes": show(dict(t.changes), 400)}
                for t in self.tests
            ],
            "dropped": len(self.dropped),
        }


def suite_of(
    contract: Contract, variables: Mapping[str, StateVariable], tests: Sequence[Written], *, writer: str, model: str
) -> Suite:
    """Return what these tests assert of a contract."""
    kept: list[Test] = []
    dropped: list[str] = []
    for written in tests:
        try:
            kept.append(_test(contract, variables, written))
        except (HtnError, Undefined, ValueError) as error:
            dropped.append(str(getattr(error, "message", error))[:200])
    return Suite(writer, model, tuple(kept), tuple(dropped))


def users_suite(contract: Contract, examples: Sequence[Example]) -> Suite:
    """Return the user's examples as a suite: what each names changes, and nothing else does."""
    kept: list[Test] = []
    dropped: list[str] = []
    for example in examples:
        situation = Situation(State(example.given), example.arguments)
        try:
            if why := refuse(contract, situation.state, situation.arguments):
                raise ValueError(why)
            after = _as_before(contract, situation) | example.changes()
        except (HtnError, Undefined, ValueError) as error:
            dropped.append(str(getattr(error, "message", error))[:200])
        else:
            kept.append(Test(situation, places(after)))
    return Suite(USER, USER, tuple(kept), tuple(dropped))


def places(after: Mapping[tuple[str, Any], Any]) -> dict[str, Any]:
    """Return what changes, by the place as a contract writes it; what is gone afterwards is None."""
    return {
        place_name(variable, _key(key), _WHOLE): None if value is State.ABSENT else plain(value)
        for (variable, key), value in after.items()
    }


def _key(key: Any) -> Any:
    """Return a key with its numbers as JSON means them: a state has one place for 2 and 2.0."""
    return tuple(map(even, key)) if isinstance(key, tuple) else even(key)


def _as_before(contract: Contract, situation: Situation) -> dict[tuple[str, Any], Any]:
    """Return what stands at the places that the effects change: an example says that what it does not name stays so."""
    scope = scope_of(contract, situation.state, situation.arguments)
    before: dict[tuple[str, Any], Any] = {}
    for effect in contract.effects:
        with suppress(Undefined, HtnError):  # a place that only the body's outputs name
            at = effect.target.at(scope)
            before[at] = situation.state.look_up(*at)
    return before


def _test(contract: Contract, variables: Mapping[str, StateVariable], written: Written) -> Test:
    _check(written)
    asked = {p.name for p in contract.parameters}, {r.name for r in contract.reads}
    given = set(written.arguments), set(written.reads)
    if asked != given:
        raise ValueError(f"it gives {sorted(given[0] | given[1])}, not {sorted(asked[0] | asked[1])}")
    situation = situation_of(contract, variables, written.arguments, written.reads)
    if situation is None:
        raise ValueError("its input does not satisfy the types and preconditions")
    scope = scope_of(contract, situation.state, situation.arguments)
    scope = replace(scope, outputs=dict(written.outputs))
    if why := broken_promise(contract, scope):
        raise ValueError(f"what it expects breaks the contract: {why}")
    return Test(situation, places(changes(contract, scope)))


def _check(written: Written) -> None:
    """Raise ValueError where a value cannot be given to a body, or is larger than any sensible test's."""
    values = [dict(written.arguments), dict(written.reads), dict(written.outputs)]
    if _deeper(values, _MOST_DEPTH):
        raise ValueError(f"a value of it is nested more than {_MOST_DEPTH} levels deep")
    # ValueError: a number that is none or has thousands of digits, half of a surrogate pair.
    size = len(json.dumps(values, allow_nan=False, ensure_ascii=False).encode())
    if size > _MOST_BYTES:
        raise ValueError(f"its values take {size:,} bytes, more than {_MOST_BYTES:,}")


def _deeper(value: Any, depth: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(_deeper(part, depth - 1) for part in parts)
