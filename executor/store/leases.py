"""Leases: of all processes and threads that want to do one thing, one does it, for as long as it lives.

A lease has a holder, which is a mark of its own for each taking, and a lifetime by the server's clock. A heartbeat
extends it while the work goes on; when its holder dies the heartbeat stops, and the lease lapses by itself. A holder
that was only asleep, and whose lease has lapsed meanwhile, is found out at its next write: what a write may do only
under a lease names the lease and its holder, and is refused in the same script (see `Store.admit`).

The heartbeat does not go on for ever: work that hangs for longer than `longest` seconds loses its lease, too.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from executor.store import scripts
from executor.store.connection import Connection
from executor.store.keys import Keys
from htn.errors import ExecutionError, HtnError, ServiceMissing, UsageError


class LeaseLost(ExecutionError):
    """Somebody else has the lease meanwhile; what was to be written under it was not."""


@dataclass(frozen=True)
class LeaseTimes:
    """Seconds: how long a lease lives without a heartbeat, how often somebody who waits looks, how long work may take.

    A heartbeat comes three times in a lifetime.
    """

    lifetime: float = 15.0
    look: float = 0.2
    longest: float = 3600.0

    def __post_init__(self) -> None:
        for name, least, most in (("lifetime", 0.05, 3600), ("look", 0.01, 60), ("longest", 0.05, 7 * 86_400)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"the {name} of a lease cannot be {getattr(self, name)} seconds",
                    hints=(f"choose a number from {least:g} to {most:g}",),
                )


@dataclass(frozen=True)
class Lease:
    """A lease that was taken. `waited` says that somebody else held it first."""

    name: str
    holder: str
    waited: bool


class Leases:
    """The leases under one prefix of one server; `Store.leases` makes it."""

    def __init__(self, connection: Connection, keys: Keys, times: LeaseTimes) -> None:
        self._connection = connection
        self._keys = keys
        self._times = times

    @contextmanager
    def holding(
        self,
        name: str,
        *,
        on_wait: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Lease]:
        """Hold the lease `name`, which is 64 hexadecimal digits; wait while another holds it, and say so once."""
        holder, waited = uuid.uuid4().hex, False
        while not self.take(name, holder):
            if not waited:
                on_wait()
            waited = True
            sleep(self._times.look)
        done = threading.Event()
        heart = threading.Thread(target=self._beat, args=(name, holder, done), daemon=True, name="lease")
        heart.start()
        try:
            yield Lease(name, holder, waited)
        finally:
            done.set()
            heart.join()
            with suppress(ServiceMissing):  # then it lapses by itself, and what came of the work is told
                self.release(name, holder)

    def take(self, name: str, holder: str) -> bool:
        """Take a lease if it is free or is this holder's already; return whether it is held."""
        return bool(self._script(scripts.LEASE_TAKE, name, holder, self._milliseconds()))

    def extend(self, name: str, holder: str) -> bool:
        """Let a lease live on if this holder still has it; return whether it does."""
        return bool(self._script(scripts.LEASE_EXTEND, name, holder, self._milliseconds()))

    def release(self, name: str, holder: str) -> bool:
        """Give a lease back; return whether this holder still had it."""
        return bool(self._script(scripts.LEASE_RELEASE, name, holder))

    def _beat(self, name: str, holder: str, done: threading.Event) -> None:
        for _ in range(max(1, int(self._times.longest / self._times.lifetime * 3))):
            if done.wait(self._times.lifetime / 3):
                return
            try:
                if not self.extend(name, holder):
                    return  # it has lapsed: the next write of its holder is refused
            except HtnError:
                continue  # the server may be back at the next beat; if not, the holder meets it itself

    def _milliseconds(self) -> str:
        return str(max(1, round(self._times.lifetime * 1000)))

    def _script(self, script: str, name: str, *arguments: str) -> Any:
        keys = (self._keys.lease(name),)
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))
