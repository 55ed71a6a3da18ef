"""One piece of work of this process: its log, where it stands, and how it is stopped.

The log is read while it is written; its ids are milliseconds and a number, as those of a Redis stream are. Work is
stopped at the next thing that happens: a search, a call of a model and a step are not torn apart.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Condition
from typing import Any

from executor.pursue import Listener, Replan
from executor.review import Review, Wait
from executor.run import Event
from executor.tryout import LearnEvent
from htn.errors import Trouble
from htn.failure import Failure, Gap
from htn.network import show_network
from htn.plan import Action, Plan
from htn.stage import Stage
from mcp_server.answers import Change, Learnt
from mcp_server.works import ENDED, FIRST, Seen, Wanted, WorkState

_MOST_EVENTS = 5_000
CANCELLED = Trouble("cancelled", 130, "it was cancelled")
INTERRUPTED = Trouble("interrupted", 130, "the server ended before it did", None, ("go on with it: htn resume RUN_ID",))


class Stopped(BaseException):
    """Whoever asked for the work does not want it any more. No handler of errors may take it for a failure."""


class Job:
    """A piece of work under its handle."""

    def __init__(
        self, handle: str, wanted: Wanted, clock: Callable[[], float] = time.time, *, goes_on: bool = False
    ) -> None:
        self.handle, self.wanted = handle, wanted
        self.goes_on = goes_on
        """Whether the run was begun before, so that it is resumed."""
        self.gap: Gap | None = None
        self.proposal: str | None = None
        self._clock = clock
        self._changed = Condition()
        self._log: list[Mapping[str, Any]] = []
        self._stop: BaseException | None = None
        self._actions: Sequence[Action] = ()
        tasks = tuple(show_network(task) for task in wanted.tasks)
        self._seen = Seen(handle, wanted.kind, "created", wanted.domain.name, tasks)
        self._tell("created")

    @property
    def seen(self) -> Seen:
        """How far it is."""
        with self._changed:
            return self._seen

    def events(self, after: str, wait: float) -> Sequence[Mapping[str, Any]]:
        """Return what happened after an event; wait so many seconds for something to happen."""
        with self._changed:
            self._changed.wait_for(lambda: self._after(after) or self._seen.state in ENDED, wait)
            return self._after(after)

    def stop(self) -> None:
        """Let it end at the next thing that happens; what waits for a person, or is paused, ends at once."""
        with self._changed:
            if self.stopping or self._seen.state in ENDED:
                return
            self._stop = Stopped()
            self._tell("cancel")
            if self._seen.state in ("waiting", "paused"):
                self.become("cancelled", CANCELLED)

    def interrupt(self) -> None:
        """Let it come to rest at the next thing that happens, so that somebody else can go on with it."""
        with self._changed:
            self._stop = self._stop or KeyboardInterrupt()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return isinstance(self._stop, Stopped)

    def become(
        self,
        state: WorkState,
        trouble: Trouble | None = None,
        learned: Sequence[Learnt] = (),
        changed: Sequence[Change] = (),
        *,
        proposal: str | None = None,
    ) -> None:
        """Say where it stands now; what was learned adds up. What has ended stays so."""
        with self._changed:
            if self._seen.state in ENDED:
                return
            self._seen = replace(
                self._seen, state=state, trouble=trouble, proposal=proposal, changed=tuple(changed),
                learned=(*self._seen.learned, *learned),
            )  # fmt: skip
            self._tell(state, **({"error": trouble.to_json()} if trouble else {}))

    def listener(self) -> Listener:
        """Return what an agent tells its news to."""
        return Listener(self._planned, self._met, self._learning, self._step, self._note, self._stage, self._replanned)

    def review(self, review: Review) -> Wait:
        """Take down what a person has to be asked about; whoever follows the work asks."""
        self.proposal = review.entry.version
        return Wait("a person decides about it")

    def _planned(self, result: Plan | Failure) -> None:
        if isinstance(result, Plan):
            self._actions = result.actions
            self._heard("planned", detail=f"{len(result)} actions", actions=[str(a) for a in result.actions[:100]])
        else:
            self._heard("planned", detail=result.explain().partition("\n")[0])

    def _met(self, gap: Gap) -> None:
        self.gap = gap
        self._heard("gap", detail=f"nobody knows how to do {gap}")

    def _learning(self, event: LearnEvent) -> None:
        if event.kind == "text":
            self._check()  # the words themselves are not logged: they are many, and a model's
            return
        admitted = (event.kind, event.stage) == ("done", "admit")
        kind = "learned" if admitted else "rung" if event.kind == "rung" else "learning"
        self._heard(kind, detail=f"{event.stage}: {event.detail}" if event.detail else event.stage, passed=event.ok)

    def _step(self, event: Event) -> None:
        action = str(self._actions[event.step]) if event.step < len(self._actions) else ""
        detail = f"{action}: {event.detail}" if event.detail else action
        self._tell(event.kind, step=event.step + 1, detail=detail)
        # A step that is done is written down, so that whoever goes on knows it. With the last one nothing is left.
        if event.kind == "finish" and event.step + 1 < len(self._actions):
            self._check()

    def _note(self, text: str) -> None:
        self._heard("note", detail=text)

    def _stage(self, stage: Stage) -> None:
        self._actions = stage.plan.actions
        self._heard("stage", detail=str(stage))

    def _replanned(self, replan: Replan) -> None:
        self._heard("replan", detail=str(replan))

    def _heard(self, kind: str, **data: Any) -> None:
        self._check()
        self._tell(kind, **data)

    def _check(self) -> None:
        if self._stop:
            raise self._stop

    def _tell(self, kind: str, **data: Any) -> None:
        with self._changed:
            at = self._clock()
            before = self._log[-1]["id"] if self._log else FIRST
            moment, number = _place(before)
            now = max(int(at * 1000), moment)
            identity = f"{now}-{number + 1 if now == moment else 0}"
            if len(self._log) < _MOST_EVENTS or kind in ENDED:
                self._log.append({"id": identity, "at": at, "kind": kind, **data})
            self._changed.notify_all()

    def _after(self, after: str) -> list[Mapping[str, Any]]:
        place = _place(after)
        # Most who ask have read nearly everything.
        found: list[Mapping[str, Any]] = []
        for event in reversed(self._log):
            if _place(event["id"]) <= place:
                break
            found.append(event)
        return found[::-1]


def _place(identity: str) -> tuple[int, int]:
    moment, _, number = identity.partition("-")
    return int(moment), int(number)
