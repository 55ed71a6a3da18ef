"""/api/v1/runs: carry tasks out, look at runs, follow what happens, cancel, go on."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Body, Header, Path, Query, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from executor.load import state_from
from executor.run import RunState, RunView
from executor.runs import RESTING
from htn.errors import UsageError
from htn.network import Task
from htn.state import State
from htn.values import writable
from server.carrying import Carried
from server.deeds import DeedRequest, as_things_are
from server.forms import Asked, EventsForm, RunForm, RunRequest, RunsForm
from server.handles import Wait, work_document
from server.kept import GoingOn, links, new_id, run_document, view_of
from server.lent import LentAgent
from server.planning import read_task
from server.problems import RequestError, answer, responses
from server.service import Service
from server.using import TOKEN, Used
from server.work import ENDED, Work

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], dependencies=[TOKEN])
RunId = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="the id of a run")
]
_EVENT_ID = r"^\d{1,16}-\d{1,16}$"
EventId = Annotated[str | None, Query(pattern=_EVENT_ID, description="only what happened after this event")]
_LOOK_SECONDS = 0.1  # between two looks at what happened
_BEAT_SECONDS = 15.0  # between signs of life of a stream in which nothing happens
_MOST_LISTED = 200
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What happened: one JSON document, or a stream of server-sent events by `Accept`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_HANDLE: dict[int | str, dict[str, Any]] = {202: {"model": RunForm}, **responses(404, 409)}
StepKeys = Annotated[list[Annotated[str, Field(pattern=r"^\d{1,6}\.\d{1,6}$")]], Field(max_length=100)]


class CancelRequest(Asked):
    """Why a run is cancelled."""

    why: str = Field("", max_length=500, examples=["it is not needed any more"])


class ResumeRequest(Asked):
    """What a person says of steps of which nobody knows whether they were carried out."""

    did: StepKeys = Field([], description="they were carried out", examples=[[]])
    redo: StepKeys = Field([], description="they are to be carried out (again)", examples=[["1.2"]])


class ApproveRequest(DeedRequest):
    """That a person allows what a run waits for."""

    resume: bool = Field(True, description="whether the run is gone on with at once")


_NO_REASON, _AS_IT_IS = CancelRequest(why=""), ResumeRequest(did=[], redo=[])


@router.post("", response_model=RunForm, responses=_HANDLE)
async def start(request: RunRequest, service: Used, wait: Wait = 0) -> Response:
    """Plan tasks and carry them out, closing gaps where settings allow it. What came of it is the run's `result`.

    The run is written down before it is answered for, so it is not lost where the service ends.
    """
    domain, run_id, chosen = (
        service.known.get(request.domain, request.state),
        request.run_id or new_id(),
        request.choices(service.settings),
    )

    def prepared() -> tuple[list[Task], State]:
        tasks = [read_task(task) for task in request.tasks]
        for task in tasks:
            domain.check_typed(task)
        return tasks, state_from(domain, request.state)

    def enrolled(tasks: list[Task], state: State) -> bool:
        with service.agent(chosen) as agent:
            if agent.store.runs().record(run_id) is not None:
                raise RequestError("state", f"there is a run {run_id} already")
            try:
                agent.enrol(domain, tasks, state, run_id=run_id, level=request.level, mode=request.mode)
            except UsageError:  # its state has no JSON form: it is carried out all the same, and not kept
                return False
            return True

    service.desk.check()
    tasks, state = await to_thread.run_sync(prepared, limiter=service.limiter)
    kept = await to_thread.run_sync(enrolled, tasks, state, limiter=service.limiter)
    do = (
        GoingOn(service, domain, chosen)
        if kept
        else Carried(service, domain, tuple(tasks), state, chosen, request.level, request.mode)
    )
    work = service.desk.take("run", do, about={"domain": request.domain}, id=run_id)
    return await _answered(service, work, wait)


@router.get("", response_model=RunsForm, responses=responses())
async def listed(service: Used) -> Response:
    """List runs, the newest first, and other long work of this service; of long lists the first 200."""
    rows = await to_thread.run_sync(service.runs.list, _MOST_LISTED, limiter=service.limiter)
    kept = [
        {
            "id": row.id, "kind": "run", "state": str(row.state), "created": row.began, "domain": row.domain,
            "tasks": list(row.tasks), "lost": row.is_lost, "links": links(row.id),
        }
        for row in rows
    ]  # fmt: skip
    others = [work_document(work) for work in service.desk.listed() if work.kind != "run"]
    every = sorted([*kept, *others], key=lambda row: -row["created"])
    return answer({"runs": every[:_MOST_LISTED]})


@router.get("/{run_id}", response_model=RunForm, responses=responses(404))
async def show(run_id: RunId, service: Used, wait: Wait = 0) -> Response:
    """Say where a run stands, and what came of it."""
    work = service.desk.find(run_id)
    if wait and work:
        await service.finished(work, wait)
    return answer(await _document(service, run_id, work))


@router.post("/{run_id}/cancel", response_model=RunForm, responses=responses(404, 409))
async def cancel(run_id: RunId, service: Used, request: Annotated[CancelRequest, Body()] = _NO_REASON) -> Response:
    """Cancel a run: one that waits is not begun, one that runs is stopped. What was done stays done."""
    work = service.desk.find(run_id)

    def cancelled() -> None:
        view = view_of(service.runs, run_id)
        if view.ended:
            raise RequestError("state", f"the run {run_id} has ended already: it is {view.state}")
        service.runs.cancel(run_id, request.why, by="http")

    if work and not _is_kept(work):
        service.desk.cancel(run_id)
    else:
        await to_thread.run_sync(cancelled, limiter=service.limiter)
    return answer(await _document(service, run_id, work))


@router.post("/{run_id}/approve", response_model=RunForm, responses=_HANDLE)
async def approve(run_id: RunId, service: Used, request: ApproveRequest, wait: Wait = 0) -> Response:
    """Admit what a run waits for, or allow the code that it waits for, and go on with it. It says so in `waits_for`."""
    view = await to_thread.run_sync(view_of, service.runs, run_id, limiter=service.limiter)
    if view.state is not RunState.WAITING:
        raise RequestError("state", f"the run {run_id} is {view.state}: it waits for nobody's approval")
    domain = service.known.get(view.record.domain)

    def approved(agent: LentAgent) -> None:
        with as_things_are():
            service.runs.approve(run_id, agent.library, who=request.who, why=request.why)

    service.desk.check()
    await service.do(approved)
    if not request.resume:
        return answer(await _document(service, run_id, None))
    do = GoingOn(service, domain, {"learn": view.record.choices.learn})
    work = service.desk.take("run", do, about={"domain": domain.name}, id=run_id)
    return await _answered(service, work, wait)


@router.post("/{run_id}/resume", response_model=RunForm, responses=_HANDLE)
async def resume(
    run_id: RunId, service: Used, request: Annotated[ResumeRequest, Body()] = _AS_IT_IS, wait: Wait = 0
) -> Response:
    """Go on with a run that failed, was paused, or waited for an approval that it has now, where it was left.

    The domain has to be one that clients may name.
    """
    view = await to_thread.run_sync(view_of, service.runs, run_id, limiter=service.limiter)
    domain = service.known.get(view.record.domain)
    if view.ended:
        raise RequestError("state", f"the run {run_id} is {view.state}, so there is nothing to go on with")
    do = GoingOn(service, domain, {"learn": view.record.choices.learn}, request.did, request.redo)
    work = service.desk.take("run", do, about={"domain": domain.name}, id=run_id)
    return await _answered(service, work, wait)


@router.get("/{run_id}/events", response_model=EventsForm, responses={**_STREAM, **responses(404)})
async def events(
    run_id: RunId,
    request: Request,
    service: Used,
    after: EventId = None,
    last_event_id: Annotated[str | None, Header(pattern=_EVENT_ID, description="the same, as browsers send it")] = None,
) -> Response:
    """Tell what happened in a run; as server-sent events (`Accept: text/event-stream`) until it rests or has ended.

    A stream that broke goes on where it was with `Last-Event-ID`: each event's id says which is next.
    """
    work, since = service.desk.find(run_id), last_event_id or after or "0-0"
    follower: _Follower
    if work and not _is_kept(work):
        follower = _OfWork(work, work.number_after(since) if since != "0-0" else 0)
    else:
        view = await to_thread.run_sync(view_of, service.runs, run_id, limiter=service.limiter)
        follower = _OfLog(service, RunView(view.record), since)
    if "text/event-stream" not in request.headers.get("accept", ""):
        happened, _ = await follower.more()
        return answer({"run": run_id, "state": follower.state, "events": happened})
    return StreamingResponse(_stream(service, follower), media_type="text/event-stream")


@dataclass
class _OfWork:
    """What happens in work that only this process knows."""

    work: Work
    number: int

    @property
    def state(self) -> str:
        return self.work.state

    async def more(self) -> tuple[list[dict[str, Any]], bool]:
        """Return what has happened since, and whether nothing more will."""
        ended = self.work.state in ENDED  # before looking, so that no last event is missed
        happened, self.number = self.work.events(self.number)
        return happened, ended


@dataclass
class _OfLog:
    """What happens in a run that the store keeps."""

    service: Service
    view: RunView
    since: str

    @property
    def state(self) -> str:
        return str(self.view.state)

    async def more(self) -> tuple[list[dict[str, Any]], bool]:
        """Return what has happened since, and whether nothing more will for now."""
        runs, view = self.service.runs, self.view
        found = await to_thread.run_sync(runs.events, view.record.id, view.last, limiter=self.service.limiter)
        for event in found:
            view.add(event)
        told = [event.to_json() for event in found if _number(event.id) > _number(self.since)]
        return told, view.state in RESTING


_Follower = _OfWork | _OfLog


async def _stream(service: Service, follower: _Follower) -> AsyncIterator[str]:
    quiet = 0.0
    while True:
        happened, ended = await follower.more()
        for event in happened:
            yield f"id: {event['id']}\nevent: {event['kind']}\ndata: {json.dumps(writable(event))}\n\n"
        if ended or service.stopping.is_set():
            return
        quiet = 0.0 if happened else quiet + _LOOK_SECONDS
        if quiet >= _BEAT_SECONDS:
            quiet = 0.0
            yield ": still running\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _number(event_id: str) -> tuple[int, ...]:
    return tuple(map(int, event_id.split("-")))


async def _answered(service: Service, work: Work, wait: float | None) -> Response:
    ended = bool(wait) and await service.finished(work, wait or 0)
    document = await _document(service, work.id, work)
    if ended:
        return answer(document)
    return answer(document, 202, {"Location": document["links"]["self"], "Retry-After": "1"})


def _is_kept(work: Work) -> bool:
    """Whether work is a run that the store keeps."""
    return work.kind == "run" and not isinstance(work.do, Carried)


async def _document(service: Service, run_id: str, work: Work | None) -> dict[str, Any]:
    if work and not _is_kept(work):
        return work_document(work)

    def read() -> dict[str, Any]:
        view = view_of(service.runs, run_id)
        return run_document(service.runs, view, work, service.known.domains.get(view.record.domain))

    return await to_thread.run_sync(read, limiter=service.limiter)
