"""Stop what is under way: a flag that calls whoever has to do something then, and a sandbox whose calls end with it."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import cast

from executor.sandbox import JSON, Outcome, Program, Sandbox, SandboxLimits
from htn.errors import ExecutionError


class Stop:
    """A flag that is set once, by anybody, with a reason."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], object]] = []
        self.reason = ""

    def set(self, reason: str = "interrupted") -> None:
        """Set the flag; what was to be called is called once."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            calls = tuple(self._calls)
        for call in calls:
            call()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most so long; return whether it is."""
        return self._event.wait(seconds)

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Have `call` called when the flag is set meanwhile; at once where it is set."""
        with self._lock:
            self._calls.append(call)
            late = self._event.is_set()
        try:
            if late:
                call()
            yield
        finally:
            with self._lock:
                self._calls.remove(call)


class Loop:
    """An event loop in a thread of its own, which is started when it is first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop, running."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True, name="calls").start()
            return self._loop

    def close(self) -> None:
        """Stop the loop."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None


def stoppable(sandbox: Sandbox, stop: Stop, loop: Loop) -> Sandbox:
    """Return a sandbox whose calls end when `stop` is set: then ExecutionError is raised instead of an outcome."""
    # It has all that the sandbox has, by `__getattr__`, which type checkers do not see.
    return cast("Sandbox", _StoppableSandbox(sandbox, stop, loop))


class _StoppableSandbox:
    def __init__(self, sandbox: Sandbox, stop: Stop, loop: Loop) -> None:
        self._sandbox, self._stop, self._loop = sandbox, stop, loop

    def __getattr__(self, name: str) -> object:
        return getattr(self._sandbox, name)

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Return what came of a call; see `Sandbox.call`."""
        work = self._sandbox.acall(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)
        future = asyncio.run_coroutine_threadsafe(work, self._loop.get())
        try:
            with self._stop.calling(future.cancel):
                return future.result()
        except CancelledError:
            raise ExecutionError("the call was stopped") from None
        except BaseException:
            future.cancel()
            raise
