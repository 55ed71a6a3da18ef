"""Steps carried out by threads of this process: what a distributed run falls back to where no worker answers."""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from executor.transport.protocol import Work
from htn.errors import HtnError


@dataclass
class Threads:
    """Threads that carry out steps, at most `most` at a time. They end when it is closed, or with the process."""

    work: Work
    most: int = 1
    _steps: "queue.SimpleQueue[tuple[str, str] | None]" = field(default_factory=queue.SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: int = 0

    def dispatch(self, run_id: str, steps: Sequence[str], label: str) -> None:
        """Have steps carried out; every thread has every label."""
        for step in steps:
            self._steps.put((run_id, step))
        with self._lock:
            while self._threads < min(self.most, self._steps.qsize()):
                self._threads += 1
                threading.Thread(target=self._go_on, daemon=True, name=f"worker {self._threads}").start()

    def close(self) -> None:
        """Let the threads end, each when it has done the step that it is at."""
        with self._lock:
            for _ in range(self._threads):
                self._steps.put(None)
            self._threads = 0

    def _go_on(self) -> None:
        while (step := self._steps.get()) is not None:
            with suppress(HtnError):  # the step is dispatched again
                self.work(*step)
