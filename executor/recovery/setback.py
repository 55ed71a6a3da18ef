"""What recovery is about, as data: a step that failed, what was tried, a way to go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from executor.told import told_text
from htn.domain import Domain
from htn.errors import Trouble
from htn.failure import Failure
from htn.network import Part, Task, TaskNetwork, part_from_json, part_to_json, show_network, show_task
from htn.plan import Action, Decomposition, Plan
from htn.stage import left_over

Place: TypeAlias = tuple[str, Any]
_MOST_STEPS = 8


class Remedy(StrEnum):
    """What can be done about a step that failed."""

    RETRY = "trying the step again"
    OTHER_METHOD = "another known method"
    REPLAN = "planning what is left again"
    KEPT = "a kept result"
    ASKED = "asking how to recover"
    ADAPTED = "asking for other tasks"


@dataclass(frozen=True)
class Setback:
    """A step that failed: its node in the plan that was carried out, why, and how many steps of the run were done.

    `plan` has what is above it (`Frame.around`), where a way was gone before. `later` are the nodes of
    actions after the first one that was not carried out that were, as they did not have to wait for it.
    `retries` is how often it was tried again; `again` says that one more time does no harm, `unsure` that nobody knows
    whether it took effect.
    """

    plan: Plan
    node: int
    trouble: Trouble
    done: int
    retries: int = 0
    again: bool = False
    unsure: bool = False
    later: tuple[int, ...] = ()
    first: int | None = None
    """The first action that was not carried out, where that is not the one that failed."""

    @property
    def action(self) -> Action:
        """The action that failed."""
        task, _, _, version = self.plan.nodes[self.node]
        assert isinstance(task, tuple)  # an action is no goal
        return Action(task, version)

    def left(self, domain: Domain, anew: int | None = None, done: int | None = None) -> tuple[int, ...]:
        """Return the nodes of what is left to do.

        The task of `anew` stands there instead of what is left of it; the action of `done` is taken for done.
        """
        first, later = self.node if self.first is None else self.first, set(self.later)
        if done is not None:
            later.add(done)
        while first in later:  # what follows was done, too
            later.remove(first)
            first += 1
        return left_over(domain, self.plan, first, anew, later)


@dataclass(frozen=True)
class Tried:
    """A remedy that was tried: for which failed action, after how many steps, and what came of it.

    `came` is "found" where the run went on with it, and "nothing" where it did not; `detail` says with what, or why.
    """

    task: Task
    problem: str
    remedy: Remedy
    came: Literal["found", "nothing"]
    detail: str
    done: int

    def __str__(self) -> str:
        return f"{self.remedy}: {self.detail}"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it, and as a run's log keeps it."""
        return {
            "failed": show_task(self.task),
            "task": part_to_json(self.task),
            "problem": self.problem,
            "remedy": self.remedy.name.lower(),
            "came": self.came,
            "detail": self.detail,
            "done": self.done,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tried":
        """Return what `to_json` wrote. KeyError, ValueError or UsageError for something else."""
        task = part_from_json(data["task"])
        if not isinstance(task, tuple) or data["came"] not in ("found", "nothing"):
            raise ValueError("what was tried for a step has another form")
        return cls(
            task, str(data["problem"]), Remedy[str(data["remedy"]).upper()], data["came"], str(data["detail"]),
            int(data["done"]),
        )  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """What is above the tasks that a plan was made for: the nodes of other tasks, the topmost first.

    `under` says for each of the plan's tasks which of these it is below.
    """

    above: tuple[Decomposition, ...] = ()
    under: tuple[int | None, ...] = ()

    def around(self, plan: Plan) -> Plan:
        """Return a plan with what is above it, as a `Setback` wants it: its nodes come after those of `above`.

        It is no plan to carry out: of what is above, other parts were done before.
        """
        roots = [at for at, node in enumerate(plan.nodes) if node.parent is None]
        # Where a network of several tasks is left, it cannot be told which of them is which.
        under = dict(zip(roots, self.under, strict=True)) if len(roots) == len(self.under) else {}
        moved = [
            node._replace(parent=under.get(at) if node.parent is None else node.parent + len(self.above))
            for at, node in enumerate(plan.nodes)
        ]
        return Plan(plan.domain, plan.tasks, (*self.above, *moved))

    def to_json(self) -> list[Any]:
        """Return it as the log of a run keeps it. UsageError for what has no JSON form."""
        nodes = [[part_to_json(task), method, parent] for task, method, parent, _ in self.above]
        return [nodes, list(self.under)]

    @classmethod
    def from_json(cls, data: Any) -> "Frame":
        """Return what `to_json` wrote. ValueError or UsageError for something else."""
        nodes, under = data
        above = []
        for task, method, parent in nodes:
            part = part_from_json(task)
            if isinstance(part, TaskNetwork) or not all(_is_place(at, len(nodes)) for at in (parent, *under)):
                raise ValueError("what is above a plan has another form")
            above.append(Decomposition(part, str(method), parent))
        return cls(tuple(above), tuple(under))


def _is_place(at: object, most: int) -> bool:
    return at is None or (type(at) is int and 0 <= at < most)


@dataclass(frozen=True)
class Way:
    """A way to go on: the tasks from here on, and a plan for them, or a failure with a stage of one.

    Where `kept` is not None, the step that failed is done with these changes first. `pause` is how long to wait before,
    in seconds. `why` is what whoever was asked said.

    Of the tasks above those that are left, some may be done in yet another way when this one fails, too: `frame`.
    """

    remedy: Remedy
    tasks: tuple[Part, ...]
    found: Plan | Failure
    pause: float = 0.0
    kept: Mapping[Place, object] | None = None
    why: str = ""
    frame: Frame = Frame()

    def __str__(self) -> str:
        tasks = ", ".join(map(show_network, self.tasks)) or "nothing is left to do"
        steps = self.plan.steps
        told = ", ".join(map(show_task, steps[:_MOST_STEPS]))
        more = f", and {len(steps) - _MOST_STEPS:,} more" if len(steps) > _MOST_STEPS else ""
        said = f"{self.why}: " if self.why else ""
        return told_text(f"{said}{tasks}{f', by {told}{more}' if told not in ('', tasks) else ''}", 600)

    @property
    def plan(self) -> Plan:
        """What is carried out first."""
        if isinstance(self.found, Plan):
            return self.found
        assert self.found.stage is not None  # it would be no way
        return self.found.stage.plan


@dataclass(frozen=True)
class Recovered:
    """A way to go on, or None where the run ends, and what was tried for it, in order."""

    way: Way | None
    tried: tuple[Tried, ...]
