"""The pool: supervisors that are started ahead, lent to one call at a time, and thrown away after trouble.

Rules. Each need (hash seed, language, dependencies) has a shelf of its own.

    a call comes and one is idle            it is taken, after a look at it
    a call comes and fewer than `size` work one is started, unless a spare is just coming
    a call comes and `size` work            the call waits
    a start fails                           all who waited for it hear of it; nobody tries it again for them
    a shelf has served its second call      one spare is started in the background (for a single use: its first)
    a shelf is for compilers                it has no spare: each body is compiled once
    a spare fails to start                  no more spares until a start succeeds
    trouble, or a single use                it is never lent again
    worn, or idle for long                  it is stopped in the background
    too many needs                          the idle ones of the need that was used least recently go

So the starts that run at once are bounded (`size` and one spare), however many calls wait, and a
call that finds its supervisor gone has a spare to go to.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from executor.sandbox.supervised import Need, PoolSettings, Supervised
from htn.errors import ServiceMissing, UsageError

MOST_NEEDS = 3
_SPARE_AFTER = 2
_CLOSING_SECONDS = 60.0


class CallCancelledError(Exception):
    """Who asked for the call does not want it any more."""


@dataclass(eq=False)
class Errand:
    """One call on its way through the pool, so that it can be called back."""

    cancelled: bool = False
    supervised: Supervised | None = None


@dataclass(eq=False)
class _Shelf:
    """The supervisors of one need; `busy` maps each to the thread that it works for; `spared`: it may have a spare."""

    freed: threading.Condition
    spared: bool = True
    idle: list[Supervised] = field(default_factory=list)
    busy: dict[Supervised, int] = field(default_factory=dict)
    served: int = 0
    starting: int = 0
    waiting: int = 0
    spare_coming: bool = False
    spares_fail: bool = False
    failures: int = 0
    failure: ServiceMissing | None = None

    def pick(self, *, unused: bool) -> Supervised | None:
        """Take an idle one from the shelf: one that served before, unless it must be unused."""
        fitting = [each for each in self.idle if each.unused or not unused]
        if not fitting:
            return None
        chosen = max(fitting, key=lambda each: (not each.unused, each.idle_since))
        self.idle.remove(chosen)
        return chosen

    def room(self, size: int) -> bool:
        """Whether a call may start one for itself; the first in line waits for a spare that is coming."""
        return len(self.busy) + self.starting < size and (self.waiting > 0 or not self.spare_coming)

    def deserted(self) -> bool:
        """Whether nobody uses or awaits anything of it."""
        return not (self.busy or self.starting or self.waiting or self.spare_coming)


class Pool:
    """Lends supervisors. Safe to use from any thread of the process that made it."""

    def __init__(self, start: Callable[[Need], Supervised], settings: PoolSettings) -> None:
        self.settings = settings
        self._start = start
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._shelves: dict[Need, _Shelf] = {}
        self._rubbish: list[Supervised] = []
        self._janitor: threading.Thread | None = None
        self._asleep = True  # the janitor has nothing to wait for, or is not there
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it lends no more."""
        return self._closed

    def running(self) -> list[Supervised]:
        """Return the supervisors that are idle or at work."""
        with self._lock:
            return [each for shelf in self._shelves.values() for each in (*shelf.idle, *shelf.busy)]

    def add(self, supervised: Supervised) -> None:
        """Put a supervisor that was started elsewhere on its shelf."""
        with self._lock:
            self._shelf(supervised.need).idle.append(supervised)

    def take(self, need: Need, errand: Errand, *, unused: bool = False) -> Supervised:
        """Return a supervisor that serves nobody else until it is given back or discarded.

        Raises `ServiceMissing` when none can be started, `UsageError` when the pool is closed,
        `CallCancelledError` when the errand was cancelled.
        """
        while True:
            found = self._reserve(need, errand, unused=unused)
            if found is None:
                return self._started(need, errand)
            try:
                fit = found.fit(self.settings)
            except BaseException:  # an interrupt leaves an answer on its wire
                self.discard(found)
                raise
            if fit:
                return found
            errand.supervised = None
            self.discard(found)

    def give_back(self, supervised: Supervised) -> None:
        """Take back a supervisor that has served a call well."""
        with self._lock:
            shelf = self._shelf(supervised.need)
            if shelf.busy.pop(supervised, None) is None:
                return  # the pool was closed within the call, by its own thread
            supervised.calls += 1
            supervised.idle_since = time.monotonic()
            worn = self._closed or supervised.worn(self.settings)
            (self._rubbish if worn else shelf.idle).append(supervised)
            self._served(shelf)

    def discard(self, supervised: Supervised, *, later: bool = False) -> None:
        """Stop a lent supervisor, at once or (where nothing runs in it) in the background."""
        if not later:
            supervised.stop()
        with self._lock:
            shelf = self._shelf(supervised.need)
            shelf.busy.pop(supervised, None)
            if later:
                self._rubbish.append(supervised)
                shelf.served += _SPARE_AFTER
            self._served(shelf)

    def cancel(self, errand: Errand) -> None:
        """Call an errand back: what runs for it loses its host, which ends it."""
        with self._lock:
            errand.cancelled = True
            if errand.supervised is not None:
                errand.supervised.wire.cut()
            for shelf in self._shelves.values():
                shelf.freed.notify_all()

    def close(self) -> None:
        """Stop everything, also what works for other threads, and wait until it is gone."""
        with self._lock:
            self._closed = True
            gone, self._rubbish = self._rubbish, []
            for shelf in self._shelves.values():
                gone += shelf.idle
                shelf.idle = []
                for each, thread in list(shelf.busy.items()):
                    each.wire.cut()
                    if thread == threading.get_ident():  # closed within a call of this very thread
                        del shelf.busy[each]
                        gone.append(each)
                shelf.freed.notify_all()
            self._work.notify_all()
            janitor = self._janitor
        _stop_all(gone)
        with self._lock:
            self._settled.wait_for(lambda: all(s.deserted() for s in self._shelves.values()), _CLOSING_SECONDS)
            gone, self._rubbish = self._rubbish, []
        _stop_all(gone)
        if janitor is not None and janitor is not threading.current_thread():
            janitor.join(_CLOSING_SECONDS)

    def _shelf(self, need: Need) -> _Shelf:
        """Return the shelf of a need, which is then the one used last."""
        shelf = self._shelves.pop(need, None) or _Shelf(threading.Condition(self._lock), not need.compiles)
        deserted = [other for other, each in self._shelves.items() if each.deserted()]
        for other in deserted[: max(0, len(self._shelves) - MOST_NEEDS + 1)]:
            self._throw(self._shelves.pop(other).idle)
        self._shelves[need] = shelf
        return shelf

    def _reserve(self, need: Need, errand: Errand, *, unused: bool) -> Supervised | None:
        """Return an idle supervisor, or None when the caller is to start one."""
        with self._lock:
            shelf = self._shelf(need)
            failures = shelf.failures
            try:
                while True:
                    self._refuse(errand)
                    if found := shelf.pick(unused=unused):
                        return self._lend(shelf, found, errand)
                    if shelf.failure is not None and shelf.failures != failures:
                        raise ServiceMissing(shelf.failure.message, hints=shelf.failure.hints)
                    if shelf.room(self.settings.size):
                        shelf.starting += 1
                        return None
                    shelf.waiting += 1
                    try:
                        shelf.freed.wait()
                    finally:
                        shelf.waiting -= 1
            except BaseException:  # it may have been woken for something that it does not take
                shelf.freed.notify()
                self._settled.notify_all()
                raise

    def _refuse(self, errand: Errand) -> None:
        if self._closed:
            raise UsageError("the sandbox is closed", hints=("open another one",))
        if errand.cancelled:
            raise CallCancelledError

    def _lend(self, shelf: _Shelf, supervised: Supervised, errand: Errand) -> Supervised:
        shelf.busy[supervised] = threading.get_ident()
        errand.supervised = supervised
        return supervised

    def _started(self, need: Need, errand: Errand) -> Supervised:
        """Start one for a call; all who wait for the same need hear of a failure."""
        started: Supervised | None = None
        failure: ServiceMissing | None = None
        try:
            started = self._start(need)
        except ServiceMissing as error:
            failure = error
            raise
        finally:
            with self._lock:
                shelf = self._shelf(need)
                shelf.starting -= 1
                shelf.spares_fail = failure is not None
                if failure is not None:
                    shelf.failure, shelf.failures = failure, shelf.failures + 1
                    shelf.freed.notify_all()
                if started is not None and (self._closed or errand.cancelled):
                    (self._rubbish if self._closed else shelf.idle).append(started)
                elif started is not None:
                    self._lend(shelf, started, errand)
                shelf.freed.notify()
                self._settled.notify_all()
        with self._lock:
            self._refuse(errand)
        return started

    def _served(self, shelf: _Shelf) -> None:
        """Say that something has changed on a shelf after a call; wake the janitor if it has something to do."""
        shelf.served += 1
        shelf.freed.notify()
        self._settled.notify_all()
        if self._rubbish or self._asleep or self._lacks_spare(shelf):
            self._tend()

    def _throw(self, unwanted: Iterable[Supervised]) -> None:
        self._rubbish += unwanted
        self._tend()

    def _tend(self) -> None:
        """Wake the janitor, or hire it."""
        if self._closed:
            return
        if self._janitor is None:
            self._janitor = threading.Thread(target=self._look_after, name="sandbox pool", daemon=True)
            try:
                self._janitor.start()
            except RuntimeError:  # the interpreter is ending: `close` will see to the rest
                self._janitor = None
        self._work.notify_all()

    def _look_after(self) -> None:
        """Stop what is not wanted, start spares, reap what is idle; until the pool is closed."""
        try:
            while self._look_once():
                continue
        finally:
            self._janitor = None  # were it to fail, the next call would hire another one

    def _look_once(self) -> bool:
        with self._lock:
            need = self._spare_wanted()
            while not (self._closed or self._rubbish or need):
                nearest = self._reap()
                self._asleep = nearest is None
                self._work.wait(nearest)
                self._asleep = False
                need = self._spare_wanted()
            if self._closed:
                return False
            gone, self._rubbish = self._rubbish, []
            if need:
                self._shelves[need].spare_coming = True
        if need:
            self._start_spare(need)
        for each in gone:
            each.stop()
        return True

    def _spare_wanted(self) -> Need | None:
        return next((need for need, shelf in reversed(self._shelves.items()) if self._lacks_spare(shelf)), None)

    def _lacks_spare(self, shelf: _Shelf) -> bool:
        unwanted = shelf.spares_fail or shelf.spare_coming or shelf.served < _SPARE_AFTER
        if unwanted or not (self.settings.spares and shelf.spared):
            return False
        return not any(each.unused for each in shelf.idle)

    def _start_spare(self, need: Need) -> None:
        started: Supervised | None = None
        try:
            with suppress(ServiceMissing):  # the next call will start one itself, and say so when it cannot
                started = self._start(need)
        finally:
            with self._lock:
                shelf = self._shelf(need)
                shelf.spare_coming = False
                shelf.spares_fail = started is None
                if started is not None:
                    (self._rubbish if self._closed else shelf.idle).append(started)
                shelf.freed.notify_all()
                self._settled.notify_all()

    def _reap(self) -> float | None:
        """Throw away what has been idle for too long; return the seconds to the next time, None for never."""
        moment, nearest = time.monotonic(), None
        for shelf in self._shelves.values():
            for each in list(shelf.idle):
                end = min(each.idle_since + self.settings.idle_seconds, each.born + self.settings.oldest_seconds)
                if end <= moment:
                    shelf.idle.remove(each)
                    shelf.served = 0  # no spare until it is in use again
                    self._rubbish.append(each)
                else:
                    nearest = min(end, nearest or end)
        if self._rubbish:
            return 0.0
        return None if nearest is None else nearest - moment


def _stop_all(unwanted: list[Supervised]) -> None:
    """Stop several at once: each waits for its own end."""
    threads = [threading.Thread(target=each.stop) for each in unwanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
