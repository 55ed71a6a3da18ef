"""/health and /metrics: whether the service answers, and what it has counted. They need no token."""

from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import Response

from server.checks import Status
from server.forms import Told
from server.metrics import TEXT
from server.problems import answer, responses
from server.using import TOKEN, Used

router = APIRouter(tags=["health"])
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


class Health(Told):
    """That the service answers."""

    status: Literal["healthy", "stopping"]
    service: str


class ServiceHealth(Told):
    """How one thing is: whether it answers, and how it went lately."""

    status: Status
    is_healthy: bool
    success_rate: float
    response_time_ms: float | None
    consecutive_failures: int
    found: str
    hints: list[str]


class BreakerForm(Told):
    """Whether a provider is asked: closed, half-open (once, to see), open or resting (not for some time)."""

    state: str
    failure_count: int


class ProviderHealth(ServiceHealth):
    """How a model's server is."""

    is_available: bool
    average_latency_ms: float
    circuit_breaker: BreakerForm


class SystemHealth(Told):
    """How everything is that the service stands on."""

    timestamp: str
    overall_status: Status
    services: dict[str, ServiceHealth]


class ProvidersHealth(Told):
    """How the models' servers are."""

    timestamp: str
    providers: dict[str, ProviderHealth]


class DetailedHealth(Told):
    """How everything is; `success` says that it was looked at."""

    success: Literal[True]
    system_health: SystemHealth
    llm_providers: ProvidersHealth


class MetricsForm(Told):
    """A few figures; what nothing was counted for is null. `uptime` is in seconds."""

    total_executions: int
    success_rate: float | None
    average_attempts: float | None
    uptime: float


@router.get("/health", response_model=Health, responses=responses())
async def health(service: Used) -> Any:
    """Say that the service answers. It looks at nothing else, so it is answered at once."""
    return {"status": "stopping" if service.stopping.is_set() else "healthy", "service": "htn"}


@router.get("/api/v1/health/detailed", response_model=DetailedHealth, responses=responses(), dependencies=[TOKEN])
async def detailed(service: Used) -> Response:
    """Say how Redis, Docker, the sandbox and the models' servers are. They are looked at each minute, and now."""
    await service.checks.refresh()
    return answer(service.checks.to_json())


@router.get("/metrics", response_model=MetricsForm, responses={**_TEXT, **responses()})
async def metrics(request: Request, service: Used) -> Response:
    """Tell a few figures in JSON, or everything that is counted in Prometheus' text format, by `Accept`."""
    accepted = request.headers.get("accept", "")
    if "text/plain" in accepted or "openmetrics" in accepted:
        return Response(await to_thread.run_sync(service.metrics.text, limiter=service.limiter), media_type=TEXT)
    return answer(service.metrics.summary())
