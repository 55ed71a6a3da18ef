"""What a person does with the versions of an operator: look back, go back, compare texts, pin, retire.

| deed     | what is current            | trust                      | refused                                |
|----------|----------------------------|----------------------------|----------------------------------------|
| rollback | the version that is named  | stays                      | pinned to another; plans cannot use it |
| pin      | the version that is named  | pinned, whatever it was    | pinned to another                      |
| unpin    | stays                      | what it was before the pin | not pinned                             |
| retire   | stays, and no plan uses it | retired                    | pinned; too little evidence, unforced  |

Every deed is one atomic operation that also appends an event: what, by whom, and why. Each plan reads the library
anew, so all agents see a deed with their next plan, and a step whose operator was retired meanwhile is not carried out.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from executor.deeds import Event
from executor.entry import TRUST, Entry
from executor.library import Library
from executor.review import difference
from executor.store import Store
from executor.watch import put_back
from htn.errors import HtnError, UsageError, did_you_mean

LEAST_USES = 5
_IN_PLANS = TRUST[TRUST.index("probation") :]
_MOST_REASON = 500


@dataclass(frozen=True)
class Listed:
    """A name and its current version. `problem` says what is wrong with a damaged one, `remedy` what to do."""

    domain: str
    name: str
    version: str
    trust: str
    description: str = ""
    problem: str | None = None
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        row = {"name": f"{self.domain}.{self.name}", "version": self.version, "trust": self.trust}
        return row | ({"damaged": self.problem, "hint": self.remedy} if self.problem else {})


@dataclass(frozen=True)
class Happened:
    """An event of a name's history. `at` is UTC, to the second."""

    at: str
    event: Event

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {"at": self.at} | self.event.model_dump(exclude_none=True)


class Versions:
    """The versions of the names of a library."""

    def __init__(self, library: Library, store: Store) -> None:
        self.library = library
        self._store = store

    def listed(self) -> list[Listed]:
        """Return every name with its current version, by domain and name. One that is damaged is among them."""
        domains = sorted({domain for domain, _ in self._store.names()})
        return [self._row(d, e.name, e.version, e.trust) for d in domains for e in self._store.snapshot(d)]

    def one(self, name: str) -> Listed:
        """Return the name `name`, or `domain.name`. UsageError with did-you-mean where there is none."""
        domain, known = self.named(name)
        version = self._current(domain, known)
        return self._row(domain, known, version, self.library.trust(version))

    def named(self, name: str) -> tuple[str, str]:
        """Return the domain and the name that `name` means: a name that one domain has, or `domain.name`."""
        whole, _, last = name.rpartition(".")
        places = [(d, n) for d in self._store.domains() for n in (name, last if d == whole else name)]
        found = sorted({(d, n) for d, n in places if self._store.current_of(d, [n])})
        if len(found) == 1:
            return found[0]
        known = [] if found else self._store.names()
        names = [f"{d}.{n}" for d, n in found or known]
        if found:
            raise UsageError(f"{name} is in several domains", hints=(f"name one: {', '.join(names)}",))
        listed = f"it has {', '.join(names[:20])}{' …' if len(names) > 20 else ''}" if names else "it is empty"
        raise UsageError(
            f"the library has no operator {name!r:.80}",
            hints=did_you_mean(name, [*names, *(n for _, n in known)]) or (listed,),
        )

    def version(self, name: str, beginning: str) -> str:
        """Return the version of `name` that begins with these digits; `current` is the current one."""
        domain, known = self.named(name)
        if beginning == "current":
            return self._current(domain, known)
        versions = self.library.versions(domain, known)
        found = [v for v in versions if v.startswith(beginning.lower())] if len(beginning) >= 4 else []
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{beginning} is the beginning of {len(found)} versions", hints=("write more of it",))
        raise UsageError(
            f"{domain}.{known} has no version {beginning[:80]!r}",
            hints=(f"it has {', '.join(v[:12] for v in versions[-10:])}", f"htn library history {known}"),
        )

    def history(self, name: str) -> list[Happened]:
        """Return what was done with a name, oldest first."""
        return [Happened(_moment(at), event) for at, event in self.library.events(*self.named(name))]

    def rollback(self, name: str, to: str, *, who: str, why: str) -> str:
        """Make an earlier version current; return it. UsageError where plans could not use it, or it is damaged."""
        domain, known = self.named(name)
        version, before = self.version(name, to), self._current(domain, known)
        trust = self.library.trust(version)
        self.library.entry(version).operator()
        if trust not in _IN_PLANS:
            raise UsageError(
                f"{version[:12]} is {trust}, so no plan would use it",
                hints=(f"to insist: htn library pin {domain}.{known} {version[:12]} --why REASON",),
            )
        event = Event(kind="rolled back", version=version, who=who, why=_reason(why), before=before)
        if version != before and not self.library.pointers.move(
            domain, known, version, expected=before, event=event.text()
        ):
            raise _moved(domain, known)
        return version

    def pin(self, name: str, version: str, *, who: str, why: str) -> str:
        """Make a version current, and let nothing else become current; return it."""
        domain, known = self.named(name)
        whole, before = self.version(name, version), self._current(domain, known)
        self.library.entry(whole).operator()
        event = Event(kind="pinned", version=whole, who=who, why=_reason(why), before=before)
        self.library.pointers.pin(domain, known, whole, "pinned", event.text())
        return whole

    def unpin(self, name: str, *, who: str, why: str) -> str:
        """Let other versions become current again; return the version that was pinned."""
        domain, known = self.named(name)
        version = self.library.pinned(domain, known)
        event = Event(kind="unpinned", version=version or "", who=who, why=_reason(why))
        if version is None or not self.library.pointers.unpin(domain, known, version, "pinned", event.text()):
            raise UsageError(f"{domain}.{known} is not pinned", hints=(f"htn library history {known}",))
        return version

    def retire(self, name: str, *, who: str, why: str, force: bool = False) -> str:
        """Take the current version out of plans for good; return it.

        That needs evidence: at least `LEAST_USES` clean uses that say what it is worth, or a demotion. `force` goes
        without, as does damage.
        """
        domain, known = self.named(name)
        version = self._current(domain, known)
        uses = self.library.uses(version)
        damaged = self._row(domain, known, version, "").problem
        if not (force or damaged or uses >= LEAST_USES or self.library.was_demoted(version)):
            raise UsageError(
                f"{domain}.{known} was used {uses} times, which is too little to say what it is worth ({LEAST_USES})",
                hints=("to retire it all the same: --force",),
            )
        event = Event(kind="retired", version=version, who=who, why=_reason(why))
        record = {"rung": "use", "name": "retired", "passed": False, "detail": f"{_reason(why)} ({who})"}
        back = put_back(known, version, f"was retired: {_reason(why)}")
        if not self.library.pointers.retire(domain, known, version, "retired", event.text(), json.dumps(record), back):
            raise _moved(domain, known)
        return version

    def diff(self, name: str, a: str, b: str) -> str:
        """Return how version `b` differs from `a`, contract and code, as a unified diff; empty where it does not."""
        old, new = (self.library.entry(self.version(name, which)) for which in (a, b))
        return difference(old, new)

    def dependents(self, name: str) -> list[tuple[Entry, str]]:
        """Return the entries whose body or contract names `name`, with the trust in each; damaged ones are left out."""
        found = []
        for version in self.library.dependents(*self.named(name)):
            try:
                found.append((self.library.entry(version), self.library.trust(version)))
            except HtnError:
                continue
        return found

    def _current(self, domain: str, name: str) -> str:
        version = self._store.current(domain, name)
        if version is None:
            raise _moved(domain, name)
        return version

    def _row(self, domain: str, name: str, version: str, trust: str) -> Listed:
        try:
            description = self.library.entry(version).operator().description
        except HtnError as error:
            remedy = (
                f"plans do without it; go back: htn library rollback {domain}.{name} VERSION (htn library history "
                f"{domain}.{name}), or learn it anew: htn learn {domain} '{name}(…)' --again"
            )
            return Listed(domain, name, version, trust, "", error.message, remedy)
        return Listed(domain, name, version, trust, description)


def _reason(why: str) -> str:
    if not why.strip():
        raise UsageError("a deed with the library needs a reason, which its history keeps", hints=("--why REASON",))
    return why.strip()[:_MOST_REASON]


def _moved(domain: str, name: str) -> UsageError:
    return UsageError(
        f"{domain}.{name} was changed by somebody else at the same moment, so nothing was done",
        hints=(f"look, then decide again: htn library history {domain}.{name}",),
    )


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
