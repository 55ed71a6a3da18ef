"""Carry out one step of a run, under the guard that any transport needs: claim it, do it, commit it once.

The guard holds wherever the step runs, in the driver's own process or in a worker's. What it comes to is data; the
driver decides how the run goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from executor.journal import Journal
from executor.performer import MayPass, Performer, of_a_step
from executor.retries import step_id
from executor.retrying import Retrying
from executor.review import ApprovalNeeded
from executor.run import Event
from executor.run.log import Row, changed, places_of, written
from executor.stop import Stop
from executor.store import Claim
from htn.delivery import carrying_out
from htn.errors import ExecutionError, HtnError, Trouble, UsageError
from htn.plan import Action
from htn.state import State

Kind = Literal["finish", "fail", "release", "doubt", "refused"]


@dataclass(frozen=True)
class Errand:
    """A step to be carried out: its key in the log, its place in the plan, and the places that it reads."""

    key: str
    at: int
    action: Action
    reads: tuple[str, ...] = ()
    may_be_redone: bool = True


@dataclass(frozen=True)
class Ending:
    """What an errand came to, and what it changed. `refused` says that the step is another's by now."""

    errand: Errand
    kind: Kind
    rows: Sequence[Row] = ()
    """The changes themselves (see `executor.run.log`)."""
    trouble: Trouble | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Guard:
    """What it takes to carry steps of a run out."""

    journal: Journal
    performer: Performer
    retrying: Retrying
    tell: Callable[[Event], None]
    stopping: Stop = field(default_factory=Stop)
    clock: Callable[[], float] = time.perf_counter

    def carry_out(self, errand: Errand, claim: Claim, state: State) -> Ending:
        """Carry out a step that is claimed, as often as it may be tried. What it changed is in `state` then."""
        step = step_id(errand.at, errand.action.name)
        while True:
            self.tell(Event(errand.at, "start"))
            started, mark, names = self.clock(), state.mark(), tuple(state)
            try:
                ending = self._attempt(errand, claim, state, mark, names, started)
            except MayPass as passing:
                state.undo(mark)
                if self.stopping.is_set():
                    return self._ended(errand, claim, "release", started, None)
                trouble = of_a_step(passing.error)
                again = self.retrying.again(step)
                if not again.allowed:
                    trouble = replace(trouble, hints=(*trouble.hints, *again.why_not))
                    return self._ended(errand, claim, "fail", started, trouble)
                if self._ended(errand, claim, "retry", started, trouble).kind == "refused":
                    return Ending(errand, "refused")
                self.retrying.pause(again)
                status, fresh = self.journal.claim(errand.key, again=errand.may_be_redone)
                if status != "claimed":
                    return Ending(errand, "release" if status == "cancelled" else "refused")
                claim = replace(fresh, base=claim.base)  # the state is as old as the first claim
            except (KeyboardInterrupt, ApprovalNeeded):
                state.undo(mark)
                self._ended(errand, claim, "release" if errand.may_be_redone else "doubt", started, None)
                raise
            except HtnError as error:
                state.undo(mark)
                if self.stopping.is_set() and errand.may_be_redone:
                    return self._ended(errand, claim, "release", started, None)
                return self._ended(errand, claim, "fail", started, of_a_step(error))
            else:
                if ending.kind == "finish":
                    self.tell(Event(errand.at, "finish", ending.seconds))
                    self.retrying.done(step)
                else:
                    state.undo(mark)
                return ending

    def _attempt(
        self, errand: Errand, claim: Claim, state: State, mark: int, names: tuple[str, ...], started: float
    ) -> Ending:
        with carrying_out(f"{self.journal.run_id}/{errand.key}"):
            self.performer.perform(errand.action, state, mark)
        seconds = self.clock() - started
        rows = changed(state, mark, names)
        try:
            status, place = self.journal.commit(claim, written(rows), errand.reads, seconds)
        except UsageError as error:
            why = f"{errand.action} left what cannot be written down: {error.message}"
            status, place = self.journal.commit(claim, why, errand.reads, seconds, places_of(rows))
        if status == "done":
            return Ending(errand, "finish", rows, seconds=seconds)
        if status == "conflict":
            raise _conflict(errand, place)
        return self._refused(errand)

    def _ended(
        self, errand: Errand, claim: Claim, kind: Literal["fail", "retry", "release", "doubt"], started: float,
        trouble: Trouble | None,
    ) -> Ending:  # fmt: skip
        seconds = self.clock() - started
        mine = self.journal.give_up(claim, kind, seconds, trouble)
        if not mine:
            return self._refused(errand)
        self.tell(Event(errand.at, kind, seconds, trouble.message if trouble else "", trouble))
        return Ending(errand, "fail" if kind == "retry" else kind, trouble=trouble)

    def _refused(self, errand: Errand) -> Ending:
        self.tell(Event(errand.at, "release", detail="another process has it"))
        return Ending(errand, "refused")


def _conflict(errand: Errand, place: str) -> ExecutionError:
    variable, _, key = place.partition(" ")
    shown = f"{variable}[{key}]" if key else variable
    return ExecutionError(
        f"{errand.action} and a step that ran at the same time both touched {shown}, which the plan did not say",
        hints=(
            "its command changes or reads something else than its operator: let the operator do the same",
            "or carry out one step at a time: HTN_PARALLEL=1",
        ),
    )
