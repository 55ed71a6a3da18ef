"""Mend a plan that cannot go on as it is: keep what still works of it (see `htn.acting`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from htn.domain import Domain
from htn.failure import Failure
from htn.network import Multigoal, Part
from htn.plan import Action, Decomposition, Plan
from htn.search import Limits, find_plan
from htn.stage import remaining
from htn.state import State


@dataclass(frozen=True)
class Repair:
    """The rest of a plan, mended: how many of its actions were kept as they were, and how many are new."""

    plan: Plan
    kept: int
    new: int


def repair_plan(
    domain: Domain,
    state: State,
    plan: Plan,
    failed: int,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
) -> Repair | Failure:
    """Return the rest of a plan, mended from its action `failed` on, for the state as it is now.

    Tries the tasks above that action from the lowest to the top: the first that can be decomposed anew is, and of what
    comes after it every task whose actions still apply in order is kept; one whose actions do not, or that has goals
    in it, which might no longer be reached, is decomposed anew in its turn. The failure is that of the topmost task.

    Where other tasks were begun, too, and interleaved with those, all that remains is planned anew, in its order.
    """
    tree = _Tree(plan)
    if tree.interleaves_at(tree.leaves[failed]):
        return _of_what_remains(domain, state, tree, failed, limits, clock)
    failure: Failure | None = None
    for node in tree.above(tree.leaves[failed]):
        pieces = _Pieces(plan)
        mark = state.mark()
        try:
            for part, root in ((plan.nodes[node].task, None), *tree.after(node)):
                if root is not None and _carries_on(domain, state, plan, below := tree.below(root)):
                    pieces.keep(below)
                    continue
                anew = find_plan(domain, state, [part], limits=limits, clock=clock)
                if isinstance(anew, Failure):
                    failure = anew
                    break
                pieces.add(anew)
                for action in anew.actions:
                    applies(domain, state, action)
            else:
                return Repair(pieces.joined(domain), pieces.kept, pieces.new)
        finally:
            state.undo(mark)
    assert failure is not None  # an action has a task above it, or is one: at least one was tried
    return failure


def _of_what_remains(
    domain: Domain,
    state: State,
    tree: "_Tree",
    failed: int,
    limits: Limits | None,
    clock: Callable[[], float] | None,
) -> Repair | Failure:
    """Return a plan for all that remains, with the lowest task above the failed action that can be decomposed anew."""
    leaf = tree.leaves[failed]
    failure: Failure | None = None
    for node in tree.above(leaf):
        anew = find_plan(domain, state, remaining(domain, tree.plan, leaf, node), limits=limits, clock=clock)
        if isinstance(anew, Plan):
            return Repair(anew, 0, len(anew))
        failure = anew
    assert failure is not None  # as above
    return failure


def _carries_on(domain: Domain, state: State, plan: Plan, below: Sequence[int]) -> bool:
    """Apply the actions of a part of a plan; where one does not apply, leave the state as it was and return False."""
    mark = state.mark()
    for at in below:
        task, method, _, _ = plan.nodes[at]
        if isinstance(task, Multigoal) or task[0] in domain.goal_methods:
            break
        if method is None:
            function = domain.operators[task[0]].apply
            if function is None or not went_well(function(state, *task[1:])):
                break
            state.mark()
    else:
        return True
    state.undo(mark)
    return False


class _Tree:
    """A plan's tree, with what comes after a node and what lies below it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.leaves = [at for at, node in enumerate(plan.nodes) if node.is_action]
        self.children: dict[int | None, list[int]] = {}
        for at, node in enumerate(plan.nodes):
            self.children.setdefault(node.parent, []).append(at)

    def interleaves_at(self, leaf: int) -> bool:
        """Say whether tasks were begun before an action, and are not above it, that go on after it."""
        above = set(self.above(leaf))
        begun = (parent for node in self.plan.nodes[leaf + 1 :] if (parent := node.parent) is not None)
        return any(parent < leaf and parent not in above for parent in begun)

    def above(self, node: int) -> list[int]:
        """Return the tasks above an action, the lowest first; the action itself where it hangs in no task."""
        path: list[int] = []
        at = self.plan.nodes[node].parent
        while at is not None:
            path.append(at)
            at = self.plan.nodes[at].parent
        return path or [node]

    def after(self, node: int) -> list[tuple[Part, int]]:
        """Return the tasks that are still to be done when `node` is, with their nodes, in order."""
        rest: list[tuple[Part, int]] = []
        at: int | None = node
        while at is not None:
            parent = self.plan.nodes[at].parent
            siblings = self.children[parent]
            rest += [(self.plan.nodes[s].task, s) for s in siblings[siblings.index(at) + 1 :]]
            at = parent
        return rest

    def below(self, root: int) -> list[int]:
        """Return a node and those below it, in order."""
        found = [root]
        for at in found:
            found += self.children.get(at, ())
        return sorted(found)


class _Pieces:
    """What a repaired plan is put together of: parts of the old plan, and plans that were made anew."""

    def __init__(self, old: Plan) -> None:
        self._old = old
        self._nodes: list[Decomposition] = []
        self._tasks: list[Part] = []
        self.kept = self.new = 0

    def keep(self, nodes: Sequence[int]) -> None:
        """Add a part of the old plan: a node and those below it."""
        start = len(self._nodes)
        index: dict[int | None, int] = {at: start + new for new, at in enumerate(nodes)}
        self._tasks.append(self._old.nodes[nodes[0]].task)
        for at in nodes:
            task, method, parent, version = self._old.nodes[at]
            self._nodes.append(Decomposition(task, method, index.get(parent), version))
            self.kept += method is None

    def add(self, made: Plan) -> None:
        """Add a plan."""
        start = len(self._nodes)
        self._tasks += made.tasks
        self._nodes += [n if n.parent is None else n._replace(parent=n.parent + start) for n in made.nodes]
        self.new += len(made)

    def joined(self, domain: Domain) -> Plan:
        """Return all of it as one plan."""
        return Plan(domain.name, tuple(self._tasks), tuple(self._nodes))


def applies(domain: Domain, state: State, action: Action) -> bool:
    """Apply an action's operator, and say whether it does; the state is left as it was where it does not."""
    function = domain.operators[action.name].apply
    mark = state.mark()
    if function is not None and went_well(function(state, *action.arguments)):
        return True
    state.undo(mark)
    return False


def went_well(result: object) -> bool:
    """Say whether what an operator or command returned says that it applied."""
    return result is not None and result is not False
