"""Repair of a plan against planning anew, after something went wrong halfway.

    python benchmarks/repair.py            a table
    python benchmarks/repair.py --json     the same rows as one document
    python benchmarks/repair.py --quick    smaller sizes, for a first look

Each row carries out a plan up to its middle, changes the world there, and then does what acting does: it repairs the
plan (`repair_plan`), or plans all that is left to do from the state as it is (`find_plan`), each in turn in one
process, the least of several times. A repaired plan is verified before it counts. `kept` is the share of its actions
that are those of the old plan.

The problems:

    rooms      tasks that have nothing to do with each other, one of which goes wrong: methods that cost little
    blocks     the block in the hand falls on the table (blocks world by Gupta and Nau's method, 1992)
    locks      rooms again, but each task is a search among 2^5 combinations, which only planning anew does again
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.planning import blocks, domain_of, geometric_mean
from htn import Domain, Plan, State, find_plan
from htn.acting import Repair, first_that_fails, repair_plan
from htn.network import Task
from htn.verify import verify_plan

ROUNDS = 7


@dataclass(frozen=True)
class Accident:
    """A domain, the state when something has gone wrong, the old plan, the action that cannot be done, what is left."""

    domain: Domain
    state: State
    plan: Plan
    failed: int
    left: Sequence[Task]


@dataclass(frozen=True)
class Row:
    """One measurement, in seconds."""

    name: str
    actions: int
    repair: float
    anew: float
    kept: float

    @property
    def faster(self) -> float:
        """How many times faster repair is."""
        return self.anew / self.repair


def rooms(count: int, search: int = 0) -> Accident:
    """Each room is swept and mopped, after its lock was opened; in the middle one the floor gets dirtier."""
    domain = Domain("rooms")

    @domain.operator
    def turn(state: Any, room: int, wheel: int, digit: int) -> Any:
        state.wheels[room, wheel] = digit
        return state

    @domain.operator
    def enter(state: Any, room: int) -> Any:
        return state if all(state.wheels[room, wheel] == 1 for wheel in range(search)) else None

    @domain.operator
    def sweep(state: Any, room: int) -> Any:
        if state.floor[room] != "dusty":
            return None
        state.floor[room] = "dull"
        return state

    @domain.operator
    def scrub(state: Any, room: int) -> Any:
        state.floor[room] = "dull"
        return state

    @domain.operator
    def mop(state: Any, room: int) -> Any:
        if state.floor[room] != "dull":
            return None
        state.floor[room] = "clean"
        return state

    @domain.method("open")
    def wheel_by_wheel(state: Any, room: int, wheel: int) -> Any:
        if wheel == search:
            yield [("enter", room)]
            return
        for digit in (0, 1):
            yield [("turn", room, wheel, digit), ("open", room, wheel + 1)]

    @domain.method("clean")
    def by_sweeping(state: Any, room: int) -> Any:
        return [("open", room, 0), ("sweep", room), ("mop", room)] if state.floor[room] == "dusty" else None

    @domain.method("clean")
    def by_scrubbing(state: Any, room: int) -> Any:
        return [("open", room, 0), ("scrub", room), ("mop", room)] if state.floor[room] == "filthy" else None

    tasks = [("clean", room) for room in range(count)]
    wheels = {(room, wheel): 0 for room in range(count) for wheel in range(search)}
    state = State(floor=dict.fromkeys(range(count), "dusty"), wheels=wheels)
    plan = planned(domain, state, tasks)
    middle = count // 2
    failed = plan.steps.index(("sweep", middle))
    carry_out(domain, state, plan, failed)
    state.floor[middle] = "filthy"
    return Accident(domain, state, plan, failed, tasks[middle:])


def falling_block(count: int) -> Accident:
    """The block in the hand falls on the table before it is stacked."""
    case = blocks(count)
    domain, state = domain_of(case), State(case.variables)
    plan = planned(domain, state, case.tasks)
    stacks = [at for at, task in enumerate(plan.steps) if task[0] == "stack"]
    failed = stacks[len(stacks) // 2]
    carry_out(domain, state, plan, failed)
    block = plan.steps[failed][1]
    state.pos[block], state.clear[block], state.holding["hand"] = "table", True, False
    return Accident(domain, state, plan, failed, case.tasks)


def planned(domain: Domain, state: State, tasks: Sequence[Task]) -> Plan:
    """Return a plan."""
    plan = find_plan(domain, state, tasks)
    assert isinstance(plan, Plan), plan.explain()
    return plan


def carry_out(domain: Domain, state: State, plan: Plan, until: int) -> None:
    """Do the first actions of a plan, and begin a new journal."""
    assert first_that_fails(domain, state, plan.actions) is None
    for action in plan.actions[:until]:
        apply = domain.operators[action.name].apply
        assert apply is not None
        apply(state, *action.arguments)
    state.mark()


def least_time(work: Callable[[], Any]) -> float:
    """Return the least of several times, in seconds."""
    best = math.inf
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def measured(name: str, accident: Accident) -> Row:
    """Measure one accident, and verify what repair gives."""
    domain, state = accident.domain, accident.state
    repair = partial(repair_plan, domain, state, accident.plan, accident.failed)
    found = repair()
    assert isinstance(found, Repair), found.explain()
    flaws = verify_plan(domain, state, found.plan)
    assert not flaws, flaws
    anew = partial(planned, domain, state, accident.left)
    anew()
    return Row(name, len(found.plan), least_time(repair), least_time(anew), found.kept / max(1, len(found.plan)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the rows as one document")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    cases: dict[str, Callable[[], Accident]] = {}
    for count in (100, 1000 // part):
        cases[f"rooms, {count}"] = partial(rooms, count)
    for count in (50, 300 // part):
        cases[f"blocks, {count}"] = partial(falling_block, count)
    for count in (50, 300 // part):
        cases[f"locks, {count}"] = partial(rooms, count, 5)
    rows = []
    if not given.json:
        print(f"{'':16} {'actions':>8} {'repair s':>9} {'anew s':>9} {'faster':>7} {'kept':>6}")
    for name, case in cases.items():
        row = measured(name, case())
        rows.append(row)
        if not given.json:
            print(
                f"{row.name:16} {row.actions:8,} {row.repair:9.4f} {row.anew:9.4f} {row.faster:6.1f}× {row.kept:6.0%}"
            )
    if given.json:
        print(json.dumps([asdict(row) | {"faster": row.faster} for row in rows], indent=2))
    else:
        print(f"geometric mean: repair is {geometric_mean([row.faster for row in rows]):.1f} times faster")


if __name__ == "__main__":
    main()
