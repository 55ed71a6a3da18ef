"""Entries that wait for a person's approval, and those that were rejected.

A proposal is a whole entry with its evidence, kept under the version that it will have. No plan uses it, and it is no
version of its name, until somebody admits it. The `MOST` newest are kept. Rejecting is remembered by the version, which
is the content: the same body for the same contract and examples is not offered again.

What is read back is checked like anything from outside: its form, and that content and version agree.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.deeds import Event
from executor.entry import TRUST, Entry, specification
from executor.library import Library
from executor.review import Admit, Reject, Review, approval, level_of
from executor.store import Store
from htn.domain import Domain
from htn.errors import ExecutionError, HtnError, UsageError

MOST = 100
_MOST_REASON = 500
_LEAST_DIGITS = 4


class _Kept(BaseModel):
    """A proposal as it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: Entry
    trust: str
    evidence: list[dict[str, Any]]


class _Said(BaseModel):
    """What was said of a rejected version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    who: str
    why: str


@dataclass(frozen=True)
class Proposed:
    """A proposal in a list. `at` is when it was kept, in milliseconds since 1970; `problem` says what is wrong."""

    version: str
    at: int
    name: str = ""
    trust: str = ""
    description: str = ""
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        row = {"version": self.version, "at": self.at, "name": self.name, "trust": self.trust}
        return row | ({"damaged": self.problem} if self.problem else {})


class Proposals:
    """The proposals of one store, for one library."""

    def __init__(self, library: Library, store: Store) -> None:
        self._library = library
        self._waiting = store.waiting()

    def keep(self, entry: Entry, evidence: Sequence[Mapping[str, Any]], trust: str) -> str:
        """Keep an entry until a person decides; return its version. UsageError for one that was rejected before."""
        if trust not in TRUST:
            raise UsageError(f"{trust!r} is not a level of trust", hints=(f"levels: {', '.join(TRUST)}",))
        entry.operator()  # what could not be read back must not be offered
        kept = _Kept(entry=entry, trust=trust, evidence=[dict(record) for record in evidence])
        if not self._waiting.keep(entry.version, kept.model_dump_json(), most=MOST):
            raise UsageError(f"{entry.version[:12]} was rejected before: {self.rejected(entry.version)}")
        return entry.version

    def rejected(self, version: str) -> str | None:
        """Return why a version was rejected and by whom, or None for one that was not."""
        text = self._waiting.rejected(version)
        if text is None:
            return None
        try:
            said = _Said.model_validate_json(text)
        except ValidationError:
            return "what was said of it cannot be read"
        return f"{said.why} ({said.who})"

    def listed(self) -> list[Proposed]:
        """Return all proposals, the one that was kept first in front. One that is damaged is among them."""
        return [self._row(found.version, found.text, found.at) for found in self._waiting.all()]

    def version(self, beginning: str) -> str:
        """Return the version of the proposal that begins with these digits."""
        versions = [version for version, _ in self._waiting.versions()]
        found = [v for v in versions if v.startswith(beginning.lower())] if len(beginning) >= _LEAST_DIGITS else []
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{beginning} is the beginning of {len(found)} proposals", hints=("write more of it",))
        raise UsageError(f"no proposal begins with {beginning[:80]!r}", hints=("htn proposals list",))

    def review(self, beginning: str) -> Review:
        """Return a proposal as a person looks at it. ExecutionError for one that is damaged."""
        version = self.version(beginning)
        kept = _read(version, self._waiting.text(version) or "")
        return Review(kept.entry, kept.trust, tuple(kept.evidence), self._previous(kept.entry))

    def waiting_for(self, domain: Domain, name: str) -> Review | None:
        """Return the newest proposal for an operator as `domain` declares it, so that no model is asked anew; or None.

        One for another declaration or other examples answers another question.
        """
        wanted = specification(domain, name)
        for found in reversed(self._waiting.all()):
            try:
                kept = _read(found.version, found.text)
            except ExecutionError:
                continue
            entry = kept.entry
            if (entry.domain, entry.name, entry.specification) == (domain.name, name, wanted):
                return Review(entry, kept.trust, tuple(kept.evidence), self._previous(entry))
        return None

    def admit(self, beginning: str, decision: Admit) -> str:
        """Admit a proposal, with the person's word in its evidence; return the version.

        UsageError for a level that their word is not enough for, for a name that is pinned, and for a body that was
        demoted. Where the program dies in the middle, the proposal waits on, and admitting it again ends it.
        """
        found = self.review(beginning)
        entry, level = found.entry, level_of(decision, found.trust)
        if pinned := self._library.pinned(entry.domain, entry.name):
            raise UsageError(
                f"{entry.domain}.{entry.name} is pinned to {pinned[:12]}, so nothing else becomes current",
                hints=(f"let go of it first: htn library unpin {entry.domain}.{entry.name} --why REASON",),
            )
        if self._library.was_demoted(entry.version):
            raise UsageError(f"{entry.version[:12]} broke its contract in use before, and was demoted")
        event, record = approval(decision, entry)
        self._library.admit(entry, level, [*found.evidence, record], event=event)
        self._waiting.withdraw(entry.version)
        return entry.version

    def reject(self, beginning: str, decision: Reject) -> str:
        """Reject a proposal; return its version. One that is damaged is only taken away."""
        version = self.version(beginning)
        try:
            entry = _read(version, self._waiting.text(version) or "").entry
        except ExecutionError:
            self._waiting.withdraw(version)
            return version
        self.refuse(entry, decision)
        return version

    def refuse(self, entry: Entry, decision: Reject) -> None:
        """Remember that an entry was rejected, whether or not it waits, and say so in the history of its name."""
        why, who = decision.reason.strip()[:_MOST_REASON] or "no reason was given", decision.who or "somebody"
        event = Event(kind="rejected", version=entry.version, who=who, why=why)
        said = json.dumps({"who": who, "why": why})
        self._waiting.reject(entry.domain, entry.name, entry.version, said, event.text())

    def _previous(self, entry: Entry) -> Entry | None:
        current = self._library.current(entry.domain, entry.name)
        if current is None or current == entry.version:
            return None
        try:
            return self._library.entry(current)
        except HtnError:
            return None

    def _row(self, version: str, text: str, at: int) -> Proposed:
        try:
            kept = _read(version, text)
        except ExecutionError as error:
            return Proposed(version, at, problem=error.message)
        entry = kept.entry
        return Proposed(version, at, f"{entry.domain}.{entry.name}", kept.trust, entry.promise().description)


def _read(version: str, text: str) -> _Kept:
    try:
        kept = _Kept.model_validate_json(text)
        kept.entry.operator()
    except (ValidationError, HtnError) as error:
        raise ExecutionError(
            f"the proposal {version[:12]} is damaged: {_first(error)}",
            hints=(f"take it away: htn proposals reject {version[:12]} --why damaged",),
        ) from error
    if kept.entry.version != version or kept.trust not in TRUST:
        raise ExecutionError(
            f"the proposal {version[:12]} is not what was kept: its content was changed",
            hints=(f"take it away: htn proposals reject {version[:12]} --why damaged",),
        )
    return kept


def _first(error: ValidationError | HtnError) -> str:
    if isinstance(error, HtnError):
        return error.message
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg'][:200]}"
