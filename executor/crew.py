"""Who carries out the steps of distributed runs: workers that live, or, where none answers, threads of this process."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from executor.store import Workers
from executor.transport import Transport
from htn.errors import ServiceMissing

WORKER_SECONDS = 6.0
"""How long a worker counts as alive after it last said so; it does three times in that time."""
_PATIENCE = 3.0  # seconds that a label may be without a worker before its steps are carried out here
_FRESH = 1.0  # seconds for which it is known who lives


@dataclass(frozen=True)
class WorkerCard:
    """What a worker says of itself: its name, what it has, how many steps it carries out at a time, since when."""

    name: str
    labels: tuple[str, ...]
    concurrency: int
    since: float

    def text(self) -> str:
        """Return it as the store keeps it."""
        return json.dumps({"name": self.name, "labels": self.labels, "at_once": self.concurrency, "since": self.since})

    @classmethod
    def read(cls, text: str) -> "WorkerCard | None":
        """Return what a worker said, or None for what none says."""
        try:
            data: Any = json.loads(text)
            labels = tuple(map(str, data["labels"]))
            return cls(str(data["name"]), labels, int(data["at_once"]), float(data["since"]))
        except (ValueError, KeyError, TypeError):
            return None


def workers_alive(workers: Workers) -> list[WorkerCard]:
    """Return the workers that live."""
    return [card for text in workers.alive() if (card := WorkerCard.read(text)) is not None]


@dataclass
class Crew:
    """Sends steps to whoever carries them out. `here` is a transport of this process."""

    transport: Transport
    here: Transport
    alive: Callable[[], Iterable[WorkerCard]]
    note: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.monotonic
    patience: float = _PATIENCE
    _slots: Mapping[str, int] = field(default_factory=dict)
    _total: int = 0
    _looked: float = float("-inf")
    _seen: dict[str, float] = field(default_factory=dict)
    _alone: set[str] = field(default_factory=set)

    def send(self, run_id: str, steps: Sequence[str], label: str, *, here: bool = False) -> bool:
        """Send steps to a worker with their label, or, where none answers for some time, to this process.

        Returns whether they were sent; they were not while a worker may still come, or where none can be reached.
        """
        if here:
            self.here.dispatch(run_id, steps, label)
            return True
        self._look()
        if self._slots.get(label):
            try:
                self.transport.dispatch(run_id, steps, label)
            except ServiceMissing:  # the server may be restarting
                return False
            return True
        if self.clock() - self._seen.setdefault(label, self.clock()) < self.patience:
            return False
        if label not in self._alone:
            self._alone.add(label)
            start = f"htn worker --label {label}"
            self.note(f"no worker answers for {label}, so its steps are carried out here; start one: {start}")
        self.here.dispatch(run_id, steps, label)
        return True

    def slots(self) -> int:
        """Return how many steps the workers that live carry out at a time."""
        self._look()
        return self._total

    def _look(self) -> None:
        """See who lives, unless that is known."""
        now = self.clock()
        if now - self._looked < _FRESH:
            return
        with suppress(ServiceMissing):  # the run meets it itself
            cards, found = list(self.alive()), Counter[str]()
            for card in cards:
                found.update(dict.fromkeys(card.labels, card.concurrency))
            self._slots, self._total, self._looked = found, sum(card.concurrency for card in cards), now
            self._seen.update(dict.fromkeys(found, now))
            self._alone -= set(found)
