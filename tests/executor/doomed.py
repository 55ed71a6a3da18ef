"""A journal whose process dies: at one of its calls, before or after it takes effect, and then nothing more comes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from executor.durable import RunTimes
from executor.journal import StoredJournal
from executor.store import RunLogs

T = TypeVar("T")


class Died(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """After how many calls of a journal its process dies; `late` says that the last call still takes effect.

    `only` names the kind of call that counts.
    """

    calls: int
    late: bool = False
    only: str = ""
    seen: int = 0

    def meet(self, kind: str, work: Callable[[], T]) -> T:
        """Do the work of a call, or die."""
        if self.seen > self.calls:
            raise Died
        if self.only not in ("", kind):
            return work()
        self.seen += 1
        if self.seen <= self.calls:
            return work()
        if self.late:
            work()
        raise Died


@dataclass
class Doomed(StoredJournal):
    """A journal with a fate."""

    fate: Fate = field(default_factory=lambda: Fate(10**9))

    def append(self, kind: str, **data: Any) -> None:
        self.fate.meet(kind, lambda: super(Doomed, self).append(kind, **data))

    def claim(self, step: str, *, again: bool) -> Any:
        return self.fate.meet("claim", lambda: super(Doomed, self).claim(step, again=again))

    def commit(self, *about: Any) -> Any:
        return self.fate.meet("commit", lambda: super(Doomed, self).commit(*about))

    def give_up(self, *about: Any) -> Any:
        return self.fate.meet("give_up", lambda: super(Doomed, self).give_up(*about))


@contextmanager
def doomed(fate: Fate) -> Iterator[None]:
    """Let whoever drives a run meanwhile have this fate."""

    def journal(times: RunTimes, logs: RunLogs, run_id: str, by: str) -> Doomed:
        return Doomed(logs, run_id, by, holder=by, lives=times.lease_seconds, fate=fate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunTimes, "journal", journal)
        yield


def dies(fate: Fate, work: Callable[[], object]) -> bool:
    """Say whether the process of some work died before the work was done."""
    with doomed(fate):
        try:
            work()
        except Died:
            return True
    return False
