"""Where the time of a program goes, and how long two versions take on the same inputs.

The profile is made with `sys.settrace` inside the sandbox: the fences there are about the system, not about Python's
own tools, so the interpreter counts lines and times without a change to the program. The other way, to put counters
into its tree before it is sent, would change the program that is looked at, and would miss what a line calls. Lines
are counted exactly; tracing slows every line down by about the same, so short lines look dearer than they are.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from executor.code.executing import Bench
from executor.code.forms import Profile, ProfileRow, Timing
from executor.sandbox import JSON, Program

_SECONDS = 0.05  # for each input of each version
_MOST_INPUTS = 8
_MOST_ROWS = 40


def profile(code: str, context: Mapping[str, Any], bench: Bench, *, entry_point: str = "") -> Profile | None:
    """Return where the time of a Python program goes on one input, or None where it could not be traced."""
    arguments: dict[str, JSON] = {"code": code, "entry_point": entry_point, "context": dict(context)}
    outcome = bench.sandbox.call(Program(_harness(), "profile"), arguments, limits=bench.limits)
    match outcome.value:
        case {"lines": list(rows), "calls": dict(calls)} if all(map(_is_row, rows)):
            return _profile(code, rows, calls, dict(context))
    return None


def timing(
    original: str, version: str, contexts: Sequence[Mapping[str, Any]], bench: Bench, *, entry_point: str = ""
) -> Timing | None:
    """Return how long both versions of a Python program take on the same inputs, or None where one could not be timed.

    Only inputs on which both have a result count.
    """
    chosen = [dict(context) for context in contexts[-_MOST_INPUTS:]]
    measured = [_measured(code, chosen, bench, entry_point) for code in (original, version)]
    if None in measured or not chosen:
        return None
    pairs = [(one, other) for one, other in zip(*map(list, filter(None, measured)), strict=True) if min(one, other) > 0]
    if not pairs:
        return None
    first, second = sum(one for one, _ in pairs), sum(other for _, other in pairs)
    return Timing(
        original_ms=round(first * 1000, 4),
        version_ms=round(second * 1000, 4),
        ratio=round(first / second, 2),
        inputs=len(pairs),
    )


def _harness() -> str:
    return (files("executor.code") / "harness.py").read_text(encoding="utf-8")


def _measured(code: str, contexts: list[dict[str, Any]], bench: Bench, entry_point: str) -> list[float] | None:
    arguments: dict[str, JSON] = {
        "code": code, "entry_point": entry_point, "contexts": contexts, "seconds": _SECONDS,
    }  # fmt: skip
    outcome = bench.sandbox.call(Program(_harness(), "measure"), arguments, limits=bench.limits)
    found = outcome.value
    if not isinstance(found, list) or len(found) != len(contexts):
        return None
    return [float(each) for each in found] if all(isinstance(each, (int, float)) for each in found) else None


def _is_row(row: object) -> bool:
    match row:
        case [int(), int(), int() | float()]:
            return True
    return False


def _profile(code: str, rows: list[Any], calls: Mapping[str, Any], context: dict[str, Any]) -> Profile:
    lines = code.split("\n")
    whole = sum(row[2] for row in rows) or 1.0
    most = sorted(rows, key=lambda row: -row[2])[:_MOST_ROWS]
    return Profile(
        lines=tuple(
            ProfileRow(
                line=line,
                hits=hits,
                milliseconds=round(seconds * 1000, 4),
                share=round(seconds / whole, 4),
                text=lines[line - 1].strip()[:200] if 0 < line <= len(lines) else "",
            )
            for line, hits, seconds in most
        ),
        functions={str(name): count for name, count in calls.items() if isinstance(count, int)},
        milliseconds=round(whole * 1000, 4),
        input=context,
    )
