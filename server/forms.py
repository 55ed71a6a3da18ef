"""What requests and answers of the service's own resources look like, for the OpenAPI document and its readers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from executor.settings import Settings

Strategy = Literal["depth-first", "best-first", "anytime"]
Drawing = Literal["text", "mermaid", "dot", "svg"]
TaskForm = Annotated[
    Annotated[str, Field(min_length=1, max_length=10_000)] | Annotated[list[JsonValue], Field(min_length=1)],
    Field(
        description="a task as it is typed on the command line, or a list of its name and its arguments",
        examples=["travel(alice, home, park)", ["travel", "alice", "home", "park"]],
    ),
]
Tasks = Annotated[list[TaskForm], Field(min_length=1, max_length=100, description="done one after the other")]
DomainName = Annotated[
    str, Field(min_length=1, max_length=128, description="a name that GET /api/v1/domains lists", examples=["travel"])
]
Variables = Annotated[
    dict[str, JsonValue] | None,
    Field(description="state variables that replace the domain's own, as in a state file", examples=[None]),
]


class Asked(BaseModel):
    """A request; a field that is not known, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="allow")


class SearchForm(Asked):
    """What is planned, and when the search gives up."""

    domain: DomainName
    tasks: Tasks
    state: Variables = None
    max_seconds: float | None = Field(None, gt=0, le=3600, description="seconds after which the search gives up")
    max_expansions: int | None = Field(None, ge=1, le=10**9, description="expansions after which it gives up")
    strategy: Strategy | None = Field(None, description="take the first plan, the cheapest, or the best found in time")

    def limits(self) -> dict[str, Any]:
        """Return the settings of the search that differ for this request."""
        return self.model_dump(include={"max_seconds", "max_expansions", "strategy"}, exclude_none=True)


class PlanRequest(SearchForm):
    """A plan that is wanted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"domain": "travel", "tasks": ["travel(alice, home, park)"]},
                {"domain": "travel", "tasks": [["travel", "alice", "home", "park"]], "draw": "text"},
            ]
        }
    )

    draw: Drawing | None = Field(None, description="draw the tree, too, in this form")


class ExplainRequest(SearchForm):
    """A plan that is to be explained, or why there is none."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"domain": "travel", "tasks": ["travel(alice, home, park)"]}]}
    )


class ActionForm(Told):
    """An action of a plan; `version` is that of a learned operator."""

    name: str
    arguments: list[Any]
    version: str | None


class NodeForm(Told):
    """A node of the decomposition tree: an action where it has no method. `parent` is its index in the list."""

    task: Any
    method: str | None
    parent: int | None
    version: str | None


class PlanForm(Told):
    """A plan, in the format that `Plan.from_json` reads."""

    format: str
    domain: str
    tasks: list[Any]
    actions: list[ActionForm]
    tree: list[NodeForm]
    expansions: int


class GapForm(Told):
    """A task that nobody knows how to do."""

    task: str
    kind: Literal["declared", "unnamed", "unreached"]
    declared: bool
    path: list[str]


class FailureForm(Told):
    """Why there is no plan: gaps come nearest to a plan first."""

    domain: str
    tasks: list[str]
    gaps: list[GapForm]
    first_dead_end: dict[str, Any] | None
    deepest_dead_end: dict[str, Any] | None
    stopped: str | None
    expansions: int
    explanation: str
    hints: list[str]
    exit_code: int


class StageForm(Told):
    """What is planned later, when values are known that only execution can know."""

    rest: list[Any]
    unknown: list[dict[str, Any]]
    why: str
    says: str


class PlanAnswer(Told):
    """A plan, or why there is none. With a `stage` the plan is what is carried out first."""

    ok: bool = Field(description="whether there is a plan")
    exit_code: int = Field(description="0 a plan, 3 none, 5 a gap, 6 a limit: as the command line has it")
    plan: PlanForm | None
    failure: FailureForm | None
    stage: StageForm | None
    drawing: str | None


class WhyForm(Told):
    """Why an action is in the plan."""

    number: int
    action: str
    version: str | None
    path: list[str] = Field(description="the tasks above it, from the top, each with the method that was used")
    relies_on: list[str]
    needed_by: list[str]


class ExplanationForm(Told):
    """A plan or a failure in words. Actions count from 1; of a long plan the first thousand are told."""

    text: str
    actions: list[WhyForm]
    stages: list[list[int]] = Field(description="the actions in layers, each as early as it can be")
    critical_path: list[int]


class ExplainAnswer(PlanAnswer):
    """A plan or a failure, and its explanation."""

    explanation: ExplanationForm


class RunRequest(SearchForm):
    """Tasks that are to be carried out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"domain": "travel", "tasks": ["travel(alice, home, park)"]}]}
    )

    run_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="what the run is called; by default one is made"
    )
    learn: Literal["auto", "ask", "never"] | None = Field(
        None, description="whether gaps are closed by asking the model; with ask, a person approves what is admitted"
    )
    approve: Literal["never", "admit", "always"] | None = Field(
        None, description="what a person approves: nothing, what is admitted, or code, too, before it is run"
    )
    level: Literal["basic", "adaptive", "intelligent", "autonomous"] | None = Field(
        None, description="what a model may be asked while the plan is carried out; else the domain or settings say"
    )
    mode: Literal["strict", "adaptive", "creative"] | None = Field(
        None, description="what may be done about a step that fails; else the domain or settings say"
    )
    parallel: int | None = Field(None, ge=1, le=64, description="how many independent steps may run at once")
    max_calls: int | None = Field(
        None, ge=0, le=10_000, description="the most calls of the model, no more than the service allows"
    )
    max_tokens: int | None = Field(None, ge=0, le=10**12, description="the most tokens of models, in the same way")
    max_cost: float | None = Field(None, ge=0, le=10**6, description="the most money for models, in the same way")
    max_model_seconds: float | None = Field(
        None, ge=0, le=10**8, description="the most seconds that calls of models may take together, in the same way"
    )

    def choices(self, settings: Settings) -> dict[str, Any]:
        """Return the settings that differ for this run. No budget is larger than that of the service."""
        chosen = self.limits() | self.model_dump(include={"learn", "approve", "parallel"}, exclude_none=True)
        for name in ("max_calls", "max_tokens", "max_cost", "max_model_seconds"):
            own, most = getattr(self, name), getattr(settings, name)
            if own is not None:
                chosen[name] = own if most is None else min(own, most)
        return chosen


class TroubleForm(Told):
    """Why something did not work: what happened, where, what to do next."""

    error: str = Field(description="the kind of error, as in a problem document's code")
    message: str
    where: str | None
    hints: list[str]
    exit_code: int


RunState = Literal["queued", "created", "running", "waiting", "paused", "done", "failed", "cancelled"]


class RunForm(Told):
    """A run, or other long work: where it stands, and what came of it. Times are seconds since 1970.

    A run is created, running, waiting (for an approval), paused, done, failed or cancelled, and has `steps`; other work
    is queued, running, done, failed or cancelled.
    """

    id: str
    kind: str = Field(description="run: tasks of a domain; words: a request in words; code: code that was asked for")
    state: RunState
    created: float
    began: float | None
    ended: float | None
    result: dict[str, Any] | None = Field(description="what came of it, in the form of the route that began it")
    error: TroubleForm | None = Field(description="why nothing came of it")
    links: dict[str, str]


class RunRow(Told):
    """A run in a list. One that is `lost` was being carried out by a process that is gone."""

    id: str
    kind: str
    state: RunState
    created: float
    links: dict[str, str]


class RunsForm(Told):
    """Runs, the newest first."""

    runs: list[RunRow]


class EventsForm(Told):
    """What happened in a run, oldest first. Each event has an id, the time `at` which it was, and a kind."""

    run: str
    state: RunState
    events: list[dict[str, Any]]
