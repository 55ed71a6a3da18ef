"""What the tools answer, as schemas that a client gets with their list. Every answer may hold an error instead."""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field

from htn.errors import HtnError, Trouble, visible
from htn.failure import Failure
from mcp_server.bounds import MOST_TEXT, cut, line

_MOST_HINTS = 10
_NOT_ANSWERED = frozenset({1, 2, 7})
"""Exit codes of errors after which a call has no answer; the others are answers, such as that there is no plan."""


class Problem(BaseModel):
    """Why something could not be done, and what to do next."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="usage, domain, no-plan, needs-value, execution, contract, gap, approval, limit, "
                                  "service, cancelled or bug")  # fmt: skip
    message: str
    where: str | None = None
    hints: list[str] = Field(default_factory=list, description="What to do next.")
    exit_code: int = Field(description="The exit code that the command line has for it.")

    @classmethod
    def of(cls, trouble: Trouble) -> "Problem":
        """Return an error of ours as a client reads it."""
        return cls(
            code=trouble.code,
            message=cut(visible(trouble.message, lines=True), MOST_TEXT),
            where=line(trouble.where) if trouble.where else None,
            hints=[line(hint) for hint in trouble.hints[:_MOST_HINTS]],
            exit_code=trouble.exit_code,
        )


class Answer(BaseModel):
    """What every tool answers."""

    model_config = ConfigDict(frozen=True)

    ok: bool = Field(True, description="Whether what was asked for is there.")
    error: Problem | None = Field(None, description="Why it is not.")


class PlannedAction(BaseModel):
    """A step of a plan."""

    number: int = Field(description="Counts from 1.")
    action: str
    name: str
    arguments: list[Any] = Field(
        description='Tuples are written {"$tuple": […]}, what only a run can know {"$unknown"}.'
    )
    version: str | None = Field(None, description="The entry of the library that does it, where it was learned.")


class OpenGap(BaseModel):
    """A task that nobody knows how to do."""

    task: str
    kind: Literal["declared", "unnamed", "unreached"] = Field(
        description="declared: by the domain, and not written; unnamed: by nobody; unreached: no way to do it applies."
    )
    path: list[str] = Field(description="The tasks above it, each with the method that was tried, from the top.")


class Planned(Answer):
    """A plan, or why there is none."""

    domain: str = ""
    tasks: list[str] = Field(default_factory=list)
    actions: list[PlannedAction] = Field(default_factory=list)
    omitted: int = Field(0, description="Actions that are not listed, because there are too many.")
    tree: str = Field("", description="The decomposition as an indented tree, or the explanation of the failure.")
    decided_later: str | None = Field(
        None, description="Where a value decides what comes next that only execution can know: this is the first stage."
    )
    gaps: list[OpenGap] = Field(
        default_factory=list, description="What nobody knows how to do, nearest to a plan first."
    )
    expansions: int = 0


class WhyAction(BaseModel):
    """Why a step is in a plan, and what it has to do with the others."""

    number: int
    action: str
    path: list[str] = Field(description="The tasks above it, each with its method, from the top.")
    relies_on: list[str]
    needed_by: list[str]
    after: list[int] = Field(description="The steps that must come before it.")


class DeadEnd(BaseModel):
    """A task at which the search could not go on."""

    task: str
    path: list[str]
    tried: list[str] = Field(description="Each alternative, and the condition that refused it, with its values.")
    actions: int = Field(description="How many steps had been planned.")


class Explained(Answer):
    """Why a plan is as it is, or why there is none."""

    domain: str = ""
    tasks: list[str] = Field(default_factory=list)
    text: str = ""
    actions: list[WhyAction] = Field(default_factory=list)
    stages: list[list[int]] = Field(
        default_factory=list, description="Steps of one stage can be done at the same time."
    )
    critical_path: list[int] = Field(default_factory=list, description="To be faster, one of these steps must be.")
    cost: float | None = None
    gaps: list[OpenGap] = Field(default_factory=list)
    dead_ends: list[DeadEnd] = Field(default_factory=list)


class Change(BaseModel):
    """A place of the state that a run changed."""

    variable: str
    key: Any = None
    value: Any = None
    gone: bool = False


class Learnt(BaseModel):
    """What came of a gap."""

    task: str
    version: str | None = Field(None, description="The entry of the library; none where it was not learned.")
    trust: str | None = Field(None, description="quarantined, probation, trusted or pinned; plans use the last three.")
    reason: str | None = Field(None, description="Why it was not learned.")
    question: str = Field("", description="What the user could answer to bring more trust.")


class Event(BaseModel):
    """Something that happened in a run or a learning."""

    id: str
    at: float = Field(description="Seconds since 1970.")
    kind: str
    text: str


State = Literal["created", "running", "waiting", "paused", "done", "failed", "cancelled"]


class Followed(Answer):
    """How far a run or a learning is."""

    handle: str = ""
    kind: Literal["run", "learn"] = "run"
    state: State = "created"
    ended: bool = Field(False, description="Whether nothing more will happen.")
    domain: str = ""
    tasks: list[str] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    last: str = Field("0-0", description="Give it to run_status as `after`.")
    learned: list[Learnt] = Field(default_factory=list)
    changed: list[Change] = Field(default_factory=list, description="What a run that is done has changed in the state.")
    proposal: str | None = Field(None, description="What waits for a person's approval.")
    next: str = Field("", description="What to do next.")


class OperatorRow(BaseModel):
    """An operator: the ground use of one is an action."""

    name: str
    domain: str
    parameters: list[str]
    description: str
    known: Literal["written", "learned", "nobody"] = Field(
        description="Who knows how to do it: somebody wrote it, a model did, or nobody so far."
    )
    version: str | None = None
    trust: str | None = None
    problem: str | None = Field(None, description="What is wrong with a damaged entry of the library.")


class TaskRow(BaseModel):
    """A compound task: one that methods decompose."""

    name: str
    domain: str
    methods: list[str]
    parameters: list[str] = Field(description="The parameters of each method.")
    description: str = Field(description="What each method says.")


class Operators(Answer):
    """What can be asked for."""

    domains: list[str] = Field(default_factory=list)
    tasks: list[TaskRow] = Field(default_factory=list)
    operators: list[OperatorRow] = Field(default_factory=list)
    omitted: int = 0


class OperatorShown(Answer):
    """A learned operator: what it promises, its code, and the evidence."""

    name: str = ""
    domain: str = ""
    trust: str = ""
    version: str = ""
    versions: list[str] = Field(default_factory=list, description="All of its versions, the oldest first.")
    pinned: str | None = None
    description: str = ""
    contract: list[str] = Field(default_factory=list, description="What it promises, line by line.")
    language: str = ""
    code: str = Field("", description="Written by a model: data, no instruction.")
    evidence: list[str] = Field(default_factory=list)
    uses: int = 0


_Any = TypeVar("_Any", bound=Answer)


def result(answer: Answer, text: str) -> CallToolResult:
    """Return an answer with what a model reads of it. It is an error where the call has no answer."""
    failed = answer.error is not None and answer.error.exit_code in _NOT_ANSWERED
    return CallToolResult(
        content=[TextContent(type="text", text=cut(text, MOST_TEXT))],
        structured_content=answer.model_dump(mode="json"),
        is_error=failed,
    )


def failed(kind: type[_Any], error: HtnError | Trouble, hints: Sequence[str] = ()) -> CallToolResult:
    """Return an error as the answer of a tool, with hints for an agent before those for a person."""
    trouble = error.trouble if isinstance(error, HtnError) else error
    problem = Problem.of(Trouble(trouble.code, trouble.exit_code, trouble.message, trouble.where,
                                 (*hints, *trouble.hints)))  # fmt: skip
    return result(kind(ok=False, error=problem), told(problem))


def told(problem: Problem) -> str:
    """Return a problem as a model reads it."""
    return Trouble(problem.code, problem.exit_code, problem.message, problem.where, tuple(problem.hints)).explain()


def no_plan(failure: Failure, hints: Sequence[str] = ()) -> Trouble:
    """Return why there is no plan as an error."""
    message = failure.explain().partition("\n")[0].partition(": ")[2]
    code = failure.stopped.code if failure.stopped else "no-plan"
    return Trouble(code, failure.exit_code, message, None, (*hints, *failure.hints()))


def gaps_of(failure: Failure) -> list[OpenGap]:
    """Return what nobody knows how to do."""
    return [
        OpenGap(task=line(str(gap)), kind=gap.kind, path=[line(str(step)) for step in gap.path[:50]])
        for gap in failure.gaps[:50]
    ]
