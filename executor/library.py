"""The operators that were learned: immutable entries in the store, a name that points at one, and its trust.

An entry's version is the SHA-256 of its content, so an entry cannot change under its version; where and when it was
learned (`Provenance`) is kept with it and is no part of that. `name -> current version` is a pointer that moves
atomically. Evidence and trust stand beside the entry: they grow, it does not. What is read back is checked like
anything from outside: its form, and that content and version agree.

An entry belongs to what it was learned from: how the domain declared the operator, and the examples. Plans use it only
where the domain still says the same (`Library.usable`), so editing a domain, or another domain of the same name, opens
the gap again. What was learned from this very declaration before is found again, newest first.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.asserted import KeptTest, asserted_by_the_user, asserted_in, together
from executor.check import Candidate
from executor.deeds import Event
from executor.probation import broke
from executor.sandbox import Program
from executor.store import Lease, LeaseTimes, Store, StoredEntry, TrustMoved
from executor.watch import PROMOTE_AFTER, KeptCounterexample, Watch
from htn.contract import Contract, model_of
from htn.domain import Arity, Domain, Operator
from htn.errors import ExecutionError, HtnError, UsageError, did_you_mean

# From no trust to most; plans use `probation` and above.
TRUST = ("retired", "quarantined", "probation", "trusted", "pinned")
_IN_PLANS = TRUST[TRUST.index("probation") :]
_MAKES_CURRENT = ("admitted", "rolled back", "pinned")
_MOST_READ = 1_000  # entries that are kept in memory
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]{0,63}(?![A-Za-z0-9_])")


class Provenance(BaseModel):
    """Where an entry comes from.

    `runs_on` is what its body ran on when it was learned, by content (`Sandbox.runs_on`): the images, or the
    interpreter. It is no part of the entry's version: the contract and the evidence are about the code, and a machine
    with another level or image may use the entry, held to its contract at every step. What each rung ran on is in
    the evidence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    model: str
    prompts: str
    calls: int
    repairs: int
    created: str
    seconds: dict[str, float]
    runs_on: str = ""


class Entry(BaseModel):
    """A learned operator: what it promises and the code that keeps the promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    name: str
    contract: dict[str, Any]
    code: str
    language: str
    declared: dict[str, Any] = Field(default_factory=dict)
    """What the domain said of the operator (see `declaration`); empty for one that nobody had declared."""
    examples: list[dict[str, Any]]
    dependencies: dict[str, str] = Field(default_factory=dict)
    """The operators of the library that body or contract name, with the version that each had when this was learned.

    They say what stood beside the entry, and are no part of what it is.
    """
    packages: tuple[str, ...] = ()
    """The packages that the body declares, such as "attrs>=24,<27"."""
    lock: tuple[str, ...] = ()
    """What they came to when it was learned, each pinned to its wheel; it runs with these and no others."""
    edition: int = 0
    """Counts up where the store holds something damaged under the version that this content would have."""
    provenance: Provenance

    @property
    def version(self) -> str:
        """The entry's identity: SHA-256 of its content and of the prompts' version, in hexadecimal.

        What a body without packages does not have is no part of it.
        """
        content = self.model_dump(mode="json", exclude={"provenance", "dependencies"})
        for part in ("packages", "lock"):
            if not content[part]:
                del content[part]
        return _hash(content | {"prompts": self.provenance.prompts})

    @property
    def specification(self) -> str:
        """The identity of what it was learned from: the declaration and the examples."""
        return _hash([self.declared, self.examples])

    def canonical(self) -> str:
        """Return the one JSON text of this entry."""
        return _canonical(self.model_dump(mode="json"))

    def promise(self) -> Contract:
        """Return the contract."""
        return Contract.from_json(self.contract)

    def program(self) -> Program:
        """Return the body as the sandbox runs it."""
        return Program(self.code, self.name, self.language, dependencies=self.lock or self.packages)

    def candidate(self) -> Candidate:
        """Return the body as the ladder takes it: with the packages that it was learned with."""
        return Candidate(self.promise(), self.code, self.language, self.lock or self.packages)

    def operator(self) -> Operator:
        """Return what the planner uses: the contract alone."""
        promise = self.promise()
        arity = Arity(tuple(p.name for p in promise.parameters), len(promise.parameters))
        return Operator(
            self.name, arity, model_of(promise), promise.description, promise, promise.parameters, self.version
        )


def declaration(domain: Domain, name: str) -> dict[str, Any]:
    """Return what a domain says of an operator that it leaves to be learned: parameters, description, contract."""
    operator = domain.operators.get(name)
    if operator is None or operator.is_learned:
        return {}
    return {
        "parameters": [{"name": p.name, "type": p.type.to_json()} for p in operator.parameters],
        "description": operator.description,
        "contract": operator.contract.to_json() if operator.contract else None,
    }


def specification(domain: Domain, name: str) -> str:
    """Return the identity of what an entry for `name` would be learned from."""
    return _hash([declaration(domain, name), [example.to_json() for example in domain.examples_of(name)]])


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
            _read(e.version, e.document).operator()
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
        return self._read.setdefault(version, _read(version, document))

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
        return [(_read(e.version, e.document), e.trust) for d in domains for e in self._store.snapshot(d)]

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
            _hash(["gap", domain.name, name, specification(domain, name)]), on_wait=on_wait
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
                _read(entry.version, document).operator()
            except HtnError:
                entry = entry.model_copy(update={"edition": entry.edition + 1})
                continue
            return entry, document
        return entry, entry.canonical()

    def _fitting(self, domain: Domain, stored: StoredEntry) -> tuple[Operator | None, str]:
        """Return the operator for what `domain` declares, or None and what is wrong with the current entry."""
        wanted, problem = specification(domain, stored.name), ""
        try:
            entry = _read(stored.version, stored.document)
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
                entry = _read(version, document or "")
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


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=True)


def _hash(data: Any) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _read(version: str, document: str) -> Entry:
    try:
        entry = Entry.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        part = ".".join(map(str, first["loc"]))[:80]
        raise ExecutionError(
            f"the library's entry {version[:12]} is damaged: {part and part + ': '}{first['msg'][:200]}",
            hints=("learn it anew: htn learn DOMAIN TASK --again",),
        ) from error
    if entry.version != version:
        raise ExecutionError(
            f"the library's entry {version[:12]}, {entry.domain}.{entry.name:.80}, is not what was admitted: "
            "its content was changed",
            hints=(f"learn it anew: htn learn {entry.domain} '{entry.name}(…)' --again",),
        )
    return entry
