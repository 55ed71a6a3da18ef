"""Run two versions of an operator on the same inputs, side by side: those of their last clean uses.

Each runs in the sandbox and is held to its own contract. They are the same on an input where they leave the same
state behind, up to rounding. The times are those of the calls; who goes first takes turns, so that neither is always
the one that warms things up. Two runs of one version differ by some tenths, too: a ratio near 1 says nothing.

Not here: which one is right where they differ.
"""

from dataclasses import dataclass
from typing import Any

from executor.alike import judge, observe
from executor.body import Observation
from executor.inputs import read_inputs
from executor.library import Library
from executor.sandbox import Sandbox, SandboxLimits
from htn.errors import UsageError
from htn.values import show

_MOST_SAID = 300


@dataclass(frozen=True)
class Compared:
    """One input: `result` is same, different or failed; `detail` says how; seconds of each, None where it failed."""

    arguments: str
    result: str
    detail: str
    a: float | None
    b: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        row = {"arguments": self.arguments, "result": self.result, "detail": self.detail}
        return row | {"seconds_a": self.a, "seconds_b": self.b}


@dataclass(frozen=True)
class Comparison:
    """What came of comparing version `b` with version `a`."""

    a: str
    b: str
    rows: tuple[Compared, ...]

    def count(self, result: str) -> int:
        """Return on how many inputs the result is this."""
        return sum(row.result == result for row in self.rows)

    @property
    def time_ratio(self) -> float | None:
        """How long `b` takes, as a multiple of `a`, over the inputs that both did; None without any."""
        both = [(row.a, row.b) for row in self.rows if row.a is not None and row.b is not None]
        before = sum(a for a, _ in both)
        return sum(b for _, b in both) / before if before else None

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        counts = {result: self.count(result) for result in ("same", "different", "failed")}
        return {"a": self.a, "b": self.b, **counts, "time_ratio": self.time_ratio} | {
            "inputs": [row.to_json() for row in self.rows]
        }


def compare(library: Library, a: str, b: str, sandbox: Sandbox, limits: SandboxLimits | None = None) -> Comparison:
    """Compare two versions on the recorded inputs of both. UsageError where nothing was recorded."""
    entries = library.entry(a), library.entry(b)
    kept = [row for version in dict.fromkeys((a, b)) for row in library.inputs(version)]
    unique = {show(row, 10**6): row for row in kept}
    if not unique:
        raise UsageError(
            f"no inputs of {a[:12]} or {b[:12]} were recorded",
            hints=("they are recorded when a plan is carried out and the operator keeps its contract: htn run",),
        )
    rows = []
    for number, row in enumerate(unique.values()):
        state, arguments = read_inputs(row)
        order = (0, 1) if number % 2 == 0 else (1, 0)
        seen = {
            which: observe(entries[which].program(), entries[which].promise(), state, arguments, sandbox, limits)
            for which in order
        }
        result, detail = judge(seen[0], seen[1])
        times = [_seconds(seen[which]) for which in (0, 1)]
        rows.append(Compared(", ".join(show(v) for v in arguments), result, detail[:_MOST_SAID], *times))
    return Comparison(a, b, tuple(rows))


def _seconds(seen: Observation) -> float | None:
    return seen.outcome.seconds if seen.ok and seen.outcome else None
