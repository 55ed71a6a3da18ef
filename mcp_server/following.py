"""Follow a piece of work within one call: tell its events as progress, and answer how far it is.

A call that is cancelled before its answer was given has told nobody the handle: what it began is cancelled with it,
unless the client gave the handle itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync
from mcp.server.mcpserver import Context

from mcp_server.answers import Event, Followed, Problem
from mcp_server.bounds import MOST_ROWS, cut, line
from mcp_server.works import Seen, Works

_LOOK = 0.5  # seconds that one look at the log waits for something to happen
_SAID = ("detail", "step", "actions", "error")
_Result = TypeVar("_Result")


async def blocking(work: Callable[..., _Result], *arguments: Any) -> _Result:
    """Do what blocks in a thread. Where the call is cancelled the thread ends by itself."""
    return await run_sync(partial(work, *arguments), abandon_on_cancel=True)


async def to_the_end(work: Callable[..., _Result], *arguments: Any) -> _Result:
    """Do what blocks in a thread, and wait for its end also where the call is cancelled meanwhile."""
    return await run_sync(partial(work, *arguments))


class Follower:
    """Follows work for one call. `told` counts the events that were told as progress, which only grows."""

    def __init__(self, context: Context[Any, Any], works: Works, told: int = 0) -> None:
        self._context, self._works = context, works
        self.told = told

    async def follow(self, handle: str, after: str, wait: float) -> Followed:
        """Return how far work is when it has ended, when it waits for a person, or after so many seconds."""
        until = anyio.current_time() + wait
        events: list[Event] = []
        last = after
        while True:
            seen = await blocking(self._works.seen, handle)
            settled = seen.ended or seen.state in ("waiting", "paused")
            left = 0.0 if settled else max(0.0, until - anyio.current_time())
            for logged in await blocking(self._works.events, handle, last, min(left, _LOOK)):
                event = event_of(logged)
                last = event.id
                events.append(event)
                await self._tell(event)
            if settled or left == 0.0:
                return followed(seen, events[-MOST_ROWS:], last)

    async def _tell(self, event: Event) -> None:
        self.told += 1
        await self._context.report_progress(self.told, None, f"{event.kind} {event.text}".strip())


def event_of(logged: Mapping[str, Any]) -> Event:
    """Return an event of a log as a client gets it."""
    error = logged.get("error")
    parts = [f"{logged['step']}." if "step" in logged else "", str(logged.get("detail", ""))]
    if isinstance(error, Mapping):
        parts.append(str(error.get("message", "")))
    text = line(" ".join(part for part in parts if part))
    return Event(id=str(logged["id"]), at=float(logged["at"]), kind=str(logged["kind"]), text=text)


def followed(seen: Seen, events: list[Event], last: str) -> Followed:
    """Return how far work is as a client gets it."""
    return Followed(
        ok=seen.trouble is None,
        error=Problem.of(seen.trouble) if seen.trouble else None,
        handle=seen.handle,
        kind=seen.kind,
        state=seen.state,
        ended=seen.ended,
        domain=seen.domain,
        tasks=[line(task) for task in seen.tasks],
        events=events,
        last=last,
        learned=list(seen.learned),
        changed=list(seen.changed),
        proposal=seen.proposal,
        next=_next(seen, last),
    )


def _next(seen: Seen, last: str) -> str:
    """Return what an agent does next."""
    if seen.state == "waiting":
        version = (seen.proposal or "")[:12]
        again = f'call run with run_id "{seen.handle}" again' if seen.kind == "run" else "call learn again"
        return (
            f"A person decides. At a terminal: htn proposals show {version}, then htn proposals admit {version} --why "
            f"REASON, or htn proposals reject {version} --why REASON. Then {again}; where your client can ask the "
            "person, that call asks."
        )
    if seen.state == "paused":
        return (
            f'when what stopped it is mended, call run with run_id "{seen.handle}" again, or: htn resume {seen.handle}'
        )
    if not seen.ended:
        return f'call run_status with handle "{seen.handle}" and after "{last}"'
    return "" if seen.trouble is None else "read the error and its hints"


def told_of(answer: Followed) -> str:
    """Return how far work is as a model reads it."""
    rows = [f"{answer.kind} {answer.handle}: {answer.state}"]
    rows += [f"  {event.kind} {event.text}".rstrip() for event in answer.events[-20:]]
    rows += [f"learned {one.task}: {one.trust}, {one.version[:12]}" for one in answer.learned if one.version]
    rows += [f"{change.variable}[{change.key}] = {cut(str(change.value), 2_000)}" for change in answer.changed]
    if answer.error:
        rows += [
            f"error[{answer.error.code}]: {answer.error.message}",
            *(f"hint: {hint}" for hint in answer.error.hints),
        ]
    return "\n".join([*rows, *([f"next: {answer.next}"] if answer.next else [])])
