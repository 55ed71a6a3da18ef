"""/api/v1/runs: carry tasks out, look at runs, follow what happens, cancel."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from executor.load import state_from
from htn.network import Task
from htn.state import State
from htn.values import writable
from server.carrying import Carried
from server.forms import EventsForm, RunForm, RunRequest, RunsForm
from server.handles import Wait, handle, run_document
from server.planning import read_task
from server.problems import answer, responses
from server.service import Service
from server.using import TOKEN, Used
from server.work import ENDED, Work

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], dependencies=[TOKEN])
RunId = Annotated[str, Path(min_length=1, max_length=128, description="the id of a run")]
_LOOK_SECONDS = 0.1  # between two looks at what happened
_BEAT_SECONDS = 15.0  # between signs of life of a stream in which nothing happens
_MOST_LISTED = 200
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What happened: one JSON document, or a stream of server-sent events by `Accept`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post("", response_model=RunForm, responses={202: {"model": RunForm}, **responses(404, 409)})
async def start(request: RunRequest, service: Used, wait: Wait = 0) -> Response:
    """Plan tasks and carry them out, closing gaps where settings allow it. What came of it is the run's `result`."""
    domain = service.known.get(request.domain)

    def prepared() -> tuple[list[Task], State]:
        tasks = [read_task(task) for task in request.tasks]
        for task in tasks:
            domain.check_typed(task)
        return tasks, state_from(domain, request.state)

    tasks, state = await to_thread.run_sync(prepared, limiter=service.limiter)
    carried = Carried(service, domain, tuple(tasks), state, _settings(request, service))
    about = {"domain": request.domain, "tasks": list(request.tasks)}
    work = service.desk.take("run", carried, about=about, id=request.run_id or "")
    if wait and await service.finished(work, wait):
        return answer(run_document(work))
    return handle(work)


@router.get("", response_model=RunsForm, responses=responses())
async def listed(service: Used) -> Response:
    """List the runs that this service knows, the newest first; of long lists the first 200."""
    return answer({"runs": [run_document(work) for work in service.desk.listed()[:_MOST_LISTED]]})


@router.get("/{run_id}", response_model=RunForm, responses=responses(404))
async def show(run_id: RunId, service: Used, wait: Wait = 0) -> Response:
    """Say where a run stands, and what came of it."""
    work = service.desk.get(run_id)
    if wait:
        await service.finished(work, wait)
    return answer(run_document(work))


@router.post("/{run_id}/cancel", response_model=RunForm, responses=responses(404, 409))
async def cancel(run_id: RunId, service: Used) -> Response:
    """Cancel a run: one that waits is not begun, one that runs stops at its next event. What was done stays done."""
    return answer(run_document(service.desk.cancel(run_id)))


@router.get("/{run_id}/events", response_model=EventsForm, responses={**_STREAM, **responses(404)})
async def events(
    run_id: RunId,
    request: Request,
    service: Used,
    after: Annotated[
        str | None, Query(max_length=64, description="only what happened after the event of this id")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=64, description="the same, as browsers send it")] = None,
) -> Response:
    """Tell what happened in a run; as server-sent events (`Accept: text/event-stream`) until it has ended.

    A stream that broke goes on where it was with `Last-Event-ID`: each event's id says which is next.
    """
    work = service.desk.get(run_id)
    number = work.number_after(last_event_id or after or "")
    if "text/event-stream" not in request.headers.get("accept", ""):
        return answer({"run": work.id, "state": work.state, "events": work.events(number)[0]})
    return StreamingResponse(_stream(service, work, number), media_type="text/event-stream")


async def _stream(service: Service, work: Work, number: int) -> AsyncIterator[str]:
    quiet = 0.0
    while True:
        ended = work.state in ENDED  # before looking, so that no last event is missed
        happened, number = work.events(number)
        for event in happened:
            yield _sent(event)
        if ended or service.stopping.is_set():
            return
        quiet = 0.0 if happened else quiet + _LOOK_SECONDS
        if quiet >= _BEAT_SECONDS:
            quiet = 0.0
            yield ": still running\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _sent(event: dict[str, Any]) -> str:
    return f"id: {event['id']}\nevent: {event['kind']}\ndata: {json.dumps(writable(event))}\n\n"


def _settings(request: RunRequest, service: Service) -> dict[str, Any]:
    chosen = request.limits() | request.model_dump(include={"learn"}, exclude_none=True)
    if request.max_calls is not None:
        chosen["max_calls"] = min(request.max_calls, service.settings.max_calls)
    return chosen
