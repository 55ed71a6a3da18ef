"""Who drives a run: one process at a time, as long as it lives. Its heart keeps the lease and the claims of its steps.

The heart hears, too, when somebody cancels the run, and finds out when another process has taken over: then it stops
what is under way.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from executor.journal import StoredJournal
from executor.stop import Stop
from executor.store import LeaseTimes, Store
from htn.errors import HtnError, ServiceMissing, UsageError

_LOOK = 0.25


def process_name() -> str:
    """Return a name for this process that no other has: host, number, and a mark."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class RunTaken(UsageError):
    """Another process drives the run."""


@contextmanager
def beating(journal: StoredJournal, stop: Stop) -> Iterator[None]:
    """Keep alive, meanwhile, the claims that a journal has made, and the driver's lease where it has one."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(journal.lives / 3):
            # The server may be back at the next beat; if not, the run meets it itself.
            with suppress(HtnError):
                cancelled, _ = journal.logs.beat(journal.run_id, journal.claims.held(), lives_ms=journal.lives_ms)
                if cancelled:
                    stop.set("cancelled")
                if journal.holder and not journal.logs.keep(journal.run_id, journal.holder, lives_ms=journal.lives_ms):
                    stop.set("lost")

    heart = threading.Thread(target=beat, daemon=True, name="heart")
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()


@contextmanager
def driving(
    journal: StoredJournal,
    store: Store,
    stop: Stop,
    *,
    wait: float = 0.0,
    on_wait: Callable[[], object] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Drive a run meanwhile: RunTaken where another process does, and still does after `wait` seconds."""
    leases, name = store.leases(LeaseTimes(lifetime=journal.lives)), store.run_lease(journal.run_id)
    waited = 0.0
    while not leases.take(name, journal.holder):
        if waited < wait:
            if not waited:
                on_wait()
            sleep(_LOOK)
            waited += _LOOK
            continue
        raise RunTaken(
            f"another process drives the run {journal.run_id}",
            hints=(
                f"htn watch {journal.run_id}",
                f"when it dies, it can be taken over {journal.lives:g} seconds later",
            ),
        )
    try:
        with beating(journal, stop):
            yield
    finally:
        with suppress(ServiceMissing):  # then it lapses by itself
            leases.release(name, journal.holder)
