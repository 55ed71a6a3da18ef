"""Carry out the steps of one plan: those that are ready, at the same time up to a limit, each under the guard.

A step that is nothing but a function of the state, or that is the only one that could run, runs here on the run's
own state. Any other runs in a thread on a replica of it, and what it changed is merged when it has committed. A claim
says how many steps had committed before it; the replica is brought up to date when the state here has all of these.
There are as many replicas as steps run at the same time, so a step costs what was changed, not what the state holds.

When a step fails, is stopped, or nobody knows whether it was done, no further one is begun; those that run are waited
for, and what they did is kept.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from executor.begun import CatchUp
from executor.guard import Ending, Errand, Guard
from executor.run import Event
from executor.run.log import make_changes, read_writes
from executor.schedule import Schedule
from executor.store import Claim
from htn.errors import ExecutionError, ServiceMissing
from htn.state import State

_PARTING = 5.0  # seconds that a step may take to end when the run was interrupted
_LOOK = 0.2  # seconds between looks at a step that another process still has


@dataclass
class Replica:
    """A copy of the run's state, and how many of the merges it has."""

    state: State
    has: int

    def follow(self, merges: Sequence[Callable[[State], None]]) -> None:
        """Bring it up to date. It may have some of the changes already, being where they were made."""
        for merge in merges[self.has :]:
            merge(self.state)
        self.has = len(merges)
        self.state.mark()


@dataclass
class Drive:
    """One plan under way. `catch_up` gives what other processes have committed since it was last asked."""

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
    _here: set[int] = field(default_factory=set)
    """Steps that run in threads here."""
    _endings: "queue.SimpleQueue[tuple[int, Replica, Ending | BaseException]]" = field(
        default_factory=queue.SimpleQueue
    )
    _merges: list[Callable[[State], None]] = field(default_factory=list)
    _replicas: list[Replica] = field(default_factory=list)
    """Those on which no step runs."""
    _halted: bool = False
    _error: BaseException | None = None

    def run(self) -> None:
        """Carry out what can be. What became of each step is told by the guard's events."""
        try:
            while True:
                while not self._halts and len(self._here) < self.parallel and (at := self.schedule.next()) is not None:
                    self._begin(self.errands[at])
                if not self._here:
                    break
                self._settle(*self._endings.get())
        except BaseException as error:  # noqa: BLE001  # it is raised again when what runs has ended
            # Bodies end at once; a command may go on until its process ends, and has its claim until then.
            self.guard.stopping.set()
            self._error = self._error or error
            with suppress(queue.Empty):
                while self._here:
                    self._settle(*self._endings.get(timeout=_PARTING))
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
        if claim.base < self.merged or self._halts:
            self.guard.journal.give_up(claim, "release", 0.0, None)
            if not self._halts:
                raise _forgotten(self.guard.journal.run_id, self.merged - claim.base)
            return
        alone = not self._here and not (self.parallel > 1 and self.schedule.ready)
        if alone or self.guard.performer.is_quick(errand.action):
            self._end(self.guard.carry_out(errand, claim, self.state), merge=False)
            return
        replica = self._replicas.pop() if self._replicas else Replica(self.state.copy(), len(self._merges))
        replica.follow(self._merges)
        self._here.add(errand.at)
        threading.Thread(
            target=self._apart, args=(errand, claim, replica), daemon=True, name=f"step {errand.key}"
        ).start()

    def _apart(self, errand: Errand, claim: Claim, replica: Replica) -> None:
        try:
            self._endings.put((errand.at, replica, self.guard.carry_out(errand, claim, replica.state)))
        except BaseException as error:  # noqa: BLE001  # it is raised where the run is driven
            self._endings.put((errand.at, replica, error))

    def _merged(self, merge: Callable[[State], None]) -> None:
        """Count a commit whose changes the state has, and keep them for the replicas."""
        self.merged += 1
        if self.parallel > 1:
            self._merges.append(merge)

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
            if status in ("cancelled", "lost"):
                self.guard.stopping.set(status)
            if status != "taken" or self._halts:
                self._halted = True
                return None
            self.sleep(_LOOK)
            self._read_on()

    def _have(self, base: int) -> None:
        """Merge commits until the state has as many as `base`, or nobody is left who could tell of more."""
        while self.merged < base and not self._error:
            try:
                self._settle(*(self._endings.get(timeout=_LOOK) if self._here else self._endings.get_nowait()))
            except queue.Empty:
                before = self.merged
                self._read_on()
                if not self._here and self.merged == before:
                    self.merged = base  # they were merged when an earlier plan read on

    def _settle(self, at: int, replica: Replica, ending: Ending | BaseException) -> None:
        self._here.discard(at)
        if isinstance(ending, BaseException):  # nobody knows what is in its replica
            self._halted = True
            self._error = self._error or ending
            return
        self._replicas.append(replica)
        self._end(ending, merge=True)

    def _end(self, ending: Ending, *, merge: bool) -> None:
        at = ending.errand.at
        is_merged = at not in self.schedule.left  # it was read in the log before its end was heard of
        if ending.kind == "finish":
            if is_merged:
                return
            if merge:
                make_changes(ending.rows, self.state)
                self.state.mark()
            self._merged(partial(make_changes, ending.rows))
            self.schedule.done(at)
        elif ending.kind == "refused":
            if is_merged:
                self._tell_of(at)
            self._read_on()
        else:
            if ending.kind == "doubt":
                self.unsure.append(at)
            self._halted = True

    def _read_on(self) -> None:
        """Merge what the log tells of that was not merged: what others have committed, or this process unheard."""
        for at, rows in self.catch_up():
            is_here = at in self._here  # its end will be heard of
            if (at >= 0 and at not in self.schedule.left) or (is_here and rows is None):
                continue
            if rows is None:
                raise ExecutionError("the state of the run is not known: another process left what cannot be written")
            read_writes(rows, self.state)
            self.state.mark()
            self._merged(partial(read_writes, rows))
            if at >= 0:
                self.schedule.done(at)
                if not is_here:
                    self._tell_of(at)

    def _tell_of(self, at: int) -> None:
        """Tell of a step that was carried out elsewhere."""
        self.guard.tell(Event(at, "start"))
        self.guard.tell(Event(at, "finish"))


def _forgotten(run_id: str, count: int) -> ServiceMissing:
    return ServiceMissing(
        f"the Redis server has lost {count} steps that the run {run_id} had committed",
        hints=(
            "they are carried out again when the run is resumed",
            "let the server write at once: appendfsync always",
        ),
    )
