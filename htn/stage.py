"""What can be planned and carried out before a value is known that decides the rest: a stage of a plan.

A value that only execution can know is an `Unknown` while planning. Where planning would have to look into one, what
was planned up to the last action that leaves something unknown is a stage: it is carried out, the value is known then,
and the rest is planned from the state that is real. The tree of a stage holds what is left as open nodes, after all
that is carried out; a goal whose check is still to come has itself as the last open node below it.

A task whose argument is not known is not carried out either: the stage ends before the method that gave it such an
argument, and the method is asked again when the value is known.

What is left is a network of tasks, as it was in the search. Of a plan that is whole (`first_stage`), or was left
half-way (`remaining`), it is a sequence: the rest in the order of the plan. That order is a right one, but others may
have been, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from htn.domain import Domain
from htn.network import Multigoal, Part, Task, part_to_json, show_network, show_task
from htn.plan import LATER, Decomposition, Plan
from htn.replay import arguments_of, is_goal
from htn.state import State
from htn.unknown import has_unknown
from htn.values import show, to_json

Place: TypeAlias = tuple[str, Any]


@dataclass(frozen=True)
class Stage:
    """What is carried out first, `plan`, and what is planned after it, `rest`, when more is known.

    `unknown` are the places (variable, key) of the state that the stage makes known; `why` says what needed a value.
    """

    plan: Plan
    rest: tuple[Part, ...]
    unknown: tuple[Place, ...]
    why: str

    def __str__(self) -> str:
        places = ", ".join(_place(*place) for place in self.unknown)
        return f"{', '.join(map(show_network, self.rest))}: planned when {places} {_is(self.unknown)} known"

    def still_unknown(self, state: State) -> tuple[str, ...]:
        """Return those of the places that a state does not know either, as a person reads them."""
        return tuple(_place(*place) for place in self.unknown if has_unknown(state.look_up(*place)))

    def to_json(self) -> dict[str, Any]:
        """Return the stage as JSON: the plan that is carried out, the tasks that are planned then, and why."""
        return {
            "plan": self.plan.to_json(),
            "rest": list(map(part_to_json, self.rest)),
            "unknown": [{"variable": variable, "key": to_json(key)} for variable, key in self.unknown],
            "why": self.why,
        }


def _place(variable: str, key: Any) -> str:
    return variable if key is None else f"{variable}[{show(key)}]"


def _is(places: Sequence[object]) -> str:
    return "is" if len(places) == 1 else "are"


def first_stage(domain: Domain, state: State, plan: Plan) -> Stage | None:
    """Return what of a plan can be carried out at once, where some task has an argument that is not known before.

    None where every argument is known, or nothing makes it known: then all of the plan is carried out as it is. The
    state is left as it is.
    """
    cut = _before_unknown_arguments(plan)
    if not cut:
        return None
    whose = next(node.task for node in plan.nodes if has_unknown_argument(node.task))
    first = _cut(domain, plan, cut)
    unknown = _left_unknown(domain, state, first)
    why = f"{show_task(whose)} has an argument that only execution can know"
    return Stage(first, remaining(domain, plan, cut), unknown, why) if unknown else None


def remaining(
    domain: Domain, plan: Plan, first: int, anew: int | None = None, done: Iterable[int] = ()
) -> tuple[Part, ...]:
    """Return what is left to do of a plan whose nodes before `first` have been carried out: tasks, in its order.

    A task of which nothing was begun stays whole where its actions follow each other; where they mix with those of
    others, its subtasks stand for it. A goal that was begun comes again at its end, because it must hold then. Where an
    interleaved part brought it about, and only later, that is too early: there may be no plan for what is left. With
    `anew`, a node that was begun, its task is in front instead of what is left of it. `done` are nodes of actions from
    `first` on that were carried out all the same, which did not have to wait for the one at `first`.
    """
    return tuple(plan.nodes[at].task for at in left_over(domain, plan, first, anew, done))


def left_over(
    domain: Domain, plan: Plan, first: int, anew: int | None = None, done: Iterable[int] = ()
) -> tuple[int, ...]:
    """Return the nodes whose tasks are what is left to do of a plan (see `remaining`)."""
    below, checked = _descendants(plan), _above_open(plan)
    finished = set(done)
    begun = {above for node in finished for above in ancestors(plan, node)}
    left: list[tuple[float, int]] = [] if anew is None else [(-1.0, anew)]
    taken = set() if anew is None else {anew}
    for at, node in enumerate(plan.nodes):
        if node.parent in taken or at in taken:
            taken.add(at)
            continue
        if at in finished:
            continue
        count, last = below[at]
        if at >= first and at not in begun and last - at == count:
            taken.add(at)
            left.append((at, at))
        elif last >= first and is_goal(domain, node.task) and at not in checked:
            left.append((last + 0.5, at))
    return tuple(at for _, at in sorted(left))


def ancestors(plan: Plan, node: int) -> Iterator[int]:
    """Give the nodes above a node, the lowest first."""
    above = plan.nodes[node].parent
    while above is not None:
        yield above
        above = plan.nodes[above].parent


def _descendants(plan: Plan) -> list[tuple[int, int]]:
    """Return for each node how many lie below it, and the last of them; the node itself where there is none."""
    count, last = [0] * len(plan.nodes), list(range(len(plan.nodes)))
    for at in reversed(range(len(plan.nodes))):
        parent = plan.nodes[at].parent
        if parent is not None:
            count[parent] += count[at] + 1
            last[parent] = max(last[parent], last[at])
    return list(zip(count, last, strict=True))


def _before_unknown_arguments(plan: Plan) -> int | None:
    """Return the first node whose method gave some task an argument that is not known; None where there is none.

    It is 0 where a task was asked for with one: nothing can be carried out before that is known.
    """
    above = [node.parent for node in plan.nodes if has_unknown_argument(node.task)]
    return min((parent or 0 for parent in above), default=None)


def has_unknown_argument(task: Task | Multigoal) -> bool:
    """Say whether a task or goal has an argument that is not known, or one in which something is not."""
    return has_unknown(task.wanted if isinstance(task, Multigoal) else task[1:])


def _cut(domain: Domain, plan: Plan, cut: int) -> Plan:
    """Return a plan whose nodes from `cut` on are left open, each task as a whole."""
    nodes = list(plan.nodes[:cut])
    begun: set[int] = set()
    for at, node in enumerate(plan.nodes[cut:], cut):
        if node.parent is None or node.parent < cut:
            nodes.append(Decomposition(node.task, LATER, node.parent))
            begun.update(ancestors(plan, at))
    checked = _above_open(plan)
    # The lower goal is checked first.
    for goal in sorted(begun - checked, reverse=True):
        if is_goal(domain, plan.nodes[goal].task):
            nodes.append(Decomposition(plan.nodes[goal].task, LATER, goal))
    return Plan(plan.domain, plan.tasks, tuple(nodes), plan.expansions)


def _above_open(plan: Plan) -> set[int]:
    """Return the nodes above open ones: where they are goals, their checks are open nodes, too."""
    return {above for at, node in enumerate(plan.nodes) if node.is_open for above in ancestors(plan, at)}


def _left_unknown(domain: Domain, state: State, plan: Plan) -> tuple[Place, ...]:
    """Carry the actions of a plan out, and return the places that they leave unknown; then take all of it back."""
    mark = state.mark()
    try:
        for task in plan.steps:
            function = domain.operators[task[0]].apply
            assert function is not None  # it is an action of the plan
            function(state, *arguments_of(task))
            state.mark()
        return tuple(place for place, value in state.changes_since(mark).items() if has_unknown(value))
    finally:
        state.undo(mark)
