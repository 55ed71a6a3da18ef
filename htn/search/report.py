"""What a search met on its way and tells when it fails: dead ends, gaps, and functions of the domain that misbehave."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from traceback import walk_tb
from typing import Any, NoReturn

from htn.contract import Condition, refuse
from htn.domain import Method
from htn.errors import DomainError, HtnError, NeedsValue, did_you_mean, told
from htn.failure import Ancestor, DeadEnd, Failure, Gap, Refusal
from htn.network import Part, show_task
from htn.reason import why_refused
from htn.search.agenda import GOALS, Agenda, Entry, Node, own_arguments, path_of, shown, tasks_in
from htn.search.problem import Problem
from htn.state import State

_MAX_GAPS = 16
_NEEDS_VALUE = "it needs a value that is not known yet"


@dataclass(slots=True)
class _Met:
    """A dead end as the search met it. What it says is worked out when it is reported.

    The entries of the trail that lead to it are the first `shared` ones of the search's own trail, which are still
    there, and then those of `cut`, newest first, which the search has cut off since.
    """

    item: Any
    parent: Node | None
    actions: int
    methods: tuple[Method, ...] | None
    refusals: tuple[Refusal, ...] | None
    shared: int
    cut: list[list[Entry]] = field(default_factory=list)

    def trail(self, trail: list[Entry]) -> list[Entry]:
        return [*trail[: self.shared], *chain.from_iterable(reversed(self.cut))]


class Report:
    """Takes down what a failure will have to say.

    Of the dead ends the first and each that came further than all before are kept. Why a function refused is found
    by running it once more under a tracer, which takes as long as a hundred expansions; so it waits until there is a
    failure to report, and then the actions that led there are done again.
    """

    def __init__(self, problem: Problem, trail: list[Entry], *, trail_is_cut_elsewhere: bool = False) -> None:
        self._problem, self._trail, self._copies = problem, trail, trail_is_cut_elsewhere
        self._first: _Met | None = None
        self._deepest: _Met | None = None
        self._gaps: dict[str, Gap] = {}
        self._miscounted = False
        self.shared = 0

    def is_news(self, actions: int) -> bool:
        """Say whether a dead end after so many actions is one of those that are told."""
        return self._deepest is None or actions > self._deepest.actions

    def refused(self, item: Any, parent: Node | None, actions: int) -> None:
        """Note that the operator of a task does not apply."""
        self._note(_Met(item, parent, actions, None, None, len(self._trail)))

    def no_way(self, item: Any, parent: Node | None, actions: int, methods: tuple[Method, ...]) -> None:
        """Note that no method of a task or goal applies."""
        self._note(_Met(item, parent, actions, methods, None, len(self._trail)))

    def dead_end(self, item: Any, parent: Node | None, actions: int, refusals: list[Refusal]) -> None:
        """Note a dead end for a reason that is known already."""
        self._note(_Met(item, parent, actions, None, tuple(refusals), len(self._trail)))

    def _note(self, met: _Met) -> None:
        if self._copies:
            met.cut, met.shared = [self._trail.copy()], 0
        self._first = self._first or met
        self._deepest = met
        self.shared = max(self._first.shared, met.shared)

    def cut(self, length: int) -> None:
        """Keep what the search is about to cut off its trail. Need not be called for a `length` of `shared` or more."""
        for met in (self._first, self._deepest):
            if met is not None and length < met.shared:
                met.cut.append(self._trail[length : met.shared])
                met.shared = length
        self.shared = min(self.shared, length)

    def check_count(self, item: Any, parent: Node | None, methods: tuple[Method, ...]) -> None:
        """Raise DomainError when no method takes so many arguments."""
        if not self._miscounted:
            return
        self._miscounted = False
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
        if isinstance(error, TypeError) and not method.arity.accepts(count):
            self._miscounted = True
        else:
            blame(error, item, parent, method.name, fits=True)

    def gap(self, item: Any, parent: Node | None, rest: Agenda) -> None:
        """Note a task that nobody knows."""
        self._note_gap(item, parent, rest)

    def _note_gap(self, item: Any, parent: Node | None, rest: Agenda, goal: tuple[Condition, ...] = ()) -> None:
        """Keep a gap; of several with the same name the one that is nearest to a plan is kept."""
        known = self._gaps.get(item[0])
        if known is None and len(self._gaps) >= _MAX_GAPS:
            return
        remaining = sum(1 for _ in islice(tasks_in(rest), known.remaining if known else None))
        if known is None or remaining < known.remaining:
            declared = item[0] in self._problem.operators
            self._gaps[item[0]] = Gap(item, _path(parent), self._problem.state.copy(), declared, remaining, goal)

    def unreached(self, item: Any, parent: Node | None, rest: Agenda) -> None:
        """Note a task that no method applies to, where what it is for does not hold and may be brought about."""
        aim = self._problem.aims[item[0]]
        operator = self._problem.operators[aim.operator]
        task = (aim.operator, *own_arguments(item))
        if operator.apply is not None or not operator.arity.accepts(len(task) - 1):
            return
        if not aim.holds(self._problem.state, task[1:]) and aim.may_be_reached(
            self._problem.state, task[1:], self._problem.operators.values()
        ):
            self._note_gap(task, parent, rest, aim.conditions)

    def failure(self, tasks: tuple[Part, ...], expansions: int, stopped: HtnError | None = None) -> Failure:
        """Return why there is no plan; the state is as it was when the search began."""
        first = self._told(self._first) if self._first else None
        return Failure(
            self._problem.name,
            tasks,
            first,
            first if self._deepest is self._first or not self._deepest else self._told(self._deepest),
            tuple(sorted(self._gaps.values(), key=lambda gap: gap.remaining)),
            expansions,
            stopped,
        )

    def _told(self, met: _Met) -> DeadEnd:
        refusals = self._refusals(met) if met.refusals is None else met.refusals
        return DeadEnd(shown(met.item), _path(met.parent), refusals, met.actions)

    def _refusals(self, met: _Met) -> tuple[Refusal, ...]:
        """Do the actions again that led to a dead end, and ask there why nothing applied."""
        state = self._problem.state
        mark = state.mark()
        try:
            for entry in met.trail(self._trail):
                if type(entry[1]) is not str:
                    self._apply(entry[0])
            return self._asked_why(met)
        finally:
            state.undo(mark)

    def _apply(self, item: Any) -> None:
        function = self._problem.operators[item[0]].apply
        assert function is not None  # it was applied before
        function(self._problem.state, *own_arguments(item))
        self._problem.state.mark()

    def _asked_why(self, met: _Met) -> tuple[Refusal, ...]:
        state = self._problem.state
        if met.methods is not None:
            arguments = own_arguments(met.item)
            return tuple(
                Refusal(m.name, why_refused(m.decompose, state, arguments))
                for m in met.methods
                if m.arity.accepts(len(arguments))
            )
        operator = self._problem.operators[met.item[0]]
        if operator.contract is not None:
            return (Refusal(operator.name, refuse(operator.contract, state, met.item[1:])),)
        reason = why_refused(operator.apply, state, own_arguments(met.item)) if operator.apply else None
        return (Refusal(operator.name, reason),)


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
