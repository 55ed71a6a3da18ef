"""Drive runs on whose driver is gone: what a worker does besides carrying out steps.

A run is lost when it is under way and nobody has its lease. Only distributed runs are adopted: the commands of any
other one may mean the machine on which it was begun. A run that waits for a person, or was paused, is left alone.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from executor.agent import Agent
from executor.driving import RunTaken
from executor.pursue import Listener
from executor.run import RunRecord, RunState
from executor.settings import Settings
from executor.shelf import NotHere, Shelf
from executor.store import Store
from htn.domain import Domain
from htn.errors import HtnError

_MOST = 200  # open runs that are looked at
_LOST = frozenset({RunState.CREATED, RunState.RUNNING})


@dataclass
class Adopter:
    """Looks for lost runs and drives them on, each in a thread of its own."""

    settings: Settings
    store: Store
    shelf: Shelf
    note: Callable[[str], None]
    _lost: set[str] = field(default_factory=set)
    _left: set[str] = field(default_factory=set)
    _driven: dict[str, threading.Thread] = field(default_factory=dict)

    def look(self) -> list[str]:
        """Adopt the runs that are lost now and were at the last look; return their ids."""
        self._driven = {run: thread for run, thread in self._driven.items() if thread.is_alive()}
        rows = self.store.runs().summaries(_MOST, only_open=True)
        lost = {row.id: row.record for row in rows if not row.driven and row.state in _LOST and row.record is not None}
        adopted = []
        for run, record in lost.items():
            if run in self._lost and run not in self._driven and run not in self._left and self._adopt(run, record):
                adopted.append(run)
        self._lost = set(lost)
        return adopted

    def driving(self) -> list[threading.Thread]:
        """Return the threads that drive adopted runs."""
        return list(self._driven.values())

    def _adopt(self, run: str, record: str) -> bool:
        try:
            read = RunRecord.read(record)
            if not read.choices.distributed:
                self._left.add(run)
                return False
            domain = self.shelf.domain_of(read, read.digest)
        except NotHere:
            self._left.add(run)
            return False
        thread = threading.Thread(target=self._drive, args=(run, domain), daemon=True, name=f"driver of {run}")
        self._driven[run] = thread
        thread.start()
        return True

    def _drive(self, run: str, domain: Domain) -> None:
        self.note(f"drives the run {run} on, whose driver is gone")
        try:
            with suppress(RunTaken), Agent(self.settings, Listener(note=self.note)) as agent:
                report = agent.resume(run, domain=domain)
                done = report.run is not None and report.run.done
                self.note(f"the run {run} is done" if done else f"the run {run} has stopped: htn runs show {run}")
        except HtnError as error:
            self._left.add(run)
            self.note(f"the run {run} rests: {error.message}")
