"""The operators that were learned: immutable entries in the store, a name that points at one, and its trust.

An entry's version is the SHA-256 of its content, so an entry cannot change under its version. `name -> current
version` is a pointer that moves atomically. Evidence and trust stand beside the entry: they grow, it does not.
What is read back is checked like anything from outside: its form, and that content and version agree.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.sandbox import Program
from executor.store import Store
from htn.contract import Contract, model_of
from htn.domain import Arity, Operator
from htn.errors import ExecutionError, UsageError, did_you_mean

# From no trust to most; plans use `probation` and above.
TRUST = ("retired", "quarantined", "probation", "trusted", "pinned")


class Provenance(BaseModel):
    """Where an entry comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    model: str
    prompts: str
    calls: int
    repairs: int
    created: str
    seconds: dict[str, float]


class Entry(BaseModel):
    """A learned operator: what it promises and the code that keeps the promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    name: str
    contract: dict[str, Any]
    code: str
    language: str
    examples: list[dict[str, Any]]
    provenance: Provenance

    @property
    def version(self) -> str:
        """The entry's identity: SHA-256 of its canonical JSON, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        """Return the one JSON text of this entry."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)

    def promise(self) -> Contract:
        """Return the contract."""
        return Contract.from_json(self.contract)

    def program(self) -> Program:
        """Return the body as the sandbox runs it."""
        return Program(self.code, self.name, self.language)

    def operator(self) -> Operator:
        """Return what the planner uses: the contract alone."""
        promise = self.promise()
        arity = Arity(tuple(p.name for p in promise.parameters), len(promise.parameters))
        return Operator(
            self.name, arity, model_of(promise), promise.description, promise, promise.parameters, self.version
        )


class Library:
    """The entries of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, entry: Entry, trust: str, evidence: Sequence[Mapping[str, Any]]) -> str:
        """Make `entry` the current version of its name, and return the version. All of it happens, or nothing."""
        if trust not in TRUST:
            raise UsageError(f"{trust!r} is not a level of trust", hints=(f"levels: {', '.join(TRUST)}",))
        entry.operator()  # what could not be read back must not get in: it would stand in the way of every plan
        records = [json.dumps(record, ensure_ascii=False) for record in evidence]
        self._store.admit(entry.domain, entry.name, entry.version, entry.canonical(), trust=trust, evidence=records)
        return entry.version

    def operators(self, domain: str, least: str = "probation") -> list[Operator]:
        """Return the current operators of a domain that are trusted at least so much."""
        enough = TRUST[TRUST.index(least) :]
        return [
            _read(version, document).operator()
            for _, version, document, trust in self._current(domain)
            if trust in enough
        ]

    def in_plans(self, domain: str, name: str, least: str = "probation") -> str | None:
        """Return the version of `name` that plans use, or None. What it holds is not looked at."""
        version = self._store.current(domain, name)
        enough = TRUST[TRUST.index(least) :]
        return version if version is not None and self.trust(version) in enough else None

    def entry(self, version: str) -> Entry:
        """Return an entry by its version."""
        document = self._store.document(version)
        if document is None:
            raise ExecutionError(f"the library has no entry {version[:12]}", hints=("htn library list",))
        return _read(version, document)

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
        return [(_read(v, document), trust) for d in domains for _, v, document, trust in self._current(d)]

    def demote(self, version: str, reason: dict[str, Any]) -> None:
        """Take a version out of plans at once, and keep why."""
        record = json.dumps({"rung": "use", "name": "demoted", "passed": False, **reason}, ensure_ascii=False)
        self._store.set_trust(version, "quarantined", record)

    def _current(self, domain: str) -> list[tuple[str, str, str, str]]:
        return [(e.name, e.version, e.document, e.trust) for e in self._store.snapshot(domain)]


def _read(version: str, document: str) -> Entry:
    try:
        entry = Entry.model_validate_json(document)
    except ValidationError as error:
        raise ExecutionError(f"the library's entry {version[:12]} is damaged: {error}") from error
    if entry.version != version:
        raise ExecutionError(
            f"the library's entry {version[:12]}, {entry.domain}.{entry.name:.80}, is not what was admitted: "
            "its content was changed",
            hints=(f"learn it anew: htn learn {entry.domain} '{entry.name}(…)' --again",),
        )
    return entry
