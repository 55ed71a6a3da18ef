"""Carry out steps of runs that other processes drive: under the guard, on a replica of the run's state.

A worker is told the id of a run and the key of a step, nothing else; what the step is, and what is true, it reads from
the run's log, which it follows as far as it needs. Its rules:

1. It claims a step before it looks at the state, and brings the state up to what had committed before the claim.
2. A run is of a domain. The worker has the same one, byte for byte of its file, or leaves the step to another.
3. The state is changed by what the log says, also by the worker's own steps: they are taken back when they committed.
4. A claim lives as long as the worker's heart beats; the same beat hears that a run is to be cancelled.

Not covered: files that a domain's file imports may differ from machine to machine.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from executor.guard import Errand, Guard
from executor.journal import CLAIM_SECONDS, StoredJournal
from executor.library import Library
from executor.performer import Performer, may_be_redone, of_a_step
from executor.retries import Retries
from executor.retrying import Retrying
from executor.run import Logged, Planned, RunRecord
from executor.run.view import apply_event, place_of
from executor.sandbox import Sandbox, SandboxLimits
from executor.shelf import NotHere, Shelf
from executor.stop import Loop, Stop, stoppable
from executor.store import Claim, Store, event_text, unknown_run
from htn.domain import Domain
from htn.errors import ExecutionError, HtnError, ServiceMissing, UsageError
from htn.state import State

DEFAULT_LABEL = "python"
"""What a worker must have for a step that needs nothing special."""
_MOST_RUNS = 64  # whose states are held at a time
_LOOKS = 50  # at a log that should have more
Changes: TypeAlias = Sequence[list[Any]] | str


class WorkerJournal(StoredJournal):
    """The journal of a worker: what a step changed must have a JSON form, or nobody else would know of it."""

    def commit(
        self, claim: Claim, rows: Changes, reads: Iterable[str], seconds: float, places: Sequence[str] = ()
    ) -> tuple[str, str]:
        """Commit a step; see `Journal`. ExecutionError where its changes cannot be written down."""
        if isinstance(rows, str):
            raise ExecutionError(rows, hints=("carry the run out in one process: without --distributed",))
        return super().commit(claim, rows, reads, seconds, places)


@dataclass
class Replica:
    """A run as a worker knows it: its state as far as the log was read, and its plans."""

    record: RunRecord
    journal: WorkerJournal
    state: State
    digest: str
    stop: Stop = field(default_factory=Stop)
    commits: int = 0
    last: str = "0-0"
    plans: dict[int, Planned] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    guard: Guard | None = None
    errands: dict[int, list[Errand]] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the run is stopped."""
        self.stop.wait(seconds)

    def read_on(self, commits: int = 0) -> None:
        """Read the log on, until so many steps have committed. ExecutionError where they never do."""
        for _ in range(_LOOKS):
            for event in self.journal.events(self.last, wait=0.1 if self.commits < commits else 0.0):
                self._add(event)
            if self.commits >= commits:
                return
        raise ExecutionError(f"the log of the run {self.record.id} is shorter than its steps say")

    def _add(self, event: Logged) -> None:
        apply_event(self.state, event)
        self.last = event.id
        if event.kind == "finish":
            self.commits += 1
            self.state.mark()
        elif event.kind == "planned":
            number = int(event.data["number"])
            self.plans[number] = Planned(number, dict(event.data))
            self.errands.clear()
        elif event.kind == "handed":
            self.digest = str(event.data.get("digest", ""))

    def errand(self, step: str, domain: Domain) -> Errand | None:
        """Return what a step is, or None where it is none of the last plan."""
        try:
            number, at = place_of(step)
        except ValueError:  # what a message says may be anything
            return None
        if number not in self.plans:
            self.read_on()
        if number not in self.plans or number != max(self.plans):
            return None
        if number not in self.errands:
            planned = self.plans[number]
            reads = planned.reads
            self.errands[number] = [
                Errand(f"{number}.{i + 1}", i, action, reads[i] if reads else (), may_be_redone(domain, action))
                for i, action in enumerate(planned.plan.actions)
            ]
        errands = self.errands[number]
        return errands[at] if at < len(errands) else None


@dataclass
class Worker:
    """What it takes to carry out steps. `name` is who the log says did them.

    With `threads`, several steps of a run are carried out at the same time, each on a copy of its state.
    """

    store: Store
    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    limits: SandboxLimits
    loop: Loop
    name: str
    retries: Callable[[], Retries] | None = None
    shelf: Shelf = field(default_factory=Shelf)
    threads: bool = False
    lives: float = CLAIM_SECONDS
    on_beat: Callable[[bool], object] = lambda idle: None
    """Is called with each beat of the heart, and told whether the worker has nothing to do."""
    _replicas: "OrderedDict[str, Replica]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _heart: threading.Thread | None = None
    _leaving: threading.Event = field(default_factory=threading.Event)
    _closed: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, run_id: str, step: str) -> str:
        """Carry out a step that was dispatched. Returns what came of it; nothing but the log matters to anybody."""
        self._begin_to_beat()
        if self._leaving.is_set():
            return "leaving"
        try:
            replica = self._replica(run_id)
            if replica.record.choices.approve == "always":
                raise NotHere("a person is asked before code of this run is run, which a worker cannot do")
            with replica.lock:
                domain = self.shelf.domain_of(replica.record, replica.digest)
                errand = replica.errand(step, domain)
                guard = self._guard(replica, domain)
        except NotHere as error:
            self._refuse(run_id, step, error)
            return "refused"
        except UsageError:  # the run is gone
            return "gone"
        if errand is None:
            return "gone"
        status, claim = guard.journal.claim(errand.key, again=errand.may_be_redone)
        if status != "claimed":
            return status
        try:
            return self._claimed(replica, guard, errand, claim)
        except HtnError as error:
            with suppress(ServiceMissing):
                guard.journal.give_up(claim, "fail", 0.0, of_a_step(error))
            return "fail"
        finally:
            replica.journal.claims.drop(claim)

    def leave(self) -> None:
        """Begin nothing more, and stop what can be stopped: its steps are released, for another worker."""
        self._leaving.set()
        for replica in self._held():
            replica.stop.set("leaving")

    def close(self) -> None:
        """Leave, and let the heart stop: nothing asks for the store any more."""
        self.leave()
        self._closed.set()
        if self._heart is not None:
            self._heart.join()

    def beat(self) -> None:
        """Keep the claims of this worker alive, and hear which runs are to be cancelled."""
        idle = True
        for replica in self._held():
            claims = replica.journal.claims.held()
            if not claims:
                continue
            idle = False
            with suppress(HtnError):  # the server may be back at the next beat
                cancelled, _ = replica.journal.logs.beat(replica.record.id, claims, lives_ms=round(self.lives * 1000))
                if cancelled:
                    replica.stop.set("cancelled")
        self.on_beat(idle)

    def _claimed(self, replica: Replica, guard: Guard, errand: Errand, claim: Claim) -> str:
        if not self.threads:
            replica.read_on(claim.base)
            mark = replica.state.mark()
            try:
                return guard.carry_out(errand, claim, replica.state).kind
            finally:
                replica.state.undo(mark)
        with replica.lock:
            replica.read_on(claim.base)
            copy = replica.state.copy()
        return guard.carry_out(errand, claim, copy).kind

    def _replica(self, run_id: str) -> Replica:
        with self._lock:
            if run_id not in self._replicas:
                self._replicas[run_id] = self._read(run_id)
                idle = [key for key, one in self._replicas.items() if not one.journal.claims.held()]
                for key in idle[: max(0, len(self._replicas) - _MOST_RUNS)]:
                    del self._replicas[key]
            self._replicas.move_to_end(run_id)
            return self._replicas[run_id]

    def _read(self, run_id: str) -> Replica:
        logs = self.store.runs()
        text = logs.record(run_id)
        if text is None:
            raise unknown_run(run_id)
        record = RunRecord.read(text)
        journal = WorkerJournal(logs, run_id, self.name, lives=self.lives)
        replica = Replica(record, journal, record.first_state(), record.digest)
        replica.read_on()
        return replica

    def _held(self) -> list[Replica]:
        with self._lock:
            return list(self._replicas.values())

    def _guard(self, replica: Replica, domain: Domain) -> Guard:
        if replica.guard is None or replica.guard.performer.domain is not domain:
            performer = Performer(
                domain, self.library, lambda: stoppable(self.sandbox(), replica.stop, self.loop), self.limits
            )
            retrying = Retrying(self.retries, replica.pause, replica.record.id)
            replica.guard = Guard(replica.journal, performer, retrying, lambda event: None, replica.stop)
        return replica.guard

    def _refuse(self, run_id: str, step: str, why: NotHere) -> None:
        with suppress(HtnError):
            self.store.runs().refuse(run_id, step, event_text("refused", step=step, by=self.name, why=why.message))

    def _begin_to_beat(self) -> None:
        with self._lock:
            if self._heart is None:
                self._heart = threading.Thread(target=self._go_on_beating, daemon=True, name="heart")
                self._heart.start()

    def _go_on_beating(self) -> None:
        # It beats on while the worker leaves: what cannot be stopped has its claim until it ends.
        while not self._closed.wait(self.lives / 3):
            self.beat()


def labels_of(domain: Domain, languages: Callable[[str], str]) -> Callable[[Any], str]:
    """Return what says for an action which label its worker needs. `languages` tells that of a version's body."""
    known: dict[str, str] = {}

    def label(action: Any) -> str:
        if action.name in domain.labels:
            return domain.labels[action.name]
        if action.version is None:
            return DEFAULT_LABEL
        if action.version not in known:
            known[action.version] = languages(action.version)
        return known[action.version]

    return label
