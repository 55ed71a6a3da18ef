"""What is done with the versions of a name: which one is current, which one is pinned, and the history of it.

Each deed is one script that changes the pointer and appends an event, or does neither. The events are texts that
somebody else understands; they are never changed. A pointer moves by comparison: whoever moves it says where it was.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from executor.store import scripts
from executor.store.connection import Connection
from executor.store.keys import Keys, identifier
from executor.store.sizes import MARK, small_enough
from executor.store.trust_scripts import RETIRE
from executor.store.watched import PutBack
from htn.errors import UsageError

_TIME = 13  # digits of the time of an event


@dataclass(frozen=True)
class StoredEvent:
    """Something that was done with a name: when, in milliseconds since 1970 by the server's clock, and what."""

    at: int
    text: str


class Pointers:
    """The pointers under one prefix of one server; `Store.pointers` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def move(self, domain: str, name: str, version: str, *, expected: str | None, event: str = "") -> bool:
        """Make a version current if `expected` still is; return whether it was.

        `expected` is None for a name without a current version. Raises UsageError when the name
        does not have the version, or is pinned to another.
        """
        keys = (
            self._keys.current(domain),
            self._keys.versions(domain, name),
            self._keys.history(domain, name),
            self._keys.pinned(domain),
            self._keys.moves(domain),
        )
        self._keys.entry(version)
        small_enough(event)
        mark = uuid.uuid4().hex
        result = self._connection.run(
            lambda client, again: client.register_script(scripts.POINT)(
                keys, (name, version, expected or "", "1" if again else "0", mark, event)
            )
        )
        self._refuse(result, domain, name, version)
        return bool(result == 1)

    def pin(self, domain: str, name: str, version: str, level: str, event: str) -> bool:
        """Make a version the only one that may be current, with a level of trust; return whether it was not yet.

        Raises UsageError when the name does not have the version, or is pinned to another.
        """
        keys = (
            self._keys.current(domain),
            self._keys.versions(domain, name),
            self._keys.history(domain, name),
            self._keys.pinned(domain),
            self._keys.entry(version),
            self._keys.moves(domain),
        )
        result = self._script(scripts.PIN, keys, (name, version, level, uuid.uuid4().hex, event))
        self._refuse(result, domain, name, version)
        return bool(result == 1)

    def unpin(self, domain: str, name: str, version: str, level: str, event: str) -> bool:
        """Let other versions be current again; the trust is what it was before. Return whether it was pinned."""
        keys = self._keys.history(domain, name), self._keys.pinned(domain), self._keys.entry(version)
        return bool(self._script(scripts.UNPIN, keys, (name, version, level, uuid.uuid4().hex, event)) == 1)

    def retire(self, domain: str, name: str, version: str, level: str, event: str, record: str, back: PutBack) -> bool:
        """Give the current version a level at which nobody uses it; return whether it was still current.

        What depends on the name goes down with it, as `back` says. Raises UsageError when the name is pinned.
        """
        keys = (
            self._keys.current(domain),
            self._keys.history(domain, name),
            self._keys.pinned(domain),
            self._keys.entry(version),
            self._keys.evidence(version),
            self._keys.tried(version),
        )
        known = name, version, level, uuid.uuid4().hex, event, record, f"{domain}:{name}"
        result = self._script(RETIRE, keys, (*known, back.text(self._keys)))
        self._refuse(result, domain, name, version)
        return bool(result == 1)

    def pinned(self, domain: str, name: str) -> str | None:
        """Return the version that a name is pinned to, or None."""
        key = self._keys.pinned(domain)
        identifier(name, "the entry")
        found: Any = self._connection.run(lambda client, again: client.hget(key, name))
        return None if found is None else str(found)

    def history(self, domain: str, name: str) -> list[StoredEvent]:
        """Return what was done with a name, oldest first."""
        key = self._keys.history(domain, name)
        rows: Any = self._connection.run(lambda client, again: client.lrange(key, 0, -1))
        return [StoredEvent(int(row[MARK : MARK + _TIME]), row[MARK + _TIME :]) for row in rows]

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        for text in arguments:
            small_enough(text)
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))

    def _refuse(self, result: int, domain: str, name: str, version: str) -> None:
        if result == -1:
            raise UsageError(
                f"{domain}:{name} has no version {version}",
                hints=("list its versions first",),
            )
        if result == -2:
            pinned = (self.pinned(domain, name) or "")[:12]
            raise UsageError(
                f"{domain}.{name} is pinned to {pinned}, so nothing else is done with it",
                hints=(f"let go of it first: htn library unpin {domain}.{name} --why REASON",),
            )
