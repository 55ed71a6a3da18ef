"""What a rung of the ladder found out, and what all of them together allow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.told import shortened
from htn.state import State

_MOST_SAID = 2_000
_UNDECIDED = ("undecided", "outvoted")
_TRUSTED = frozenset({5, 6, 7, 8, 9})


@dataclass(frozen=True)
class Counterexample:
    """One input on which a body is wrong, as small as it was found."""

    arguments: tuple[Any, ...]
    given: Mapping[str, Any]
    expected: str
    got: str
    state: State | None = field(default=None, compare=False, repr=False)
    """The whole state in which it happened, where it is known: what is kept to try later bodies on."""

    def __str__(self) -> str:
        rows = [f"input:    {_brief(self.given)}"]
        if self.expected:
            rows.append(f"expected: {shortened(self.expected, _MOST_SAID)}")
        return "\n".join([*rows, f"got:      {shortened(self.got, _MOST_SAID)}"])


@dataclass(frozen=True)
class Evidence:
    """The result of one rung: what was done, how often, and what came out."""

    rung: int
    name: str
    passed: bool
    detail: str
    trials: int = 0
    seconds: float = 0.0
    level: str = ""
    runs_on: str = ""
    """What the body ran on, by content (`Sandbox.runs_on`); empty where it did not run."""
    counterexample: Counterexample | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mendable(self) -> bool:
        """Whether another body could pass this rung: not where the contract cannot be tried at all."""
        return self.passed or self.data.get("category") not in ("precondition", *_UNDECIDED)

    @property
    def undecided(self) -> bool:
        """Whether this says that the evidence does not suffice, and not that the body is wrong."""
        return not self.passed and self.data.get("category") in _UNDECIDED

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as JSON."""
        record: dict[str, Any] = {
            "rung": self.rung,
            "name": self.name,
            "passed": self.passed,
            "detail": shortened(self.detail, _MOST_SAID),
            "trials": self.trials,
            "seconds": round(self.seconds, 4),
        }
        if self.level:
            record["sandbox"] = self.level
        if self.runs_on:
            record["runs_on"] = self.runs_on
        if self.counterexample:
            record["counterexample"] = str(self.counterexample)
        return record | dict(self.data)


@dataclass(frozen=True)
class Verdict:
    """What the ladder says about a candidate: how far it came, and why not further."""

    evidence: tuple[Evidence, ...]

    @property
    def passed(self) -> bool:
        """Whether no rung found the body wrong."""
        return self.failed is None

    @property
    def failed(self) -> Evidence | None:
        """The rung that found the body wrong, or None."""
        return next((e for e in self.evidence if not e.passed and not e.undecided), None)

    @property
    def undecided(self) -> Evidence | None:
        """The rung at which the evidence did not suffice, or None."""
        return next((e for e in self.evidence if e.undecided), None)

    def trust(self) -> str:
        """Return the level that this evidence is good for.

        Rungs 0 to 4 alone: quarantined, good for this one request. With rung 8, and an example of the user's that was
        run or independent tests (rung 5): probation, usable in plans. With rungs 5 to 9: trusted.
        """
        if not self.passed:
            return "quarantined"
        bought = {e.rung for e in self.evidence if e.passed and (e.trials or e.data.get("determined"))}
        tested = {e.rung for e in self.evidence if e.passed and e.trials} & {4, 5}
        if bought >= _TRUSTED and tested:
            return "trusted"
        return "probation" if 8 in bought and tested else "quarantined"


def _brief(given: Mapping[str, Any]) -> str:
    return shortened(", ".join(f"{name} = {value!r}" for name, value in given.items()), 1_000)
