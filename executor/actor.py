"""Carry out a plan, one action after the other.

A learned action runs its body in the sandbox, held to its contract; a written one runs its command, or, where
there is none, its operator on the run's state. The state is changed by a step that went well and by no other.
A body that breaks its contract stops the run, and its entry is demoted at once: later plans do without it.

A step that failed for a reason that may pass is tried again, as often as `Retries` allows:

| what failed                                            | tried again                              |
|--------------------------------------------------------|------------------------------------------|
| the sandbox could not run a body                       | yes: a body changes nothing outside      |
| a command raised, or a service that it needs is away   | where the domain says `retry=True` of it |
| anything else: a broken contract, a precondition, None | never                                    |

Not here: steps at the same time, replanning, runs that go on in another process.
"""

import json
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from executor.body import perform
from executor.inputs import inputs_of
from executor.library import Library
from executor.retries import Retries, step_id, workflow_id
from executor.run import Event, Run
from executor.sandbox import Sandbox, SandboxLimits
from htn.contract import write
from htn.domain import Domain
from htn.errors import ContractViolated, ExecutionError, HtnError, LimitReached, ServiceMissing, Trouble, told
from htn.network import Task, show_task, typed_task
from htn.plan import Action, Plan
from htn.state import State
from htn.values import show, to_json

_MOST_KEPT = 100_000
_MOST_TYPED = 10_000


_FIRST_PAUSE = 0.1  # seconds before a step is tried again for the first time; it doubles each time
_LONGEST_PAUSE = 5.0


class _MayPass(Exception):
    """A failure of a step for a reason that may pass."""

    def __init__(self, error: HtnError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True)
class Actor:
    """What it takes to carry out plans of a domain. Without `retries` no step is tried again."""

    domain: Domain
    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    limits: SandboxLimits
    clock: Callable[[], float] = time.perf_counter
    retries: Callable[[], Retries] | None = None
    sleep: Callable[[float], None] = time.sleep

    def act(
        self,
        plan: Plan,
        state: State,
        on_event: Callable[[Event], None] = lambda event: None,
        *,
        run_id: str | None = None,
    ) -> Run:
        """Carry out `plan`, changing `state`. The run says how far it came; its failed step says why.

        `run_id` is given where counts of retries may be left of an earlier process; otherwise one is made.
        """
        events: list[Event] = []

        def tell(event: Event) -> None:
            events.append(event)
            on_event(event)

        retrying = _Retrying(self.retries, self.sleep, run_id)
        actions = plan.actions
        for at, action in enumerate(actions):
            if not self._step(at, action, state, tell, retrying):
                break
        retrying.ended()
        return Run.of(actions, events, run_id=retrying.run_id)

    def _step(
        self, at: int, action: Action, state: State, tell: Callable[[Event], None], retrying: "_Retrying"
    ) -> bool:
        """Carry out a step, as often as it may be tried; return whether it is done."""
        step = step_id(at, action.name)
        while True:
            tell(Event(at, "start"))
            started, mark = self.clock(), state.mark()
            try:
                self._do(action, state, mark)
            except _MayPass as passing:
                state.undo(mark)
                trouble = _of_a_step(passing.error)
                if retrying.again(step):
                    tell(Event(at, "retry", self.clock() - started, trouble.message, trouble))
                    retrying.pause()
                    continue
                trouble = replace(trouble, hints=(*trouble.hints, *retrying.why_not))
            except HtnError as error:
                state.undo(mark)
                trouble = _of_a_step(error)
            else:
                tell(Event(at, "finish", self.clock() - started))
                retrying.done(step)
                return True
            tell(Event(at, "fail", self.clock() - started, trouble.message, trouble))
            return False

    def _do(self, action: Action, state: State, before: int) -> None:
        if action.version is not None:
            self._run_body(action, action.version, state)
            return
        operator = self.domain.operators.get(action.name)
        function = self.domain.commands.get(action.name) or (operator.apply if operator else None)
        if function is None:
            raise ExecutionError(f"nobody knows how to do {action}")
        again = action.name in self.domain.commands and action.name in self.domain.repeatable
        try:
            result: Any = function(state, *action.arguments)
            state.changes_since(before)  # what was put into a list, say, must be something that a state can hold
        except KeyboardInterrupt:
            raise
        except HtnError as error:
            if again and isinstance(error, ServiceMissing):
                raise _MayPass(error) from error
            raise
        except BaseException as error:  # a command may raise anything; it is the step that failed
            failed = ExecutionError(f"{action.name} raised {told(error)}")
            raise (_MayPass(failed) if again else failed) from error
        if result is None or result is False:
            raise ExecutionError(
                f"{action} does not apply to what is true now",
                hints=("the plan assumed otherwise; a command that has done its work returns the state",),
            )
        if result is not state:
            raise ExecutionError(
                f"{action.name} gave {_written(result):.80} for {action}",
                hints=("it changes the state that it gets and returns it, or None where it does not apply",),
            )

    def _run_body(self, action: Action, version: str, state: State) -> None:
        library = self.library()
        entry = library.entry(version)
        if fate := library.fate(version):
            raise ExecutionError(
                f"the operator of {action} was {fate} after the plan was made",
                hints=("plan anew", f"htn library history {shlex.quote(action.name)}"),
            )
        box, promise = self.sandbox(), entry.promise()
        try:
            seen = perform(entry.program(), promise, state, action.arguments, box, limits=self.limits)
        except ServiceMissing as error:
            raise _MayPass(error) from error
        if seen.ok:
            library.used(version, inputs_of(promise, state, action.arguments))
            write(state, seen.after)
            return
        if seen.refused:
            raise ExecutionError(f"{action} does not apply to what is true now: {seen.problem}")
        if seen.category == "environment":
            raise _MayPass(ServiceMissing(f"the sandbox cannot run {action}: {seen.problem}", hints=("htn doctor",)))
        library.demote(version, {
            "detail": seen.problem or "",
            "category": seen.category,
            "task": show_task(action.task),
            "counterexample": {"arguments": _kept(action.arguments)},
        }, inputs_of(promise, state, action.arguments))  # fmt: skip
        raise ContractViolated(
            f"the learned body of {action} broke its contract: {(seen.problem or '')[:500]}",
            hints=(
                f"it was demoted, so plans do without it: htn library show {shlex.quote(action.name)}",
                *_learn_again(self.domain.source, action.task),
            ),
        )


class _Retrying:
    """The retries of one run. The store is asked when a step is to be tried again, and for what may be left in it."""

    def __init__(
        self, retries: Callable[[], Retries] | None, sleep: Callable[[float], None], run_id: str | None
    ) -> None:
        self.run_id = run_id or workflow_id()
        self.why_not: tuple[str, ...] = ()
        self._retries, self._sleep = retries, sleep
        self._counted: set[str] = set()
        self._pause = 0.0
        if run_id is not None and retries is not None:
            self._counted.update(retries().status(run_id))

    def again(self, step: str) -> bool:
        """Count one more try of a step and return whether it may be made; `why_not` says why not, for a person."""
        if self._retries is None:
            return False
        try:
            retries = self._retries()
            count = retries.again(self.run_id, step)
        except ServiceMissing as error:
            self.why_not = (f"it was not tried again, because that could not be counted: {error.message}",)
            return False
        if count is None:
            self.why_not = (f"it was tried again as often as HTN_STEP_RETRIES allows: {retries.most}",)
            return False
        self._counted.add(step)
        self._pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (count - 1))
        return True

    def pause(self) -> None:
        """Wait before a step is tried again, longer each time."""
        self._sleep(self._pause)

    def done(self, step: str) -> None:
        """Forget the count of a step."""
        if step in self._counted and self._retries is not None:
            self._counted.remove(step)
            with suppress(ServiceMissing):  # the step is done all the same; a count that stays ends by itself
                self._retries().clear(self.run_id, step)

    def ended(self) -> None:
        """Forget all counts of the run."""
        if self._counted and self._retries is not None:
            with suppress(ServiceMissing):  # as above
                self._retries().clear_all(self.run_id)


def _of_a_step(error: HtnError) -> Trouble:
    """Return an error as that of a step: a service that is missing stays one; anything else is a step that failed."""
    if isinstance(error, (ExecutionError, LimitReached, ServiceMissing)):
        return error.trouble
    return replace(error.trouble, code=ExecutionError.code, exit_code=ExecutionError.exit_code)


def _learn_again(source: str, task: Task) -> tuple[str, ...]:
    quoted = typed_task(task)
    return () if quoted is None else (f"learn it again: htn learn {shlex.quote(source)} {quoted}",)


def _written(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # foreign code: its __repr__ may raise anything
        return f"a {type(value).__name__}"


def _kept(arguments: tuple[Any, ...]) -> Any:
    """Return the arguments as the evidence keeps them: as JSON, or, where that would be too much, as they read."""
    written = to_json(list(arguments))
    return written if len(json.dumps(written)) <= _MOST_KEPT else [show(a, 1000) for a in arguments]
