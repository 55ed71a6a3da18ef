"""Find a plan: total-order forward decomposition, depth first, with an explicit stack.

The agenda is what is left to do, a linked list, so that backtracking shares its tail. An operator at its front
changes the state; a task with methods becomes a choice point and is replaced by the subtasks of its first
method that applies. Where nothing applies, the journal takes the state back to the last choice point that has
an alternative left (SHOP's procedure; Nau, Cao, Lotem and Muñoz-Avila, 1999). Methods are tried in order of
declaration, so the same problem gives the same plan every time, unless a method iterates over a set of texts.

A task that nobody knows how to do is a gap: it is noted, and the search goes on with what is known. Only
when nothing is left does the `Failure` carry the gaps. The state is the caller's: the search changes it as it
goes, copies nothing, and hands it back as it was.

Not here: detection of loops (a limit ends them), costs, partially ordered tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from traceback import walk_tb
from typing import Any, NoReturn, TypeAlias

from htn.domain import Domain, Method, Operator, subtask_lists
from htn.errors import DomainError, HtnError, LimitReached, NeedsValue, UsageError
from htn.failure import Ancestor, DeadEnd, Failure, Gap, Refusal
from htn.network import Task, show_task
from htn.plan import Decomposition, Plan
from htn.reason import why_refused
from htn.state import State

_MAX_GAPS = 16
_CLOCK_EVERY = 16


@dataclass(frozen=True)
class Limits:
    """When to stop looking: expansions, seconds of the clock that is passed in, levels of decomposition."""

    expansions: int | None = None
    seconds: float | None = None
    depth: int | None = None


@dataclass(frozen=True)
class SearchEvent:
    """Something that the search did. `kind` is "action", "method", "gap" or "backtrack"."""

    kind: str
    task: Task
    method: str | None
    depth: int


# A node of the tree as the search grows it: task, method or None, the node above, depth, version.
_Node: TypeAlias = "tuple[Task, str | None, _Node | None, int, str | None]"
# What is left to do: a task, the node above it, and the rest.
_Agenda: TypeAlias = "tuple[Task, _Node | None, _Agenda] | None"


@dataclass(slots=True)
class _Choice:
    """A task whose methods are being tried, and what to go back to for the next one."""

    alternatives: Iterator[tuple[Method, tuple[Task, ...]]]
    task: Task
    parent: _Node | None
    rest: _Agenda
    mark: int
    trail: int
    actions: int
    applied: bool = False


def find_plan(
    domain: Domain,
    state: State,
    tasks: Sequence[Task],
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    on_event: Callable[[SearchEvent], None] | None = None,
) -> Plan | Failure:
    """Return a plan that carries out `tasks` in order from `state`, or a failure that says why there is none.

    Args:
        domain: what is known.
        state: where planning starts; handed back unchanged.
        tasks: tuples of a head and its arguments.
        limits: when to give up; without, the search runs until it is done.
        clock: seconds, rising; needed for `Limits.seconds`.
        on_event: hears what the search does; silence costs nothing.

    Raises:
        DomainError: a function of the domain raised an exception or returned something that is no task.
        UsageError: `tasks` are no tasks.
    """
    for task in tasks:
        if not (isinstance(task, tuple) and task and isinstance(task[0], str)):
            raise UsageError(
                f"{task!r:.60} is not a task",
                hints=("a task is a tuple of a name and its arguments; find_plan takes a list of tasks",),
            )
    mark = state.mark()
    search = _Search(domain, state, limits or Limits(), clock, on_event)
    try:
        return search.run(tuple(tasks))
    finally:
        state.undo(mark)


class _Search:
    """One run of the search, and what it has seen so far."""

    def __init__(
        self,
        domain: Domain,
        state: State,
        limits: Limits,
        clock: Callable[[], float] | None,
        on_event: Callable[[SearchEvent], None] | None,
    ) -> None:
        if limits.seconds is not None and clock is None:
            raise DomainError("a limit in seconds needs a clock", hints=("pass clock=time.monotonic",))
        self.domain, self.state, self.limits = domain, state, limits
        self.clock, self.hear = clock, on_event
        self.deadline = clock() + limits.seconds if clock and limits.seconds is not None else None
        self.trail: list[_Node] = []
        self.stack: list[_Choice] = []
        self.actions = 0
        self.expansions = 0
        self.first: _Met | None = None
        self.deepest: _Met | None = None
        self.gaps: dict[str, Gap] = {}

    def run(self, tasks: tuple[Task, ...]) -> Plan | Failure:
        agenda = _push(tasks, None, None)
        try:
            while agenda is not None:
                agenda = self._expand(agenda)
        except _Exhausted:
            return self._failure(tasks)
        except (LimitReached, NeedsValue) as stopped:
            return self._failure(tasks, stopped)
        return Plan(self.domain.name, tasks, _nodes(self.trail), self.expansions)

    def _expand(self, agenda: tuple[Task, _Node | None, _Agenda]) -> _Agenda:
        """Do one task at the front of the agenda, or backtrack, and return what is left to do then."""
        task, parent, rest = agenda
        self._check_limits()
        self.expansions += 1
        operator = self.domain.operators.get(task[0])
        if operator is not None and operator.apply is not None:
            if self._apply(operator, task, parent):
                return rest
        elif task[0] in self.domain.methods:
            alternatives = self._alternatives(task, parent)
            self.stack.append(
                _Choice(alternatives, task, parent, rest, self.state.mark(), len(self.trail), self.actions)
            )
        else:
            self._note_gap(task, parent, rest, declared=operator is not None)
        return self._next_alternative()

    def _apply(self, operator: Operator, task: Task, parent: _Node | None) -> bool:
        function: Any = operator.apply
        mark = self.state.mark()
        try:
            result = function(self.state, *task[1:])
        except NeedsValue:
            self._dead_end(task, parent, [Refusal(operator.name, "it needs a value that is not known yet")])
            raise
        except Exception as error:  # noqa: BLE001  # a domain's function may raise anything; it is reported as its own
            self._blame(error, task, parent, operator.name, operator.arity.accepts(len(task) - 1))
        if result is None or result is False:
            self.state.undo(mark)
            if self._is_news():
                self._dead_end(task, parent, [Refusal(operator.name, self._reason(operator, task))])
            return False
        if result is not self.state:
            raise DomainError(
                f"the operator {operator.name} gave {result!r:.80} for {show_task(task)}",
                hints=("an operator changes the state that it gets and returns it, or None",),
            )
        node = (task, None, parent, _depth(parent), operator.version)
        self.trail.append(node)
        self.actions += 1
        if self.hear:
            self.hear(SearchEvent("action", task, None, node[3]))
        return True

    def _alternatives(self, task: Task, parent: _Node | None) -> Iterator[tuple[Method, tuple[Task, ...]]]:
        count, fits = len(task) - 1, False
        for method in self.domain.methods[task[0]]:
            if not method.arity.accepts(count):
                continue
            fits = True
            mark = self.state.mark()
            try:
                for subtasks in subtask_lists(method.decompose(self.state, *task[1:]), method):
                    self._check_unchanged(mark, method)
                    yield method, subtasks
            except (HtnError, GeneratorExit):
                raise
            except Exception as error:  # noqa: BLE001  # as in _apply
                self._blame(error, task, parent, method.name, fits=True)
            self._check_unchanged(mark, method)
        if not fits:
            self._blame(TypeError("wrong number of arguments"), task, parent, str(task[0]), fits=False)

    def _check_unchanged(self, mark: int, method: Method) -> None:
        if self.state.mark() != mark:
            raise DomainError(
                f"the method {method.name} of {method.task} changes the state",
                hints=("only operators change the state; a method only looks at it",),
            )

    def _next_alternative(self) -> _Agenda:
        """Go back to the last choice point that has an alternative, and return the agenda from there."""
        while self.stack:
            choice = self.stack[-1]
            self.state.undo(choice.mark)
            del self.trail[choice.trail :]
            self.actions = choice.actions
            found = self._try_next(choice)
            if found is None:
                if not choice.applied and self._is_news():
                    self._dead_end(choice.task, choice.parent, self._method_refusals(choice.task))
                self.stack.pop()
                if self.hear:
                    self.hear(SearchEvent("backtrack", choice.task, None, _depth(choice.parent)))
                continue
            method, subtasks = found
            choice.applied = True
            node = (choice.task, method.name, choice.parent, _depth(choice.parent), None)
            if self.limits.depth is not None and node[3] >= self.limits.depth:
                raise LimitReached(f"decomposition went {self.limits.depth:,} levels deep")
            self.trail.append(node)
            if self.hear:
                self.hear(SearchEvent("method", choice.task, method.name, node[3]))
            return _push(subtasks, node, choice.rest)
        raise _Exhausted

    def _try_next(self, choice: _Choice) -> tuple[Method, tuple[Task, ...]] | None:
        try:
            return next(choice.alternatives, None)
        except NeedsValue:
            refusal = Refusal(show_task(choice.task), "a method needs a value that is not known yet")
            self._dead_end(choice.task, choice.parent, [refusal])
            raise

    def _check_limits(self) -> None:
        limits = self.limits
        if limits.expansions is not None and self.expansions >= limits.expansions:
            raise LimitReached(f"stopped after {limits.expansions:,} expansions")
        if self.deadline is not None and self.expansions % _CLOCK_EVERY == 0:
            assert self.clock is not None  # a deadline is only set with a clock
            if self.clock() > self.deadline:
                raise LimitReached(f"stopped after {limits.seconds:g} seconds")

    def _note_gap(self, task: Task, parent: _Node | None, rest: _Agenda, *, declared: bool) -> None:
        if self.hear:
            self.hear(SearchEvent("gap", task, None, _depth(parent)))
        known = self.gaps.get(task[0])
        if known is None and len(self.gaps) >= _MAX_GAPS:
            return
        remaining = sum(1 for _ in islice(_tasks(rest), known.remaining if known else None))
        if known is None or remaining < known.remaining:
            self.gaps[task[0]] = Gap(task, _path(parent), self.state.copy(), declared, remaining)

    def _is_news(self) -> bool:
        return self.first is None or self.deepest is None or self.actions > self.deepest.actions

    def _dead_end(self, task: Task, parent: _Node | None, refusals: list[Refusal]) -> None:
        met = _Met(task, parent, tuple(refusals), self.actions)
        self.first = self.first or met
        self.deepest = met

    def _reason(self, operator: Operator, task: Task) -> Any:
        if operator.contract is not None:
            from htn.contract import refuse  # noqa: PLC0415  # only a failing search explains itself

            return refuse(operator.contract, self.state, task[1:])
        return why_refused(operator.apply, self.state, task[1:]) if operator.apply else None

    def _method_refusals(self, task: Task) -> list[Refusal]:
        return [
            Refusal(method.name, why_refused(method.decompose, self.state, task[1:]))
            for method in self.domain.methods[task[0]]
            if method.arity.accepts(len(task) - 1)
        ]

    def _blame(self, error: Exception, task: Task, parent: _Node | None, name: str, fits: bool) -> NoReturn:
        if isinstance(error, HtnError):
            raise error
        where = ", ".join(map(str, reversed(_path(parent)[-3:]))) or None
        if not fits:
            count = len(task) - 1
            raise DomainError(f"{show_task(task)} has {count} arguments, which {name} does not take", where=where)
        # The last line of the domain's: a KeyError, say, comes from within the state.
        modules = [(frame.f_globals.get("__name__", ""), line) for frame, line in walk_tb(error.__traceback__)]
        line = next((line for module, line in reversed(modules) if not module.startswith("htn.")), "?")
        raise DomainError(
            f"{name} raised {type(error).__name__}: {error} at line {line}, for {show_task(task)}",
            where=where,
            hints=("is an entry of the state missing?",) if isinstance(error, KeyError) else (),
        ) from error

    def _failure(self, tasks: tuple[Task, ...], stopped: HtnError | None = None) -> Failure:
        ranked = sorted(self.gaps.values(), key=lambda gap: gap.remaining)
        return Failure(
            self.domain.source,
            tasks,
            self.first.dead_end() if self.first else None,
            self.deepest.dead_end() if self.deepest else None,
            tuple(ranked),
            self.expansions,
            stopped,
        )


@dataclass(frozen=True, slots=True)
class _Met:
    """A dead end as the search met it; its path is written out only when it is reported."""

    task: Task
    parent: _Node | None
    refusals: tuple[Refusal, ...]
    actions: int

    def dead_end(self) -> DeadEnd:
        return DeadEnd(self.task, _path(self.parent), self.refusals, self.actions)


class _Exhausted(Exception):
    """Nothing is left to try."""


def _push(tasks: tuple[Task, ...], parent: _Node | None, rest: _Agenda) -> _Agenda:
    for task in reversed(tasks):
        rest = (task, parent, rest)
    return rest


def _tasks(agenda: _Agenda) -> Iterator[Task]:
    while agenda is not None:
        task, _, agenda = agenda
        yield task


def _depth(parent: _Node | None) -> int:
    return 0 if parent is None else parent[3] + 1


def _path(node: _Node | None) -> tuple[Ancestor, ...]:
    path: list[Ancestor] = []
    while node is not None:
        path.append(Ancestor(node[0], str(node[1])))
        node = node[2]
    return tuple(reversed(path))


def _nodes(trail: list[_Node]) -> tuple[Decomposition, ...]:
    index = {id(node): at for at, node in enumerate(trail)}
    return tuple(
        Decomposition(task, method, None if parent is None else index[id(parent)], version)
        for task, method, parent, _, version in trail
    )
