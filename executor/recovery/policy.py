"""What is done about a step that failed: the remedies, in their order.

| remedy                  | what it is                                                          | a model |
|-------------------------|---------------------------------------------------------------------|---------|
| another known method    | a task above the step is decomposed anew, the lowest first, in ways | no      |
|                         | that avoid every action that has failed in this run                 |         |
| planning again          | the same without avoiding them, where the step that failed comes in | no      |
|                         | another state than the one in which it failed                       |         |
| a kept result           | what the trusted, pure body of the step gives is known already      | no      |
| asking how to recover   | wait and try again, or end here; where allowed, or other tasks      | yes     |
| other tasks             | what is left is replaced by known tasks that a model names          | yes     |

Before all of them the step itself was tried again as often as its domain and `Retries` allow (`executor.actor`).

The rules:

1. A remedy is tried where the run's level and mode allow it (`executor.levels`), once for a failed action in one place
   of a run, and at most `most` ways are gone in one run. So it always ends.
2. Only failures of a step are recovered from. A limit, a mistake in the domain, and a step of which nobody knows
   whether it took effect end the run.
3. Nothing is learned here: a way that has a gap is no way.
4. Other tasks are tasks that the domain knows. They have a plan, which is verified, before a step of it runs; goals
   that were left to reach are reached all the same.
5. What was tried is data: a run that is taken up again by another process goes on with what was tried before.

Not here: carrying a way out, and what became of it; bodies that broke their contract are first replaced by other ways,
where gaps may be closed, in `executor.pursue`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, Protocol

from executor.hooks import Advice, Alternative, Consulted, RecoveryQuestion, WorkflowQuestion, checked_tasks
from executor.levels import May
from executor.recovery.asking import Situation
from executor.recovery.setback import Frame, Place, Recovered, Remedy, Setback, Tried, Way
from executor.told import times, told_text
from htn.acting import avoiding
from htn.contract import write
from htn.domain import Domain
from htn.failure import Failure
from htn.network import Part, Task, show_network
from htn.plan import Action, Plan
from htn.repair import applies
from htn.replay import form, is_goal, tasks_in
from htn.stage import ancestors
from htn.state import State
from htn.verify import verify_plan

# Tasks above a failed step that are decomposed anew, from the lowest on; the topmost one is tried in any case.
MOST_LEVELS = 20
_ROUNDS = 2  # answers with other tasks that are looked at
# The codes of troubles (see htn.errors) that another way may avoid.
_OF_A_STEP = frozenset({"execution", "contract", "service", "answer"})


class Asked(Protocol):
    """Whoever is asked where no known way is left (see `executor.hooks.Hooks`)."""

    def recovery_strategy(self, question: RecoveryQuestion) -> Consulted[Advice]:
        """Ask what to do about a step that failed."""

    def adapt_workflow(
        self, question: WorkflowQuestion, check: Callable[[Sequence[Sequence[Any]]], tuple[Task, ...]]
    ) -> Consulted[tuple[Task, ...]]:
        """Ask which tasks to do instead of what is left."""


def _nothing_kept(action: Action, state: State) -> None:
    return None


@dataclass(frozen=True)
class Recovery:
    """The policy of one run.

    Args:
        find: looks for a plan.
        may: what the run's level and mode allow.
        hooks: who is asked; None where nobody is.
        most: how many ways may be gone in one run.
        kept: the changes that a step's pure body is known to make, or None.
    """

    find: Callable[[Domain, Sequence[Part], State], Plan | Failure]
    may: Callable[[May], bool]
    hooks: Asked | None = None
    most: int = 3
    kept: Callable[[Action, State], Mapping[Place, object] | None] = _nothing_kept

    def next(self, setback: Setback, domain: Domain, state: State, tried: Sequence[Tried] = ()) -> Recovered:
        """Return the next way to go on after a step failed, for the state as it is; the state is left as it is.

        `tried` is what was tried in this run before, in order.
        """
        return _Case(self, setback, domain, state, tuple(tried)).settled()


@dataclass
class _Case:
    """One failed step, and what is tried for it."""

    policy: Recovery
    setback: Setback
    domain: Domain
    state: State
    before: tuple[Tried, ...]
    tried: list[Tried] = field(default_factory=list)

    def settled(self) -> Recovered:
        """Try one remedy after the other, until one leads on."""
        if self.setback.retries:
            self._note(Remedy.RETRY, f"{times(self.setback.retries)}, without success")
        way = self._way() if self._may_go_on() else None
        return Recovered(way, tuple(self.tried))

    def _may_go_on(self) -> bool:
        gone = sum(one.came == "found" for one in self.before)
        return self.setback.trouble.code in _OF_A_STEP and not self.setback.unsure and gone < self.policy.most

    def _way(self) -> Way | None:
        for remedy, may, look in (
            (Remedy.OTHER_METHOD, May.OTHER_METHOD, self._other_method),
            (Remedy.REPLAN, May.REPLAN, self._replan),
            (Remedy.KEPT, May.KEPT, self._kept),
            (Remedy.ASKED, May.ASK_RECOVERY, self._asked),
            (Remedy.ADAPTED, May.ADAPT, self._adapted),
        ):
            if not self.policy.may(may) or self._was_tried(remedy):
                continue
            found = look()
            if isinstance(found, Way):
                self._note(found.remedy, str(found), came="found")
                return found
            if found is not None:
                self._note(remedy, found)
                if remedy is Remedy.ASKED:  # whoever was asked wants to stop
                    return None
        return None

    def _other_method(self) -> Way | str:
        domains = [self._avoiding([*(one.task for one in self.before), self.setback.action.task])]
        return self._first_plan(Remedy.OTHER_METHOD, self._levels(), domains, "there is no other method that applies")

    def _replan(self) -> Way | str:
        domains = [self._avoiding(self._just_failed()), self.domain]
        why = "every plan comes to what has failed, as it was"
        return self._first_plan(Remedy.REPLAN, [None, *self._levels()], domains, why)

    def _avoiding(self, tasks: Sequence[Task]) -> Domain:
        domain = self.domain
        for task in tasks:
            domain = avoiding(domain, Action(task)) if task[0] in domain.operators else domain
        return domain

    def _just_failed(self) -> list[Task]:
        """Return the actions that have failed since something was last done."""
        return [*(one.task for one in self.before if one.done == self.setback.done), self.setback.action.task]

    def _first_plan(
        self, remedy: Remedy, levels: Sequence[int | None], domains: Sequence[Domain], otherwise: str
    ) -> Way | str:
        """Return the first way that has a plan, where a task above the step is decomposed anew, or none is."""
        why = ""
        for domain, anew in product(domains, levels):
            way = self._left(remedy, anew, domain)
            if isinstance(way, Failure):
                why = why or way.explain().partition("\n")[0].partition(": ")[2]
            elif not self._fails_as_before(way):
                return way
        return why or otherwise

    def _left(self, remedy: Remedy, anew: int | None, domain: Domain, done: int | None = None) -> Way | Failure:
        """Return the way to do what is left, `done` being a node that is taken for done, or why it has no plan."""
        plan = self.setback.plan
        left = self._once(self.setback.left(domain, anew, done))
        tasks = tuple(plan.nodes[at].task for at in left)
        found = self.policy.find(domain, tasks, self.state)
        if isinstance(found, Failure) and found.stage is None:
            return found
        path = [*ancestors(plan, self.setback.node)][::-1]
        path = path if anew is None else path[: path.index(anew)]
        number: dict[int | None, int] = {at: number for number, at in enumerate(path)}
        above = tuple(plan.nodes[at]._replace(parent=number.get(plan.nodes[at].parent)) for at in path)
        under = tuple(next((number[a] for a in ancestors(plan, at) if a in number), None) for at in left)
        return Way(remedy, tasks, found, frame=Frame(above, under))

    def _once(self, nodes: Sequence[int]) -> list[int]:
        """Return nodes without the goals that are followed by the same goal, which has to hold then anyway."""
        tasks = [self.setback.plan.nodes[at].task for at in nodes]
        return [
            at
            for at, task, after in zip(nodes, tasks, [*tasks[1:], None], strict=True)
            if after is None or not is_goal(self.domain, task) or form(task) != form(after)
        ]

    def _kept(self) -> Way | str | None:
        setback = self.setback
        if setback.action.version is None or setback.trouble.code != "service":
            return None
        changes = self.policy.kept(setback.action, self.state)
        if changes is None:
            return "none is kept for these inputs"
        mark = self.state.mark()
        try:
            write(self.state, changes)
            way = self._left(Remedy.KEPT, None, self.domain, done=setback.node)
        finally:
            self.state.undo(mark)
        return "with it, what is left cannot be planned" if isinstance(way, Failure) else replace(way, kept=changes)

    def _asked(self) -> Way | str | None:
        """Ask how to recover, where there is something to choose between."""
        if self.policy.hooks is None or not self.setback.again:
            return None
        adapts = self.policy.may(May.ADAPT) and not self._was_tried(Remedy.ADAPTED)
        offered = [Alternative("again", "wait, then try the same step once more")]
        offered += [Alternative("adapt", "replace what is left by other known tasks")] if adapts else []
        offered += [Alternative("stop", "end the run here, as it is")]
        said = self.policy.hooks.recovery_strategy(self._situation().recovery(offered))
        match said.answer.choice:
            case "again":
                way = self._left(Remedy.ASKED, None, self.domain)
                if isinstance(way, Failure):
                    return f"to wait and try it again, but what is left cannot be planned: {said.why}"
                return replace(way, pause=said.answer.seconds, why=said.why)
            case "adapt":
                return self._adapted()
        return f"to stop: {said.why or 'no reason was given'}"

    def _adapted(self) -> Way | str | None:
        """Ask for other tasks; those that cannot be planned go back with why, once."""
        if self.policy.hooks is None:
            return None
        problems: list[str] = []
        why = ""
        for _ in range(_ROUNDS):
            said = self.policy.hooks.adapt_workflow(self._situation().other_tasks(problems), self._checked)
            if not said.answer:
                return why or f"nothing else is known to help: {said.why or 'no reason was given'}"
            tasks = self._with_goals(said.answer)
            found = self.policy.find(self.domain, tasks, self.state)
            way = Way(Remedy.ADAPTED, tasks, found, why=said.why)
            if why := self._wrong_with(way):
                problems.append(why)
                continue
            return way
        return why

    def _wrong_with(self, way: Way) -> str:
        """Return why other tasks cannot be done, or nothing."""
        asked = ", ".join(map(show_network, way.tasks))
        if isinstance(way.found, Failure) and way.found.stage is None:
            return f"{asked} has no plan: {way.found.explain()}"
        if self._fails_as_before(way):
            return f"{asked} comes to what has failed, as it was"
        if flaws := verify_plan(self.domain, self.state, way.plan, way.tasks):
            return f"the plan for {asked} does not hold: {flaws[0]}"
        return ""

    def _with_goals(self, tasks: tuple[Task, ...]) -> tuple[Part, ...]:
        """Return other tasks with the goals that are left to reach and that they leave out."""
        left = tasks_in([self.setback.plan.nodes[at].task for at in self.setback.left(self.domain)])
        goals = {form(goal): goal for goal in left if is_goal(self.domain, goal)}
        named = set(map(form, tasks))
        return (*tasks, *(goal for key, goal in goals.items() if key not in named))

    def _checked(self, rows: Sequence[Sequence[Any]]) -> tuple[Task, ...]:
        return checked_tasks(rows, self.domain.check_typed)

    def _situation(self) -> Situation:
        return Situation(self.setback, self.domain, self.state, (*self.before, *self.tried))

    def _levels(self) -> list[int]:
        return levels(self.setback.plan, self.setback.node)

    def _fails_as_before(self, way: Way) -> bool:
        """Say whether a way meets an action that has just failed in the state in which it failed."""
        failed = set(map(form, self._just_failed()))
        mark, then = self.state.mark(), self.state.fingerprint()
        try:
            for action in way.plan.actions:
                if form(action.task) in failed and self.state.fingerprint() == then:
                    return True
                if not applies(self.domain, self.state, action):
                    return False
            return False
        finally:
            self.state.undo(mark)

    def _was_tried(self, remedy: Remedy) -> bool:
        here = (form(self.setback.action.task), self.setback.done)
        return any(one.remedy is remedy and (form(one.task), one.done) == here for one in (*self.before, *self.tried))

    def _note(self, remedy: Remedy, detail: str, *, came: Literal["found", "nothing"] = "nothing") -> None:
        problem = told_text(self.setback.trouble.message)
        self.tried.append(Tried(self.setback.action.task, problem, remedy, came, detail, self.setback.done))


def levels(plan: Plan, node: int) -> list[int]:
    """Return the tasks above a node that are decomposed anew, the lowest first."""
    above = list(ancestors(plan, node))
    return above if len(above) <= MOST_LEVELS else [*above[:MOST_LEVELS], above[-1]]
