"""Runs as their logs tell them: those of other processes, and of this server before it was started anew."""

from collections.abc import Mapping, Sequence
from typing import Any

from executor.run import Logged, RunState, RunView
from executor.runs import Runs
from htn.domain import Domain
from htn.network import show_network
from htn.state import State
from mcp_server.answers import Learnt
from mcp_server.works import FIRST, Seen, changes_of


def stored(runs: Runs, handle: str, domains: Mapping[str, Domain]) -> Seen:
    """Return how far a run is by its log. UsageError for one that is not kept."""
    view = runs.show(handle)
    domain = domains.get(view.record.domain)
    changed = differences(view.record.first_state(), runs.state(handle)) if view.state is RunState.DONE else {}
    return Seen(
        handle, "run", view.state.value, view.record.domain, tuple(map(show_network, view.record.parts())),
        view.trouble, learned=_learned(runs.events(handle)), changed=changes_of(domain, changed),
    )  # fmt: skip


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
