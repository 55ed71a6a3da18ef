"""Work that takes longer than a request should: carried out in threads, in the order in which it was asked for.

    queued ──a thread is free──▶ running ──▶ done, failed, cancelled

Whoever asked may wait for it, look at it later, or follow what happens. What is kept of it is in memory and bounded:
the oldest that has ended goes. What must survive the process is in the store: what was learned, and the log of a run.
"""

import itertools
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Literal

from htn.errors import HtnError, Trouble
from server.problems import RequestError

WorkState = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: frozenset[WorkState] = frozenset({"done", "failed", "cancelled"})
_MOST_KEPT = 1_000  # that have ended
_MOST_HAPPENED = 1_000  # events of one
_MOST_TOLD = 2_000  # characters of an event's text


class CancelledWork(Exception):
    """Raised inside of the work where somebody has cancelled it."""


@dataclass
class Work:
    """One piece of work: what it is, where it stands, what happened, what came of it."""

    id: str
    kind: str
    about: dict[str, Any]
    do: Callable[["Work"], tuple[bool, dict[str, Any]]] = field(repr=False)
    state: WorkState = "queued"
    created: float = field(default_factory=time.time)
    began: float | None = None
    ended: float | None = None
    document: dict[str, Any] | None = None
    trouble: Trouble | None = None
    cancelled: bool = False
    finished: "Future[None]" = field(default_factory=Future, repr=False)
    context: Context = field(default_factory=copy_context, repr=False)
    """That of whoever asked for it, in which it is done: log lines and spans belong to the request."""
    _happened: list[dict[str, Any]] = field(default_factory=list, repr=False)
    _lost: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def tell(self, kind: str, **fields: Any) -> None:
        """Note that something happened. Raises CancelledWork where the work was cancelled."""
        at = time.time()
        texts = {name: value[:_MOST_TOLD] if isinstance(value, str) else value for name, value in fields.items()}
        with self._lock:
            number = self._lost + len(self._happened)
            event = {"id": f"{int(at * 1000)}-{number}", "at": at, "kind": kind, **texts}
            self._happened.append(event)
            if len(self._happened) > _MOST_HAPPENED:
                self._lost += 1
                del self._happened[0]
        if self.cancelled and kind != "cancelled":
            raise CancelledWork

    def events(self, after: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Return what happened from the event of this number on, and the number of the next one."""
        with self._lock:
            first = max(0, after - self._lost)
            return self._happened[first:], self._lost + len(self._happened)

    def number_after(self, event_id: str) -> int:
        """Return the number of the event that follows the one of this id."""
        _, _, number = event_id.partition("-")
        with suppress(ValueError):
            return int(number) + 1
        return 0

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "created": self.created, "began": self.began,
            "ended": self.ended, "result": self.document, "error": self.trouble.to_json() if self.trouble else None,
            **self.about,
        }  # fmt: skip


class Desk:
    """Takes work on and has threads do it."""

    def __init__(
        self,
        *,
        threads: int,
        most_waiting: int,
        stopping: threading.Event | None = None,
        around: Callable[[Work], AbstractContextManager[None]] = lambda work: nullcontext(),
        on_end: Callable[[Work], None] = lambda work: None,
    ) -> None:
        self._most_waiting = most_waiting
        self._stopping = stopping or threading.Event()
        self._around, self._on_end = around, on_end
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Work] = OrderedDict()
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self.queued = self.running = 0
        self._threads = [
            threading.Thread(target=self._serve, name=f"work {number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def take(
        self,
        kind: str,
        do: Callable[[Work], tuple[bool, dict[str, Any]]],
        *,
        about: dict[str, Any],
        id: str = "",  # noqa: A002
    ) -> Work:
        """Take work on. `do` returns whether it went well, and a document. RequestError where too much waits."""
        work = Work(id or uuid.uuid4().hex[:16], kind, about, do)
        with self._lock:
            self.check()
            if work.id in self._known and self._known[work.id].state not in ENDED:
                raise RequestError("state", f"the run {work.id} waits or is carried out already")
            self._known[work.id] = work
            self.queued += 1
            self._forget()
        self._queue.put(work)
        return work

    def check(self) -> None:
        """RequestError where one more piece of work would be too much."""
        if self.queued >= self._most_waiting:
            raise RequestError("busy", f"{self.queued:,} runs wait already", hints=("ask again later",))

    def find(self, id: str) -> Work | None:  # noqa: A002
        """Return work by its id, or None."""
        with self._lock:
            return self._known.get(id)

    def has(self, id: str) -> bool:  # noqa: A002
        """Say whether work of this id waits or is carried out."""
        work = self.find(id)
        return work is not None and work.state not in ENDED

    def get(self, id: str) -> Work:  # noqa: A002
        """Return work by its id. RequestError where it is not known."""
        with self._lock:
            if (work := self._known.get(id)) is not None:
                return work
        raise RequestError("unknown", f"there is no run {id[:80]!r}", hints=("GET /api/v1/runs lists them",))

    def listed(self) -> list[Work]:
        """Return all work that is known, the newest first."""
        with self._lock:
            return list(reversed(self._known.values()))

    def cancel(self, id: str) -> Work:  # noqa: A002
        """Cancel work: what waits is not begun, what runs stops at its next event."""
        work = self.get(id)
        with self._lock:
            if work.state in ENDED:
                raise RequestError("state", f"the run {work.id} has ended already: it is {work.state}")
            work.cancelled = True
            if work.state == "queued":
                self._end(work, "cancelled")
                self.queued -= 1
        return work

    def stop(self, seconds: float) -> int:
        """Begin nothing more, and wait for what runs; return how much still runs then."""
        for _ in self._threads:
            self._queue.put(None)
        with self._lock:
            for work in self._known.values():
                if work.state == "queued":
                    self._end(work, "cancelled")
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            with self._lock:
                if work.state != "queued" or self._stopping.is_set():
                    continue  # what is not begun is ended by whoever stops the service
                self.queued -= 1
                self.running += 1
                work.state, work.began = "running", time.time()
            state: WorkState = "failed"
            try:
                well, work.document = work.context.run(self._done, work)
                state = "done" if well else "failed"
            except CancelledWork:
                state = "cancelled"
            except HtnError as error:
                work.trouble = error.trouble
            except Exception as error:  # noqa: BLE001  # the thread goes on
                work.trouble = Trouble("bug", 1, f"a bug of ours ({type(error).__name__})")
            except KeyboardInterrupt:
                work.trouble = Trouble("interrupted", 130, "the service was stopped")
            except BaseException as error:  # noqa: BLE001  # a domain's function called exit()
                work.trouble = Trouble("domain", 2, f"code of the domain ended with {type(error).__name__}")
            with self._lock:
                self.running -= 1
                self._end(work, state)

    def _done(self, work: Work) -> tuple[bool, dict[str, Any]]:
        with self._around(work):
            return work.do(work)

    def _end(self, work: Work, state: WorkState) -> None:
        work.state, work.ended = state, time.time()
        self._on_end(work)
        with suppress(CancelledWork):
            work.tell(state, **({"error": work.trouble.to_json()} if work.trouble else {}))
        work.finished.set_result(None)

    def _forget(self) -> None:
        over = len(self._known) - _MOST_KEPT - self.queued - self.running
        if over > 0:
            ended = (id for id, work in self._known.items() if work.state in ENDED)  # noqa: A001
            for old in list(itertools.islice(ended, over)):
                del self._known[old]
