"""What a model is asked about a step that failed: the questions, filled in."""

from collections.abc import Sequence
from dataclasses import dataclass

from executor.hooks import Alternative, RecoveryQuestion, WorkflowQuestion, told_state
from executor.recovery.setback import Setback, Tried
from executor.told import told_text
from htn.domain import Domain
from htn.network import show_task
from htn.stage import ancestors
from htn.state import State

_MOST_ROWS = 60


@dataclass(frozen=True)
class Situation:
    """A step that failed, in the state as it is, and what was tried so far in the run."""

    setback: Setback
    domain: Domain
    state: State
    tried: Sequence[Tried]

    def recovery(self, alternatives: Sequence[Alternative]) -> RecoveryQuestion:
        """Return the question what to do about it."""
        plan, node = self.setback.plan, self.setback.node
        return RecoveryQuestion(
            failed=told_text(str(self.setback.action)),
            problem=told_text(self.setback.trouble.message),
            purpose=tuple(told_text(show_task(plan.nodes[at].task), 200) for at in ancestors(plan, node))[:_MOST_ROWS],
            left=self._left(),
            state=told_state(self.state, self.setback.action.arguments),
            tried=self._tried(),
            alternatives=tuple(alternatives),
        )

    def other_tasks(self, problems: Sequence[str]) -> WorkflowQuestion:
        """Return the question which tasks to do instead of what is left."""
        return WorkflowQuestion(
            failed=told_text(str(self.setback.action)),
            problem=told_text(self.setback.trouble.message),
            left=self._left(),
            state=told_state(self.state, self.setback.action.arguments),
            tried=self._tried(),
            known=known_tasks(self.domain),
            problems=tuple(map(told_text, problems)),
        )

    def _left(self) -> tuple[str, ...]:
        nodes, left = self.setback.plan.nodes, self.setback.left(self.domain)
        return tuple(told_text(show_task(nodes[at].task), 200) for at in left[:_MOST_ROWS])

    def _tried(self) -> tuple[str, ...]:
        return tuple(told_text(f"{show_task(one.task)}: {one}", 300) for one in self.tried)


def known_tasks(domain: Domain) -> tuple[str, ...]:
    """Return the tasks that somebody knows how to do, with their parameters and what they are for."""
    ways = {**domain.methods, **domain.goal_methods}
    rows = [f"{name}({ways[name][0].arity}): {_first_line(ways[name][0].description)}" for name in ways if ways[name]]
    rows += [
        f"{o.name}({o.arity}): {_first_line(o.description)}" for o in domain.operators.values() if o.apply is not None
    ]
    return tuple(rows[: 2 * _MOST_ROWS])


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:120] or "not described"
