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
from executor.store.connection import Connection
from executor.store.keys import Keys, identifier
from executor.store.results import ResultLimits, Results
from executor.store.server import Server
from htn.errors import ServiceMissing, UsageError

MOST_DOCUMENT = 1_000_000  # bytes
MARK = 32  # characters of the mark of a write


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
    ) -> bool:
        """Store a version of a name and make it the current one, with its trust and evidence.

        Return whether the name did not have this version before. Raises UsageError when the version
        is there with another document.
        """
        keys = (
            self._keys.domains(),
            self._keys.current(domain),
            self._keys.versions(domain, name),
            self._keys.entry(version),
            self._keys.evidence(version),
        )
        identifier(trust, "the level of trust")
        for text in (document, *evidence):
            _small_enough(text)
        mark = uuid.uuid4().hex
        arguments = (domain, name, version, document, trust, mark, *evidence)
        result = self._script(scripts.ADMIT, keys, arguments)
        if result == -1:
            raise UsageError(
                f"version {version} is stored already, with another document",
                where=f"{domain}:{name}",
                hints=("documents never change: another document is another version",),
            )
        return bool(result == 1)

    def point(self, domain: str, name: str, version: str, *, expected: str | None) -> bool:
        """Make a version current if `expected` still is; return whether it was.

        `expected` is None for a name without a current version. Raises UsageError when the name
        does not have the version.
        """
        keys = self._keys.current(domain), self._keys.versions(domain, name)
        self._keys.entry(version)
        result = self._connection.run(
            lambda client, again: client.register_script(scripts.POINT)(
                keys, (name, version, expected or "", "1" if again else "0")
            )
        )
        if result == -1:
            raise UsageError(
                f"{domain}:{name} has no version {version}",
                hints=("list its versions first",),
            )
        return bool(result == 1)

    def current(self, domain: str, name: str) -> str | None:
        """Return the version of a name that plans use, or None for an unknown name."""
        key = self._keys.current(domain)
        identifier(name, "the entry")
        return self._text(lambda client: client.hget(key, name))

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

    def set_trust(self, version: str, level: str, evidence: str) -> None:
        """Change the trust in a version, together with the record of why."""
        self._record(version, evidence, identifier(level, "the level of trust"))

    def append_evidence(self, version: str, record: str) -> None:
        """Add a record to the evidence of a version."""
        self._record(version, record, "")

    def evidence(self, version: str) -> list[str]:
        """Return the evidence of a version, oldest first."""
        key = self._keys.evidence(version)
        return [record[MARK:] for record in self._texts(lambda client: client.lrange(key, 0, -1))]

    def names(self, domain: str | None = None) -> list[tuple[str, str]]:
        """Return (domain, name) of all entries, or of those in one domain, in order."""
        if domain is None:
            domains = sorted(self._texts(lambda client: client.smembers(self._keys.domains())))
        else:
            domains = [domain]
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

    def results(self, limits: ResultLimits | None = None) -> Results:
        """Return the cache of results, which shares this store's connection and is closed with it."""
        return Results(self._connection, self._keys, limits or ResultLimits())

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

    def _record(self, version: str, record: str, level: str) -> None:
        keys = self._keys.entry(version), self._keys.evidence(version)
        _small_enough(record)
        if self._script(scripts.RECORD, keys, (uuid.uuid4().hex, record, level)) == 0:
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


def _small_enough(text: str) -> None:
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_DOCUMENT:
        raise UsageError(f"a text of {size:,} bytes is too large to store ({MOST_DOCUMENT:,})")
