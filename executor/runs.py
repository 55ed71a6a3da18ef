"""The runs that are kept: list, show, follow, cancel, play again. Nothing here carries anything out."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from executor.driving import RunTaken, driving, process_name
from executor.durable import read_events, read_record, read_state, read_view
from executor.journal import StoredJournal
from executor.run import ENDED, Logged, RunState, RunView
from executor.run.view import apply_event
from executor.stop import Stop
from executor.store import Store, event_text, unknown_run
from htn.errors import did_you_mean
from htn.network import part_from_json, show_network
from htn.state import State

RESTING = frozenset({*ENDED, RunState.WAITING, RunState.PAUSED, RunState.FAILED})
"""Where nobody drives a run."""
_MOST = 1000


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
        return read_events(self._store, run_id, after, wait)

    def follow(self, run_id: str, after: str = "0-0", *, stop: Stop | None = None) -> Iterator[tuple[Logged, RunView]]:
        """Give the events of a run as they come, each with the run as it was then, until it rests or `stop` is set.

        Events up to `after` are read and not given.
        """
        self._check(run_id)
        view, given = RunView(read_record(self._store, run_id)), after
        while not (stop and stop.is_set()):
            events = read_events(self._store, run_id, view.last, 1.0)
            for event in events:
                view.add(event)
                if _later(event.id, given):
                    yield event, view
            if view.state in RESTING and not read_events(self._store, run_id, view.last):
                return

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
                journal.append("cancelled", state=str(RunState.CANCELLED), ended=True)
        return self.show(run_id).state

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


def _named(record: str | None) -> tuple[str, tuple[str, ...]]:
    data = json.loads(record or "{}")
    return str(data.get("domain", "")), tuple(show_network(part_from_json(task)) for task in data.get("tasks", ()))


def _later(one: str, other: str) -> bool:
    return tuple(map(int, one.split("-"))) > tuple(map(int, other.split("-")))
