"""A run that survives its process: begun with a record, written down as it goes, and taken up where it was left.

    begin ──▶ planned ──▶ start, finish … ──▶ replan ──▶ planned … ──▶ complete, stop
                 ▲                                │
    resume ──────┴── what the log says ◀──────────┘

The rules:

1. One process drives a run, under a lease. Another one takes over when the lease lapses.
2. The state is what the run began with, and what the committed steps changed, in the order of their commits.
3. A step that was begun, and whose process is gone, is begun again where that does no harm. Where it could, the run
   stops, and a person says what happened.
4. A run whose state or plan cannot be written down is carried out all the same, and cannot be resumed; that is said.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from executor.begun import Committed
from executor.driving import driving, process_name
from executor.journal import CLAIM_SECONDS, MemoryJournal, StoredJournal
from executor.load import digest_of
from executor.performer import may_be_redone
from executor.run import Logged, RunRecord, RunState, RunView, Step, StepState
from executor.run.log import changed, trouble_to_json, written
from executor.run.record import Choices
from executor.run.view import place_of, state_of
from executor.stop import Stop
from executor.store import RunLogs, Store, event_text, unknown_run
from executor.store.sizes import MOST_OF_A_RUN, small_enough
from htn.domain import Domain
from htn.errors import ContractViolated, ExecutionError, Trouble, UsageError
from htn.network import Part, part_to_json
from htn.state import State


class StepUnsure(ExecutionError):
    """Nobody knows whether a step was carried out; a person has to say."""

    code = "unsure"
    exit_code = 8


class RunCancelled(ExecutionError):
    """Somebody has cancelled the run."""

    code = "cancelled"


@dataclass(frozen=True)
class RunTimes:
    """How long the log of a run is kept after it has ended, and how long a driver may be silent before it is gone."""

    keep_days: float = 30.0
    lease_seconds: float = CLAIM_SECONDS

    def journal(self, logs: RunLogs, run_id: str, by: str) -> StoredJournal:
        """Return the journal of whoever drives a run."""
        keep_ms = round(self.keep_days * 86_400_000)
        return StoredJournal(logs, run_id, by, holder=by, keep_ms=keep_ms, lives=self.lease_seconds)


@dataclass
class Undertaking:
    """A run under way in this process."""

    journal: StoredJournal | MemoryJournal
    stop: Stop = field(default_factory=Stop)
    view: RunView | None = None
    last: str = "0-0"
    number: int = 0

    @property
    def run_id(self) -> str:
        """What other processes know the run by."""
        return self.journal.run_id

    @property
    def is_kept(self) -> bool:
        """Whether another process could go on with it."""
        return isinstance(self.journal, StoredJournal)

    def append(self, kind: str, **data: Any) -> None:
        """Write an event."""
        if kind == "planned":
            self.number = int(data["number"])
        self.journal.append(kind, **data)

    def end(self, kind: str, state: RunState, trouble: Trouble | None = None, **data: Any) -> None:
        """Write how the run ended, or why it rests."""
        ended = state in (RunState.DONE, RunState.CANCELLED)
        error = trouble_to_json(trouble)
        self.journal.append(kind, state=str(state), ended=ended, **({"error": error} if error else {}), **data)

    def catch_up(self) -> list[Committed]:
        """Return what was committed since the last look, but for what this process did in earlier plans."""
        if not isinstance(self.journal, StoredJournal):
            return []
        found = []
        for event in self.journal.events(self.last):
            self.last = event.id
            if event.kind != "finish":
                continue
            number, at = place_of(event.data["step"])
            if number == self.number or event.by != self.journal.by:
                rows = None if event.data.get("opaque") else event.data.get("writes", ())
                found.append((at if number == self.number else -1, rows))
        return found


@contextmanager
def begin(
    store: Callable[[], Store],
    domain: Domain,
    tasks: Sequence[Part],
    state: State,
    *,
    run_id: str,
    choices: Choices,
    times: RunTimes,
    note: Callable[[str], None],
) -> Iterator[Undertaking]:
    """Begin a run and drive it meanwhile. UsageError where there is a run with this id."""
    try:
        text = _record(domain, tasks, state, run_id, choices)
        small_enough(text, MOST_OF_A_RUN)
    except (UsageError, ValueError) as error:
        note(f"this run cannot be resumed, because it cannot be written down: {error}")
        yield Undertaking(MemoryJournal(run_id))
        return
    opened, by = store(), process_name()
    _create(opened, run_id, text, by)
    under = Undertaking(times.journal(opened.runs(), run_id, by))
    with driving(under.journal, opened, under.stop):  # type: ignore[arg-type]  # it is a stored one
        under.append("begin", state=str(RunState.RUNNING))
        yield under


def enrol(store: Store, domain: Domain, tasks: Sequence[Part], state: State, *, run_id: str, choices: Choices) -> None:
    """Write down a run that nobody carries out yet: whoever takes it up begins it.

    UsageError where there is a run with this id, or where the state or a task cannot be written down.
    """
    try:
        text = _record(domain, tasks, state, run_id, choices)
    except ValueError as error:
        raise UsageError(f"the run cannot be written down: {error}") from error
    _create(store, run_id, text, process_name())


def _record(domain: Domain, tasks: Sequence[Part], state: State, run_id: str, choices: Choices) -> str:
    return RunRecord(
        id=run_id, domain=domain.name, source=_source(domain), digest=digest_of(domain),
        tasks=list(map(part_to_json, tasks)), state=state.to_json(), choices=choices, host=socket.gethostname(),
    ).text()  # fmt: skip


def _create(store: Store, run_id: str, text: str, by: str) -> None:
    if not store.runs().create(run_id, text, event_text("created", by=by)):
        raise UsageError(
            f"there is a run {run_id} already",
            hints=(f"go on with it: htn resume {run_id}", "or choose another --run-id; without one, one is made"),
        )


@contextmanager
def take_up(
    store: Store, run_id: str, *, times: RunTimes, note: Callable[[str], None] = lambda text: None
) -> Iterator[Undertaking]:
    """Drive a run that was begun before, after waiting for the lease of a process that may have died just now.

    UsageError for one that has ended, RunTaken where another process drives it.
    """
    by, logs = process_name(), store.runs()
    journal = times.journal(logs, run_id, by)
    read_view(store, run_id)  # UsageError for an unknown one, before anything is taken
    stop = Stop()
    waits = "another process drove the run until now; waiting to see whether it lives"
    with driving(journal, store, stop, wait=times.lease_seconds + 1, on_wait=lambda: note(waits)):
        view = read_view(store, run_id)
        if view.ended:
            raise UsageError(f"the run {run_id} is {view.state}, so there is nothing to go on with")
        if why := logs.cancelling(run_id):
            under = Undertaking(journal, stop, view)
            under.end("cancelled", RunState.CANCELLED)
            raise RunCancelled(f"the run {run_id} was cancelled" + (f": {why}" if why != "1" else ""))
        under = Undertaking(journal, stop, view, view.last, len(view.plans))
        under.append("resume", state=str(RunState.RUNNING))
        yield under


def settle(under: Undertaking, domain: Domain, *, did: Sequence[str] = (), redo: Sequence[str] = ()) -> RunView:
    """Settle what became of steps whose process is gone, let those that failed be begun again, and return the run.

    `did` are steps of which a person says that they were carried out: what they changed is what their operators say.
    `redo` are steps that a person wants to be carried out (again). UsageError for a step that is not unsure.
    """
    view, journal = under.view, under.journal
    assert view is not None and isinstance(journal, StoredJournal)  # it was taken up
    _let_go(journal, view, domain)
    view = _reread(under)
    steps = {step.key: step for step in (view.steps[-1] if view.steps else ())}
    for key in (*did, *redo):
        step = steps.get(key)
        if step is None or step.state is not StepState.UNSURE:
            unsure = [f"{one.key} {one.action}" for one in steps.values() if one.state is StepState.UNSURE]
            raise UsageError(
                f"the run {under.run_id} has no step {key} of which nobody knows whether it was done",
                hints=(f"those are: {', '.join(unsure)}" if unsure else "all its steps are settled",),
            )
        if key in did:
            under.append("settle", step=key, writes=_as_modelled(under, view, domain, step))
        else:
            under.append("redo", step=key)
    for step in steps.values():
        if step.state is StepState.FAILED and view.ways is None and not broke_its_contract(step):
            under.append("redo", step=step.key)
    return _reread(under)


def broke_its_contract(step: Step) -> bool:
    """Say whether the body of a step has broken its contract: then it is not begun again, but planned without."""
    return step.trouble is not None and step.trouble.code == ContractViolated.code


def _reread(under: Undertaking) -> RunView:
    assert under.view is not None
    journal = under.journal
    assert isinstance(journal, StoredJournal)
    for event in journal.events(under.view.last):
        under.view.add(event)
    under.last = under.view.last
    return under.view


def _let_go(journal: StoredJournal, view: RunView, domain: Domain) -> None:
    """Let steps be begun again whose process is gone, or doubt that they were carried out."""
    started = list(journal.logs.started(journal.run_id))
    alive = dict(zip(started, journal.logs.claimed(journal.run_id, started), strict=True))
    for step in view.steps[-1] if view.steps else ():
        if step.state is StepState.RUNNING and not alive.get(step.key):
            journal.bury(step.key, "release" if may_be_redone(domain, step.action) else "doubt")


def _as_modelled(under: Undertaking, view: RunView, domain: Domain, step: Step) -> list[list[Any]]:
    """Return what the operator of a step changes in the state that the run has come to."""
    assert isinstance(under.journal, StoredJournal)
    state = state_of(view.record, under.journal.events())
    operator = domain.operators.get(step.action.name)
    mark, names = state.mark(), tuple(state)
    if operator is None or operator.apply is None or operator.apply(state, *step.action.arguments) is not state:
        raise UsageError(
            f"what {step.action} changed is not known: its operator does not apply to what is true now",
            hints=(f"htn resume {under.run_id} --redo {step.key}",),
        )
    return written(changed(state, mark, names))


def read_events(store: Store, run_id: str, after: str = "0-0", wait: float = 0.0) -> list[Logged]:
    """Return the events of a run after an id."""
    return [Logged.read(*row) for row in store.runs().events(run_id, after, wait=wait)]


def read_record(store: Store, run_id: str) -> RunRecord:
    """Return the record of a run. UsageError for an unknown one."""
    text = store.runs().record(run_id)
    if text is None:
        raise unknown_run(run_id)
    return RunRecord.read(text)


def read_view(store: Store, run_id: str) -> RunView:
    """Return a run as its log tells it. UsageError for an unknown one."""
    return RunView.of(read_record(store, run_id), read_events(store, run_id))


def read_state(store: Store, run_id: str) -> State:
    """Return the state that a run has come to."""
    return state_of(read_record(store, run_id), read_events(store, run_id))


def _source(domain: Domain) -> str:
    path = Path(domain.source)
    return str(path.resolve()) if path.suffix == ".py" and path.is_file() else domain.source
