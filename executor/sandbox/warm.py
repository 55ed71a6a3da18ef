"""A warm sandbox: everything that the levels have in common but the fence.

A call takes a supervisor from the pool, sends one request over its wire, and reads one reply. A
supervisor is thrown away at once after: the host's deadline, a broken protocol, a folder that could
not be emptied, memory that ran out, its own end, an interrupt, a cancelled call. A call is never
made twice: when its supervisor is lost, its outcome says so.

What a level adds is one method: how to start a supervisor and what to do when it is lost.
"""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self

from executor.sandbox.dependencies import UnavailableError
from executor.sandbox.engine import START_DOCKER
from executor.sandbox.inside.plain import NotPlainError, as_plain
from executor.sandbox.outcome import failed, read_outcome, starved
from executor.sandbox.pool import CallCancelledError, Errand, Pool
from executor.sandbox.protocol import JSON, Category, Outcome, Program, SandboxLimits
from executor.sandbox.supervised import Need, PoolSettings, Supervised
from executor.sandbox.wire import GRACE, LinkLateError, LinkLostError
from htn.errors import UsageError

_REQUEST_BYTES = 16 * 2**20
_ENVELOPE_BYTES = 4096
_SEEDS = 2**32
_YEAR_9999 = 253_370_764_800
_THREADS_PER_SUPERVISOR = 4


class WarmSandbox(ABC):
    """What the levels have in common: everything but the fence."""

    level: str
    description: str
    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]

    def __init__(self, limits: SandboxLimits, pool: PoolSettings) -> None:
        self.limits = limits
        self._own(pool)

    @abstractmethod
    def runs_on(self, program: Program) -> str:
        """What the program would run on, by content; see `Sandbox.runs_on`."""

    @abstractmethod
    def _start(self, need: Need) -> Supervised:
        """Start a supervisor that has said hello. Raises `ServiceMissing`."""

    def _need(self, program: Program, limits: SandboxLimits, hash_seed: int) -> Need:
        """Return what a supervisor must have been started with to serve this call."""
        return Need(hash_seed, program.language, program.dependencies, limits.profile)

    def _provide(self, program: Program) -> None:
        """See to the packages that a program declares. Raises `UnavailableError`; most levels have none."""
        names = ", ".join(program.dependencies)
        raise UnavailableError(
            f"the body declares the packages {names}, and under {self.level} there are none: packages need containers; "
            f"{START_DOCKER}"
        )

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
        return self._call(Errand(), program, arguments, limits, hash_seed, clock)

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
        pool, errand = self._here(), Errand()
        future = self._threads.submit(partial(self._call, errand, program, arguments, limits, hash_seed, clock))
        running = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            pool.cancel(errand)
            if not future.cancel():
                await asyncio.wait([running])
                running.exception()  # the cancellation tells it; asyncio would report one that nobody has looked at
            raise

    @property
    def warm(self) -> int:
        """How many supervisors run: idle ones, busy ones and spares."""
        return len(self._here().running())

    def close(self) -> None:
        """Stop all supervisors, also those at work for other threads. A second time does nothing."""
        self._here().close()
        self._threads.shutdown(cancel_futures=False, wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _own(self, settings: PoolSettings) -> None:
        self._process = os.getpid()
        self._pool = Pool(self._start, settings)
        most = settings.size * _THREADS_PER_SUPERVISOR
        self._threads = ThreadPoolExecutor(max_workers=most, thread_name_prefix="sandbox call")

    def _here(self) -> Pool:
        """Return the pool of this process."""
        if self._process != os.getpid():
            # After a fork the supervisors belong to the parent: neither use nor stop them.
            self._own(self._pool.settings)
            self._forked()
        return self._pool

    def _call(
        self,
        errand: Errand,
        program: Program,
        arguments: Mapping[str, JSON],
        limits: SandboxLimits | None,
        hash_seed: int,
        clock: float | None,
    ) -> Outcome:
        limits = limits or self.limits
        self._check(limits, hash_seed, clock)
        request = _request(program, arguments, clock)
        if program.language != "python":
            return self._call_other(errand, program, request, limits)
        if program.dependencies:
            try:
                self._provide(program)
            except UnavailableError as error:
                return failed(Category.ENVIRONMENT, str(error), self.level)
        need = self._need(program, limits, hash_seed)
        return self._run(errand, need, request, limits, single_use=program.single_use)

    def _call_other(self, errand: Errand, program: Program, request: dict[str, Any], limits: SandboxLimits) -> Outcome:
        """Call a body in another language than Python. Most levels have no such language."""
        only = f"only python bodies run under {self.level}, not {program.language}: other languages need containers"
        return failed(Category.ENVIRONMENT, f"{only}; {START_DOCKER}", self.level)

    def _run(
        self, errand: Errand, need: Need, request: Mapping[str, Any], limits: SandboxLimits, *, single_use: bool
    ) -> Outcome:
        """Have a supervisor that fits a need serve one request."""
        pool, good = self._here(), False
        try:
            supervised = pool.take(need, errand, unused=single_use)
            outcome, good = self._exchange(supervised, request, limits)
        except LinkLostError:
            if errand.cancelled:
                raise CallCancelledError from None
            assert errand.supervised is not None
            category, cause = errand.supervised.cause_of_loss()
            if pool.closed:
                category, cause = Category.ENVIRONMENT, "the sandbox was closed during the call"
            outcome = failed(category, cause, self.level)
        finally:
            lent, errand.supervised = errand.supervised, None
            if lent is not None:
                if good and not single_use:
                    pool.give_back(lent)
                else:
                    pool.discard(lent, later=good)
        return outcome

    def _exchange(
        self, supervised: Supervised, request: Mapping[str, Any], limits: SandboxLimits
    ) -> tuple[Outcome, bool]:
        """Make the call; return what came of it, and whether its supervisor is as good as before."""
        room = _ENVELOPE_BYTES + 6 * len(str(request["arguments"]))
        try:
            reply = supervised.wire.exchange(request, limits, room)
        except LinkLateError:
            late = f"no answer within {limits.seconds:g} s; the sandbox was replaced"
            return failed(Category.TIMEOUT, late, self.level, seconds=limits.seconds + GRACE), False
        return read_outcome(reply, limits, self.level), reply.clean and not starved(reply)

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


def _request(program: Program, arguments: Mapping[str, JSON], clock: float | None) -> dict[str, Any]:
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
        "packages": bool(program.dependencies),
    }
