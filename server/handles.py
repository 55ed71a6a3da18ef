"""Long work over HTTP: wait for it as long as the client likes, and say where to look for it after that."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from server.pool import TroubleError
from server.problems import answer
from server.service import Service
from server.work import Work

Wait = Annotated[
    float | None,
    Query(
        ge=0, le=86_400,
        description="the most seconds to wait for the result; after that, and with 0 at once, the answer is status 202"
        " and says where to look for it",
        examples=[0],
    ),
]  # fmt: skip


def work_document(work: Work) -> dict[str, Any]:
    """Return work that only this process knows as `RunForm` has it."""
    here = f"/api/v1/runs/{work.id}"
    return work.to_json() | {"links": {"self": here, "events": f"{here}/events", "cancel": f"{here}/cancel"}}


def handle(work: Work) -> Response:
    """Answer with where to look for work that has not ended."""
    where = f"/api/v1/runs/{work.id}"
    return answer(work_document(work), 202, {"Location": where, "Retry-After": "1"})


async def settled(service: Service, work: Work, seconds: float | None) -> Response | None:
    """Wait for work. Return the handle where it has not ended, and None where it has.

    TroubleError says why nothing came of it.
    """
    most = service.settings.service_seconds if seconds is None else seconds
    if not await service.finished(work, most):
        return handle(work)
    if work.trouble:
        raise TroubleError(work.trouble)
    return None
