"""Watch the uses of learned operators: count them, promote, demote, and keep what went wrong as a test.

| what is seen               | the entry                                 | what depends on it                       |
|----------------------------|-------------------------------------------|------------------------------------------|
| a clean use, on probation  | trusted, after so many different inputs   | stays                                    |
| a clean use, otherwise     | stays, and it is counted                  | stays                                    |
| a use that broke a promise | quarantined, and no use brings it back    | trusted goes back to probation           |
| it was retired             | retired                                   | trusted goes back to probation           |

What depends on it and is pinned stays, and is told of it in its evidence.

An entry that goes back to probation begins anew: what it was used on before does not count. One that was pinned while
it was trusted is on probation when it is unpinned.

The inputs on which some version was wrong are kept with the **name**, so they outlive the version, and every later
candidate can be tried on them. They are inputs and no expectations: what is right there the contract says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executor.deeds import Event
from executor.inputs import read_inputs
from executor.probation import PROBATION, may_be_promoted
from executor.store import Promotion, PutBack, Store, Use, digest
from htn.errors import HtnError, UsageError, visible
from htn.state import State

MOST_INPUTS = 20
PROMOTE_AFTER = 20
_MOST_INPUT = 50_000  # characters
_MOST_COUNTEREXAMPLE = 100_000
_MOST_DETAIL = 2_000
_MOST_WHY = 500


@dataclass(frozen=True)
class KeptCounterexample:
    """An input on which a version of a name was wrong: what it saw of the state, its arguments, what was wrong.

    `origin` says who found it: a use, a rung of the ladder, or an import. `version` is "" where it never was admitted.
    """

    state: State
    arguments: tuple[Any, ...]
    detail: str
    origin: str
    version: str
    inputs: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored, and as it travels."""
        return {"inputs": dict(self.inputs), "detail": self.detail, "origin": self.origin, "version": self.version}

    @classmethod
    def read(cls, data: Any) -> "KeptCounterexample":
        """Return what `to_json` wrote. UsageError where it is something else."""
        match data:
            case {"inputs": dict(inputs), "detail": str(detail), "origin": str(origin), "version": str(version)}:
                state, arguments = read_inputs(inputs)
                return cls(state, arguments, detail[:_MOST_DETAIL], origin[:_MOST_WHY], version[:64], inputs)
        raise UsageError(f"this is no counterexample: {data!r:.60}")


class Watch:
    """What is done with what is seen of the uses of a library's entries."""

    def __init__(self, store: Store, promote_after: int = PROMOTE_AFTER) -> None:
        self._store = store
        self._watched = store.watched()
        self._after = promote_after

    def used(self, version: str, inputs: Mapping[str, Any] | None) -> bool:
        """Count a clean use of a version; return whether it made the version trusted.

        Its inputs are kept where they are few, for comparisons with other versions. A use whose inputs cannot be told
        counts as a use, and not towards a promotion.
        """
        text = "" if inputs is None else json.dumps(inputs)
        kept = text if len(text) <= _MOST_INPUT else ""
        told = "" if inputs is None else _digest(inputs)
        done = self._watched.used(
            version, kept, digest=told, most=MOST_INPUTS, promotion=self._promotion(version, None)
        )
        if done is not Use.DUE:
            return False
        records = [json.loads(record) for record in self._store.evidence(version)]
        allowed = self._promotion(version, None if may_be_promoted(records) else len(records))
        again = self._watched.used(version, "", digest=told, most=MOST_INPUTS, promotion=allowed, counted=True)
        return again is Use.PROMOTED

    def demote(
        self, domain: str, name: str, version: str, reason: Mapping[str, Any], inputs: Mapping[str, Any] | None
    ) -> None:
        """Take a version out of plans that broke its contract, and what depends on it back to probation."""
        detail = visible(str(reason.get("detail", "")), lines=True)[:_MOST_DETAIL]
        record = {"rung": "use", "name": "demoted", "passed": False, **reason, "detail": detail}
        kept = _written(inputs, detail, "use", version) if inputs is not None else ""
        short = visible(detail.partition("\n")[0])
        event = Event(kind="demoted", version=version, who="the host", why=short[:_MOST_WHY])
        self._watched.demote(
            domain, name, version, level="quarantined", stays="retired", record=json.dumps(record),
            event=event.text(), counterexample=kept, digest=_digest(inputs or {}),
            back=put_back(name, version, f"was demoted: {short}"),
        )  # fmt: skip

    def keep(
        self, domain: str, name: str, inputs: Mapping[str, Any], detail: str, origin: str, version: str = ""
    ) -> bool:
        """Keep a counterexample with a name; return whether it was small enough. UsageError where it is no input."""
        read_inputs(inputs)
        text = _written(inputs, visible(detail, lines=True)[:_MOST_DETAIL], origin, version)
        if text:
            self._watched.keep_counterexample(domain, name, text, _digest(inputs))
        return bool(text)

    def counterexamples(self, domain: str, name: str) -> list[KeptCounterexample]:
        """Return the counterexamples of a name, oldest first; what cannot be read is left out."""
        found = []
        for text in self._watched.counterexamples(domain, name):
            try:
                found.append(KeptCounterexample.read(json.loads(text)))
            except (HtnError, ValueError, RecursionError):
                continue
        return found

    def _promotion(self, version: str, records: int | None) -> Promotion:
        """Return what a promotion is; `records` is the size of the evidence that allows it, None where none is known.

        Evidence is read only once a promotion is due: most uses cost one write.
        """
        detail = f"used on {self._after} different inputs, and it kept its contract"
        record = {"rung": PROBATION, "name": "probation", "passed": True, "detail": detail, "trials": self._after}
        event = Event(kind="promoted", version=version, who="the host", why=detail)
        return Promotion(self._after, "probation", "trusted", json.dumps(record), event.text(), records)


def put_back(name: str, version: str, what: str) -> PutBack:
    """Return what becomes of the versions that depend on one that goes down; `what` says what became of it."""
    cause = f"{name} {version[:12]}, which it names, {visible(what)}"[:_MOST_WHY]
    record = {"rung": "use", "name": "put back", "passed": False, "detail": cause, "cause": version}
    note = record | {"name": "kept", "detail": f"pinned, so it stays; {cause}"}
    event = Event(kind="put back", version="{version}", who="the host", why=cause)
    return PutBack("trusted", "probation", "pinned", json.dumps(record), json.dumps(note), event.text())


def _written(inputs: Mapping[str, Any], detail: str, origin: str, version: str) -> str:
    """Return a counterexample as it is stored, or "" for one that is too large."""
    said = {"inputs": dict(inputs), "detail": detail, "origin": origin[:_MOST_WHY], "version": version}
    text = json.dumps(said)
    return text if len(text) <= _MOST_COUNTEREXAMPLE else ""


def _digest(inputs: Mapping[str, Any]) -> str:
    """Return the hash of inputs: the same whatever the order of the entries of a mapping."""
    return digest(json.dumps(_sorted(inputs, "state" in inputs), sort_keys=True))


def _sorted(value: Any, whole: bool = False) -> Any:
    """Return inputs with the pairs of each mapping in order; those of a state may be mappings written as lists."""
    if isinstance(value, list):
        return [_sorted(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    parts = {key: _sorted(part) for key, part in value.items()}
    if whole and isinstance(parts["state"], dict):
        parts["state"] = {
            name: sorted(held, key=repr) if isinstance(held, list) else held for name, held in parts["state"].items()
        }
    if parts.keys() == {"$map"} and isinstance(parts["$map"], list):
        parts["$map"] = sorted(parts["$map"], key=repr)
    return parts
