"""Tests that were written from the specification alone: what they assert of an operator, and what is wrong with them.

A test names the arguments, what the body would read, and the outputs that it expects. What it asserts is compared as
what the contract makes of these outputs: the places of the state that change. So a user's example, which names those
places, is a test like any other, by a writer of its own.

A test whose input is not of the declared types, or does not satisfy the preconditions, asserts nothing: the operator
is never run there. It is left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from executor.validate.differ import place_name
from executor.validate.situations import Situation, situation_of
from htn.contract import Contract, Scope, Undefined, broken_promise, changes, scope_of
from htn.domain import Example, StateVariable
from htn.errors import HtnError
from htn.state import State
from htn.values import plain, show

USER = "the user"


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
    kept = []
    for example in examples:
        situation = Situation(State(example.given), example.arguments)
        kept.append(Test(situation, places(example.changes())))
    return Suite(USER, USER, tuple(kept))


def places(after: Mapping[tuple[str, Any], Any]) -> dict[str, Any]:
    """Return what changes, by the place as a contract writes it; what is gone afterwards is None."""
    return {place_name(*at): None if value is State.ABSENT else plain(value) for at, value in after.items()}


def _test(contract: Contract, variables: Mapping[str, StateVariable], written: Written) -> Test:
    asked = {p.name for p in contract.parameters}, {r.name for r in contract.reads}
    given = set(written.arguments), set(written.reads)
    if asked != given:
        raise ValueError(f"it gives {sorted(given[0] | given[1])}, not {sorted(asked[0] | asked[1])}")
    situation = situation_of(contract, variables, written.arguments, written.reads)
    if situation is None:
        raise ValueError("its input does not satisfy the types and preconditions")
    scope = scope_of(contract, situation.state, situation.arguments)
    scope = Scope(scope.state, scope.arguments, scope.reads, dict(written.outputs))
    if why := broken_promise(contract, scope):
        raise ValueError(f"what it expects breaks the contract: {why}")
    return Test(situation, places(changes(contract, scope)))
