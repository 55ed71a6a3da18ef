"""Climb the ladder rung by rung; stop at the first that fails. The order is the order of price."""

import dataclasses
import time
from collections.abc import Callable, Sequence

from executor.validate.evidence import Evidence, Verdict
from executor.validate.rungs import Determinism, Form, GivenExamples, KeepsContract, Rung, Smoke, Static, Trial

LADDER: tuple[Rung, ...] = (Form(), Static(), Smoke(), Determinism(), GivenExamples(), KeepsContract())


def climb(
    trial: Trial,
    *,
    ladder: Sequence[Rung] = LADDER,
    on_evidence: Callable[[Evidence], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Verdict:
    """Return the verdict on a candidate. `on_evidence` hears each rung as it is done."""
    gathered: list[Evidence] = []
    for rung in ladder:
        started = clock()
        found = dataclasses.replace(rung.climb(trial), seconds=clock() - started)
        gathered.append(found)
        if on_evidence:
            on_evidence(found)
        if not found.passed:
            break
    return Verdict(tuple(gathered))
