"""Locks between processes: files that the kernel unlocks when their holder dies, however it dies.

A lock belongs to the opened file, not to the process: a child process that inherits the file holds
the lock as well. What this does not do: lock across machines on every network file system.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from htn.errors import ServiceMissing

_POLL_SECONDS = 0.01


class FileLock:
    """An opened lock file."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Try to become the only holder, also from a shared lock of one's own."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def share(self) -> bool:
        """Try to become one of several holders."""
        return self._lock(fcntl.LOCK_SH | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go, unless a child process holds the file too."""
        os.close(self.descriptor)

    def _lock(self, kind: int) -> bool:
        try:
            fcntl.flock(self.descriptor, kind)
        except BlockingIOError:
            return False
        return True


@contextmanager
def holding(path: Path, *, seconds: float) -> Iterator[None]:
    """Be the only holder of the lock at `path` for the time of a `with`."""
    lock = FileLock(path)
    try:
        deadline = time.monotonic() + seconds
        while not lock.take():
            if time.monotonic() > deadline:
                raise ServiceMissing(
                    f"another process has held {path} for more than {seconds:g} s",
                    hints=(f"see which one it is: fuser -v {path}",),
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        lock.close()
