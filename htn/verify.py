"""Whether a plan is right, without the search that found it: carry it out, and look at every node of its tree.

A plan is right when

    its tree       has the tasks that were asked for at its top, and below each task what its method gave there
    its actions    apply, one after the other, in the states that they lead to
    its methods    exist, apply in the state in which their task's turn came, and leave it alone
    its goals      hold when their subtasks are done; one that holds before has nothing below it
    its order      keeps what was given as a sequence: a task ends before the next begins

    its open nodes those of a stage (see `htn.stage`), come after everything that is carried out

The parts of an unordered network may be interleaved in any way; where it cannot be told within bounds whether they
are in order, that is a flaw too.

Not covered: functions that give something else each time they are called.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from htn.contract import refuse
from htn.domain import Domain, Method, Operator
from htn.errors import HtnError
from htn.network import Multigoal, Part, Task, TaskNetwork, show_network, show_task
from htn.order import Span, fits
from htn.plan import Decomposition, Plan
from htn.reason import why_refused
from htn.replay import (
    Endings,
    alternatives,
    arguments_of,
    checks_in,
    form,
    is_goal,
    is_reached,
    last_moments,
    methods_for,
    tasks_in,
)
from htn.state import State

_MAX_ALTERNATIVES = 100_000
_MAX_SHOWN = 8


@dataclass(frozen=True)
class Flaw:
    """Something that is wrong with a plan: at a node of its tree, or, when `node` is None, with the whole."""

    node: int | None
    task: Task | Multigoal | None
    what: str

    def __str__(self) -> str:
        if self.node is None:
            return f"the plan {self.what}"
        return f"node {self.node}, {_shown(self.task)}, {self.what}"


def verify_plan(
    domain: Domain, state: State, plan: Plan, tasks: Sequence[Part] | TaskNetwork | None = None
) -> tuple[Flaw, ...]:
    """Return what is wrong with a plan for `tasks` from a state, in the order of its nodes; nothing when it is right.

    Without `tasks`, the plan is taken for one for the tasks that it names itself. The state is left as it is.
    """
    asked = plan.tasks if tasks is None else (tasks,) if isinstance(tasks, TaskNetwork) else tuple(tasks)
    flaws = [*_flaws_of_the_whole(domain, plan, asked), *_flaws_of_the_tree(plan)]
    if any(flaw.node is not None for flaw in flaws):
        return tuple(flaws)
    verifier = _Verifier(domain, plan)
    verifier.carry_out(state.copy())
    verifier.ask_methods(state.copy())
    verifier.compare_top(asked)
    found = {(flaw.node, flaw.what): flaw for flaw in [*flaws, *verifier.flaws]}.values()
    return tuple(sorted(found, key=lambda flaw: -1 if flaw.node is None else flaw.node))


def _shown(task: Any) -> str:
    return show_task(task) if isinstance(task, Multigoal) or _is_task(task) else f"{task!r:.60}"


def _is_task(task: Any) -> bool:
    return type(task) is tuple and bool(task) and isinstance(task[0], str)


def _flaws_of_the_whole(domain: Domain, plan: Plan, asked: tuple[Part, ...]) -> Iterator[Flaw]:
    if plan.domain != domain.name:
        yield Flaw(None, None, f"is for the domain {plan.domain}, not for {domain.name}")
    if form(asked) != form(plan.tasks):
        yield Flaw(None, None, f"is for {_list(plan.tasks)}, but {_list(asked)} was asked for")


def _flaws_of_the_tree(plan: Plan) -> Iterator[Flaw]:
    """Give what is wrong with the tree, whatever the domain."""
    for at, node in enumerate(plan.nodes):
        if not isinstance(node.task, Multigoal) and not _is_task(node.task):
            yield Flaw(at, node.task, "is no task and no goal")
        if node.method is None and not isinstance(node.task, tuple):
            yield Flaw(at, node.task, "is a goal without a method")
        if node.parent is None:
            continue
        if type(node.parent) is not int or not 0 <= node.parent < at:
            yield Flaw(at, node.task, f"is not below a node before it but below {node.parent!r:.20}")
        elif plan.nodes[node.parent].is_action:
            yield Flaw(at, node.task, f"is below the action {_shown(plan.nodes[node.parent].task)}")
        elif plan.nodes[node.parent].is_open:
            yield Flaw(at, node.task, f"is below {_shown(plan.nodes[node.parent].task)}, which is planned later")
    first_open = next((at for at, node in enumerate(plan.nodes) if node.is_open), len(plan.nodes))
    for at, node in enumerate(plan.nodes[first_open:], first_open):
        if not node.is_open:
            yield Flaw(at, node.task, "comes after something that is planned later")


def _flaws_of_the_names(domain: Domain, node: Decomposition) -> Iterator[tuple[str, bool]]:
    """Give what is wrong with a node without looking at a state, and whether that keeps it from being tried."""
    if node.is_action:
        assert isinstance(node.task, tuple)  # as the tree was looked at before
        yield from _flaws_of_an_action(domain, node.task, node.version)
        return
    if node.version is not None:
        yield f"has the version {node.version}, although only actions have one", False
    if node.is_open:
        if isinstance(node.task, tuple) and not domain.knows(node.task[0]):
            yield "is something that nobody knows", True
    elif isinstance(node.task, tuple) and node.task[0] in domain.operators:
        yield f"is an action of {domain.name}, so no method is used for it", True
    elif is_goal(domain, node.task) and isinstance(node.task, tuple) and len(node.task) != 3:
        yield "is a goal, which has a key and a value", True
    elif node.holds_already:
        if not is_goal(domain, node.task):
            yield "is no goal, so it cannot hold already", True
    elif (method := _method_of(domain, node)) is None:
        yield f"has no method {node.method}", True
    elif not method.arity.accepts(len(_arguments(node.task))):
        yield f"has arguments that {method.name}({method.arity}) does not take", True


def _flaws_of_an_action(domain: Domain, task: Task, version: str | None) -> Iterator[tuple[str, bool]]:
    operator = domain.operators.get(task[0])
    if operator is None:
        yield "is carried out, but it is no action" if domain.knows(task[0]) else "is something that nobody knows", True
        return
    if operator.apply is None:
        yield "is declared, but nobody knows how to do it", True
    if operator.version != version:
        yield f"is planned with the version {version}, but {domain.name} has {operator.version}", False
    if not operator.arity.accepts(len(task) - 1):
        yield f"has {len(task) - 1} arguments, which {operator.name}({operator.arity}) does not take", True


def _method_of(domain: Domain, node: Decomposition) -> Method | None:
    return next((method for method in methods_for(domain, node.task) if method.name == node.method), None)


class _Verifier:
    """Goes through a plan twice: once to learn when each task ends, once to ask the methods."""

    def __init__(self, domain: Domain, plan: Plan) -> None:
        self.domain, self.nodes = domain, plan.nodes
        self.flaws: list[Flaw] = []
        self.usable = [True] * len(plan.nodes)  # whether what a node names is there
        self.below: dict[int | None, list[int]] = {}
        checks = checks_in(domain, plan.nodes)
        for at, node in enumerate(plan.nodes):
            if at not in checks:
                self.below.setdefault(node.parent, []).append(at)
            for what, fatal in _flaws_of_the_names(domain, node):
                self._flaw(at, what)
                self.usable[at] &= not fatal
        # Moments in which a task ended, and in which all below it was carried out; goals may hold later than that.
        self.last = last_moments(plan.nodes)
        self.ends = list(self.last)
        self.carried_out = len(plan.nodes)

    def _flaw(self, at: int, what: str) -> None:
        self.flaws.append(Flaw(at, self.nodes[at].task, what))

    def carry_out(self, state: State) -> None:
        """Apply the actions as far as they apply, and look at the goals."""
        goals = {
            at for at, node in enumerate(self.nodes)
            if not node.is_action and not node.is_open and self.usable[at] and is_goal(self.domain, node.task)
        }  # fmt: skip
        used = {at for at in goals if not self.nodes[at].holds_already}
        endings = Endings(self.nodes, used, lambda at: bool(self._reached(at, state)))
        for at, node in enumerate(self.nodes):
            if node.is_open:
                self.carried_out = at
                break
            if node.is_action and not (self.usable[at] and self._apply(at, state)):
                self.carried_out = at
                break
            if at in goals and self._reached(at, state) is (at in used):
                self._flaw(at, f"holds already, so {node.method} is not used" if at in used else "does not hold here")
            endings.carried_out(at)
        for goal in endings.waiting:
            self._flaw(goal, "does not hold when its subtasks are done")
        self.ends = [end or last for end, last in zip(endings.ends, self.last, strict=True)]

    def ask_methods(self, state: State) -> None:
        """Ask each method, in the state in which its task's turn came, for what is to stand below the task."""
        for at in range(self.carried_out):
            node = self.nodes[at]
            if isinstance(node.task, tuple) and node.is_action:
                _outcome(self.domain.operators[node.task[0]], state, node.task)
            elif node.holds_already and at in self.below:
                self._flaw(at, "holds already, but subtasks are below it")
            elif self.usable[at] and not node.holds_already:
                method = _method_of(self.domain, node)
                assert method is not None  # or it would not be usable
                try:
                    self._ask(at, method, state)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  # a domain's function may raise anything
                    self._flaw(at, f"cannot be decomposed: {method.name} raised {_told(error)}")

    def _ask(self, at: int, method: Method, state: State) -> None:
        offered: list[tuple[Any, ...]] = []
        offers = alternatives(method, state, self.nodes[at].task)
        for _ in range(_MAX_ALTERNATIVES):
            mark = state.mark()
            parts = next(offers, None)
            if state.mark() != mark:
                state.undo(mark)
                self._flaw(at, f"is decomposed by {method.name}, which changes the state")
                return
            if parts is None:
                break
            if wrong := [part for part in parts if not _is_part(part)]:
                self._flaw(at, f"is decomposed by {method.name}, which gave {wrong[0]!r:.60} where a task should be")
                return
            if self._is_below(at, parts):
                return
            offered.append(parts)
        if not offered:
            reason = why_refused(method.decompose, state, _arguments(self.nodes[at].task))
            self._flaw(at, f"is not decomposed by {method.name} here{_because(reason)}")
        elif not self._tell_order(at, offered, method.name):
            which = "" if len(offered) == 1 else f" and {len(offered) - 1} other lists"
            self._flaw(at, f"has {self._children(at)} below it, but {method.name} gave {_list(offered[0])}{which}")

    def compare_top(self, asked: tuple[Part, ...]) -> None:
        """See that the tasks at the top are those that were asked for."""
        wrong = [part for part in asked if not _is_part(part)]
        if wrong:
            self.flaws.append(Flaw(None, None, f"is for {wrong[0]!r:.60}, which is no task"))
        elif not self._is_below(None, asked) and not self._tell_order(None, [asked], ""):
            self.flaws.append(Flaw(None, None, f"carries out {self._children(None)}, not {_list(asked)}"))

    def _children(self, at: int | None) -> str:
        return _list([self.nodes[child].task for child in self.below.get(at, [])])

    def _is_below(self, at: int | None, parts: Sequence[Part]) -> bool:
        return self._same_tasks(at, parts) and bool(fits(parts, self._spans(at, self.ends)))

    def _same_tasks(self, at: int | None, parts: Sequence[Part]) -> bool:
        children = self.below.get(at, [])
        tasks = tasks_in(parts)
        return len(tasks) == len(children) and Counter(map(form, tasks)) == Counter(
            form(self.nodes[child].task) for child in children
        )

    def _spans(self, at: int | None, ends: Sequence[int]) -> list[Span]:
        return [Span(form(self.nodes[child].task), child, ends[child]) for child in self.below.get(at, [])]

    def _tell_order(self, at: int | None, offered: Sequence[Sequence[Part]], method: str) -> bool:
        """Add a flaw when the tasks below a node, or at the top, are right but for their order."""
        same = [parts for parts in offered if self._same_tasks(at, parts)]
        if not same:
            return False
        late = [child for child in self.below.get(at, []) if self.ends[child] != self.last[child]]
        whose = f"that {method} gave" if method else "that was asked for"
        if late and any(fits(parts, self._spans(at, self.last)) for parts in same):
            self._flaw(late[0], "does not hold when its subtasks are done")
        else:
            decided = all(fits(parts, self._spans(at, self.ends)) is False for parts in same)
            verb = "are not" if decided else "cannot be told to be"
            if at is None:
                self.flaws.append(Flaw(None, None, f"has tasks that {verb} in the order {whose}: {_list(same[0])}"))
            else:
                self._flaw(at, f"has subtasks that {verb} in the order {whose}: {_list(same[0])}")
        return True

    def _reached(self, at: int, state: State) -> bool | None:
        """Say whether a goal holds; None, with a flaw, when that cannot be said."""
        try:
            return is_reached(state, self.nodes[at].task)
        except (HtnError, TypeError) as error:  # a value that is not known yet; a list for a key
            self._flaw(at, f"is a goal of which nobody can say whether it holds: {_told(error)}")
            return None

    def _apply(self, at: int, state: State) -> bool:
        task = self.nodes[at].task
        assert isinstance(task, tuple)  # an action, as the tree was looked at
        operator, mark = self.domain.operators[task[0]], state.mark()
        result = _outcome(operator, state, task)
        if result is state:
            state.mark()
            return True
        state.undo(mark)
        if isinstance(result, BaseException):
            self._flaw(at, f"cannot be carried out: it raised {_told(result)}")
        elif result is None or result is False:
            self._flaw(at, f"does not apply here{_because(_reason(operator, state, task))}")
        else:
            self._flaw(at, f"gave {result!r:.60} instead of its state")
        return False


def _outcome(operator: Operator, state: State, task: Task) -> Any:
    """Apply an operator, and return what it gave or the exception that it raised."""
    assert operator.apply is not None  # looked at before
    try:
        return operator.apply(state, *arguments_of(task))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a domain's function may raise anything
        return error


def _reason(operator: Operator, state: State, task: Task) -> object:
    if operator.contract is not None:
        return refuse(operator.contract, state, task[1:])
    return why_refused(operator.apply, state, task[1:]) if operator.apply else None


def _because(reason: object) -> str:
    return f": {reason}" if reason else ""


def _told(error: BaseException) -> str:
    if isinstance(error, HtnError):
        return error.message
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except Exception:  # noqa: BLE001  # an exception whose own text fails still has a name
        return type(error).__name__


def _arguments(task: Task | Multigoal) -> tuple[Any, ...]:
    return (task,) if isinstance(task, Multigoal) else arguments_of(task)


def _is_part(part: Any) -> bool:
    if isinstance(part, TaskNetwork):
        return all(map(_is_part, part.parts))
    return isinstance(part, Multigoal) or _is_task(part)


def _list(parts: Sequence[Any]) -> str:
    shown = [show_network(part) for part in parts[:_MAX_SHOWN]]
    return ", ".join([*shown, "…"] if len(parts) > _MAX_SHOWN else shown) or "nothing"
