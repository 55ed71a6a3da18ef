"""/api/v1/plans: how a task is decomposed, or why it cannot be. Nothing is carried out and no model is asked."""

import time

from fastapi import APIRouter
from starlette.responses import Response

from server.forms import ExplainAnswer, ExplainRequest, PlanAnswer, PlanRequest, SearchForm
from server.planning import Draw, Wanted
from server.problems import responses
from server.service import Service
from server.using import TOKEN, Used

router = APIRouter(prefix="/api/v1/plans", tags=["plans"], dependencies=[TOKEN])
_OUTCOMES = {0: "plan", 5: "gap", 6: "limit"}


@router.post("", response_model=PlanAnswer, responses=responses(404, 409))
async def plan(request: PlanRequest, service: Used) -> Response:
    """Decompose tasks with what is known and what was learned; say why where that cannot be done."""
    return await _planned(service, request, draw=request.draw)


@router.post("/explain", response_model=ExplainAnswer, responses=responses(404, 409))
async def explain(request: ExplainRequest, service: Used) -> Response:
    """Decompose tasks, and say of each action why it is there, what it relies on, and what needs it."""
    return await _planned(service, request, explain=True)


async def _planned(service: Service, asked: SearchForm, *, draw: Draw | None = None, explain: bool = False) -> Response:
    service.known.get(asked.domain, asked.state)
    wanted = Wanted(asked.domain, tuple(asked.tasks), asked.state, asked.limits(), draw, explain)
    began = time.perf_counter()
    with service.traces.span("plan", domain=asked.domain):
        found = await service.planners.plan(wanted)
    service.metrics.stage_seconds.labels("plan").observe(time.perf_counter() - began)
    service.metrics.plans.labels(_OUTCOMES.get(found.exit_code, "none")).inc()
    return Response(found.document, media_type="application/json")
