"""Runs as their logs tell them: those of other processes, and of this server before it was started anew."""

from collections.abc import Mapping, Sequence
from typing import Any

from executor.run import Logged, RunState, RunView
from executor.runs import Runs
from htn.domain import Domain
from htn.errors import Trouble
from htn.network import show_network
from htn.state import State
from mcp_server.answers import Learnt
from mcp_server.works import FIRST, Seen, WorkState, changes_of

LOST = Trouble("interrupted", 130, "the process that carried it out is gone", None, ("call run with its run_id again",))
_UNDER_WAY = (RunState.CREATED, RunState.RUNNING)
_MOST_OPEN = 1_000


def stored(runs: Runs, handle: str, domains: Mapping[str, Domain]) -> Seen:
    """Return how far a run is by its log. UsageError for one that is not kept."""
    view = runs.show(handle)
    state: WorkState = view.state.value
    trouble = view.trouble
    if view.state in _UNDER_WAY and not driven(runs, handle):
        state, trouble = "paused", LOST
    domain = domains.get(view.record.domain)
    changed = differences(view.record.first_state(), runs.state(handle)) if view.state is RunState.DONE else {}
    return Seen(
        handle, "run", state, view.record.domain, tuple(map(show_network, view.record.parts())),
        trouble, learned=_learned(runs.events(handle)), changed=changes_of(domain, changed),
    )  # fmt: skip


def driven(runs: Runs, handle: str) -> bool:
    """Say whether some process carries a run out now."""
    return any(row.id == handle and row.driven for row in runs.list(_MOST_OPEN, only_open=True))


def stored_events(runs: Runs, handle: str, after: str = FIRST, wait: float = 0.0) -> list[Mapping[str, Any]]:
    """Return what happened in a run after an event, as a client is told it."""
    events = runs.events(handle, after, wait=wait)
    view = runs.show(handle)
    return [_told(view, event) for event in events]


def differences(before: State, after: State) -> dict[tuple[str, Any], Any]:
    """Return what differs between two states, as `State.changes_since` gives it."""
    state = before.copy()
    mark = state.mark()
    for name in after:
        setattr(state, name, getattr(after, name))
    return state.changes_since(mark)


def _told(view: RunView, event: Logged) -> Mapping[str, Any]:
    data = event.data
    found: dict[str, Any] = {"id": event.id, "at": event.at, "kind": event.kind}
    if data.get("error"):
        found["error"] = data["error"]
    if "step" in data:
        steps = [step for steps in view.steps for step in steps if step.key == data["step"]]
        found |= {"step": data["step"], "detail": str(steps[0].action) if steps else ""}
    elif event.kind == "planned":
        found["detail"] = f"{len(data['plan'].get('actions', ()))} actions"
    elif event.kind == "learned":
        found["detail"] = str(data.get("task", ""))
    return found


def _learned(events: Sequence[Logged]) -> tuple[Learnt, ...]:
    rows = [event.data for event in events if event.kind == "learned"]
    return tuple(Learnt(task=str(row.get("task")), version=row.get("version"), trust=row.get("trust")) for row in rows)
