"""What runs inside the sandbox to trace and to time a program: its text is sent there, as the body of a call.

The program that is looked at arrives as an argument, as data; nothing of it becomes part of this text. It shares the
process with what measures it, and could change what is measured: the numbers are about honest code, and are only
reported. Nothing is decided by them that the comparison of results has not decided.
"""

import copy
import io
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

_NAME = "<subject>"


class _Clock:
    """Counts the lines that are run, and adds the time between two of them to the first."""

    def __init__(self) -> None:
        self.hits: dict[int, int] = {}
        self.spent: dict[int, float] = {}
        self.calls: dict[str, int] = {}
        self._line, self._since = 0, time.perf_counter()

    def note(self, line: int) -> None:
        now = time.perf_counter()
        if self._line:
            self.spent[self._line] = self.spent.get(self._line, 0.0) + now - self._since
        self._line, self._since = line, time.perf_counter()

    def tracer(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != _NAME:
            return None
        name = frame.f_code.co_name
        if not name.startswith("<"):
            self.calls[name] = self.calls.get(name, 0) + 1
        return self._local

    def _local(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.hits[frame.f_lineno] = self.hits.get(frame.f_lineno, 0) + 1
            self.note(frame.f_lineno)
        elif event == "return" and frame.f_back is not None and frame.f_back.f_code.co_filename == _NAME:
            self.note(frame.f_back.f_lineno)  # the time goes on in the line that called
        return self._local


def profile(code: str, entry_point: str, context: dict[str, Any]) -> dict[str, Any]:
    """Run a program once; return how often each line ran, the seconds spent in each, and the calls by function."""
    clock, work, failure = _Clock(), _prepared(code, entry_point, context), ""
    sys.settrace(clock.tracer)
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever the program raises
        failure = type(error).__name__
    finally:
        sys.settrace(None)
        clock.note(0)
    lines = sorted({*clock.hits, *clock.spent})
    rows = [[line, clock.hits.get(line, 0), clock.spent.get(line, 0.0)] for line in lines]
    return {"lines": rows, "calls": clock.calls, "failure": failure}


def measure(code: str, entry_point: str, contexts: list[dict[str, Any]], seconds: float) -> list[float]:
    """Return for each context the least seconds that the program took, or -1 where it failed."""
    return [_least(code, entry_point, context, seconds) for context in contexts]


def _least(code: str, entry_point: str, context: dict[str, Any], seconds: float) -> float:
    best, until = -1.0, time.perf_counter() + seconds
    while True:
        work = _prepared(code, entry_point, context)
        start = time.perf_counter()
        try:
            work()
        except Exception:  # noqa: BLE001 - whatever the program raises
            return -1.0
        took = time.perf_counter() - start
        best = took if best < 0 else min(best, took)
        if time.perf_counter() > until:
            return best


def _prepared(code: str, entry_point: str, context: dict[str, Any]) -> Callable[[], Any]:
    """Return what runs the program on a copy of the context; what it prints goes nowhere."""
    compiled = compile(code, _NAME, "exec", dont_inherit=True)
    values = copy.deepcopy(context)
    scope: dict[str, Any] = {"__name__": "__main__"}
    sys.stdout = io.StringIO()
    if not entry_point:
        scope.update(values)
        return lambda: exec(compiled, scope)  # noqa: S102 - in the sandbox, where this runs
    exec(compiled, scope)  # noqa: S102 - as above
    return lambda: scope[entry_point](**values)
