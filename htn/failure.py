"""Why there is no plan, as data that explains itself."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from htn.errors import HtnError, LimitReached, NeedsValue
from htn.network import Multigoal, Part, Task, show_network, show_task, typed_task
from htn.reason import Reason
from htn.state import State

if TYPE_CHECKING:
    from htn.contract import Condition
    from htn.stage import Stage

_MAX_PATH = 20
# Why nobody knows how to do it: it is declared and not written; nobody has declared it; no way of doing it applies.
GapKind: TypeAlias = Literal["declared", "unnamed", "unreached"]


@dataclass(frozen=True)
class Ancestor:
    """A task on the way to a dead end, and the method that was being tried for it."""

    task: Task | Multigoal
    method: str

    def __str__(self) -> str:
        return f"{show_task(self.task)} by {self.method}"


@dataclass(frozen=True)
class Refusal:
    """One alternative that was tried at a dead end, and what refused it."""

    alternative: str
    reason: Reason | str | None = None

    def __str__(self) -> str:
        return f"{self.alternative}: {self.reason or 'does not apply here'}"


@dataclass(frozen=True)
class DeadEnd:
    """A task for which nothing was left to try. `path` leads there from the top; `actions` had been planned."""

    task: Task | Multigoal
    path: tuple[Ancestor, ...]
    refusals: tuple[Refusal, ...]
    actions: int

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        return _path_lines(self.path) + [f"  tried {refusal}" for refusal in self.refusals]


@dataclass(frozen=True)
class Gap:
    """A task that nobody knows how to do. `remaining` tasks would still have been left to plan after it.

    `goal` is what would have to hold afterwards, where the gap is a task that no method of it applies to.
    """

    task: Task
    path: tuple[Ancestor, ...]
    state: State = field(repr=False)
    declared: bool
    remaining: int
    goal: "tuple[Condition, ...]" = ()

    @property
    def kind(self) -> GapKind:
        """What kind of gap it is."""
        if self.goal:
            return "unreached"
        return "declared" if self.declared else "unnamed"

    def __str__(self) -> str:
        return show_task(self.task)


@dataclass(frozen=True)
class Failure:
    """There is no plan for `tasks`. Gaps come nearest to a plan first.

    Where planning needs a value that only execution can know, `stage` is what has to be carried out to learn it, if the
    plan so far does that.
    """

    domain: str
    tasks: tuple[Part, ...]
    first: DeadEnd | None
    deepest: DeadEnd | None
    gaps: tuple[Gap, ...]
    expansions: int
    stopped: HtnError | None = None
    stage: "Stage | None" = None

    @property
    def exit_code(self) -> int:
        """3: no plan; 5: a gap stays open; 6: a limit stopped the search."""
        if self.stopped is not None:
            return self.stopped.exit_code
        return 5 if self.gaps else 3

    def explain(self) -> str:
        """Say what is missing, where, and what to do next, in the manner of a compiler."""
        return "\n".join([*self._lines(), *(f"hint: {hint}" for hint in self.hints())])

    def hints(self) -> tuple[str, ...]:
        """Return what to do next."""
        if isinstance(self.stopped, LimitReached):
            return ("allow more: --max-expansions or --max-seconds",)
        if self.stopped is not None:
            return self.stopped.hints
        if self.gaps:
            quoted = typed_task(self.gaps[0].task)
            if quoted is not None:
                return (f"htn learn {shlex.quote(self.domain)} {quoted} --dry-run     shows the prompt and the price",)
        return ()

    def _lines(self) -> list[str]:
        goal = ", ".join(map(show_network, self.tasks))
        if isinstance(self.stopped, NeedsValue):
            rows = [f"error[needs-value]: {self.stopped.message}"]
            return rows + (self.deepest.lines() if self.deepest else [])
        if self.stopped is not None:
            rows = [f"error[limit]: {self.stopped.message} while looking for {goal}"]
            return rows + self._dead_ends()
        if self.gaps:
            gap = self.gaps[0]
            rows = [f"error[no-plan]: nobody knows how to do {gap}"]
            rows += _goal_lines(gap.goal)
            rows += _path_lines(gap.path)
            rows += [f"  also unknown: {other}" for other in self.gaps[1:]]
            return rows
        return [f"error[no-plan]: there is no plan for {goal}", *self._dead_ends()]

    def _dead_ends(self) -> list[str]:
        rows: list[str] = []
        if self.first:
            rows += [f"first dead end: {show_task(self.first.task)}", *self.first.lines()]
        if self.deepest and self.deepest != self.first:
            count = self.deepest.actions
            rows.append(f"deepest dead end, after {count} action{'' if count == 1 else 's'}: "
                        f"{show_task(self.deepest.task)}")  # fmt: skip
            rows += self.deepest.lines()
        return rows

    def to_json(self) -> dict[str, Any]:
        """Return the failure as JSON."""
        return {
            "plan": None,
            "domain": self.domain,
            "tasks": list(map(show_network, self.tasks)),
            "gaps": [
                {"task": str(gap), "kind": gap.kind, "declared": gap.declared, "path": [str(a) for a in gap.path]}
                for gap in self.gaps
            ],
            "first_dead_end": _dead_end_json(self.first),
            "deepest_dead_end": _dead_end_json(self.deepest),
            "stopped": self.stopped.message if self.stopped else None,
            "stage": self.stage.to_json() if self.stage else None,
            "expansions": self.expansions,
            "explanation": self.explain(),
            "hints": list(self.hints()),
            "exit_code": self.exit_code,
        }


def _goal_lines(goal: "Sequence[Condition]") -> list[str]:
    return [f"  no way to do it applies, and this does not hold: {' and '.join(map(str, goal))}"] if goal else []


def _path_lines(path: tuple[Ancestor, ...]) -> list[str]:
    rows = [f"  in {ancestor}" for ancestor in reversed(path)]
    if len(rows) <= _MAX_PATH:
        return rows
    half = _MAX_PATH // 2
    return [*rows[:half], f"  … {len(rows) - 2 * half:,} levels …", *rows[-half:]]


def _dead_end_json(end: DeadEnd | None) -> dict[str, Any] | None:
    if end is None:
        return None
    return {
        "task": show_task(end.task),
        "path": [str(ancestor) for ancestor in end.path],
        "tried": [str(refusal) for refusal in end.refusals],
        "actions": end.actions,
    }
