"""A plan: the actions in order, and the tree of decompositions that gave them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from htn.errors import UsageError
from htn.failure import Ancestor
from htn.network import Multigoal, Part, Task, TaskNetwork, part_from_json, part_to_json, show_task
from htn.values import to_json

if TYPE_CHECKING:
    from htn.dependencies import Dependencies

_FORMAT = "htn-plan/1"
_MAX_BRIEF = 90
_MAX_PATH = 10
HOLDS = "(holds already)"
"""Stands where a method's name would, at a goal for which there is nothing to do."""
LATER = "(decided later)"
"""Stands where a method's name would, at a task that is planned when a value is known (see `htn.stage`)."""


class Decomposition(NamedTuple):
    """A node of the tree: a task, and the method that was used for it, or None where it is an action.

    `parent` is the index of the node above in `Plan.nodes`, or None at the top. A flat list of nodes, in the
    order in which the plan carries them out, has no limit on how deep the tree is.
    """

    task: Task | Multigoal
    method: str | None
    parent: int | None
    version: str | None = None

    @property
    def is_action(self) -> bool:
        """Whether this is a leaf that is carried out."""
        return self.method is None

    @property
    def holds_already(self) -> bool:
        """Whether this is a goal for which there was nothing to do."""
        return self.method == HOLDS

    @property
    def is_open(self) -> bool:
        """Whether this is a task that is planned later, when more is known."""
        return self.method == LATER


@dataclass(frozen=True)
class Action:
    """The ground use of an operator. `version` names the learned entry that does it; written ones have none."""

    task: Task
    version: str | None = None

    @property
    def name(self) -> str:
        """The operator's name."""
        return str(self.task[0])

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the operator is applied to."""
        return self.task[1:]

    def __str__(self) -> str:
        return show_task(self.task)


def brief(task: Task | Multigoal) -> str:
    """Return a task or goal in no more than one line."""
    text = show_task(task)
    return text if len(text) <= _MAX_BRIEF else text[: _MAX_BRIEF - 1] + "…"


@dataclass(frozen=True)
class Why:
    """Why an action is in a plan: the tasks above it with their methods, from the top, and what it is good for.

    `relies_on` and `needed_by` are sentences, or None when nobody looked at what the actions read and write.
    """

    number: int
    action: Action
    path: tuple[Ancestor, ...]
    relies_on: tuple[str, ...] | None = None
    needed_by: tuple[str, ...] | None = None

    def __str__(self) -> str:
        lines = [f"{self.number}. {self.action}"]
        lines += self._path_lines() or ["  was asked for"]
        lines += [f"  relies on {what}" for what in self.relies_on or ()]
        if self.needed_by is not None:
            lines += [f"  is needed by {who}" for who in self.needed_by] or ["  is needed by nothing after it"]
        return "\n".join(lines)

    def _path_lines(self) -> list[str]:
        lines = [f"  in {brief(ancestor.task)} by {ancestor.method}" for ancestor in reversed(self.path)]
        if len(lines) <= 2 * _MAX_PATH:
            return lines
        return [*lines[:_MAX_PATH], f"  … {len(lines) - 2 * _MAX_PATH:,} levels …", *lines[-_MAX_PATH:]]


class Unwritten(Protocol):
    """A tree that somebody else holds in a form of his own."""

    def nodes(self) -> tuple[Decomposition, ...]:
        """Return the nodes, in order."""

    def steps(self) -> list[Task]:
        """Return the tasks of the actions, in order."""


@dataclass(frozen=True)
class Plan:
    """What to do, in order, and why. Iterating gives the actions."""

    domain: str
    tasks: tuple[Part, ...]
    nodes: tuple[Decomposition, ...]
    expansions: int = 0

    @classmethod
    def unwritten(cls, domain: str, tasks: tuple[Part, ...], tree: Unwritten, expansions: int) -> "Plan":
        """Return a plan whose nodes are written out when somebody looks at them."""
        plan = object.__new__(cls)
        vars(plan).update(domain=domain, tasks=tasks, expansions=expansions, _tree=tree)
        return plan

    def __getattr__(self, name: str) -> Any:
        tree = vars(self).get("_tree")
        if name != "nodes" or tree is None:
            raise AttributeError(f"a plan has no {name}", name=name, obj=self)
        nodes = vars(self)["nodes"] = tree.nodes()
        vars(self).pop("_tree", None)
        return nodes

    def __getstate__(self) -> dict[str, Any]:
        # What a search made stays in the process that searched.
        return {"domain": self.domain, "tasks": self.tasks, "nodes": self.nodes, "expansions": self.expansions}

    @property
    def steps(self) -> list[Task]:
        """The tasks of the actions, in order: a name and its arguments each."""
        tree: Unwritten | None = vars(self).get("_tree")
        if tree is not None:
            return tree.steps()
        return [node.task for node in self.nodes if node.is_action and isinstance(node.task, tuple)]

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions, in order."""
        return tuple(Action(n.task, n.version) for n in self.nodes if n.is_action and isinstance(n.task, tuple))

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions)

    def __len__(self) -> int:
        return len(self.steps)

    def depths(self) -> list[int]:
        """Return how deep each node lies; the tasks that were asked for are at 0."""
        depths: list[int] = []
        for node in self.nodes:
            depths.append(0 if node.parent is None else depths[node.parent] + 1)
        return depths

    def tree_order(self) -> list[int]:
        """Return the indices of the nodes with each task before its subtasks, and nothing in between.

        The nodes themselves are in the order in which they are carried out; tasks that are interleaved mix there.
        """
        below: dict[int | None, list[int]] = {}
        for at, node in enumerate(self.nodes):
            below.setdefault(node.parent, []).append(at)
        order: list[int] = []
        pending = below.get(None, [])[::-1]
        while pending:
            order.append(pending.pop())
            pending += below.get(order[-1], [])[::-1]
        return order

    def why(self, index: int, dependencies: "Dependencies | None" = None) -> Why:
        """Return why the action at `index` is there; what needs it only `dependencies` know.

        UsageError when the plan has no such action.
        """
        actions = [at for at, node in enumerate(self.nodes) if node.is_action]
        if not 0 <= index < len(actions):
            raise UsageError(
                f"the plan has no action {index}", hints=(f"it has {len(actions)}, which count from 0 here",)
            )
        path: list[Ancestor] = []
        above = self.nodes[actions[index]].parent
        while above is not None:
            node = self.nodes[above]
            path.append(Ancestor(node.task, str(node.method)))
            above = node.parent
        relies_on = None if dependencies is None else dependencies.relies_on(index)
        needed_by = None if dependencies is None else dependencies.needed_by(index)
        return Why(index + 1, self.actions[index], tuple(reversed(path)), relies_on, needed_by)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return the tree as a notebook shows it."""
        from htn.render import svg_tree, text_tree  # noqa: PLC0415 - it draws plans, so it imports this module

        draw = {"text/plain": text_tree, "image/svg+xml": svg_tree}
        wanted = [kind for kind in draw if (include is None or kind in include) and kind not in (exclude or ())]
        return {kind: draw[kind](self) for kind in wanted}

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON; `from_json` reads it back."""
        return {
            "format": _FORMAT,
            "domain": self.domain,
            "tasks": list(map(part_to_json, self.tasks)),
            "actions": self._actions_json(),
            "tree": [
                {"task": part_to_json(n.task), "method": n.method, "parent": n.parent, "version": n.version}
                for n in self.nodes
            ],
            "expansions": self.expansions,
        }

    def _actions_json(self) -> list[dict[str, Any]]:
        return [{"name": a.name, "arguments": to_json(list(a.arguments)), "version": a.version} for a in self.actions]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Plan":
        """Return the plan that `to_json` wrote. UsageError when it is something else."""
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise UsageError(f"this is not a plan: its format is not {_FORMAT}")
        try:
            nodes = tuple(
                Decomposition(_task(n["task"]), n["method"], n["parent"], n.get("version")) for n in data["tree"]
            )
            plan = cls(data["domain"], tuple(map(_part, data["tasks"])), nodes, data.get("expansions", 0))
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"this plan is malformed: {error!r}") from error
        if why := _flaw(plan):
            raise UsageError(f"this plan is malformed: {why}")
        if "actions" in data and data["actions"] != plan._actions_json():
            raise UsageError("this plan is malformed: its actions are not the leaves of its tree")
        return plan


def _flaw(plan: Plan) -> str | None:
    """Return what is wrong with a plan that was read, or None."""
    if type(plan.domain) is not str or type(plan.expansions) is not int:
        return "domain is a text and expansions a whole number"
    for at, node in enumerate(plan.nodes):
        if not all(part is None or _is_label(part) for part in (node.method, node.version)):
            return f"node {at} has a method or version that is no text of one line"
        if node.method is None and not isinstance(node.task, tuple):
            return f"node {at} is a goal without a method"
        if node.parent is None:
            continue
        if type(node.parent) is not int or not 0 <= node.parent < at:
            return f"node {at} is not below a node before it"
        if plan.nodes[node.parent].is_action:
            return f"node {at} is below an action"
    return None


def _is_label(part: object) -> bool:
    return isinstance(part, str) and part.isprintable()


def _part(data: object) -> Part:
    part = part_from_json(data)
    for task in part.tasks() if isinstance(part, TaskNetwork) else (part,):
        if isinstance(task, tuple) and not _is_label(task[0]):
            raise UsageError(f"{data!r:.60} is not a task")
    return part


def _task(data: object) -> Task | Multigoal:
    part = _part(data)
    if isinstance(part, TaskNetwork):
        raise UsageError(f"{data!r:.60} is a network, not a task")
    return part
