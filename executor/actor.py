"""Carry out a plan, one action after the other.

A learned action runs its body in the sandbox, held to its contract; a written one runs its command, or, where
there is none, its operator on the run's state. The state is changed by a step that went well and by no other.
A body that breaks its contract stops the run, and its entry is demoted at once: later plans do without it.

Not here: steps at the same time, retries, replanning, runs that survive the process.
"""

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from executor.body import perform
from executor.inputs import inputs_of
from executor.library import Library
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


@dataclass(frozen=True)
class Actor:
    """What it takes to carry out plans of a domain."""

    domain: Domain
    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    limits: SandboxLimits
    clock: Callable[[], float] = time.perf_counter

    def act(self, plan: Plan, state: State, on_event: Callable[[Event], None] = lambda event: None) -> Run:
        """Carry out `plan`, changing `state`. The run says how far it came; its failed step says why."""
        events: list[Event] = []

        def tell(event: Event) -> None:
            events.append(event)
            on_event(event)

        actions = plan.actions
        for at, action in enumerate(actions):
            tell(Event(at, "start"))
            started, mark = self.clock(), state.mark()
            try:
                self._do(action, state, mark)
            except HtnError as error:
                state.undo(mark)
                trouble = _of_a_step(error)
                tell(Event(at, "fail", self.clock() - started, trouble.message, trouble))
                break
            tell(Event(at, "finish", self.clock() - started))
        return Run.of(actions, events)

    def _do(self, action: Action, state: State, before: int) -> None:
        if action.version is not None:
            self._run_body(action, action.version, state)
            return
        operator = self.domain.operators.get(action.name)
        function = self.domain.commands.get(action.name) or (operator.apply if operator else None)
        if function is None:
            raise ExecutionError(f"nobody knows how to do {action}")
        try:
            result: Any = function(state, *action.arguments)
            state.changes_since(before)  # what was put into a list, say, must be something that a state can hold
        except (HtnError, KeyboardInterrupt):
            raise
        except BaseException as error:  # a command may raise anything; it is the step that failed
            raise ExecutionError(f"{action.name} raised {told(error)}") from error
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
        if library.trust(version) == "retired":
            raise ExecutionError(
                f"the operator of {action} was retired after the plan was made",
                hints=("plan anew", f"htn library history {shlex.quote(action.name)}"),
            )
        seen = perform(entry.program(), entry.promise(), state, action.arguments, self.sandbox(), limits=self.limits)
        if seen.ok:
            library.used(version, inputs_of(entry.promise(), state, action.arguments))
            write(state, seen.after)
            return
        if seen.refused:
            raise ExecutionError(f"{action} does not apply to what is true now: {seen.problem}")
        if seen.category == "environment":
            raise ServiceMissing(f"the sandbox cannot run {action}: {seen.problem}", hints=("htn doctor",))
        library.demote(version, {
            "detail": (seen.problem or "")[:2000],
            "category": seen.category,
            "task": show_task(action.task),
            "counterexample": {"arguments": _kept(action.arguments)},
        })  # fmt: skip
        raise ContractViolated(
            f"the learned body of {action} broke its contract: {(seen.problem or '')[:500]}",
            hints=(
                f"it was demoted, so plans do without it: htn library show {shlex.quote(action.name)}",
                *_learn_again(self.domain.source, action.task),
            ),
        )


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
