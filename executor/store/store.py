"""Immutable, versioned documents with evidence: what a library of operators is kept in.

A document is stored once under its version and never changes. A name in a domain has a list of
versions and a pointer to the current one. Each method is one atomic operation: other processes see
all of it or nothing, and what it has returned from is kept, also when the program is killed then.

The store does not know what documents mean, how versions are computed, or which levels of trust
there are.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import redis

from executor.store import scripts
from executor.store.address import Address
from executor.store.allowed import Allowed
from executor.store.breakers import Breakers, BreakerTimes
from executor.store.budgets import Budgets
from executor.store.bulk import Bulk
from executor.store.connection import Connection
from executor.store.keys import Keys, identifier
from executor.store.leases import Lease, LeaseLost, Leases, LeaseTimes
from executor.store.lessons import StoredLessons
from executor.store.pointers import Pointers
from executor.store.results import ResultLimits, Results
from executor.store.retries import RetryCounts
from executor.store.runs import RunLogs
from executor.store.server import Server
from executor.store.sizes import MARK, small_enough
from executor.store.tallies import Tallies
from executor.store.turns import Turns
from executor.store.waiting import Waiting
from executor.store.watched import Watched
from executor.store.workers import Workers
from htn.errors import ExecutionError, ServiceMissing, UsageError

NO_LEASE = "0" * 64  # nobody takes it


class TrustMoved(ExecutionError):
    """Somebody else has changed the trust in a version meanwhile; what was to be written upon it was not."""


@dataclass(frozen=True)
class StoredEntry:
    """A name in a domain with its current version, the document and the trust in it."""

    name: str
    version: str
    document: str
    trust: str


@dataclass(frozen=True)
class StoreStatus:
    """What `htn doctor` can say about the store."""

    kind: Literal["embedded", "server"]
    version: str
    address: str
    appendonly: bool
    evicting: bool
    writable: bool
    hints: tuple[str, ...]


class Store:
    """The documents under one prefix of one server."""

    def __init__(self, server: Server, *, prefix: str = "htn") -> None:
        self._keys = Keys(prefix)
        self._connection = Connection(server)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the server; the last process to do so stops an embedded one."""
        self._connection.close()

    def admit(
        self,
        domain: str,
        name: str,
        version: str,
        document: str,
        *,
        trust: str,
        evidence: Sequence[str],
        event: str = "",
        depends: Sequence[str] = (),
        lease: Lease | None = None,
        current: bool = True,
        declared: bool = True,
        held: str | None = None,
    ) -> bool:
        """Store a version of a name and make it the current one, with its trust and evidence.

        It does not become current where another version is pinned, or without `current` beside one that is there.
        `declared` says that a domain knows the name: what is not is part of every `look_up`.
        `event` goes into the history; `depends` are the names in the domain that the document names. Return whether
        the name did not have this version before. Raises UsageError when the version is there with another
        document, LeaseLost when `lease` has lapsed, and TrustMoved when its trust is not `held` ("" for none), where
        that is given: then nothing was written. A version that broke its contract keeps its trust.
        """
        keys = (
            self._keys.domains(),
            self._keys.current(domain),
            self._keys.versions(domain, name),
            self._keys.entry(version),
            self._keys.evidence(version),
            self._keys.history(domain, name),
            self._keys.pinned(domain),
            self._keys.lease(lease.name if lease else NO_LEASE),
            self._keys.undeclared(domain),
            self._keys.moves(domain),
            *(self._keys.dependents(domain, other) for other in depends),
        )
        identifier(trust, "the level of trust")
        for text in (document, event, *evidence):
            small_enough(text)
        mark, holder = uuid.uuid4().hex, lease.holder if lease else ""
        how = (domain, name, version, document, trust, mark, event, holder, "01"[current], "10"[declared])
        result = self._script(scripts.ADMIT, keys, (*how, "*" if held is None else held, *evidence))
        if result == -3:
            raise TrustMoved(f"the trust in {version[:12]} has changed meanwhile, so nothing was written")
        if result == -2:
            raise LeaseLost(
                f"somebody else has the lease of {domain}:{name} meanwhile, so {version[:12]} was not stored"
            )
        if result == -1:
            raise UsageError(
                f"version {version} is stored already, with another document",
                where=f"{domain}:{name}",
                hints=("documents never change: another document is another version",),
            )
        return bool(result == 1)

    def current(self, domain: str, name: str) -> str | None:
        """Return the version of a name that plans use, or None for an unknown name."""
        key = self._keys.current(domain)
        identifier(name, "the entry")
        return self._text(lambda client: client.hget(key, name))

    def current_of(self, domain: str, names: Sequence[str]) -> dict[str, str]:
        """Return the current versions of those of these names that there are, in one round trip."""
        key = self._keys.current(domain)
        if not names:
            return {}
        found = self._connection.run(lambda client, again: client.hmget(key, list(names)))
        return {name: str(version) for name, version in zip(names, found, strict=True) if version is not None}

    def versions(self, domain: str, name: str) -> list[str]:
        """Return the versions of a name, the one that was admitted first in front."""
        key = self._keys.versions(domain, name)
        return self._texts(lambda client: client.lrange(key, 0, -1))

    def document(self, version: str) -> str | None:
        """Return the document of a version, or None for an unknown version."""
        key = self._keys.entry(version)
        return self._text(lambda client: client.hget(key, "document"))

    def trust(self, version: str) -> str | None:
        """Return the level of trust in a version, or None for an unknown version."""
        key = self._keys.entry(version)
        return self._text(lambda client: client.hget(key, "trust"))

    def set_trust(self, version: str, level: str, evidence: str, *, name: tuple[str, str, str] | None = None) -> None:
        """Change the trust in a version, together with the record of why.

        `name` is a domain, a name in it and an event for the history of that name.
        """
        self._record(version, evidence, identifier(level, "the level of trust"), name)

    def append_evidence(self, version: str, record: str) -> None:
        """Add a record to the evidence of a version."""
        self._record(version, record, "", None)

    def uses(self, version: str) -> int:
        """Return how often a version was used and kept its contract."""
        key = self._keys.entry(version)
        return int(self._text(lambda client: client.hget(key, "uses")) or 0)

    def inputs(self, version: str) -> list[str]:
        """Return the inputs that were kept of a version, newest first."""
        key = self._keys.inputs(version)
        return self._texts(lambda client: client.lrange(key, 0, -1))

    def dependents(self, domain: str, name: str) -> list[str]:
        """Return the versions whose documents name an entry, in order."""
        key = self._keys.dependents(domain, name)
        return sorted(self._texts(lambda client: client.smembers(key)))

    def evidence(self, version: str) -> list[str]:
        """Return the evidence of a version, oldest first."""
        key = self._keys.evidence(version)
        return [record[MARK:] for record in self._texts(lambda client: client.lrange(key, 0, -1))]

    def domains(self) -> list[str]:
        """Return the domains that have entries, in order."""
        return sorted(self._texts(lambda client: client.smembers(self._keys.domains())))

    def names(self, domain: str | None = None) -> list[tuple[str, str]]:
        """Return (domain, name) of all entries, or of those in one domain, in order."""
        domains = self.domains() if domain is None else [domain]
        keys = [self._keys.current(each) for each in domains]

        def ask(client: redis.Redis, again: bool) -> list[list[str]]:
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hkeys(key)
                return list(pipeline.execute())

        found = self._connection.run(ask)
        return [(each, name) for each, names in zip(domains, found, strict=True) for name in sorted(names)]

    def snapshot(self, domain: str) -> list[StoredEntry]:
        """Return all current entries of a domain as they are at one moment, in one round trip."""
        flat = self._script(scripts.SNAPSHOT, (self._keys.current(domain),), (self._keys.entries(),))
        rows = [StoredEntry(*flat[start : start + 4]) for start in range(0, len(flat), 4)]
        return sorted(rows, key=lambda row: row.name)

    def look_up(self, domain: str, names: Sequence[str]) -> list[StoredEntry]:
        """Return the current entries of these names, and of those that nobody declared, as they are at one moment.

        That takes as long as there are names here, however many the domain has.
        """
        keys = self._keys.current(domain), self._keys.undeclared(domain)
        flat = self._script(scripts.LOOK_UP, keys, (self._keys.entries(), *names))
        rows = [StoredEntry(*flat[start : start + 4]) for start in range(0, len(flat), 4)]
        return sorted(rows, key=lambda row: row.name)

    def results(self, limits: ResultLimits | None = None) -> Results:
        """Return the cache of results, which shares this store's connection and is closed with it."""
        return Results(self._connection, self._keys, limits or ResultLimits())

    def answers(self, limits: ResultLimits | None = None) -> Results:
        """Return the cache of the answers of models, which shares this store's connection and is closed with it."""
        return Results(self._connection, self._keys, limits or ResultLimits(), "answer")

    def turns(self, name: str, *, per_minute: int) -> Turns:
        """Return the turns at one service, a hash, which all processes with this store take together."""
        return Turns(self._connection, self._keys.turns(name), per_minute)

    def budgets(self) -> Budgets:
        """Return what models used and may use, which shares this store's connection."""
        return Budgets(self._connection, self._keys)

    def breakers(self, times: BreakerTimes | None = None) -> Breakers:
        """Return whether servers of models are to be asked, which shares this store's connection."""
        return Breakers(self._connection, self._keys, times or BreakerTimes())

    def tallies(self) -> Tallies:
        """Return how models have done so far, which shares this store's connection."""
        return Tallies(self._connection, self._keys)

    def status(self) -> StoreStatus:
        """Say what kind of server this is and whether it keeps what it is given."""
        info: dict[str, Any] = self._connection.run(lambda client, again: dict(client.info()))
        appendonly = bool(info.get("aof_enabled"))
        policy = str(info.get("maxmemory_policy", "noeviction"))
        evicting = policy.startswith("allkeys") and bool(info.get("maxmemory"))
        refused = self._refuses_writes()
        hints = []
        if not appendonly:
            hints.append("what it is given is lost when it stops: set appendonly yes on the server")
        if evicting:
            hints.append(f"it removes entries when it is full ({policy}): set noeviction")
        server = self._connection.server
        return StoreStatus(
            kind=server.kind,
            version=_version(info),
            address=server.address.shown,
            appendonly=appendonly,
            evicting=evicting,
            writable=not refused,
            hints=(*hints, *refused),
        )

    def check(self) -> None:
        """Raise ServiceMissing unless the server answers."""
        self._connection.run(lambda client, again: client.ping())

    def _refuses_writes(self) -> tuple[str, ...]:
        key = self._keys.probe()

        def write(client: redis.Redis, again: bool) -> None:
            client.set(key, "1")
            client.delete(key)

        try:
            self._connection.run(write)
        except ServiceMissing as error:
            return (error.message, *error.hints)
        return ()

    def pointers(self) -> Pointers:
        """Return what is done with the versions of names, which shares this store's connection."""
        return Pointers(self._connection, self._keys)

    def bulk(self) -> Bulk:
        """Return the reads of many entries, which share this store's connection."""
        return Bulk(self._connection, self._keys)

    def lessons(self) -> StoredLessons:
        """Return what went wrong before, which shares this store's connection."""
        return StoredLessons(self._connection, self._keys)

    def watched(self) -> Watched:
        """Return what is done with what is seen of uses, which shares this store's connection."""
        return Watched(self._connection, self._keys)

    def retry_counts(self) -> RetryCounts:
        """Return how often steps were tried again, which shares this store's connection."""
        return RetryCounts(self._connection, self._keys)

    def runs(self) -> RunLogs:
        """Return the runs, which share this store's connection."""
        return RunLogs(self._connection, self._keys)

    def workers(self) -> Workers:
        """Return the workers that live, which share this store's connection."""
        return Workers(self._connection, self._keys)

    @property
    def address(self) -> Address:
        """Where the server is, with what it takes to get in."""
        return self._connection.server.address

    @property
    def prefix(self) -> str:
        """What every key begins with."""
        return self._keys.prefix

    def run_lease(self, run: str) -> str:
        """Return the name of the lease of whoever drives a run."""
        return self._keys.run_lease(run)

    def waiting(self) -> Waiting:
        """Return what waits for a person's approval, which shares this store's connection."""
        return Waiting(self._connection, self._keys)

    def allowed(self) -> Allowed:
        """Return which code a person has allowed to be run, which shares this store's connection."""
        return Allowed(self._connection, self._keys)

    def leases(self, times: LeaseTimes | None = None) -> Leases:
        """Return the leases, which share this store's connection."""
        return Leases(self._connection, self._keys, times or LeaseTimes())

    def _record(self, version: str, record: str, level: str, name: tuple[str, str, str] | None) -> None:
        domain, entry, event = name or ("_", "_", "")
        keys = self._keys.entry(version), self._keys.evidence(version), self._keys.history(domain, entry)
        small_enough(record)
        small_enough(event)
        if self._script(scripts.RECORD, keys, (uuid.uuid4().hex, record, level, event)) == 0:
            raise UsageError(f"there is no version {version} in the store")

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))

    def _text(self, read: Any) -> str | None:
        value = self._connection.run(lambda client, again: read(client))
        return None if value is None else str(value)

    def _texts(self, read: Any) -> list[str]:
        return list(self._connection.run(lambda client, again: read(client)))


def _version(info: dict[str, Any]) -> str:
    # Valkey tells a Redis version too, that of the last Redis which it is compatible with.
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info.get('redis_version', 'of unknown version')}"
