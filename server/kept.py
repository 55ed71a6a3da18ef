"""Runs as the store keeps them: written down before they are answered for, and told from their logs.

So they outlive the service: what it had accepted and not begun, and what it was carrying out when it was stopped or
killed, another process can go on with (`POST /api/v1/runs/ID/resume`, `htn resume ID`). A service goes on by itself
with those that a service gave an id to and that nobody drives any more.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anyio import to_thread

from executor.documents import changed_rows, changes_of, report_document
from executor.durable import RunCancelled
from executor.run import RunState, RunView
from executor.runs import RESTING, Runs, RunSummary
from htn.domain import Domain
from htn.errors import HtnError, UsageError
from htn.network import part_from_json, show_network
from server.carrying import exit_code, retries_of, told_by
from server.problems import RequestError
from server.service import Service
from server.work import CancelledWork, Work

OURS = "http-"
"""What the ids of runs begin with to which a service gave them."""
_MOST_TAKEN_UP = 1_000


def new_id() -> str:
    """Return an id for a run."""
    return f"{OURS}{uuid.uuid4().hex[:16]}"


@dataclass(frozen=True)
class GoingOn:
    """A run that is written down and that is to be begun, or gone on with, as work of the desk."""

    service: Service
    domain: Domain
    settings: Mapping[str, Any] = field(default_factory=dict)
    did: Sequence[str] = ()
    redo: Sequence[str] = ()

    def __call__(self, work: Work) -> tuple[bool, dict[str, Any]]:
        """Carry it on. Return whether it came to its end, and what came of it."""
        with self.service.agent(self.settings, told_by(work, self.service)) as agent:
            try:
                report = agent.resume(work.id, domain=self.domain, did=self.did, redo=self.redo)
            except RunCancelled as error:
                raise CancelledWork from error
        document = report_document(report, changes_of(self.domain, report.state, 0))
        document |= {"exit_code": exit_code(report), "model_calls": len(report.calls)}
        self.service.metrics.executed("run", ok=document["ok"], attempts=1 + retries_of(report))
        return document["ok"], document


def view_of(runs: Runs, run_id: str) -> RunView:
    """Return a run. RequestError where there is none."""
    try:
        return runs.show(run_id)
    except UsageError as error:
        raise RequestError("unknown", error.message, hints=("GET /api/v1/runs lists them",)) from error


def run_document(runs: Runs, view: RunView, work: Work | None, domain: Domain | None) -> dict[str, Any]:
    """Return a run as `RunForm` has it; `work` is what this service knows of it."""
    record, rests = view.record, view.state in RESTING
    told = view.to_json()
    result = work.document if work and work.document and view.state is not RunState.CANCELLED else None
    return {
        "id": record.id,
        "kind": "run",
        "state": str(view.state),
        "created": view.began,
        "began": None if view.state is RunState.CREATED else view.began,
        "ended": view.changed if rests else None,
        "result": result or (_result(runs, view, domain) if rests else None),
        "error": told["error"] if rests else None,
        "domain": record.domain,
        "tasks": [show_network(part_from_json(task)) for task in record.tasks],
        "steps": told["steps"],
        "waits_for": told["waits_for"],
        "driver": view.driver,
        "choices": told["choices"],
        "links": links(record.id),
    }


def links(run_id: str) -> dict[str, str]:
    """Return where a run is looked at, followed, cancelled and gone on with."""
    here = f"/api/v1/runs/{run_id}"
    return {"self": here, **{what: f"{here}/{what}" for what in ("events", "cancel", "approve", "resume")}}


def take_up_lost(service: Service, *, all_open: bool = True) -> list[str]:
    """Go on with the runs that a service accepted and that nobody drives; return their ids.

    Without `all_open` only those that somebody has driven, and whose lease has lapsed.
    """
    found: list[str] = []
    for row in service.runs.list(_MOST_TAKEN_UP, only_open=True):
        known = service.known.domains.get(row.domain)
        if not known or not row.id.startswith(OURS) or service.desk.has(row.id):
            continue
        if not (row.is_lost and (all_open or row.state is RunState.RUNNING)) and not (
            all_open and _was_interrupted(service.runs, row)
        ):
            continue
        try:
            service.desk.take("run", GoingOn(service, known), about={"domain": row.domain}, id=row.id)
        except HtnError:
            return found  # the desk is full: the others are taken up at the next start, or by whoever asks for them
        found.append(row.id)
    return found


async def watch_over(service: Service) -> None:
    """Go on with what was left: at the start, and later as leases of processes that were killed lapse."""
    await to_thread.run_sync(take_up_lost, service)
    while True:
        await asyncio.sleep(service.settings.lease_seconds)
        with suppress(HtnError):  # the store is away: it is looked at again
            await to_thread.run_sync(partial(take_up_lost, service, all_open=False))


def _was_interrupted(runs: Runs, row: RunSummary) -> bool:
    """Whether a run rests because the service that carried it out was stopped."""
    if row.state is not RunState.PAUSED:
        return False
    trouble = runs.show(row.id).trouble
    return trouble is not None and trouble.code == "interrupted"


def _result(runs: Runs, view: RunView, domain: Domain | None) -> dict[str, Any]:
    """Return what came of a run as far as its log tells."""
    try:
        state = runs.state(view.record.id)
        changed = changed_rows(changes_of(domain, state, 0) if domain else state.changes_since(0))
    except HtnError:  # a step changed the state to what has no JSON form
        changed = []
    code = view.trouble.exit_code if view.trouble else 0
    return {"ok": view.state is RunState.DONE, "exit_code": code, "run_id": view.record.id, "changed": changed}
