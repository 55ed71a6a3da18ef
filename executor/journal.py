"""Where a run writes down what happens to it: in the store, so that another process can go on, or in memory.

Two writes a step: that it was begun, with the claim, and that it is done, with what it changed. A step is committed
once: whoever comes second is refused. Whoever commits what reads or writes what another step wrote since it began is
refused too: then the two should not have run at the same time.
"""

import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from executor.patience import NONE, Patience
from executor.run import Logged, RunState
from executor.run.log import place_text, trouble_to_json
from executor.store import Claim, RunLogs, event_text
from htn.errors import Trouble

CLAIM_SECONDS = 6.0
"""How long a claim and a driver's lease live without a heartbeat, by default; one comes three times in that time."""


class Journal(Protocol):
    """What a run's driver and its workers write to."""

    run_id: str
    patience: Patience
    """How long what it keeps, and what a step needs of the store, is waited for."""

    def append(self, kind: str, *, state: str = "", ended: bool = False, **data: Any) -> None:
        """Write an event of the run. LeaseLost where another process drives it by now."""

    def claim(self, step: str, *, again: bool) -> tuple[str, Claim]:
        """Begin a step. "claimed", or why not: gone, lost, cancelled, closed, done, taken, doubt.

        `again` says that it may be done twice.
        """

    def commit(
        self, claim: Claim, rows: Sequence[list[Any]] | str, reads: Iterable[str], seconds: float,
        places: Sequence[str] = (),
    ) -> tuple[str, str]:  # fmt: skip
        """Commit a step with its changes, or why they cannot be written, and the `places` that they are at then.

        "done", "refused", or "conflict", a place.
        """

    def give_up(self, claim: Claim, kind: str, seconds: float, trouble: Trouble | None) -> bool:
        """End an attempt that came to nothing; False where the step is another's by now."""

    def bury(self, step: str, kind: str) -> bool:
        """End an attempt whose process is gone: release or doubt. False where it is not gone."""


@dataclass
class Claims:
    """The claims of one run that a process holds at a time; its heart keeps them alive."""

    _held: dict[str, Claim] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, claim: Claim) -> None:
        """Keep a claim alive."""
        with self._lock:
            self._held[claim.step] = claim

    def drop(self, claim: Claim) -> None:
        """Let a claim go."""
        with self._lock:
            self._held.pop(claim.step, None)

    def held(self) -> list[Claim]:
        """Return the claims that are kept alive."""
        with self._lock:
            return list(self._held.values())


@dataclass
class StoredJournal:
    """The journal of a run in the store. `holder` holds the driver's lease; a worker has none and appends nothing."""

    logs: RunLogs
    run_id: str
    by: str
    holder: str = ""
    keep_ms: int = 0
    lives: float = CLAIM_SECONDS
    patience: Patience = field(default_factory=Patience)
    claims: Claims = field(default_factory=Claims)

    @property
    def lives_ms(self) -> int:
        """How long a claim lives without a heartbeat, in milliseconds."""
        return round(self.lives * 1000)

    def append(self, kind: str, *, state: str = "", ended: bool = False, **data: Any) -> None:
        """Write an event of the run; see `Journal`."""
        text = event_text(kind, by=self.by, **data)
        mark, keep_ms = uuid.uuid4().hex, self.keep_ms if ended or state == RunState.FAILED else 0
        self.patience.with_(
            lambda: self.logs.append(
                self.run_id, text, holder=self.holder, state=state, ended=ended, keep_ms=keep_ms, mark=mark
            )
        )

    def claim(self, step: str, *, again: bool) -> tuple[str, Claim]:
        """Begin a step; see `Journal`."""
        text, mark = event_text("start", step=step, by=self.by), uuid.uuid4().hex
        status, claim = self.patience.with_(
            lambda: self.logs.claim(
                self.run_id, step, text, mark, lives_ms=self.lives_ms, again=again, holder=self.holder
            )
        )
        if status == "claimed":
            self.claims.add(claim)
        return status, claim

    def commit(
        self, claim: Claim, rows: Sequence[list[Any]] | str, reads: Iterable[str], seconds: float,
        places: Sequence[str] = (),
    ) -> tuple[str, str]:  # fmt: skip
        """Commit a step; see `Journal`."""
        told: dict[str, Any] = {"opaque": rows} if isinstance(rows, str) else {"writes": list(rows)} if rows else {}
        places = _places(rows, places)
        text = event_text("finish", step=claim.step, by=self.by, seconds=round(seconds, 6), **told)
        came = self.patience.with_(lambda: self.logs.commit(self.run_id, claim, text, places, list(reads)))
        if came[0] != "conflict":
            self.claims.drop(claim)
        return came

    def give_up(self, claim: Claim, kind: str, seconds: float, trouble: Trouble | None) -> bool:
        """End an attempt; see `Journal`."""
        error = trouble_to_json(trouble)
        text = event_text(kind, step=claim.step, by=self.by, seconds=round(seconds, 6), error=error)
        self.claims.drop(claim)
        return self.patience.with_(lambda: self.logs.give_up(self.run_id, claim, text))

    def bury(self, step: str, kind: str) -> bool:
        """End an attempt whose process is gone; see `Journal`."""
        text = event_text(kind, step=step, by=self.by, detail="its process is gone")

        def bury() -> bool:
            mark = self.logs.started(self.run_id).get(step)
            return mark is not None and self.logs.bury(self.run_id, step, mark, text)

        return self.patience.with_(bury)

    def events(self, after: str = "0-0", *, wait: float = 0.0) -> list[Logged]:
        """Return the events after an id, waiting for one where there are none."""
        rows = self.patience.with_(lambda: self.logs.events(self.run_id, after, wait=wait))
        return [Logged.read(*row) for row in rows]

    def alive(self, steps: Sequence[str]) -> dict[str, bool]:
        """Say for each step whether somebody who lives has it."""
        return dict(zip(steps, self.patience.with_(lambda: self.logs.claimed(self.run_id, steps)), strict=True))

    def close(self, plan: int) -> bool:
        """Let no step be begun of the plans up to a number; False where another process drives the run by now."""
        return self.patience.with_(lambda: self.logs.close(self.run_id, plan, holder=self.holder))


def _places(rows: Sequence[list[Any]] | str, places: Sequence[str]) -> list[str]:
    """Return the places that a step writes; keys in rows are JSON already."""
    if isinstance(rows, str):
        return list(places)
    return list(dict.fromkeys(place_text(row[0], row[1] if len(row) > 1 else None) for row in rows))


@dataclass
class MemoryJournal:
    """A journal that ends with its process."""

    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    patience: Patience = NONE
    _commits: int = 0
    _done: set[str] = field(default_factory=set)
    _places: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, kind: str, *, state: str = "", ended: bool = False, **data: Any) -> None:
        """Nobody reads it."""

    def claim(self, step: str, *, again: bool) -> tuple[str, Claim]:
        """Begin a step; see `Journal`."""
        with self._lock:
            return ("done" if step in self._done else "claimed"), Claim(step, uuid.uuid4().hex, self._commits)

    def commit(
        self, claim: Claim, rows: Sequence[list[Any]] | str, reads: Iterable[str], seconds: float,
        places: Sequence[str] = (),
    ) -> tuple[str, str]:  # fmt: skip
        """Commit a step; see `Journal`."""
        places = _places(rows, places)
        with self._lock:
            for place in [*places, *reads]:
                variable, space, _ = place.partition(" ")
                around = variable if space else f"{place} *"
                if max(self._places.get(place, 0), self._places.get(around, 0)) > claim.base:
                    return "conflict", place
            self._commits += 1
            self._done.add(claim.step)
            for place in places:
                variable, space, _ = place.partition(" ")
                self._places[place] = self._commits
                if space:
                    self._places[f"{variable} *"] = self._commits
        return "done", ""

    def give_up(self, claim: Claim, kind: str, seconds: float, trouble: Trouble | None) -> bool:
        """Nobody else could have it."""
        return True

    def bury(self, step: str, kind: str) -> bool:
        """Nobody else could have begun it."""
        return False
