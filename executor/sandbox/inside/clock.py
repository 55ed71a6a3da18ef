"""Another wall clock for one call: the body believes that it starts at a given moment.

Shifted: `time.time`, `time_ns`, `gmtime`, `localtime`, `ctime`, `asctime`, `strftime`,
`clock_gettime(CLOCK_REALTIME)` and its `_ns`, `datetime.datetime.now`, `utcnow`, `today`,
`datetime.date.today`, and what is built on them as module attributes (`logging`, `uuid`).

NOT shifted: monotonic and CPU clocks (they differ from call to call anyway), time stamps of files,
and a body that goes around Python (`ctypes`) or looks for the real functions. This finds a body
that depends on the time by mistake; it is no fence against one that hides it.
"""

import datetime
import time
from collections.abc import Callable
from typing import Any


def start_clock_at(moment: float) -> None:
    """Shift the wall clock of this process so that it shows `moment` (seconds since 1970)."""
    offset = moment - time.time()
    offset_ns = int(offset * 1e9)
    _shift_time(offset, offset_ns)
    _shift_datetime()


def _shift_time(offset: float, offset_ns: int) -> None:
    real_time, real_time_ns = time.time, time.time_ns
    real_get, real_get_ns = time.clock_gettime, time.clock_gettime_ns

    def now() -> float:
        return real_time() + offset

    def from_now(convert: Callable[[float], Any]) -> Callable[..., Any]:
        def converted(seconds: float | None = None) -> Any:
            return convert(now() if seconds is None else seconds)

        return converted

    real_local, real_strftime, real_asctime = time.localtime, time.strftime, time.asctime
    shifted: dict[str, Callable[..., Any]] = {
        "time": now,
        "time_ns": lambda: real_time_ns() + offset_ns,
        "clock_gettime": lambda clock: real_get(clock) + offset * (clock == time.CLOCK_REALTIME),
        "clock_gettime_ns": lambda clock: real_get_ns(clock) + offset_ns * (clock == time.CLOCK_REALTIME),
        "gmtime": from_now(time.gmtime),
        "localtime": from_now(real_local),
        "ctime": from_now(time.ctime),
        "asctime": lambda moment=None: real_asctime(moment or real_local(now())),
        "strftime": lambda form, moment=None: real_strftime(form, moment or real_local(now())),
    }
    for name, function in shifted.items():
        setattr(time, name, function)


class _AnyMoment(type):
    """Makes a shifted class and the real one the same to `isinstance` and `issubclass`."""

    stands_for: type

    def __instancecheck__(cls, instance: object) -> bool:
        if "stands_for" in cls.__dict__:
            return isinstance(instance, cls.stands_for)
        return super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if "stands_for" in cls.__dict__:
            return issubclass(subclass, cls.stands_for)
        return super().__subclasscheck__(subclass)


def _shift_datetime() -> None:
    def now(cls: Any, tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)

    def utcnow(cls: Any) -> Any:
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    def today(cls: Any) -> Any:
        return cls.fromtimestamp(time.time())

    methods: dict[str, dict[str, object]] = {
        "date": {"today": classmethod(today)},
        "datetime": {
            "now": classmethod(now),
            "utcnow": classmethod(utcnow),
            "today": classmethod(today),
        },
    }
    for name, changed in methods.items():
        real = getattr(datetime, name)
        body = {**changed, "__module__": "datetime", "stands_for": real}
        setattr(datetime, name, _AnyMoment(name, (real,), body))
