"""/api/v1/intelligent, /api/v1/actions and /execute: requests in words, answered by code that is learned for them.

A request becomes one task that nobody knows how to do (`words`); its gap is closed, with evidence, and it is carried
out. The next request with the same words and other values needs no model, once there is evidence enough for plans.
"""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, JsonValue
from starlette.responses import Response

from htn.errors import HtnError, UsageError
from server.forms import Asked, RunForm, Told, TroubleForm
from server.handles import Wait, settled
from server.intelligent import (
    Intelligent,
    Request,
    action_document,
    attempts_document,
    code_document,
    examples_of,
    settings_of,
    tags_of,
)
from server.lent import LentAgent
from server.problems import RequestError, answer, responses
from server.service import Service
from server.using import TOKEN, Used
from server.words import DOMAIN, MOST_WORDS, InWords
from server.work import Work

router = APIRouter(tags=["intelligent"], dependencies=[TOKEN])
_LONG: dict[int | str, dict[str, Any]] = {202: {"model": RunForm}, **responses(409)}
Retries = Annotated[int | None, Field(ge=1, le=20, description="bodies that are tried: the first and its repairs")]
Timeout = Annotated[float | None, Field(gt=0, le=3600, description="seconds for one call of the body")]
Language = Annotated[
    str | None, Field(max_length=40, description="python, javascript, …; by default what is asked for")
]


class ExampleForm(Asked):
    """What has to come out for some values of the context."""

    context: dict[str, JsonValue]
    result: JsonValue


class ExecuteRequest(Asked):
    """A task in words. Values of the context are its arguments; a text that is a plain number is one."""

    task_name: str = Field(min_length=1, max_length=200, examples=["CalculatePrimes"])
    description: str = Field("", max_length=MOST_WORDS, examples=["Calculate the first 10 prime numbers"])
    context: dict[str, JsonValue] = Field(default={}, max_length=16, examples=[{"count": "10"}])
    language: Language = None
    force_regenerate: bool = Field(False, description="have it written anew although it is known")
    max_retries: Retries = None
    timeout: Timeout = None
    examples: list[ExampleForm] = Field(
        [], max_length=20, description="what has to come out for other values: evidence that makes it usable in plans"
    )


class PrimesRequest(Asked):
    """How many prime numbers."""

    count: int = Field(10, ge=0, le=100_000, examples=[10])


class PromptRequest(Asked):
    """A prompt in words."""

    prompt: str = Field(min_length=1, max_length=MOST_WORDS, examples=["Create a function to calculate factorial"])
    max_retries: Retries = None
    timeout: Timeout = None


class CodeForm(Told):
    """The code that was learned for a task; `version` is the operator's."""

    id: str
    task_name: str
    language: str
    code: str
    created_at: str
    version: str


class ActionForm(Told):
    """An operator that was learned: what it takes, needs and changes."""

    id: str
    name: str
    task_name: str
    description: str
    language: str
    parameters: list[dict[str, Any]]
    preconditions: list[str]
    effects: list[str]
    trust: str
    tags: list[str]
    created_at: str


class StepForm(Told):
    """One thing that was done to know that the code is right, or the execution itself."""

    step: str
    attempt: int
    success: bool
    message: str
    duration_ms: float


class ExecutionForm(Told):
    """What came of a task in words. Without success `error` says why."""

    success: bool
    result: Any
    generated_code: CodeForm | None
    execution_time_ms: float
    retry_count: int
    used_cached_code: bool
    validation_steps: list[StepForm]
    new_action: ActionForm | None = Field(description="the operator, where it was learned for this request")
    error: TroubleForm | None
    run_id: str
    total_time_ms: float


class AttemptForm(Told):
    """One version of the code, and what became of it."""

    success: bool
    code: str
    error: str | None
    attempt: int
    total_attempts: int
    output: Any = None
    execution_time: float | None = None


class PromptForm(Told):
    """What came of a prompt, attempt by attempt; `final_result` is the last one."""

    success: bool
    results: list[AttemptForm]
    final_result: AttemptForm | None
    total_time: float
    error: TroubleForm | None
    run_id: str


class CapabilityRow(Told):
    """An operator that was learned."""

    task_name: str
    language: str
    created_at: str
    tags: list[str]
    id: str


class CapabilityStats(Told):
    """How many there are, by language and by tag."""

    total_cached_capabilities: int
    languages: dict[str, int]
    tags: dict[str, int]


class CapabilitiesForm(Told):
    """What was learned."""

    capabilities: list[CapabilityRow]
    stats: CapabilityStats


class ActionAnswer(ActionForm):
    """An operator that was learned, with its code and the evidence for it."""

    generated_code: CodeForm
    uses: int
    evidence: list[dict[str, Any]]


@router.post("/api/v1/intelligent/execute", response_model=ExecutionForm, responses=_LONG)
async def execute(request: ExecuteRequest, service: Used, wait: Wait = None) -> Response:
    """Carry out a task in words. Where nobody knows how, code is written for it, with evidence, and kept."""
    words = InWords(
        request.task_name, request.description, request.context, examples_of([e.model_dump() for e in request.examples])
    )
    chosen = settings_of(request.language, request.max_retries, request.timeout)
    return await _carried_out(service, Request(words, chosen, request.force_regenerate), wait)


@router.post("/api/v1/intelligent/primes", response_model=ExecutionForm, responses=_LONG)
async def primes(request: PrimesRequest, service: Used, wait: Wait = None) -> Response:
    """Calculate prime numbers: a task in words that every installation can be tried with."""
    words = InWords(
        "CalculatePrimes", "Calculate the first prime numbers, as many as count says, in ascending order, as a list.",
        {"count": request.count}, (({"count": 5}, [2, 3, 5, 7, 11]),),
    )  # fmt: skip
    return await _carried_out(service, Request(words), wait)


@router.get("/api/v1/intelligent/capabilities", response_model=CapabilitiesForm, responses=responses())
async def capabilities(service: Used) -> Response:
    """List what was learned, in all domains."""
    rows = await service.do(_capabilities)
    languages, tags = Counter(row["language"] for row in rows), Counter(tag for row in rows for tag in row["tags"])
    stats = {"total_cached_capabilities": len(rows), "languages": dict(languages), "tags": dict(tags)}
    return answer({"capabilities": rows, "stats": stats})


@router.get("/api/v1/actions/intelligent/{action_id}", response_model=ActionAnswer, responses=responses(404, 409))
async def action(
    action_id: Annotated[
        str, Path(min_length=1, max_length=200, description="an action's or a code's id, or the name of an operator")
    ],
    service: Used,
) -> Response:
    """Show an operator that was learned, with its code and the evidence for it."""
    return answer(await service.do(lambda agent: _action(agent, action_id)))


@router.post("/execute", response_model=PromptForm, responses=_LONG)
async def prompted(request: PromptRequest, service: Used, wait: Wait = None) -> Response:
    """Carry out a prompt in words, and tell of each version of the code that was tried."""
    most = request.max_retries or service.settings.max_retries
    asked = Request(InWords(request.prompt, request.prompt), settings_of(None, most, request.timeout))
    intelligent = Intelligent(service, asked, asked.words.domain(), "prompt")

    def carried_out(work: Work) -> tuple[bool, dict[str, Any]]:
        found = intelligent.carried_out(work)
        return found.ok, attempts_document(found, work.id, most)

    work = service.desk.take("words", carried_out, about={"task": asked.words.operator})
    return await settled(service, work, wait) or answer(work.document)


async def _carried_out(service: Service, request: Request, wait: float | None) -> Response:
    intelligent = Intelligent(service, request, request.words.domain())
    work = service.desk.take("words", intelligent, about={"task": request.words.operator})
    return await settled(service, work, wait) or answer(work.document)


def _capabilities(agent: LentAgent) -> list[dict[str, Any]]:
    rows = []
    for listed in agent.versions.listed():
        if listed.problem:
            continue
        entry = agent.library.entry(listed.version)
        rows.append(
            {
                "task_name": entry.name, "language": entry.language, "created_at": entry.provenance.created,
                "tags": tags_of(entry, listed.trust), "id": entry.version,
            }
        )  # fmt: skip
    return rows


def _action(agent: LentAgent, action_id: str) -> dict[str, Any]:
    version = _version(agent, action_id.removeprefix("code_"))
    entry, trust = agent.library.entry(version), agent.library.trust(version)
    return action_document(entry, trust) | {
        "generated_code": code_document(entry, entry.name),
        "uses": agent.library.uses(version),
        "evidence": agent.library.evidence(version),
    }


def _version(agent: LentAgent, action_id: str) -> str:
    """Return the version that an id means: a version, the beginning of a current one, or an operator's name."""
    try:
        return agent.library.entry(action_id).version
    except HtnError:
        pass
    current = [row.version for row in agent.versions.listed()]
    if len(action_id) >= 8 and len(found := [v for v in current if v.startswith(action_id)]) == 1:
        return found[0]
    for name in (action_id, f"{DOMAIN}.{action_id}"):
        try:
            return agent.versions.one(name).version
        except UsageError:
            continue
    raise RequestError(
        "unknown", f"there is no action {action_id[:80]!r}", hints=("GET /api/v1/intelligent/capabilities lists them",)
    )
