"""Carry out one action on a state: how, not when.

A learned action runs its body in the sandbox, held to its contract; a written one runs its command, or, where
there is none, its operator on the run's state. A body that breaks its contract is demoted at once: later plans do
without it.

What may be tried again:

| what failed                                            | tried again                              |
|--------------------------------------------------------|------------------------------------------|
| the sandbox could not run a body                       | yes: a body changes nothing outside      |
| a command raised, or a service that it needs is away   | where the domain says `retry=True` of it |
| anything else: a broken contract, a precondition, None | never                                    |

What may be begun again when its process died: a body, an operator without a command, and a command of which the domain
says that it is carried out at least once.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from executor.body import perform
from executor.inputs import inputs_of
from executor.library import Library
from executor.sandbox import Sandbox, SandboxLimits
from htn.contract import write
from htn.domain import Domain
from htn.errors import ContractViolated, ExecutionError, HtnError, LimitReached, ServiceMissing, Trouble, told
from htn.network import Task, show_task, typed_task
from htn.plan import Action
from htn.state import State
from htn.values import show, to_json

_MOST_KEPT = 100_000


class MayPass(Exception):
    """A failure of a step for a reason that may pass."""

    def __init__(self, error: HtnError) -> None:
        super().__init__(error.message)
        self.error = error


def may_be_redone(domain: Domain, action: Action) -> bool:
    """Say whether an action may be begun again when nobody knows whether it was carried out."""
    return action.version is not None or action.name not in domain.commands or action.name in domain.at_least_once


@dataclass(frozen=True)
class Performer:
    """What it takes to carry out actions of a domain."""

    domain: Domain
    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    limits: SandboxLimits
    read: Callable[[Action, Mapping[tuple[str, Any], object]], Mapping[tuple[str, Any], object]] | None = None
    """What texts mean that a command left where the domain declares another type; without it they stay."""

    def is_quick(self, action: Action) -> bool:
        """Say whether an action is nothing but a function of the state, which is done here and now."""
        return action.version is None and action.name not in self.domain.commands

    def perform(self, action: Action, state: State, before: int) -> None:
        """Carry out an action, changing `state`, whose mark is `before`.

        MayPass for a failure that may pass; any other HtnError is the step's. What was changed until then is the
        caller's to take back.
        """
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
                raise MayPass(error) from error
            raise
        except BaseException as error:  # a command may raise anything; it is the step that failed
            failed = ExecutionError(f"{action.name} raised {told(error)}")
            raise (MayPass(failed) if again else failed) from error
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
        if self.read is not None and action.name in self.domain.commands:
            write(state, self.read(action, state.changes_since(before)))

    def _run_body(self, action: Action, version: str, state: State) -> None:
        """Run a body. A service that is missing meanwhile may come back, and a body does no harm when it runs twice."""
        try:
            self._held_to_its_contract(action, version, state)
        except ServiceMissing as error:
            raise MayPass(error) from error

    def _held_to_its_contract(self, action: Action, version: str, state: State) -> None:
        library = self.library()
        entry = library.entry(version)
        if fate := library.fate(version):
            raise ExecutionError(
                f"the operator of {action} was {fate} after the plan was made",
                hints=("plan anew", f"htn library history {shlex.quote(action.name)}"),
            )
        box, promise = self.sandbox(), entry.promise()
        seen = perform(entry.program(), promise, state, action.arguments, box, limits=self.limits)
        if seen.ok:
            library.used(version, inputs_of(promise, state, action.arguments))
            write(state, seen.after)
            return
        if seen.refused:
            raise ExecutionError(f"{action} does not apply to what is true now: {seen.problem}")
        if seen.category == "environment":
            raise ServiceMissing(f"the sandbox cannot run {action}: {seen.problem}", hints=("htn doctor",))
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


def of_a_step(error: HtnError) -> Trouble:
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
