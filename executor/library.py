"""The operators that were learned: immutable entries in the store, a name that points at one, and its trust.

An entry's version is the SHA-256 of its content, so an entry cannot change under its version; where and when it was
learned (`Provenance`) is kept with it and is no part of that. `name -> current version` is a pointer that moves
atomically. Evidence and trust stand beside the entry: they grow, it does not. What is read back is checked like
anything from outside: its form, and that content and version agree.

An entry belongs to what it was learned from: how the domain declared the operator, and the examples. Plans use it only
where the domain still says the same (`Library.usable`), so editing a domain, or another domain of the same name, opens
the gap again. What was learned from this very declaration before is found again, newest first.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from executor.asserted import KeptTest, asserted_by_the_user, asserted_in, together
from executor.deeds import Event
from executor.entry import TRUST, Entry, content_hash, read_entry, specification
from executor.probation import broke
from executor.store import Lease, LeaseTimes, Store, StoredEntry, TrustMoved
from executor.watch import PROMOTE_AFTER, KeptCounterexample, Watch
from htn.domain import Domain, Operator
from htn.errors import ExecutionError, HtnError, UsageError, did_you_mean

_IN_PLANS = TRUST[TRUST.index("probation") :]
_MAKES_CURRENT = ("admitted", "rolled back", "pinned")
_MOST_READ = 1_000  # entries that are kept in memory
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]{0,63}(?![A-Za-z0-9_])")


@dataclass(frozen=True)
class Usable:
    """The operators that plans of a domain use, and what was left out, in words for a person."""

    operators: tuple[Operator, ...]
    notes: tuple[str, ...]


class Library:
    """The entries of one store."""

    def __init__(
        self, store: Store, *, lease_times: LeaseTimes | None = None, promote_after: int = PROMOTE_AFTER
    ) -> None:
        self._store = store
        self._read: dict[str, Entry] = {}
        self._watch = Watch(store, promote_after)
        self._leases = store.leases(lease_times)
        self.pointers = store.pointers()

    def admit(
        self,
        entry: Entry,
        trust: str,
        evidence: Sequence[Mapping[str, Any]],
        *,
        event: Event | None = None,
        lease: Lease | None = None,
        current: bool = True,
    ) -> str:
        """Make `entry` the current version of its name, and return the version. All of it happens, or nothing.

        When the store has the version already, its document stays and the evidence is added; trust does not sink.
        Where the name is pinned, or without `current` beside a version that is there, it is kept and not current.
        LeaseLost when `lease` has lapsed.
        """
        if trust not in TRUST:
            raise UsageError(f"{trust!r} is not a level of trust", hints=(f"levels: {', '.join(TRUST)}",))
        entry.operator()  # what could not be read back must not get in: it would stand in the way of every plan
        entry.program()
        records = [json.dumps(record, ensure_ascii=False) for record in evidence]
        entry = entry.model_copy(update={"dependencies": self._named_in(entry)})
        while True:
            kept, document = self._for_store(entry)
            told = event or Event(kind="admitted", version="", why=entry.provenance.task)
            held = self._store.trust(kept.version) or ""
            level = max(trust, held, key=TRUST.index) if held in TRUST else trust
            try:
                self._store.admit(
                    kept.domain, kept.name, kept.version, document, trust=level, evidence=records,
                    event=told.model_copy(update={"version": kept.version}).text(), depends=list(kept.dependencies),
                    lease=lease, current=current, declared=bool(kept.declared), held=held,
                )  # fmt: skip
            except TrustMoved:
                continue
            except UsageError:
                if self._store.document(kept.version) in (None, document):
                    raise
                continue  # another process was a moment earlier: what it wrote stays
            return kept.version

    def operators(self, domain: str, least: str = "probation") -> list[Operator]:
        """Return the current operators of a domain that are trusted so much, whatever they were learned from."""
        return [
            read_entry(e.version, e.document).operator()
            for e in self._store.snapshot(domain)
            if e.trust in TRUST[TRUST.index(least) :]
        ]

    def usable(self, domain: Domain) -> Usable:
        """Return the learned operators that plans of `domain` may use. One that is damaged stops no plan."""
        barred = self._barred(domain)
        operators: dict[str, Operator] = {name: gap for name, (gap, _) in barred.items()}
        notes = [note for _, note in barred.values()]
        domain = domain.extended_by(operators.values())
        wanted = [name for name, o in domain.operators.items() if o.apply is None or o.is_learned]
        for stored in self._store.look_up(domain.name, wanted):
            operator = domain.operators.get(stored.name)
            if operator and operator.is_learned:  # the domain's own file brings it along, or it has been looked up
                operators[stored.name] = operator
                continue
            if stored.name in domain.methods or (operator and operator.apply and not operator.is_learned):
                continue  # somebody has written it
            found, problem = self._fitting(domain, stored)
            if found:
                operators[stored.name] = found
            elif problem:
                form = operator.arity if operator else "…"
                again = f"htn learn {domain.source} '{stored.name}({form})' --again"
                notes.append(f"{problem}, so it is not used; learn it anew: {again}")
        return Usable(tuple(operators.values()), tuple(notes))

    def in_plans(self, domain: Domain, name: str) -> str | None:
        """Return the version of `name` that plans of `domain` use, or None."""
        return next((o.version for o in self.usable(domain).operators if o.name == name), None)

    def entry(self, version: str) -> Entry:
        """Return an entry by its version. One never changes under its version, so it is read once."""
        if version in self._read:
            return self._read[version]
        document = self._store.document(version)
        if document is None:
            raise ExecutionError(
                f"the library has no entry {version[:12]}",
                hints=(
                    "htn library list",
                    "one that a domain's file brings along: htn library import FILE --why REASON",
                ),
            )
        if len(self._read) >= _MOST_READ:
            self._read.clear()
        return self._read.setdefault(version, read_entry(version, document))

    def find(self, name: str) -> tuple[Entry, str]:
        """Return the current entry called `name`, or `domain.name`, and its trust; UsageError without one."""
        known = self._store.names()
        found = [(d, n) for d, n in known if name in (n, f"{d}.{n}")]
        if not found:
            names = [f"{d}.{n}" for d, n in known]
            listed = f"it has {', '.join(names)}" if names else "it is empty"
            raise UsageError(
                f"the library has no operator {name!r:.80}",
                hints=did_you_mean(name, [*names, *(n for _, n in known)]) or (listed,),
            )
        if len(found) > 1:
            names = [f"{d}.{n}" for d, n in found]
            raise UsageError(f"{name} is in several domains", hints=(f"name one: {', '.join(names)}",))
        version = self._store.current(*found[0])
        assert version is not None  # a name is only there together with its pointer
        return self.entry(version), self.trust(version)

    def trust(self, version: str) -> str:
        """Return the level of trust of a version."""
        return self._store.trust(version) or "quarantined"

    def evidence(self, version: str) -> list[dict[str, Any]]:
        """Return the evidence about a version, oldest first."""
        return [json.loads(record) for record in self._store.evidence(version)]

    def versions(self, domain: str, name: str) -> list[str]:
        """Return the versions of a name, oldest first."""
        return self._store.versions(domain, name)

    def entries(self) -> list[tuple[Entry, str]]:
        """Return every current entry and its trust, by domain and name."""
        domains = sorted({domain for domain, _ in self._store.names()})
        return [(read_entry(e.version, e.document), e.trust) for d in domains for e in self._store.snapshot(d)]

    def demote(self, version: str, reason: dict[str, Any], inputs: Mapping[str, Any] | None = None) -> None:
        """Take a version that broke its contract out of plans at once, and keep why, and the inputs as a test.

        What depends on it goes back to probation at the same moment.
        """
        entry = self.entry(version)
        self._watch.demote(entry.domain, entry.name, version, reason, inputs)

    def note(self, version: str, record: Mapping[str, Any]) -> None:
        """Add a record to the evidence about a version; its trust stays."""
        self._store.append_evidence(version, json.dumps(record, ensure_ascii=False))

    def used(self, version: str, inputs: Mapping[str, Any] | None) -> bool:
        """Count a clean use of a version and keep its inputs; return whether the version was promoted with it."""
        return self._watch.used(version, inputs)

    def counterexamples(self, domain: str, name: str) -> list[KeptCounterexample]:
        """Return the inputs on which versions of a name were wrong, oldest first, for later candidates to be tried."""
        return self._watch.counterexamples(domain, name)

    def tests(self, version: str) -> list[KeptTest]:
        """Return the tests that a version was tried on, the user's first, then those that most writers assert.

        They are bounded: fifty, and none of more than 10,000 characters. The inputs on which some version of the name
        was wrong are in `counterexamples`.
        """
        entry = self.entry(version)
        mine = asserted_by_the_user(entry.promise(), entry.examples)
        return together([*mine, *asserted_in(self.evidence(version))])

    def keep_counterexample(
        self, domain: str, name: str, inputs: Mapping[str, Any], detail: str, origin: str, version: str = ""
    ) -> bool:
        """Keep an input, as `inputs_of` writes it, on which a candidate was wrong; return whether it was not too large.

        `origin` says who found it. The newest fifty of a name are kept, of the same inputs the last.
        """
        return self._watch.keep(domain, name, inputs, detail, origin, version)

    def uses(self, version: str) -> int:
        """Return how often a version was used and kept its contract."""
        return self._store.uses(version)

    def inputs(self, version: str) -> list[dict[str, Any]]:
        """Return the inputs of the last clean uses of a version, newest first, as they were written."""
        return [json.loads(text) for text in self._store.inputs(version)]

    def dependents(self, domain: str, name: str) -> list[str]:
        """Return the versions of other operators whose body or contract names this one."""
        return self._store.dependents(domain, name)

    def events(self, domain: str, name: str) -> list[tuple[int, Event]]:
        """Return what was done with a name, oldest first, each with its time in milliseconds since 1970."""
        return [(e.at, Event.read(e.text)) for e in self.pointers.history(domain, name)]

    def current(self, domain: str, name: str) -> str | None:
        """Return the current version of a name, or None."""
        return self._store.current(domain, name)

    def pinned(self, domain: str, name: str) -> str | None:
        """Return the version that a name is pinned to, or None."""
        return self.pointers.pinned(domain, name)

    @contextmanager
    def closing(self, domain: Domain, name: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[Lease]:
        """Be the only one, of all processes and threads, that closes this gap; wait until whoever does it has ended."""
        with self._leases.holding(
            content_hash(["gap", domain.name, name, specification(domain, name)]), on_wait=on_wait
        ) as held:
            yield held

    def newest(self, domain: Domain, name: str, *, besides: Sequence[str]) -> str | None:
        """Return the newest version, not one of `besides`, that was learned for what the domain declares, or None.

        It need not be good enough for plans, but was neither demoted nor retired.
        """
        wanted = specification(domain, name)
        for version in reversed(self._store.versions(domain.name, name)):
            if version in besides or self.trust(version) == "retired" or self.was_demoted(version):
                continue
            try:
                if self.entry(version).specification == wanted:
                    return version
            except HtnError:
                continue
        return None

    def fate(self, version: str) -> str:
        """Return "retired" or "demoted" where that is why no step may use a version, otherwise ""."""
        trust = self.trust(version)
        if trust == "quarantined" and self.was_demoted(version):
            return "demoted"
        return "retired" if trust == "retired" else ""

    def was_demoted(self, version: str) -> bool:
        """Whether a version has broken its contract in use. What the ladder did not see then it does not see now."""
        return broke(self.evidence(version))

    def _barred(self, domain: Domain) -> dict[str, tuple[Operator, str]]:
        """Return the operators that a domain brings along and that no plan is to use, as gaps, each with a note."""
        found = {}
        for name, operator in domain.operators.items():
            if operator.version and (fate := self.fate(operator.version)):
                said = f"{name} {operator.version[:12]}, which {domain.source} brings along, was {fate} here"
                note = f"{said}, so it is not used; why: htn library history {name}"
                found[name] = replace(operator, apply=None, version=None), note
        return found

    def _named_in(self, entry: Entry) -> dict[str, str]:
        """Return the other operators of the domain that body or contract name, with their current versions."""
        words = set(_WORD.findall(entry.code)) | set(_WORD.findall(json.dumps(entry.contract)))
        return self._store.current_of(entry.domain, sorted(words - {entry.name}))

    def _for_store(self, entry: Entry) -> tuple[Entry, str]:
        """Return the entry and the document to store it as: one that is there stays, one that is damaged is passed."""
        while (document := self._store.document(entry.version)) is not None:
            try:
                read_entry(entry.version, document).operator()
            except HtnError:
                entry = entry.model_copy(update={"edition": entry.edition + 1})
                continue
            return entry, document
        return entry, entry.canonical()

    def _fitting(self, domain: Domain, stored: StoredEntry) -> tuple[Operator | None, str]:
        """Return the operator for what `domain` declares, or None and what is wrong with the current entry."""
        wanted, problem = specification(domain, stored.name), ""
        try:
            entry = read_entry(stored.version, stored.document)
            operator = entry.operator()
            if entry.specification == wanted:
                return (operator if stored.trust in _IN_PLANS else None), ""
            if stored.trust in _IN_PLANS:
                problem = f"the library has {stored.name} for another declaration or other examples of it"
        except HtnError as error:
            problem = f"the library's entry of {stored.name}, {stored.version[:12]}, cannot be read: {error.message}"
        found = self._earlier(domain.name, stored, wanted)
        return found, "" if found else problem

    def _earlier(self, domain: str, stored: StoredEntry, wanted: str) -> Operator | None:
        """Return what was learned last from the specification `wanted`, if it is trusted enough."""
        for version in self._latest_first(domain, stored.name):
            document = self._store.document(version)
            try:
                entry = read_entry(version, document or "")
                operator = entry.operator()
            except HtnError:
                continue
            if entry.specification == wanted:
                return operator if self.trust(version) in _IN_PLANS else None
        return None

    def _latest_first(self, domain: str, name: str) -> list[str]:
        """Return the versions of a name, the one in front that was made current last."""
        moved = [e.version for _, e in self.events(domain, name) if e.kind in _MAKES_CURRENT]
        return list(dict.fromkeys([*reversed(moved), *reversed(self._store.versions(domain, name))]))
