"""Carry out the steps of one plan by workers: those that are ready, up to a limit, each dispatched until it is done.

Nothing here does a step. What became of each is read from the run's log, which the workers write under the guard; the
state changes as the log says. So this process may die at any time, and another one goes on from the log.

A transport may lose what it is given, and a worker may die. So each second the facts are looked at:

| a step                                        | what is done                                                  |
|-----------------------------------------------|---------------------------------------------------------------|
| was dispatched, and nobody has begun it for 3 s | it is dispatched again, each time after a longer while        |
| was begun, and its claim lives                | nothing                                                       |
| was begun, and its claim has lapsed           | released, to be begun again; or doubted, where that could harm |
| was refused by workers three times            | it is carried out in this process                             |

When a step fails, or the run is stopped, the plan is closed: no step of it can be begun any more, also by a message
that comes late. Those under way are waited for.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from executor.actor import run_of
from executor.begun import Begun
from executor.crew import Crew
from executor.durable import Undertaking
from executor.journal import StoredJournal
from executor.load import digest_of
from executor.performer import may_be_redone
from executor.retries import Retries
from executor.run import Event, Logged, Run, StepState
from executor.run.log import read_writes, trouble_from_json
from executor.run.view import place_of
from executor.schedule import Order, Schedule
from executor.worker import labels_of
from htn.domain import Domain
from htn.errors import ExecutionError, ServiceMissing
from htn.plan import Action, Plan
from htn.state import State

_WAIT = 0.5  # seconds that the log is waited for at a time
_LOOK = 1.0  # seconds between looks at the facts
_OVERDUE = 3.0  # seconds after which a step that nobody has begun is dispatched again
_LONGEST = 60.0
_RETRY = 5.0  # seconds that a worker may pause before it tries a step again
_REFUSALS = 3
_QUICK = 0.02  # seconds that the steps of one message may take
_LAST = 9  # steps by which it is judged how long they take
_BUSY = 3  # steps under way for each that can be carried out at a time, so that nobody waits
_HANDFUL = 8  # steps that one message has at most
_PARTING = 5.0  # seconds that steps may take to end when the run was interrupted


@dataclass
class Flight:
    """A step that was handed to somebody. `due` is when it is sent (again) unless somebody has begun it."""

    at: int
    due: float = 0.0
    sent: int = 0
    running: bool = False
    refused: int = 0


@dataclass
class Pace:
    """How long steps take, and so how many are sent in one message: about as many as take `_QUICK` seconds.

    A message costs more than a step of no work; but a worker that has one that is long keeps those behind it waiting.
    """

    last: deque[float] = field(default_factory=lambda: deque(maxlen=_LAST))

    def add(self, seconds: float) -> None:
        """Note how long a step took."""
        self.last.append(seconds)

    @property
    def handful(self) -> int:
        """How many steps a message may have, by the median of the last ones."""
        if len(self.last) < _LAST:
            return 1
        return max(1, min(_HANDFUL, int(_QUICK / max(median(self.last), 1e-6))))


@dataclass(frozen=True)
class Coordinator:
    """What it takes to have plans of one run carried out by workers."""

    domain: Domain
    under: Undertaking
    crew: Crew
    languages: Callable[[str], str]
    parallel: int
    retries: Callable[[], Retries]
    note: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.monotonic

    def act(self, plan: Plan, state: State, on_event: Callable[[Event], None], begun: Begun) -> Run:
        """Have `plan` carried out, changing `state`. The run says how far it came; see `Actor.act`.

        ExecutionError where some steps could never begin, or where a step left what cannot be written down.
        """
        order = begun.order or Order.as_planned(len(plan))
        done = [at for at, step in begun.steps.items() if step.state is StepState.DONE]
        flying = Flying(self, begun.number, plan.actions, state, Schedule(order.before, done), on_event)
        try:
            flying.run()
        finally:
            try:
                self.retries().clear_all(self.under.run_id)
            except ServiceMissing:
                self.note("the counts of retries could not be cleared; they end by themselves")
        return run_of(plan, begun, flying.events, self.under.run_id, flying.unsure)


@dataclass
class Flying:
    """One plan under way."""

    means: Coordinator
    number: int
    actions: tuple[Action, ...]
    state: State
    schedule: Schedule
    on_event: Callable[[Event], None]
    events: list[Event] = field(default_factory=list)
    unsure: list[int] = field(default_factory=list)
    flights: dict[int, Flight] = field(default_factory=dict)
    _halted: bool = False
    _closed: bool = False
    _looked: float = 0.0
    _noted: set[str] = field(default_factory=set)
    _pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        assert isinstance(self.means.under.journal, StoredJournal)  # others could not follow it
        self.journal = self.means.under.journal
        self._label = labels_of(self.means.domain, self.means.languages)

    def run(self) -> None:
        """Have done what can be. What became of each step is in `events`."""
        self._open()
        try:
            while self.means.under.stop.reason != "lost":
                if self._halted or self.means.under.stop.is_set():
                    self._recall()
                self._send_what_is_ready()
                if not self.flights:
                    break
                self._hear(_WAIT)
                self._look()
        except BaseException:
            self._part()
            raise
        finally:
            self._close()

    def _open(self) -> None:
        """Let steps of this plan be begun; those that run since an earlier driver are followed."""
        under, journal = self.means.under, self.journal
        journal.close(self.number - 1)
        journal.append("handed", number=self.number, digest=digest_of(self.means.domain))
        view = under.view
        if view is not None and view.last == under.last and len(view.plans) == self.number:
            for at, step in enumerate(view.steps[-1]):
                if step.state is StepState.RUNNING:
                    self.flights[at] = Flight(at, running=True)
                    self._tell(Event(at, "start", by=step.by))

    def _send_what_is_ready(self) -> None:
        """Hand out what is ready, up to the limit; quick steps by the handful, when enough has come together."""
        if self._closed or not self.schedule.ready:
            return
        handful, slots = self._pace.handful, max(1, self.means.crew.slots())
        if handful > 1 and self.schedule.ready < handful * slots and len(self.flights) > _BUSY * slots:
            return
        fresh: dict[str, list[Flight]] = {}
        while len(self.flights) < self.means.parallel and (at := self.schedule.next()) is not None:
            if at not in self.flights:  # somebody may have begun it already
                self.flights[at] = Flight(at)
                fresh.setdefault(self._label(self.actions[at]), []).append(self.flights[at])
        for label, flights in fresh.items():
            size = max(1, min(handful, len(flights) // slots))
            for first in range(0, len(flights), size):
                self._send(flights[first : first + size], label)

    def _send(self, flights: Sequence[Flight], label: str, *, here: bool = False) -> None:
        """Send steps in one message."""
        now, keys = self.means.clock(), [self._key(flight.at) for flight in flights]
        sent = self.means.crew.send(self.journal.run_id, keys, label, here=here)
        for flight in flights:
            flight.due = now + (min(_LONGEST, _OVERDUE * 2**flight.sent) if sent else _LOOK)
            flight.sent += sent

    def _hear(self, wait: float) -> None:
        """Read the log on."""
        for event in self.journal.events(self.means.under.last, wait=wait):
            self.means.under.last = event.id
            if event.kind == "cancel":
                self.means.under.stop.set("cancelled")
            elif "step" in event.data:
                self._became(event)

    def _became(self, event: Logged) -> None:
        """Note what became of a step."""
        number, at = place_of(event.data["step"])
        if event.kind == "finish":
            self._merge(event)
        if number != self.number:
            return
        flight = self.flights.get(at)
        if event.kind == "refused":
            self._refused(event, flight)
            return
        if event.kind not in ("start", "finish", "retry", "release", "fail", "doubt"):
            return
        trouble = trouble_from_json(event.data.get("error"))
        seconds, detail = float(event.data.get("seconds", 0.0)), trouble.message if trouble else ""
        self._tell(Event(at, event.kind, seconds, detail, trouble, event.by))
        if event.kind == "start":
            self.flights.setdefault(at, Flight(at)).running = True
            return
        if event.kind == "retry" and flight is not None:
            flight.running, flight.due = False, self.means.clock() + _RETRY + _LOOK
            return
        self.flights.pop(at, None)
        if event.kind == "finish":
            self._pace.add(seconds)
            self.schedule.done(at)
        elif event.kind == "release":
            self.schedule.put_back(at)
        else:
            self._halted = True
            if event.kind == "doubt":
                self.unsure.append(at)

    def _merge(self, event: Logged) -> None:
        if event.data.get("opaque"):
            raise ExecutionError(f"the state of the run is not known: {event.data['opaque']}", hints=("run it again",))
        read_writes(event.data.get("writes", ()), self.state)
        self.state.mark()

    def _refused(self, event: Logged, flight: Flight | None) -> None:
        why = str(event.data.get("why", ""))[:500]
        if why not in self._noted:
            self._noted.add(why)
            self.means.note(f"the worker {event.by} does not carry out steps of this run: {why}")
        if flight is not None and not flight.running:
            flight.refused += 1
            flight.due = self.means.clock() + (0 if flight.refused >= _REFUSALS else _LOOK)

    def _look(self) -> None:
        """Look at the facts, each second: whose claim has lapsed, and what nobody has begun."""
        now = self.means.clock()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        running = {self._key(flight.at): flight for flight in self.flights.values() if flight.running}
        for key, lives in self.journal.alive(list(running)).items() if running else ():
            if not lives:
                again = may_be_redone(self.means.domain, self.actions[running[key].at])
                self.journal.bury(key, "release" if again else "doubt")
        if not self._closed:
            for flight in list(self.flights.values()):
                if not flight.running and now >= flight.due:
                    here = flight.refused >= _REFUSALS
                    self._send([flight], self._label(self.actions[flight.at]), here=here)

    def _recall(self) -> None:
        """Let no further step of the plan be begun, and forget those that nobody has begun."""
        if self._closed:
            return
        self._close()
        self._hear(0)
        self.flights = {at: flight for at, flight in self.flights.items() if flight.running}

    def _close(self) -> None:
        closed, self._closed = self._closed, True
        if not closed and self.means.under.stop.reason != "lost":
            self.journal.close(self.number)

    def _part(self) -> None:
        """Wait a little for what is under way: what it does is kept."""
        self._recall()
        until = self.means.clock() + _PARTING
        while self.flights and self.means.clock() < until:
            self._hear(_WAIT)

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def _key(self, at: int) -> str:
        return f"{self.number}.{at + 1}"
