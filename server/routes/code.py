"""/api/v1/code: code that is no operator: written, run, looked at, bettered; and the cache of its results."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from executor import code as verbs
from server.forms import RunForm, Told
from server.handles import Wait, settled
from server.lent import LentAgent
from server.problems import answer, responses
from server.using import TOKEN, Used
from server.work import Work

_MOST_IN_A_URL = 20_000  # characters
router = APIRouter(prefix="/api/v1/code", tags=["code"], dependencies=[TOKEN])


class OptimizeBody(verbs.OptimizeRequest):
    """Code that is to be bettered. `use_model` asks a model, too; without it safe rewrites are tried."""

    use_model: bool = False


class CacheStats(Told):
    """What the cache of results has been good for. The average is of what this service has run; null without any."""

    total_cached_executions: int
    total_cache_hits: int
    average_execution_time_ms: float | None
    cache_hit_rate: float


class CacheForm(Told):
    """The cache of results."""

    success: Literal[True]
    cache_stats: CacheStats


class ClearedForm(Told):
    """How many results were removed."""

    success: Literal[True]
    entries_deleted: int


_GENERATE = {
    "doubled": {
        "value": {
            "task_description": "Multiply input value by 2 and return result", "language": "python",
            "input_example": {"value": 5}, "expected_output": {"result": 10},
        }
    }
}  # fmt: skip
_OPTIMIZE = {
    "joined": {"value": {"code": "result = ''\nfor i in range(10):\n    result += str(i)", "language": "python"}}
}
_EXECUTE = {"product": {"value": {"code": "result = x * y", "context": {"x": 5, "y": 3}, "timeout": 30}}}


@router.post("/generate", response_model=verbs.GenerateResponse, responses={202: {"model": RunForm}, **responses(409)})
async def generate(
    request: Annotated[verbs.GenerateRequest, Body(openapi_examples=_GENERATE)], service: Used, wait: Wait = None
) -> Response:
    """Have a model write code for a task in words, try it on the example, and repair it."""
    if request.max_retries is None:
        request = request.model_copy(update={"max_retries": service.settings.max_retries})
    if refused := verbs.refusal(request):
        return answer(refused.model_dump(mode="json"))

    def written(work: Work) -> tuple[bool, dict[str, Any]]:
        with service.agent() as agent:
            bench = verbs.Bench(agent.sandbox, agent.settings.limits, agent.results)
            found = verbs.generate(request, agent.model, bench, on_note=lambda text: work.tell("note", detail=text))
        service.metrics.executed("generate", ok=found.success, attempts=max(1, len(found.history)))
        return found.success, found.model_dump(mode="json")

    work = service.desk.take("code", written, about={"task": request.task_description[:200]})
    return await settled(service, work, wait) or answer(work.document)


@router.post("/optimize", response_model=verbs.OptimizeResponse, responses=responses(409))
async def optimize(request: Annotated[OptimizeBody, Body(openapi_examples=_OPTIMIZE)], service: Used) -> Response:
    """Say what could be better in code, and offer a version that is shown to behave the same."""

    def better(agent: LentAgent) -> verbs.OptimizeResponse:
        bench = verbs.Bench(agent.sandbox, agent.settings.limits)
        return verbs.optimize(request, bench, agent.model if request.use_model else None)

    return answer((await service.do(better)).model_dump(mode="json"))


@router.post("/execute", response_model=verbs.ExecuteResponse, responses=responses(409))
async def execute(request: Annotated[verbs.ExecuteRequest, Body(openapi_examples=_EXECUTE)], service: Used) -> Response:
    """Run code once in the sandbox, if the static rules let it. A script leaves its value in `result`."""

    def run(agent: LentAgent) -> verbs.ExecuteResponse:
        results = agent.results if request.use_cache else None
        return verbs.execute(request, verbs.Bench(agent.sandbox, agent.settings.limits, results))

    found = await service.do(run)
    service.metrics.executed("code", ok=found.success)
    if not found.cached and not found.findings:
        service.metrics.code_seconds.observe(found.execution_time_ms / 1000)
    return answer(found.model_dump(mode="json"))


@router.post("/validate", response_model=verbs.ValidateResponse, responses=responses())
async def validate(
    service: Used,
    code: Annotated[
        str,
        Query(max_length=_MOST_IN_A_URL, description="the code; in one line `\\n` may stand for a line break",
              examples=["def foo():\n    return 42"]),
    ],
    language: Annotated[str | None, Query(max_length=40, description="by default found out")] = None,
) -> Response:  # fmt: skip
    """Say whether code can be read and keeps the static rules. Nothing is run."""

    def looked_at(agent: LentAgent) -> verbs.ValidateResponse:
        fields = {"code": code} | ({"language": language} if language else {})
        found = verbs.validate(verbs.read_request(verbs.ValidateRequest, fields))
        if found.valid or "\n" in code or "\\n" not in code:
            return found
        unfolded = fields | {"code": code.replace("\\n", "\n")}
        again = verbs.validate(verbs.read_request(verbs.ValidateRequest, unfolded))
        return again if again.valid else found

    return answer((await service.do(looked_at)).model_dump(mode="json"))


@router.get("/cache/stats", response_model=CacheForm, responses=responses())
async def stats(service: Used) -> Response:
    """Say how many results of code and of pure bodies are kept, and how often one was found."""
    found = await service.do(lambda agent: agent.results.statistics())
    return answer(
        {
            "success": True,
            "cache_stats": {
                "total_cached_executions": found.entries,
                "total_cache_hits": found.hits,
                "average_execution_time_ms": service.metrics.average_code_milliseconds(),
                "cache_hit_rate": round(found.hit_rate, 4),
            },
        }
    )


@router.delete("/cache", response_model=ClearedForm, responses=responses())
async def clear(
    service: Used,
    older_than_hours: Annotated[
        float | None, Query(ge=0, le=876_000, description="only what was kept so many hours ago or more")
    ] = None,
) -> Response:
    """Remove results that are kept, all or the old ones. Operators and evidence stay."""
    removed = await service.do(lambda agent: agent.results.clear(older_than_hours=older_than_hours))
    return answer({"success": True, "entries_deleted": removed})
