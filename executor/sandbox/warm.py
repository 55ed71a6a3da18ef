"""A warm sandbox: supervisors are started when first needed, kept, and replaced after trouble.

Rules. One supervisor per hash seed, one call at a time, at most `MOST_WARM` of them (the one that
was used least recently goes). A supervisor is looked at before each call and replaced at once
after: the host's deadline, a broken protocol, a folder that could not be emptied, memory that ran
out, the supervisor's own end, 1,000 calls, half an hour. A call is never made twice: when its
supervisor is lost, its outcome says so.

What a level adds is one method: how to start a supervisor and what to do when it is lost.
"""

import asyncio
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from executor.sandbox.inside.plain import NotPlainError, as_plain
from executor.sandbox.outcome import failed, read_outcome, starved
from executor.sandbox.protocol import JSON, Category, Outcome, Program, SandboxLimits
from executor.sandbox.wire import GRACE, LinkLateError, LinkLostError, Wire
from htn.errors import UsageError

MOST_WARM = 3
MOST_CALLS = 1000
_OLDEST = 1800.0
_REQUEST_BYTES = 16 * 2**20
_ENVELOPE_BYTES = 4096
_SEEDS = 2**32
_YEAR_9999 = 253_370_764_800


@dataclass(frozen=True)
class Need:
    """What a supervisor must be started with to serve a call: these cannot change while it runs."""

    hash_seed: int = 0
    language: str = "python"
    dependencies: tuple[str, ...] = ()


class Supervised(ABC):
    """A running supervisor and the wire to it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._calls = 0
        self._born = time.monotonic()

    def fit(self) -> bool:
        """Count a call; return whether the supervisor may serve it."""
        self._calls += 1
        young = self._calls <= MOST_CALLS and time.monotonic() - self._born < _OLDEST
        return young and self.wire.alive()

    @abstractmethod
    def cause_of_loss(self) -> tuple[Category, str]:
        """Return why the supervisor went away within a call."""

    @abstractmethod
    def stop(self) -> None:
        """End it and leave nothing behind. Never raises."""


class WarmSandbox(ABC):
    """What the levels have in common: everything but the fence."""

    level: str
    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]

    def __init__(self, limits: SandboxLimits) -> None:
        self.limits = limits
        self._warm: dict[Need, Supervised] = {}
        self._serving: Supervised | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._process = os.getpid()

    @abstractmethod
    def _start(self, need: Need) -> Supervised:
        """Start a supervisor that has said hello. Raises `ServiceMissing`."""

    def _forked(self) -> None:  # noqa: B027 - most levels share nothing else with their parent
        """Leave to the parent process what it and this forked one must not share."""

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Call the entry point with keyword arguments; see `Sandbox.call`."""
        limits = limits or self.limits
        if program.language != "python":
            only = f"only python bodies run in this sandbox, not {program.language}"
            return failed(Category.ENVIRONMENT, only, self.level)
        self._check(limits, hash_seed, clock)
        need = Need(hash_seed, program.language, program.dependencies)
        request = self._request(program, arguments, clock)
        room = _ENVELOPE_BYTES + 6 * len(str(request["arguments"]))
        with self._lock:
            supervised = self._ready(need)
            self._serving = supervised
            try:
                reply = supervised.wire.exchange(request, limits, room)
            except LinkLateError:
                self._discard(need)
                late = f"no answer within {limits.seconds:g} s; the sandbox was replaced"
                return failed(Category.TIMEOUT, late, self.level, seconds=limits.seconds + GRACE)
            except LinkLostError:
                category, cause = supervised.cause_of_loss()
                self._discard(need)
                return failed(category, cause, self.level)
            except BaseException:  # an interrupt leaves a reply on the wire that nobody reads
                self._discard(need)
                raise
            finally:
                self._serving = None
            outcome = read_outcome(reply, limits, self.level)
            if not reply.clean or starved(reply):
                self._discard(need)
            return outcome

    async def acall(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Do what `call` does without holding up the event loop; see `Sandbox.acall`."""
        work = partial(self.call, program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)
        running = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if self._serving:
                self._serving.wire.close()
            await asyncio.wait([running])
            raise

    def close(self) -> None:
        """Stop all supervisors. A second time does nothing."""
        with self._lock:
            self._closed = True
            for need in list(self._warm):
                self._discard(need)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _request(self, program: Program, arguments: Mapping[str, JSON], clock: float | None) -> dict[str, Any]:
        try:
            plain = as_plain(dict(arguments), "arguments")
            as_plain(program.code, "the code")
            files = as_plain(dict(program.files), "the files")
        except NotPlainError as error:
            raise UsageError(f"a sandbox takes plain JSON: {error}") from None
        size = len(program.code) + len(str(plain)) + len(str(files))
        if size > _REQUEST_BYTES:
            most = f"the most is {_REQUEST_BYTES} characters, code, files and arguments together"
            raise UsageError(f"a request of {size} characters is too large", hints=(most,))
        return {
            "code": program.code,
            "entry_point": program.entry_point,
            "form": program.form,
            "files": files,
            "arguments": plain,
            "clock": clock,
        }

    def _check(self, limits: SandboxLimits, hash_seed: int, clock: float | None) -> None:
        if not 0 <= hash_seed < _SEEDS:
            raise UsageError(f"a hash seed is a number from 0 to {_SEEDS - 1}, not {hash_seed}")
        if clock is not None and not 0 <= clock < _YEAR_9999:
            raise UsageError(f"a clock cannot start at {clock}: seconds since 1970, up to 9998")
        if limits.memory_mb > self.limits.memory_mb:
            raise UsageError(
                f"a call cannot have {limits.memory_mb} MB in a sandbox of {self.limits.memory_mb}",
                hints=("open the sandbox with larger limits",),
            )

    def _ready(self, need: Need) -> Supervised:
        if self._closed:
            raise UsageError("the sandbox is closed", hints=("open another one",))
        if self._process != os.getpid():
            # After a fork the supervisors belong to the parent: neither use nor stop them.
            self._warm, self._process = {}, os.getpid()
            self._forked()
        if need in self._warm and not self._warm[need].fit():
            self._discard(need)
        if need in self._warm:
            self._warm[need] = self._warm.pop(need)
        else:
            while len(self._warm) >= MOST_WARM:
                self._discard(next(iter(self._warm)))
            self._warm[need] = self._start(need)
        return self._warm[need]

    def _discard(self, need: Need) -> None:
        supervised = self._warm.pop(need, None)
        if supervised is not None and self._process == os.getpid():
            supervised.stop()
