"""What a search met on its way and tells when it fails: dead ends, gaps, and functions of the domain that misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from traceback import walk_tb
from typing import Any, NoReturn

from htn.contract import refuse
from htn.domain import Method
from htn.errors import DomainError, HtnError, NeedsValue, did_you_mean, told
from htn.failure import Ancestor, DeadEnd, Failure, Gap, Refusal
from htn.network import Part, show_task
from htn.reason import why_refused
from htn.search.agenda import GOALS, Agenda, Node, path_of, shown, tasks_in
from htn.search.problem import Problem
from htn.state import State

_MAX_GAPS = 16
_NEEDS_VALUE = "it needs a value that is not known yet"


@dataclass(frozen=True, slots=True)
class _Met:
    """A dead end as the search met it; its path is written out only when it is reported."""

    item: Any
    parent: Node | None
    refusals: tuple[Refusal, ...]
    actions: int

    def dead_end(self) -> DeadEnd:
        return DeadEnd(shown(self.item), _path(self.parent), self.refusals, self.actions)


class Report:
    """Takes down what a failure will have to say. Explaining a refusal runs a function once more, so only the first
    dead end and each that came further than all before are explained."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._first: _Met | None = None
        self._deepest: _Met | None = None
        self._gaps: dict[str, Gap] = {}

    def is_news(self, actions: int) -> bool:
        """Say whether a dead end after so many actions is one of those that are told."""
        return self._deepest is None or actions > self._deepest.actions

    def refused(self, item: Any, parent: Node | None, actions: int) -> None:
        """Note that the operator of a task does not apply."""
        operator, state = self._problem.operators[item[0]], self._problem.state
        if operator.contract is not None:
            reason: Any = refuse(operator.contract, state, item[1:])
        else:
            reason = why_refused(operator.apply, state, item[1:]) if operator.apply else None
        self.dead_end(item, parent, actions, [Refusal(operator.name, reason)])

    def no_way(self, item: Any, parent: Node | None, actions: int, methods: tuple[Method, ...]) -> None:
        """Note that no method of a task or goal applies."""
        arguments: tuple[Any, ...] = (item[1],) if item[0] is GOALS else item[1:]
        self.dead_end(item, parent, actions, [
            Refusal(m.name, why_refused(m.decompose, self._problem.state, arguments))
            for m in methods
            if m.arity.accepts(len(arguments))
        ])  # fmt: skip

    def check_count(self, item: Any, parent: Node | None, methods: tuple[Method, ...]) -> None:
        """Raise DomainError when no method takes so many arguments."""
        count = 1 if item[0] is GOALS else len(item) - 1
        if methods and not any(method.arity.accepts(count) for method in methods):
            blame(TypeError("arguments"), item, parent, str(item[0]), fits=False)

    def operator_raised(self, error: BaseException, item: Any, parent: Node | None, actions: int) -> NoReturn:
        """Raise what an operator raised as its own; one that needs a value is a dead end of its own."""
        operator = self._problem.operators[item[0]]
        if isinstance(error, NeedsValue):
            self.dead_end(item, parent, actions, [Refusal(operator.name, _NEEDS_VALUE)])
        blame(error, item, parent, operator.name, fits=operator.arity.accepts(len(item) - 1))

    def method_raised(self, error: BaseException, item: Any, parent: Node | None, method: Method, actions: int) -> None:
        """Raise what a method raised as its own; a method that takes other arguments only does not apply."""
        if isinstance(error, NeedsValue):
            self.dead_end(item, parent, actions, [Refusal(method.name, _NEEDS_VALUE)])
        count = 1 if item[0] is GOALS else len(item) - 1
        if not (isinstance(error, TypeError) and not method.arity.accepts(count)):
            blame(error, item, parent, method.name, fits=True)

    def dead_end(self, item: Any, parent: Node | None, actions: int, refusals: list[Refusal]) -> None:
        """Note a dead end."""
        met = _Met(item, parent, tuple(refusals), actions)
        self._first = self._first or met
        self._deepest = met

    def gap(self, item: Any, parent: Node | None, rest: Agenda) -> None:
        """Note a task that nobody knows; of several with the same name the one that is nearest to a plan is kept."""
        known = self._gaps.get(item[0])
        if known is None and len(self._gaps) >= _MAX_GAPS:
            return
        remaining = sum(1 for _ in islice(tasks_in(rest), known.remaining if known else None))
        if known is None or remaining < known.remaining:
            declared = item[0] in self._problem.operators
            self._gaps[item[0]] = Gap(item, _path(parent), self._problem.state.copy(), declared, remaining)

    def failure(self, tasks: tuple[Part, ...], expansions: int, stopped: HtnError | None = None) -> Failure:
        """Return why there is no plan."""
        return Failure(
            self._problem.name,
            tasks,
            self._first.dead_end() if self._first else None,
            self._deepest.dead_end() if self._deepest else None,
            tuple(sorted(self._gaps.values(), key=lambda gap: gap.remaining)),
            expansions,
            stopped,
        )


def blame(error: BaseException, item: Any, parent: Node | None, name: str, fits: bool) -> NoReturn:
    """Raise an exception of a function of the domain as its own, with its line and the task."""
    if isinstance(error, HtnError):
        raise error
    task = shown(item)
    where = ", ".join(map(str, reversed(_path(parent)[-3:]))) or None
    if not fits and isinstance(error, TypeError):
        raise DomainError(f"{show_task(task)} has {len(item) - 1} arguments, which {name} does not take", where=where)
    # The last line of the domain's: a KeyError, say, comes from within the state.
    modules = [(frame.f_globals.get("__name__", ""), line) for frame, line in walk_tb(error.__traceback__)]
    line = next((line for module, line in reversed(modules) if not module.startswith("htn.")), "?")
    raise DomainError(
        f"{name} raised {told(error)} at line {line}, for {show_task(task)}",
        where=where,
        hints=_hints(error),
    ) from error


def _hints(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, AttributeError) and isinstance(error.obj, State):
        known = list(error.obj)
        return did_you_mean(str(error.name), known) or (f"the state has {', '.join(known) or 'no variables'}",)
    return ("is an entry of the state missing?",) if isinstance(error, KeyError) else ()


def wrong_result(name: str, result: Any, item: Any) -> NoReturn:
    """Raise that an operator returned something that is neither its state nor None."""
    raise DomainError(
        f"the operator {name} gave {result!r:.80} for {show_task(shown(item))}",
        hints=("an operator changes the state that it gets and returns it, or None",),
    )


def changes_the_state(method: Method) -> NoReturn:
    """Raise that a method changed the state."""
    raise DomainError(
        f"the method {method.name} of {method.task} changes the state",
        hints=("only operators change the state; a method only looks at it",),
    )


def _path(node: Node | None) -> tuple[Ancestor, ...]:
    return tuple(Ancestor(shown(task), method) for task, method in path_of(node))
