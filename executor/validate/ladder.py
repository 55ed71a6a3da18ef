"""Climb the ladder rung by rung; stop at the first that does not pass. The order is the order of price."""

import dataclasses
import time
from collections.abc import Callable, Sequence

from executor.validate.comparing import Agreement, Fuzz, Generalises, IndependentTests
from executor.validate.defaults import ORDER
from executor.validate.evidence import Evidence, Verdict
from executor.validate.rungs import Determinism, Form, GivenExamples, KeepsContract, Rung, Smoke, Static, Trial
from htn.errors import UsageError

ALONE: tuple[Rung, ...] = (Form(), Static(), Smoke(), Determinism(), GivenExamples(), KeepsContract())
"""What a candidate can be asked alone."""
COMPARED: tuple[Rung, ...] = (IndependentTests(), Agreement(), Fuzz(), Generalises())
"""What takes tests and bodies of other authors."""
LADDER = (*ALONE, *COMPARED)


def alone(packages: Sequence[str] = ()) -> tuple[Rung, ...]:
    """Return `ALONE` for bodies that may declare the packages of these names."""
    return tuple(Static(tuple(packages)) if isinstance(rung, Static) else rung for rung in ALONE)


def ladder_of(order: str) -> tuple[Rung, ...]:
    """Return the rungs in the order of their numbers, as "0,1,2,3,4,8,5,6,7,9".

    Each stands in it once, and 0 and 1 in front: nothing runs before they have looked at it. UsageError otherwise.
    """
    by_number = {str(rung.number): rung for rung in LADDER}
    numbers = [part.strip() for part in order.split(",")]
    if sorted(numbers) != sorted(by_number) or numbers[:2] != ["0", "1"]:
        raise UsageError(
            f"{order[:80]!r} is no order of the ladder",
            hints=(f"name each rung once, 0 and 1 first: {ORDER}",),
        )
    return tuple(by_number[number] for number in numbers)


def climb(
    trial: Trial,
    *,
    ladder: Sequence[Rung] = ALONE,
    on_evidence: Callable[[Evidence], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Verdict:
    """Return the verdict on a candidate. `on_evidence` hears each rung as it is done."""
    gathered: list[Evidence] = []
    for rung in ladder:
        started = clock()
        found = rung.climb(trial)
        runs_on = trial.sandbox.runs_on(trial.program) if found.trials else ""
        found = dataclasses.replace(found, seconds=clock() - started, runs_on=runs_on)
        gathered.append(found)
        if on_evidence:
            on_evidence(found)
        if not found.passed:
            break
    return Verdict(tuple(gathered))
