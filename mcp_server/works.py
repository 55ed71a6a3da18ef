"""Runs and learning, each under a handle: started by one call, followed by others, by events with ids that only grow.

`Works` is what the tools need of whoever carries them out. `Threads` does it in this process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol

from executor.learn import Learned
from executor.review import Admit, Reject
from htn.domain import Domain
from htn.errors import Trouble
from htn.network import Task
from htn.state import State
from mcp_server.answers import Change, Learnt
from mcp_server.bounds import MOST_ROWS, line
from mcp_server.values import Budget

Kind = Literal["run", "learn"]
WorkState = Literal["created", "running", "waiting", "paused", "done", "failed", "cancelled"]
ENDED: frozenset[WorkState] = frozenset({"done", "failed", "cancelled"})
FIRST = "0-0"
_MOST_CHANGES = 200_000
_MOST_VALUE = 50_000
_MOST_KEY = 2_000


@dataclass(frozen=True)
class Wanted:
    """What a client wants to be done: tasks to be carried out, or one operator to be learned."""

    kind: Kind
    domain: Domain
    tasks: tuple[Task, ...]
    state: State
    again: bool = False
    """Whether an operator that the library has is learned anew."""


@dataclass(frozen=True)
class Seen:
    """How far a piece of work is. `proposal` is the version that waits for a person's approval."""

    handle: str
    kind: Kind
    state: WorkState
    domain: str
    tasks: tuple[str, ...]
    trouble: Trouble | None = None
    proposal: str | None = None
    learned: tuple[Learnt, ...] = ()
    changed: tuple[Change, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED


class Works(Protocol):
    """Whoever carries out what clients want. All of it blocks; errors are UsageError, LimitReached, ServiceMissing."""

    def start(self, wanted: Wanted, handle: str | None) -> str:
        """Begin, and return the handle. Work that has this handle already is left as it is."""

    def seen(self, handle: str) -> Seen:
        """Say how far it is. UsageError for a handle that there is not."""

    def events(self, handle: str, after: str, wait: float) -> Sequence[Mapping[str, Any]]:
        """Return what happened after an event, as it is logged; wait so many seconds for something to happen."""

    def decide(self, handle: str, version: str, decision: Admit | Reject) -> None:
        """Do what a person decided about the proposal that the work waits for, and let it go on."""

    def cancel(self, handle: str) -> None:
        """Let it end as soon as it can."""

    def listed(self) -> Sequence[Seen]:
        """Return all that is known, the newest first."""

    def close(self) -> None:
        """Let everything end."""


def learnt_of(learned: Learned) -> Learnt:
    """Return what came of a gap as a client gets it."""
    reason = line(learned.reason) if learned.reason else None
    return Learnt(
        task=line(str(learned.gap)), version=learned.version, trust=learned.trust, reason=reason,
        question=line(learned.question),
    )  # fmt: skip


def changes_of(domain: Domain | None, changed: Mapping[tuple[str, Any], Any]) -> tuple[Change, ...]:
    """Return what a run has changed, as far as the domain says that it is carried out for that, as a client gets it."""
    budget, results = Budget(_MOST_CHANGES), domain.results if domain else ()
    wanted = ((at, value) for at, value in changed.items() if not results or at[0] in results)
    return tuple(
        Change(
            variable=variable,
            key=budget.take(key, _MOST_KEY),
            value=None if value is State.ABSENT else budget.take(value, _MOST_VALUE),
            gone=value is State.ABSENT,
        )
        for (variable, key), value in islice(wanted, MOST_ROWS)
    )
