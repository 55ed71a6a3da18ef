"""Carry out the steps of one plan: those that are ready, at the same time up to a limit, each under the guard.

A step that is nothing but a function of the state, or that is the only one that could run, runs here on the run's
own state. Any other runs in a thread on a copy of it, and what it changed is merged when it has committed. A claim says
how many steps had committed before it; the copy is made when the state here has all of these.

When a step fails, is stopped, or nobody knows whether it was done, no further one is begun; those that run are waited
for, and what they did is kept.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from executor.begun import CatchUp
from executor.guard import Ending, Errand, Guard
from executor.run import Event
from executor.run.log import read_writes
from executor.schedule import Schedule
from executor.store import Claim
from htn.contract import write
from htn.state import State

_PARTING = 5.0  # seconds that a step may take to end when the run was interrupted
_LOOK = 0.2  # seconds between looks at a step that another process still has


@dataclass
class Drive:
    """One plan under way. `catch_up` reads what other processes committed, and returns how many steps that were."""

    guard: Guard
    errands: Sequence[Errand]
    schedule: Schedule
    state: State
    parallel: int = 1
    merged: int = 0
    """How many commits of the run the state has."""
    catch_up: CatchUp = tuple
    sleep: Callable[[float], None] = time.sleep
    unsure: list[int] = field(default_factory=list)
    _running: int = 0
    _endings: "queue.SimpleQueue[Ending | BaseException]" = field(default_factory=queue.SimpleQueue)
    _halted: bool = False
    _error: BaseException | None = None

    def run(self) -> None:
        """Carry out what can be. What became of each step is told by the guard's events."""
        try:
            while True:
                while not self._halts and self._running < self.parallel and (at := self.schedule.next()) is not None:
                    self._begin(self.errands[at])
                if not self._running:
                    break
                self._settle(self._endings.get())
        except BaseException as error:  # noqa: BLE001  # it is raised again when what runs has ended
            # Bodies end at once; a command may go on until its process ends, and has its claim until then.
            self.guard.stopping.set()
            self._error = self._error or error
            with suppress(queue.Empty):
                while self._running:
                    self._settle(self._endings.get(timeout=_PARTING))
        if self._error:
            raise self._error

    @property
    def _halts(self) -> bool:
        return self._halted or self.guard.stopping.is_set()

    def _begin(self, errand: Errand) -> None:
        claim = self._claimed(errand)
        if claim is None:
            return
        self._have(claim.base)
        alone = not self._running and not (self.parallel > 1 and self.schedule.ready)
        if alone or self.guard.performer.is_quick(errand.action):
            self._end(self.guard.carry_out(errand, claim, self.state), merge=False)
            return
        copy = self.state.copy()
        self._running += 1
        threading.Thread(target=self._apart, args=(errand, claim, copy), daemon=True, name=f"step {errand.key}").start()

    def _apart(self, errand: Errand, claim: Claim, state: State) -> None:
        try:
            self._endings.put(self.guard.carry_out(errand, claim, state))
        except BaseException as error:  # noqa: BLE001  # it is raised where the run is driven
            self._endings.put(error)

    def _claimed(self, errand: Errand) -> Claim | None:
        """Claim a step, waiting where another process still has it; None where it is not to be carried out here."""
        while True:
            status, claim = self.guard.journal.claim(errand.key, again=errand.may_be_redone)
            if status == "claimed":
                return claim
            if status == "done":
                self._read_on()
                return None
            if status == "doubt":
                self.guard.journal.bury(errand.key, "doubt")
                self.unsure.append(errand.at)
                self._halted = True
                return None
            if status == "cancelled":
                self.guard.stopping.set("cancelled")
            if status in ("cancelled", "gone") or self._halts:
                self._halted = True
                return None
            self.sleep(_LOOK)
            self._read_on()

    def _have(self, base: int) -> None:
        """Merge commits until the state has as many as `base`."""
        while self.merged < base:
            try:
                self._settle(self._endings.get(timeout=_LOOK) if self._running else self._endings.get_nowait())
            except queue.Empty:
                self._read_on()

    def _settle(self, ending: Ending | BaseException) -> None:
        self._running -= 1
        if isinstance(ending, BaseException):
            self._halted = True
            self._error = self._error or ending
            return
        self._end(ending, merge=True)

    def _end(self, ending: Ending, *, merge: bool) -> None:
        if ending.kind == "finish":
            if merge:
                write(self.state, ending.opaque) if ending.opaque else read_writes(ending.rows, self.state)
                self.state.mark()
            self.merged += 1
            self.schedule.done(ending.errand.at)
        elif ending.kind == "refused":
            self._read_on()
        else:
            if ending.kind == "doubt":
                self.unsure.append(ending.errand.at)
            self._halted = True

    def _read_on(self) -> None:
        """Merge what other processes have committed."""
        for at, rows in self.catch_up():
            read_writes(rows, self.state)
            self.state.mark()
            self.merged += 1
            if at >= 0:
                self.schedule.done(at)
                self.guard.tell(Event(at, "start"))
                self.guard.tell(Event(at, "finish"))
