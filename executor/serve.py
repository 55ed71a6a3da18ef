"""A worker: a process that takes steps from the transport and has them carried out by processes of its own.

    htn worker ── says that it lives, adopts runs whose driver is gone
        ├── carries out a step at a time, with a store, a library and a sandbox of its own
        └── …

When a signal ends it, it takes nothing more; steps under way may end until a deadline, then those that can be stopped
are released, and another worker begins them again. Killed at once it loses nothing either: its claims lapse.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from executor.adopt import Adopter
from executor.agent import Agent
from executor.crew import WORKER_SECONDS, WorkerCard
from executor.driving import process_name
from executor.pursue import Listener
from executor.settings import Settings
from executor.shelf import Shelf
from executor.store import Workers
from executor.worker import Worker
from htn.domain import Domain
from htn.errors import HtnError

_BEAT = WORKER_SECONDS / 3


@dataclass(frozen=True)
class Post:
    """How a worker works: for which labels, how many steps at a time, with which domains, and how it ends."""

    labels: tuple[str, ...]
    concurrency: int = 1
    domains: tuple[Domain, ...] = ()
    adopt: bool = True
    deadline: float = 20.0


def serve(settings: Settings, post: Post, note: Callable[[str], None]) -> int:
    """Work until a signal ends it; return the exit code. ServiceMissing without Celery, or where the store is away."""
    from executor.transport.celery_app import make_app  # noqa: PLC0415 - an extra
    from executor.transport.celery_app import serve as take_steps  # noqa: PLC0415 - an extra

    with Agent(settings, Listener(note=note)) as agent:
        store = agent.store
        card = WorkerCard(process_name(), post.labels, post.concurrency, time.time())
        leaving = multiprocessing.get_context("fork").Event()
        bench = Bench(settings, post.domains, leaving.is_set, note)
        adopter = Adopter(settings, store, Shelf(post.domains), note) if post.adopt else None
        office = Office(store.workers(), card, adopter, note)

        def ready() -> None:
            note(f"{card.name} carries out steps for {', '.join(post.labels)}, {post.concurrency} at a time")
            office.open()

        def leave() -> None:
            office.leave()
            late = threading.Timer(post.deadline, leaving.set)
            late.daemon = True
            late.start()

        app = make_app(store.address.url, store.prefix)
        try:
            return take_steps(
                app, bench.carry_out, name=card.name, labels=post.labels, concurrency=post.concurrency,
                on_ready=ready, on_leaving=leave, on_end=bench.close,
            )  # fmt: skip
        finally:
            office.close()


class Bench:
    """Where steps are carried out: in each process its own, opened when the first step comes."""

    def __init__(
        self, settings: Settings, domains: Sequence[Domain], leaving: Callable[[], bool], note: Callable[[str], None]
    ) -> None:
        self._settings, self._domains, self._leaving, self._note = settings, domains, leaving, note
        self._parent = os.getpid()
        self._agent: Agent | None = None
        self._worker: Worker | None = None

    def carry_out(self, run_id: str, step: str) -> None:
        """Carry out a step."""
        if self._worker is None:
            self._worker = self._open()
        try:
            self._worker.carry_out(run_id, step)
        except HtnError as error:  # nobody waits for an answer; the run's driver meets the same, or has the step again
            self._note(f"the step {step} of the run {run_id} was not carried out: {error.message}")

    def close(self) -> None:
        """Close what was opened."""
        if self._agent is not None:
            self._agent.__exit__()
            self._agent = self._worker = None

    def _open(self) -> Worker:
        agent = self._agent = Agent(self._settings, Listener(note=self._note))
        return agent.worker(Shelf(self._domains), on_beat=self._look_around)

    def _look_around(self, idle: bool) -> None:
        """Leave when the deadline has passed, and end when the process that this one belongs to is gone."""
        if self._leaving() and self._worker is not None:
            self._worker.leave()
        if idle and os.getppid() != self._parent:
            self.close()
            os._exit(0)


class Office:
    """Says that a worker lives, and looks for runs to adopt, in a thread of its own."""

    def __init__(
        self, workers: Workers, card: WorkerCard, adopter: Adopter | None, note: Callable[[str], None]
    ) -> None:
        self._workers, self._text, self._adopter, self._note = workers, card.text(), adopter, note
        self._ended = threading.Event()
        self._left = threading.Event()

    def open(self) -> None:
        """Begin."""
        self._beat()
        threading.Thread(target=self._go_on, daemon=True, name="office").start()

    def leave(self) -> None:
        """Say that no further steps are taken. Nothing is waited for: a signal may have come anywhere."""
        self._left.set()

    def close(self) -> None:
        """Say that the worker is gone."""
        self._left.set()
        self._ended.set()
        self._beat()

    def _go_on(self) -> None:
        while not self._ended.wait(_BEAT):
            self._beat()
            if self._adopter is not None and not self._left.is_set():
                try:
                    self._adopter.look()
                except HtnError as error:
                    self._note(f"could not look for runs whose driver is gone: {error.message}")

    def _beat(self) -> None:
        with suppress(HtnError):  # the server may be back at the next beat
            if self._left.is_set():
                self._workers.leave(self._text)
            else:
                self._workers.beat(self._text, lives_ms=round(WORKER_SECONDS * 1000))
