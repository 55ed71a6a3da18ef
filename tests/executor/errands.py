"""A domain with several ways to do each thing, actions that fail on purpose, and a naive way to carry plans out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from executor.recovery import Frame, Recovery, Remedy, Setback, Tried, Way
from htn import find_plan
from htn.domain import Domain
from htn.errors import ExecutionError, Trouble
from htn.failure import Failure
from htn.network import Part, Task
from htn.plan import Plan
from htn.state import State
from htn.verify import verify_plan

BUSY = ExecutionError("the counter is closed").trouble


def errands() -> Domain:
    """Get a thing from the shop or the market, by foot or by bus, and bring it home."""
    domain = Domain("errands")

    @domain.operator
    def walk(state: State, place: str) -> State:
        """Go there by foot."""
        state.at["me"] = place
        return state

    @domain.operator
    def ride(state: State, place: str) -> State:
        """Go there by bus."""
        state.at["me"] = place
        return state

    @domain.operator
    def buy(state: State, thing: str, place: str) -> State | None:
        """Buy something where one is."""
        if state.at["me"] != place:
            return None
        state.has[thing] = True
        return state

    @domain.operator
    def borrow(state: State, thing: str) -> State:
        """Borrow something from the neighbour."""
        state.has[thing] = True
        return state

    @domain.operator
    def knock(state: State) -> State:
        """Wake the neighbour."""
        state.at["neighbour"] = "awake"
        return state

    @domain.method("go")
    def by_foot(state: State, place: str) -> list[Task]:
        return [("walk", place)]

    @domain.method("go")
    def by_bus(state: State, place: str) -> list[Task]:
        return [("ride", place)]

    @domain.method("get")
    def from_shop(state: State, thing: str) -> list[Task]:
        return [("go", "shop"), ("buy", thing, "shop")]

    @domain.method("get")
    def from_market(state: State, thing: str) -> list[Task]:
        return [("go", "market"), ("buy", thing, "market")]

    @domain.method("fetch")
    def and_return(state: State, thing: str) -> list[Task]:
        return [("get", thing), ("go", "home")]

    return domain


def at_home() -> State:
    return State(at={"me": "home", "neighbour": "asleep"}, has={})


def find(domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
    return find_plan(domain, state, tasks)


@dataclass
class Carried:
    """What came of carrying tasks out: the actions that were done, what was tried, and the action that ended it."""

    done: list[Task]
    tried: list[Tried]
    ways: list[Way]
    ended_by: Task | None
    setback: Setback | None = None

    @property
    def remedies(self) -> list[tuple[Remedy, str]]:
        return [(one.remedy, one.came) for one in self.tried]


def carry_out(
    domain: Domain,
    tasks: Sequence[Part],
    state: State,
    policy: Recovery,
    broken: Mapping[Task, int],
    *,
    trouble: Trouble = BUSY,
    again: bool = False,
    unsure: bool = False,
) -> Carried:
    """Carry tasks out in a world in which some actions fail so many times; the policy says how to go on."""
    left = Counter(broken)
    plan = find_plan(domain, state, tasks)
    assert isinstance(plan, Plan), plan.explain()
    carried = Carried([], [], [], None)
    while True:
        at = _first_failure(domain, plan, state, left, carried)
        if at is None:
            return carried
        frame = carried.ways[-1].frame if carried.ways else Frame()
        setback = Setback(
            frame.around(plan), at + len(frame.above), trouble, len(carried.done), again=again, unsure=unsure
        )
        recovered = policy.next(setback, domain, state, carried.tried)
        carried.tried += recovered.tried
        if recovered.way is None:
            carried.ended_by, carried.setback = setback.action.task, setback
            return carried
        carried.ways.append(recovered.way)
        assert verify_plan(domain, state, recovered.way.plan, recovered.way.tasks) == ()
        plan = recovered.way.plan


def _first_failure(domain: Domain, plan: Plan, state: State, left: Counter[Any], carried: Carried) -> int | None:
    for at, node in enumerate(plan.nodes):
        if not node.is_action:
            continue
        task: Any = node.task
        if left[task] > 0:
            left[task] -= 1
            return at
        function = domain.operators[task[0]].apply
        assert function is not None
        assert function(state, *task[1:]) is state
        carried.done.append(task)
    return None
