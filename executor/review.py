"""What a person sees before something that was learned is admitted, and what they can say to it.

With `approve = admit` or `always` nothing is admitted that nobody has agreed to. A `Reviewer` is
asked after the ladder and before the library:

| decision | what becomes of it                                                                                  |
|----------|-----------------------------------------------------------------------------------------------------|
| Admit    | it is admitted, at the level that the evidence is good for or at the one that the person names      |
| Reject   | it is not, and the same entry is not offered again                                                  |
| Again    | the note goes to the model as one more thing that is wrong with the body                            |
| Wait     | nobody could be asked: it is kept as a proposal (`executor.proposals`), and the gap stays open      |

A person's word is no evidence that a body is right: it may let a body that the evidence calls quarantined into plans,
on probation, and never makes anything trusted. Who decided, and why, is in the history of the name.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from executor.deeds import Event
from executor.entry import TRUST, Entry
from htn.errors import GapOpen, UsageError

if TYPE_CHECKING:
    from executor.history import History

_MOST_REASON = 500
_MOST_NOTE = 2_000
_UNDECIDED = ("undecided", "outvoted")  # categories of evidence that did not suffice, and says nothing against a body


@dataclass(frozen=True)
class Admit:
    """Let it in, at the level `trust` or, without one, at the level that is offered."""

    trust: str | None = None
    who: str = ""
    why: str = ""


@dataclass(frozen=True)
class Reject:
    """Do not let it in, and do not offer the same again."""

    reason: str
    who: str = ""


@dataclass(frozen=True)
class Again:
    """Let the model write another body, with this note."""

    note: str
    who: str = ""


@dataclass(frozen=True)
class Wait:
    """Nobody could be asked."""

    reason: str


Decision: TypeAlias = Admit | Reject | Again | Wait


class ApprovalNeeded(GapOpen):
    """Something was learned, or is to be run, and waits for a person's approval; the gap stays open until then."""

    code = "approval"
    exit_code = 8

    def __init__(
        self, message: str, *, where: str | None = None, hints: Sequence[str] = (),
        waits_for: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, where=where, hints=hints)
        self.waits_for = dict(waits_for or {})
        """What is waited for: `proposal` and its version, or `code` and its digest; and `name`."""


@dataclass(frozen=True)
class Review:
    """An entry that could be admitted, and what there is to know before: evidence, what it would replace, the way."""

    entry: Entry
    trust: str
    """The level that the evidence is good for."""
    evidence: tuple[Mapping[str, Any], ...] = ()
    """What the rungs found, as `Evidence.to_json` gives it; `attempt` says for which attempt."""
    previous: Entry | None = None
    """The entry that plans use so far."""
    history: "History | None" = None

    @property
    def diff(self) -> str:
        """How it differs from the entry that plans use, contract and body; empty without one."""
        return difference(self.previous, self.entry) if self.previous else ""

    def sections(self) -> list[tuple[str, list[str]]]:
        """Return what to show, in order: title and lines. The lines are hostile until they are made visible."""
        origin, promise = self.entry.provenance, self.entry.promise()
        words = [
            f"{self.entry.domain}.{self.entry.name}, offered: {self.trust}",
            *([promise.description] if promise.description else []),
            f"for {origin.task}, from {origin.model} in {origin.calls} calls, repairs: {origin.repairs}",
            f"version {self.entry.version}",
        ]
        return [
            ("proposal", words),
            ("contract", promise.lines()),
            (f"body ({self.entry.language})", _body(self.entry)),
            ("evidence", evidence_lines(self.evidence)),
            *([("attempts", self.history.lines())] if self.history and len(self.history.attempts) > 1 else []),
            *([("what is different", self.diff.split("\n"))] if self.diff else []),
        ]

    def lines(self) -> list[str]:
        """Return all of it as a person reads it. The lines are hostile until they are made visible."""
        return [line for title, rows in self.sections() for line in ("", title, *(f"  {row}" for row in rows))][1:]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as programs read it."""
        return {
            "version": self.entry.version,
            "name": f"{self.entry.domain}.{self.entry.name}",
            "trust": self.trust,
            "entry": self.entry.model_dump(mode="json"),
            "evidence": [dict(record) for record in self.evidence],
            "previous": self.previous.version if self.previous else None,
            "diff": self.diff,
            "history": self.history.to_json() if self.history else None,
        }


Reviewer: TypeAlias = Callable[[Review], Decision]


def difference(old: Entry, new: Entry) -> str:
    """Return how an entry differs from another, contract and body, as a unified diff; empty where it does not."""
    rows: list[str] = []
    for part, left, right in (("contract", _contract(old), _contract(new)), ("body", _body(old), _body(new))):
        names = f"{old.version[:12]} {part}", f"{new.version[:12]} {part}"
        rows += difflib.unified_diff(left, right, *names, lineterm="")
    return "\n".join(rows)


def evidence_lines(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return evidence as a person reads it, rung by rung, under the attempt that it belongs to."""
    rows: list[str] = []
    attempt, climbed = None, set[object]()
    for record in records:
        if record.get("attempt") != attempt:
            attempt, climbed = record.get("attempt"), set()
            rows.append(f"attempt {attempt}" if attempt else "in use")
        elif record["rung"] == 0 and 0 in climbed:
            climbed = set()
            rows.append(f"attempt {attempt}, tried again")
        climbed.add(record["rung"])
        sign = "✓" if record["passed"] else "?" if record.get("category") in _UNDECIDED else "✗"
        count = record.get("trials")
        trials = f"  ({count} trial{'' if count == 1 else 's'}, {record.get('sandbox')})" if count else ""
        rows.append(f"  {sign} rung {record['rung']}, {record['name']}: {record['detail']}{trials}")
        counterexample = record.get("counterexample")
        if isinstance(counterexample, str):
            rows += [f"      {line}" for line in counterexample.split("\n")]
    return rows


def level_of(decision: Admit, offered: str) -> str:
    """Return the level at which something is admitted. UsageError for one that a person's word is not enough for."""
    wanted = decision.trust or offered
    if wanted not in TRUST[1:] or TRUST.index(wanted) > max(TRUST.index(offered), TRUST.index("probation")):
        raise UsageError(
            f"the evidence is good for {offered}, so it cannot be admitted as {wanted!r:.40}",
            hints=("a person's word brings it to probation at most; pinning comes after: htn library pin",),
        )
    return wanted


def approval(decision: Admit, entry: Entry) -> tuple[Event, dict[str, Any]]:
    """Return the event for the history of the name and the record for the evidence, which say who agreed and why."""
    why, who = _short(decision.why) or "agreed", decision.who or "somebody"
    event = Event(kind="admitted", version=entry.version, who=who, why=f"{why}; for {entry.provenance.task}")
    return event, {"rung": "review", "name": "approved", "passed": True, "detail": f"{why} ({who})"}


def problem_of(decision: Again) -> str:
    """Return what is said to the model about a body that a person wants written again."""
    return f"The person who asked for it has looked at it and says: {decision.note.strip()[:_MOST_NOTE]}"


def needs_approval(task: str, version: str, reason: str) -> ApprovalNeeded:
    """Return the error that says that a proposal waits, and what to do with it."""
    return ApprovalNeeded(
        f"what was learned for {task} waits for approval: {reason}",
        hints=(
            f"see it: htn proposals show {version[:12]}",
            f"then: htn proposals admit {version[:12]} --why REASON, or reject",
        ),
        waits_for={"proposal": version, "name": task},
    )


def _short(text: str) -> str:
    return text.strip()[:_MOST_REASON]


def _contract(entry: Entry) -> list[str]:
    promise = entry.promise()
    return [promise.description, *promise.lines()]


def _body(entry: Entry) -> list[str]:
    return entry.code.expandtabs().strip("\n").split("\n")
