"""The runs that are kept: list, show, follow, cancel, play again. Nothing here carries anything out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from executor.approvals import Allow, Approvals
from executor.driving import RunTaken, driving, process_name
from executor.durable import read_events, read_record, read_state, read_view
from executor.journal import StoredJournal
from executor.library import Library
from executor.proposals import Proposals
from executor.retries import Retries
from executor.review import Admit
from executor.run import ENDED, Logged, RunState, RunView, StepState
from executor.run.view import apply_event
from executor.stop import Stop
from executor.store import Store, event_text, unknown_run
from htn.errors import UsageError, did_you_mean
from htn.network import part_from_json, show_network
from htn.state import State

RESTING = frozenset({*ENDED, RunState.WAITING, RunState.PAUSED, RunState.FAILED})
"""Where nobody drives a run."""
_MOST = 1000
_LOST_AFTER = 3  # looks at a log, a second each, in which nothing comes and nobody drives the run
_PLACE = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})?")


@dataclass(frozen=True)
class RunSummary:
    """A run in a list. `driven` says that a process drives it now; one that is running and not driven is lost."""

    id: str
    state: RunState
    domain: str
    tasks: tuple[str, ...]
    began: float
    driven: bool

    @property
    def is_lost(self) -> bool:
        """Whether the process that drove it is gone, so that somebody should go on with it."""
        return self.state in (RunState.CREATED, RunState.RUNNING) and not self.driven

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "run_id": self.id,
            "state": str(self.state),
            "domain": self.domain,
            "tasks": list(self.tasks),
            "began": self.began,
            "driven": self.driven,
            "lost": self.is_lost,
        }


class Runs:
    """The runs in one store."""

    def __init__(self, store: Store, *, keep_days: float = 30) -> None:
        self._store = store
        self._logs = store.runs()
        self._keep_ms = round(keep_days * 86_400_000)

    def list(self, most: int = 50, *, only_open: bool = False) -> list[RunSummary]:
        """Return runs, the newest first. Those whose logs have ended their time are forgotten on the way."""
        rows = self._logs.summaries(min(most, _MOST), only_open=only_open)
        self._logs.forget([row.id for row in rows if row.record is None])
        return [
            RunSummary(row.id, RunState(row.state), *_named(row.record), row.began, row.driven)
            for row in rows
            if row.record is not None
        ]

    def show(self, run_id: str) -> RunView:
        """Return a run. UsageError, with did-you-mean, for an unknown one."""
        self._check(run_id)
        return read_view(self._store, run_id)

    def state(self, run_id: str) -> State:
        """Return the state that a run has come to."""
        self._check(run_id)
        return read_state(self._store, run_id)

    def events(self, run_id: str, after: str = "0-0", *, wait: float = 0.0) -> Sequence[Logged]:
        """Return the events of a run after an id; where there are none, wait up to `wait` seconds for one."""
        self._check(run_id)
        _named_place(after)
        return read_events(self._store, run_id, after, wait)

    def follow(self, run_id: str, after: str = "0-0", *, stop: Stop | None = None) -> Iterator[tuple[Logged, RunView]]:
        """Give the events of a run as they come, each with the run as it was then, until it rests or `stop` is set.

        Where nobody drives it, and nothing comes for some seconds, it ends, too: the run is lost. Events up to `after`
        are read and not given.
        """
        self._check(run_id)
        _named_place(after)
        view, given, unheard = RunView(read_record(self._store, run_id)), after, 0
        while not (stop and stop.is_set()):
            events = read_events(self._store, run_id, view.last, 1.0)
            unheard = 0 if events or self.is_driven(run_id) else unheard + 1
            if unheard >= _LOST_AFTER:
                return
            for event in events:
                view.add(event)
                if _later(event.id, given):
                    yield event, view
            if view.state in RESTING and not read_events(self._store, run_id, view.last):
                return

    def is_driven(self, run_id: str) -> bool:
        """Say whether a process drives a run now."""
        return self._logs.is_driven(run_id)

    def cancel(self, run_id: str, why: str = "", *, by: str = "") -> RunState:
        """Ask for a run to be cancelled: its driver stops what is under way. Without a driver it is cancelled here.

        Returns where the run stands then: running where its driver is still to hear of it.
        """
        self._check(run_id)
        by = by or process_name()
        if self.show(run_id).ended:
            return self.show(run_id).state
        self._logs.cancel(run_id, event_text("cancel", by=by, why=why), why)
        journal = StoredJournal(self._logs, run_id, by, holder=by, keep_ms=self._keep_ms)
        with suppress(RunTaken), driving(journal, self._store, Stop()):
            if not self.show(run_id).ended:
                for step in self._logs.started(run_id):  # of what nobody carries on, nobody knows whether it was done
                    journal.bury(step, "doubt")
                journal.append("cancelled", state=str(RunState.CANCELLED), ended=True)
                Retries(self._store).clear_all(run_id)
        return self.show(run_id).state

    def approve(self, run_id: str, library: Library, *, who: str, why: str) -> RunView:
        """Admit what a run waits for, or allow the code it waits for, and say so in its log. Nothing is gone on with.

        UsageError for a run that waits for nothing; RunTaken where a process drives it.
        """
        self._check(run_id)
        by = process_name()
        journal = StoredJournal(self._logs, run_id, by, holder=by, keep_ms=self._keep_ms)
        with driving(journal, self._store, Stop()):
            view = self.show(run_id)
            if view.state is not RunState.WAITING or not view.waits_for:
                raise UsageError(f"the run {run_id} is {view.state}: it waits for nobody", hints=next_for(view))
            self._grant(view.waits_for, library, who, why)
            told: dict[str, Any] = {"for": view.waits_for, "who": who, "why": why}
            journal.append("approve", state=str(RunState.PAUSED), **told)
        return self.show(run_id)

    def _grant(self, wanted: Mapping[str, Any], library: Library, who: str, why: str) -> None:
        if "code" in wanted:
            Approvals(self._store).allow(str(wanted["code"]), Allow(who, why))
            return
        version = str(wanted.get("proposal", ""))
        if self._store.trust(version) is None:  # otherwise somebody has admitted it meanwhile
            Proposals(library, self._store).admit(version, Admit(None, who, why))

    def replay(self, run_id: str) -> Iterator[tuple[Logged, RunView, State]]:
        """Play a run again from its log, running nothing: each event with the run and the state after it."""
        self._check(run_id)
        record = read_record(self._store, run_id)
        view, state = RunView(record), record.first_state()
        for event in read_events(self._store, run_id):
            view.add(event)
            apply_event(state, event)
            yield event, view, state

    def remove(self, run_id: str) -> None:
        """Remove a run and its log. UsageError for one that a process drives."""
        self._check(run_id)
        by = process_name()
        with driving(StoredJournal(self._logs, run_id, by, holder=by), self._store, Stop()):
            self._logs.remove(run_id)

    def _check(self, run_id: str) -> None:
        if self._logs.record(run_id) is None:
            error = unknown_run(run_id)
            error.hints = (*did_you_mean(run_id, self._logs.ids(_MOST)), *error.hints)
            raise error


def next_for(view: RunView, *, driven: bool = False) -> tuple[str, ...]:
    """Return what a person can do with a run as it stands, each as a command and why."""
    run_id = view.record.id
    unsure = [step for step in (view.steps[-1] if view.steps else ()) if step.state is StepState.UNSURE]
    if view.ended:
        return (f"see how it went: htn replay {run_id}",)
    if driven:
        return (f"follow it: htn watch {run_id}", f"stop it: htn cancel {run_id}")
    if unsure:
        first = unsure[0]
        return (
            f"if {first.action} was carried out: htn resume {run_id} --did {first.key}",
            f"if it was not: htn resume {run_id} --redo {first.key}",
        )
    if view.state is RunState.WAITING:
        return (f"allow it and go on: htn approve {run_id} --why REASON", f"give it up: htn cancel {run_id}")
    mended = "when what is wrong is mended, " if view.state is RunState.FAILED else ""
    return (f"{mended}go on with it: htn resume {run_id}", f"give it up: htn cancel {run_id}")


def _named(record: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of a run's domain and its tasks; nothing of a record that was spoiled."""
    try:
        data = json.loads(record)
        return str(data["domain"]), tuple(show_network(part_from_json(task)) for task in data["tasks"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError):
        return "", ()


def _named_place(after: str) -> None:
    if not _PLACE.fullmatch(after):
        raise UsageError(
            f"{after[:60]!r} is no place in the log of a run",
            hints=("name the id of an event, such as 1700000000000-0, or 0 for the beginning",),
        )


def _later(one: str, other: str) -> bool:
    return tuple(map(int, one.split("-"))) > tuple(map(int, other.split("-")))
