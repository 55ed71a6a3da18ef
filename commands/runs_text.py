"""Runs, their steps and the events of their logs as a person reads them, made visible."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from executor.agent import Agent
from executor.run import Logged, RunState, RunView, Step
from executor.run.view import MOST_STEPS_TOLD
from executor.runs import RunSummary
from htn.errors import HtnError, visible
from htn.network import part_from_json, show_network

_MOST_SAID = 200
_MOST_WRITTEN = 8  # changes of an event that a line tells; --json has all


def listed(row: RunSummary) -> str:
    """Return a run as a line of a list."""
    state = "lost" if row.is_lost else str(row.state)
    return visible(f"{row.id}  {state:<9}  {age(row.began):>7}  {row.domain}: {_cut(', '.join(row.tasks))}")


def shown(view: RunView, *, driven: bool) -> list[str]:
    """Return a run as a person looks at it."""
    lost = view.state in (RunState.CREATED, RunState.RUNNING) and not driven
    record, choices = view.record, view.record.choices
    rows = [
        f"run      {record.id}",
        f"state    {'lost: its process is gone' if lost else view.state}",
        f"domain   {record.source}",
        f"tasks    {', '.join(show_network(part_from_json(task)) for task in record.tasks)}",
        f"began    {moment(view.began)}, last heard of {age(view.changed)} ago",
        f"choices  learn {choices.learn}, approve {choices.approve}, parallel {choices.parallel}",
        *([f"driver   {view.driver}"] if view.driver else []),
        f"plans    {len(view.plans)}, {view.stages} of them stages, {view.replans} made anew after a step failed",
        *([f"error    {view.trouble.message}"] if view.trouble else []),
        *([f"waits    for {view.waits_for.get('name', '')}"] if view.waits_for else []),
        f"steps    {_counts(view)}",
    ]
    steps = view.every_step
    rows += [f"  {step_line(step)}" for step in steps[:MOST_STEPS_TOLD]]
    rows += [f"  … {len(steps) - MOST_STEPS_TOLD:,} more"] if len(steps) > MOST_STEPS_TOLD else []
    return [visible(row) for row in rows]


def _counts(view: RunView) -> str:
    counts = view.to_json()["counts"]
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none yet"


def step_line(step: Step) -> str:
    """Return a step as a line."""
    taken = [f"{step.seconds:.3f} s"] if step.attempts else []
    tries = [f"{step.attempts} attempts"] if step.attempts > 1 else []
    by = [f"by {step.by}"] if step.by else []
    said = f"  {_cut(step.detail)}" if step.detail else ""
    return f"{step.key:<6} {step.state!s:<8} {step.action}  {', '.join([*taken, *tries, *by])}".rstrip() + said


def waited_for(agent: Agent, view: RunView) -> list[str]:
    """Return in full what a run waits for; nothing where it waits for nothing, or it cannot be read."""
    if view.state is not RunState.WAITING or not view.waits_for:
        return []
    from executor.approvals import Approvals  # noqa: PLC0415 - few runs wait
    from executor.proposals import Proposals  # noqa: PLC0415 - as above

    wanted = view.waits_for
    try:
        if "code" in wanted:
            sections = Approvals(agent.store).waiting(str(wanted["code"])).sections()
        else:
            sections = Proposals(agent.library, agent.store).review(str(wanted.get("proposal", ""))).sections()
    except HtnError as error:
        return [visible(f"what it waits for cannot be shown: {error.message}")]
    return [visible(line) for title, rows in sections for line in ("", title, *(f"  {row}" for row in rows))] + [""]


def event_line(event: Logged, view: RunView) -> str:
    """Return an event of a log as a line: when, what, and what it tells. `view` is the run after it."""
    return visible(f"{moment(event.at)}  {event.id}  {_told(event.kind, event.data, view)}".rstrip())


def _told(kind: str, data: Mapping[str, Any], view: RunView) -> str:
    if "step" in data and kind != "replan":
        step = _step(view, str(data["step"]))
        parts = [f"{data['seconds']:.3f} s"] if data.get("seconds") else []
        return "  ".join([f"{kind:<9} {data['step']}  {step}", *parts, *_error(data), *_detail(data)])
    if kind == "planned":
        steps = len(view.steps[-1]) if view.steps else 0
        return f"{kind:<9} plan {data['number']}, {steps} steps" + (", then more" if "rest" in data else "")
    if kind == "replan":
        return f"{kind:<9} {data.get('step', '')}  {_cut(str(data.get('why', '')))}"
    if kind == "learned":
        return f"{kind:<9} {data.get('task')}  {data.get('trust') or 'nothing was learned'}"
    said = [f"for {data['for'].get('name', '')}"] if isinstance(data.get("for"), Mapping) else []
    said += [f"by {data.get('who') or data.get('by')}"] if data.get("who") or data.get("by") else []
    said += [_cut(str(data["why"]))] if data.get("why") else []
    return "  ".join([f"{kind:<9} {', '.join(said)}", *_error(data)])


def _step(view: RunView, key: str) -> str:
    number, _, at = key.partition(".")
    return str(view.steps[int(number) - 1][int(at) - 1].action)


def _error(data: Mapping[str, Any]) -> list[str]:
    error = data.get("error")
    return [_cut(str(error.get("message", "")))] if isinstance(error, Mapping) else []


def _detail(data: Mapping[str, Any]) -> list[str]:
    return [_cut(str(data["detail"]))] if data.get("detail") else []


def change_lines(rows: Sequence[Any]) -> list[str]:
    """Return changes as the log keeps them, a line each."""
    lines = []
    for row in rows[:_MOST_WRITTEN]:
        place = row[0] if len(row) == 1 or row[1] is None else f"{row[0]}[{_plain(row[1])}]"
        lines.append(
            f"    {place} {'is there' if len(row) == 1 else 'is gone' if len(row) == 2 else f'= {_plain(row[2])}'}"
        )
    more = len(rows) - _MOST_WRITTEN
    return [visible(line) for line in lines] + ([f"    … {more:,} more"] if more > 0 else [])


def _plain(value: Any) -> str:
    from htn.values import from_json, show  # noqa: PLC0415 - a list of runs has no values

    return show(from_json(value), _MOST_SAID)


def moment(at: float) -> str:
    """Return a time as a person reads it: UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def age(at: float, now: float | None = None) -> str:
    """Return how long ago a moment was, in one unit."""
    seconds = max(0, round((time.time() if now is None else now) - at))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _cut(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _MOST_SAID else f"{line[:_MOST_SAID]} …"
