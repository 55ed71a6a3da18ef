"""Processes that look for plans, so that no search stands in the way of another request.

Each process answers one request at a time; requests wait for a free one in the order in which they came. A search ends
at its own limit of seconds; where it does not, because a function of the domain does not come back, the process is
killed a little later and another one takes its place. One that died is replaced when it is next wanted.

Not here: spreading one search over several processes.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from executor.settings import Settings
from htn.errors import HtnError, LimitReached, ServiceMissing, Trouble
from server.planning import Planned, Wanted

GRACE = 2.0  # seconds that a search may take beyond its limit before its process is killed
_START = 60.0  # seconds in which a process has to be ready


class TroubleError(HtnError):
    """An error that came from another process, with the code that it had there."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message, where=trouble.where, hints=trouble.hints)
        self._trouble = trouble

    @property
    def trouble(self) -> Trouble:
        """The error as data."""
        return self._trouble


@dataclass
class Planner:
    """One process, or the place of one that has to be started."""

    settings: Settings
    sources: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _connection: Connection | None = None
    _closed: bool = False
    _lock: Lock = field(default_factory=Lock)

    def plan(self, wanted: Wanted, seconds: float) -> Planned:
        """Have it look for a plan, `seconds` at most; LimitReached after that, and the error that the search met."""
        connection = self._ready()
        try:
            connection.send(wanted)
            if not connection.poll(seconds):
                self.stop()
                raise LimitReached(
                    f"a function of the domain {wanted.domain} did not come back, so the search was stopped after "
                    f"{seconds:g} seconds"
                )
            answer: Planned | Trouble = connection.recv()
        except (EOFError, OSError) as error:
            self.stop()
            raise ServiceMissing(
                f"the process that looked for a plan of {wanted.domain} has died", hints=("try again",)
            ) from error
        if isinstance(answer, Trouble):
            raise TroubleError(answer)
        return answer

    def start(self) -> None:
        """Start it, if it does not run, and wait until it is ready."""
        self._ready()

    def stop(self, *, for_good: bool = False) -> None:
        """Kill it, if it runs. `for_good` says that it is not to start again."""
        with self._lock:
            self._closed = self._closed or for_good
            if self._process:
                self._process.kill()  # whoever waits for it sees its connection end
                self._process.wait()
            if self._connection and not for_good:
                self._connection.close()
                self._connection = None
            self._process = None

    def _ready(self) -> Connection:
        if self._process and self._connection and self._process.poll() is None:
            return self._connection
        self.stop()
        connection = self._launched()
        with suppress(EOFError, OSError):
            connection.send((self.settings, dict(self.sources)))
            if connection.poll(_START):
                connection.recv()
                return connection
        self.stop()
        raise ServiceMissing(
            "a process that looks for plans did not start", hints=("what it said is on the service's standard error",)
        )

    def _launched(self) -> Connection:
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            if self._closed:
                ours.close()
                raise ServiceMissing("the service is stopping")
            self._connection = Connection(ours.detach())
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-P", "-m", "server.planning", str(theirs.fileno())],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if sys.stderr else subprocess.DEVNULL,
            )
            return self._connection


@dataclass
class PlannerPool:
    """Several planners. `async with` starts them, without waiting until they are ready, and stops them."""

    settings: Settings
    sources: Mapping[str, str]
    planners: list[Planner] = field(default_factory=list)
    waiting: int = 0
    """Plans that wait for a free planner."""
    _free: deque[Planner] = field(default_factory=deque)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def __aenter__(self) -> "PlannerPool":
        count = self.settings.service_planners
        self.planners = [Planner(self.settings, self.sources) for _ in range(count)]
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="planner")
        loop = asyncio.get_running_loop()
        for planner in self.planners:
            work = loop.run_in_executor(self._threads, planner.start)
            work.add_done_callback(partial(self._give_back, planner))
        return self

    async def __aexit__(self, *_: object) -> None:
        for planner in self.planners:
            planner.stop(for_good=True)
        self._threads.shutdown(wait=True)

    @property
    def busy(self) -> int:
        """How many planners are at work."""
        return len(self.planners) - len(self._free)

    async def plan(self, wanted: Wanted) -> Planned:
        """Wait for a free planner, and have it look for a plan."""
        seconds = float(wanted.limits.get("max_seconds", self.settings.max_seconds)) + GRACE
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        planner = self._free.popleft()
        work = asyncio.get_running_loop().run_in_executor(self._threads, planner.plan, wanted, seconds)
        work.add_done_callback(partial(self._give_back, planner))  # also where the client has gone meanwhile
        return await asyncio.shield(work)

    def _give_back(self, planner: Planner, work: "asyncio.Future[Any]") -> None:
        work.cancelled() or work.exception()  # whoever asked hears of it; one that did not start starts when wanted
        self._free.append(planner)
        self._turns.release()
