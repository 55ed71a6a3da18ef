"""The tests that an entry was tried on, so that they can be run again: inputs, what changes, and who says so.

They come from three places. What independent writers assert stands in the evidence of rung 5, as `record` writes it.
The user's examples are part of the entry. The inputs on which some version was wrong are kept with the name (see
watch), and expect nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from executor.inputs import inputs_of, read_inputs
from htn.contract import Contract
from htn.domain import Example
from htn.errors import HtnError, UsageError
from htn.state import State
from htn.values import from_json, hashable, to_json

if TYPE_CHECKING:
    from executor.validate import Suite

FIELD = "asserted"
"""Under this name the tests stand in the evidence."""
MOST = 50
_MOST_TEST = 10_000  # characters
_MOST_WRITERS = 20
_MOST_NAME = 200


@dataclass(frozen=True)
class KeptTest:
    """What writers assert of one use of an operator.

    `inputs` are its arguments and what it sees of the state, as `inputs_of` writes them. `expected` says what every
    place holds that changes, by the place as a contract writes it, None for what is gone; nothing else changes.
    `origin` names who says so, each once: "the user", or a model and the number of its suite.
    """

    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    origin: tuple[str, ...]

    @property
    def given(self) -> tuple[State, tuple[Any, ...]]:
        """The state and the arguments."""
        return read_inputs(self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"inputs": dict(self.inputs), "expected": dict(self.expected), "origin": list(self.origin)}

    @classmethod
    def read(cls, data: Any) -> "KeptTest":
        """Return what `to_json` wrote. UsageError where it is something else."""
        match data:
            case {"inputs": dict(inputs), "expected": dict(expected), "origin": [*origin]} if origin:
                read_inputs(inputs)
                return cls(inputs, expected, tuple(str(name)[:_MOST_NAME] for name in origin[:_MOST_WRITERS]))
        raise UsageError(f"this is no test: {data!r:.60}")


def kept_of(contract: Contract, suites: "Sequence[Suite]") -> list[KeptTest]:
    """Return the tests of suites, those in front that most writers assert. What cannot be written is left out."""
    found = []
    for suite in suites:
        for test in suite.tests:
            inputs = inputs_of(contract, test.situation.state, test.situation.arguments)
            if inputs is None:
                continue
            try:
                expected: Any = to_json(dict(test.changes), "what a test expects")
            except UsageError:
                continue
            found.append(KeptTest(inputs, expected, (suite.writer,)))
    return together(found)


def record(contract: Contract, suites: "Sequence[Suite]") -> dict[str, Any]:
    """Return the tests of suites as data of the evidence of rung 5."""
    return {FIELD: [test.to_json() for test in kept_of(contract, suites)]}


def asserted_in(evidence: Iterable[Mapping[str, Any]]) -> list[KeptTest]:
    """Return the tests that stand in evidence; what is no test, or not a test any more, is left out."""
    found = []
    for row in evidence:
        kept = row.get(FIELD)
        for data in kept if isinstance(kept, list) else []:
            with suppress(HtnError):
                found.append(KeptTest.read(data))
    return together(found)


def asserted_by_the_user(contract: Contract, examples: Iterable[Mapping[str, Any]]) -> list[KeptTest]:
    """Return the examples of an entry as tests; what cannot be read is left out."""
    from executor.validate import users_suite  # noqa: PLC0415 - a plan reads the library and needs no ladder

    found = []
    for data in examples:
        with suppress(HtnError):
            found.append(read_example(contract.name, data))
    return kept_of(contract, [users_suite(contract, found)])


def together(tests: Iterable[KeptTest]) -> list[KeptTest]:
    """Return each test once, with all who assert it: the user's first, then what most writers say; at most `MOST`."""
    from executor.validate import USER  # noqa: PLC0415 - as above

    origins: dict[str, tuple[KeptTest, dict[str, None]]] = {}
    for test in tests:
        text = json.dumps([test.inputs, test.expected], sort_keys=True)
        if len(text) <= _MOST_TEST:
            origins.setdefault(text, (test, {}))[1].update(dict.fromkeys(test.origin))
    merged = [KeptTest(test.inputs, test.expected, tuple(names)) for test, names in origins.values()]
    return sorted(merged, key=lambda test: (USER not in test.origin, -len(test.origin)))[:MOST]


def read_example(name: str, data: Mapping[str, Any]) -> Example:
    """Return the example that `Example.to_json` wrote. UsageError where it is something else."""
    try:
        given, then = State.from_json(data["given"]).__dict__, dict(State.from_json(data["then"]).__dict__)
        for variable, key in data.get("gone", []):
            if key is None:
                then[variable] = State.ABSENT
            else:
                then[variable] = {**then.get(variable, {}), hashable(from_json(key)): State.ABSENT}
        arguments = from_json(data["arguments"], f"an example of {name}")
        if not isinstance(arguments, list):
            raise UsageError(f"an example of {name} has no list of arguments")
        return Example(name, tuple(arguments), dict(given), then)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"an example of {name} cannot be read: {error!r:.100}") from error
