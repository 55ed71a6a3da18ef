"""/health and /metrics: whether the service answers, and what it has counted. They need no token."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.forms import Told
from server.metrics import TEXT
from server.problems import answer, responses
from server.using import Used

router = APIRouter(tags=["health"])


class Health(Told):
    """That the service answers."""

    status: Literal["healthy", "stopping"]
    service: str


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


@router.get("/metrics", response_model=MetricsForm, responses=responses())
async def metrics(request: Request, service: Used) -> Response:
    """Tell a few figures in JSON, or everything that is counted in Prometheus' text format, by `Accept`."""
    accepted = request.headers.get("accept", "")
    if "text/plain" in accepted or "openmetrics" in accepted:
        return Response(service.metrics.text(), media_type=TEXT)
    return answer(service.metrics.summary())
