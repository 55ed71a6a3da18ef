"""What the tools do, without the protocol: each verb blocks and returns an answer, or raises HtnError.

One agent serves planning and looking; it is opened when it is first needed, so that a server starts where Redis is
away, and each call says so. Searches are few at once (`MOST_AT_ONCE`): a client that gives up does not stop a search,
only its limit does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Any

from executor.agent import Agent
from executor.entry import Entry
from executor.review import Review, evidence_lines
from executor.settings import Settings
from executor.versions import Listed
from htn.domain import Domain, Method, Operator
from htn.errors import LimitReached, UsageError, visible
from htn.failure import Failure
from htn.network import show_network, show_task
from htn.plan import Plan
from htn.render import text_stages, text_tree
from mcp_server.answers import (
    DeadEnd,
    Explained,
    OperatorRow,
    Operators,
    OperatorShown,
    Planned,
    PlannedAction,
    Problem,
    TaskRow,
    WhyAction,
    gaps_of,
    no_plan,
)
from mcp_server.bounds import MOST_AT_ONCE, MOST_ROWS, MOST_TEXT, cut, line
from mcp_server.shelf import Shelf
from mcp_server.values import Budget

_PATIENCE = 5.0  # seconds that a search waits for another to end
_MOST_ARGUMENT = 2_000
_MOST_ARGUMENTS = 200_000
_MOST_CODE = 50_000


@dataclass
class Service:
    """The domains that are offered and the library behind them. Use it in a `with` statement."""

    settings: Settings
    shelf: Shelf
    _agent: Agent = field(init=False, repr=False)
    _opening: Lock = field(default_factory=Lock, repr=False)
    _turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MOST_AT_ONCE), repr=False)

    def __post_init__(self) -> None:
        self._agent = Agent(self.settings)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        with self._opening:
            self._agent.__exit__()

    def agent(self) -> Agent:
        """Return the agent with its store open. ServiceMissing where the store does not answer."""
        with self._opening:  # two threads that open it at once would leave one open
            _ = self._agent.proposals, self._agent.versions
            if self.settings.evaluate != "never":
                _ = self._agent.sandbox
        return self._agent

    @contextmanager
    def _turn(self) -> Iterator[Agent]:
        if not self._turns.acquire(timeout=_PATIENCE):
            raise LimitReached("the server is busy with other searches", hints=("call again in a while",))
        try:
            yield self.agent()
        finally:
            self._turns.release()

    def plan(self, domain: str, tasks: Sequence[str], state: Mapping[str, Any] | None) -> Planned:
        """Look for a plan."""
        known = self.shelf.domain(domain)
        wanted, start = self.shelf.tasks(known, tasks), self.shelf.state(known, state)
        with self._turn() as agent:
            result = agent.plan(known, wanted, start)
        shown = {"domain": known.name, "tasks": [cut(show_network(task)) for task in wanted]}
        stage = result.stage if isinstance(result, Failure) else None
        plan = stage.plan if stage else result
        if isinstance(plan, Failure):
            return Planned(
                ok=False, error=Problem.of(no_plan(plan, _for_agents(known, plan))), **shown, gaps=gaps_of(plan),
                tree=_text(plan.explain()), expansions=plan.expansions,
            )  # fmt: skip
        actions = _actions(plan)
        later = line(str(stage)) if stage else None
        return Planned(
            **shown, actions=actions, omitted=len(plan) - len(actions), tree=_text(text_tree(plan)),
            decided_later=later, expansions=result.expansions,
        )  # fmt: skip

    def explain(self, domain: str, tasks: Sequence[str], state: Mapping[str, Any] | None) -> Explained:
        """Say why a plan is as it is, or why there is none."""
        known = self.shelf.domain(domain)
        wanted, start = self.shelf.tasks(known, tasks), self.shelf.state(known, state)
        shown = {"domain": known.name, "tasks": [cut(show_network(task)) for task in wanted]}
        with self._turn() as agent:
            result = agent.plan(known, wanted, start)
            stage = result.stage if isinstance(result, Failure) else None
            plan = stage.plan if stage else result
            if isinstance(plan, Failure):
                return Explained(
                    ok=False, error=Problem.of(no_plan(plan, _for_agents(known, plan))), **shown,
                    text=_text(plan.explain()), gaps=gaps_of(plan), dead_ends=_dead_ends(plan),
                )  # fmt: skip
            needs = agent.dependencies(known, wanted, start, plan)
        count = min(len(plan), MOST_ROWS)
        return Explained(
            **shown,
            text=_text(text_stages(needs)),
            actions=[_why(plan, at, needs.why(at).relies_on or (), needs.why(at).needed_by or (), needs.before[at])
                     for at in range(count)],
            stages=[[at + 1 for at in layer] for layer in needs.stages][:MOST_ROWS],
            critical_path=[at + 1 for at in needs.critical_path][:MOST_ROWS],
            cost=needs.cost,
        )  # fmt: skip

    def list_operators(self, domain: str | None) -> Operators:
        """List what can be asked for, and who knows how to do it."""
        chosen = [self.shelf.domain(domain)] if domain else list(self.shelf.domains.values())
        listed = self.agent().versions.listed()
        tasks = [
            _task(each, name, methods)
            for each in chosen
            for name, methods in (each.methods | each.goal_methods).items()
        ]
        operators = [row for each in chosen for row in _operators(each, listed)]
        return Operators(
            domains=sorted(self.shelf.domains), tasks=tasks[:MOST_ROWS], operators=operators[:MOST_ROWS],
            omitted=max(0, len(tasks) - MOST_ROWS) + max(0, len(operators) - MOST_ROWS),
        )  # fmt: skip

    def show_operator(self, name: str) -> OperatorShown:
        """Show a learned operator: what it promises, its code, the evidence. UsageError where there is none."""
        agent = self.agent()
        row = agent.versions.one(name)
        versions, pinned = agent.library.versions(row.domain, row.name), agent.library.pinned(row.domain, row.name)
        entry = agent.library.entry(row.version)
        return _shown(
            entry, row, versions, pinned, agent.library.evidence(row.version), agent.library.uses(row.version)
        )

    def require_learning(self) -> None:
        """UsageError where whoever started the server did not want it to learn."""
        if self.settings.learn == "never":
            raise UsageError("this server does not learn", hints=("whoever starts it may say so: htn mcp --learn ask",))

    def review(self, version: str) -> Review:
        """Return a proposal as the person is shown it who decides about it."""
        return self.agent().proposals.review(version)


def _actions(plan: Plan) -> list[PlannedAction]:
    budget = Budget(_MOST_ARGUMENTS)
    return [
        PlannedAction(
            number=at, action=line(str(action)), name=action.name, version=action.version,
            arguments=[budget.take(argument, _MOST_ARGUMENT) for argument in action.arguments],
        )
        for at, action in enumerate(plan.actions[:MOST_ROWS], 1)
    ]  # fmt: skip


def _why(plan: Plan, at: int, relies_on: Sequence[str], needed_by: Sequence[str], before: Sequence[int]) -> WhyAction:
    why = plan.why(at)
    return WhyAction(
        number=at + 1,
        action=line(str(why.action)),
        path=[line(str(step)) for step in why.path[:50]],
        relies_on=[line(text) for text in relies_on[:50]],
        needed_by=[line(text) for text in needed_by[:50]],
        after=[other + 1 for other in before[:MOST_ROWS]],
    )


def _dead_ends(failure: Failure) -> list[DeadEnd]:
    ends = [failure.first] + ([failure.deepest] if failure.deepest != failure.first else [])
    return [
        DeadEnd(
            task=line(show_task(end.task)),
            path=[line(str(step)) for step in end.path[:50]],
            tried=[line(str(refusal)) for refusal in end.refusals[:50]],
            actions=end.actions,
        )
        for end in ends
        if end is not None
    ]


def _for_agents(domain: Domain, failure: Failure) -> tuple[str, ...]:
    """Return what an agent can do about it with the tools that it has."""
    if not failure.gaps or failure.stopped:
        return ()
    task = str(failure.gaps[0])
    return (f"call run, which has the missing operator written, or learn with domain {domain.name} and task {task}",)


def _task(domain: Domain, name: str, methods: Sequence[Method]) -> TaskRow:
    return TaskRow(
        name=name, domain=domain.name, methods=[method.name for method in methods],
        parameters=sorted({str(method.arity) for method in methods}),
        description=cut(" / ".join(visible(method.description) for method in methods if method.description)),
    )  # fmt: skip


def _operators(domain: Domain, listed: Sequence[Listed]) -> Iterator[OperatorRow]:
    learned = {row.name: row for row in listed if row.domain == domain.name}
    for name, operator in domain.operators.items():
        row = None if operator.apply else learned.pop(name, None)
        yield _operator(domain, operator, row)
    for name, row in learned.items():
        if name not in domain.operators:
            yield OperatorRow(
                name=name, domain=domain.name, parameters=[], description=line(row.description),
                known="learned", version=row.version, trust=row.trust, problem=line(row.problem or "") or None,
            )  # fmt: skip


def _operator(domain: Domain, operator: Operator, row: Listed | None) -> OperatorRow:
    names = [*operator.arity.names, *(["…"] if operator.arity.open_ended else [])]
    return OperatorRow(
        name=operator.name, domain=domain.name, parameters=names, description=line(operator.description),
        known="written" if operator.apply else "learned" if row else "nobody",
        version=row.version if row else None, trust=row.trust if row else None,
        problem=line(row.problem or "") or None if row else None,
    )  # fmt: skip


def _shown(
    entry: Entry,
    row: Listed,
    versions: Sequence[str],
    pinned: str | None,
    evidence: Sequence[Mapping[str, Any]],
    uses: int,
) -> OperatorShown:
    promise = entry.promise()
    return OperatorShown(
        name=entry.name, domain=entry.domain, trust=row.trust, version=row.version,
        versions=list(versions)[-MOST_ROWS:], pinned=pinned, description=_text(promise.description),
        contract=[cut(visible(row)) for row in promise.lines()], language=entry.language,
        code=cut(visible(entry.code, lines=True), _MOST_CODE), uses=uses,
        evidence=[cut(visible(row)) for row in evidence_lines(evidence)[:MOST_ROWS]],
    )  # fmt: skip


def _text(text: str) -> str:
    return cut(visible(text, lines=True), MOST_TEXT)
