"""Acting: what is carried out when the world does not do as the plan says."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domains.travel import at_home, travel
from htn import Domain, Plan, State, find_plan
from htn.acting import ActingEvent, Happened, Outcome, Repair, act, repair_plan
from htn.errors import ExecutionError
from htn.network import Multigoal, Task, unordered
from htn.plan import Action


class World:
    """Carries actions out by their operators, except where a script says that they fail or go otherwise."""

    def __init__(self, domain: Domain, fails: dict[int, bool] | None = None) -> None:
        self.domain, self.fails, self.count = domain, fails or {}, -1

    def perform(self, state: State, action: Action) -> object:
        self.count += 1
        if self.fails.get(self.count):
            return None
        function: Any = self.domain.operators[action.name].apply
        return function(state, *action.arguments)


def chores(count: int) -> Domain:
    """Each room is cleaned: dust or vacuum, then mop."""
    domain = Domain("chores")

    @domain.operator
    def dust(state: Any, room: int) -> Any:
        if state.dirt[room] != "dusty":
            return None
        state.dirt[room] = "dull"
        return state

    @domain.operator
    def vacuum(state: Any, room: int) -> Any:
        if state.dirt[room] not in ("dusty", "filthy"):
            return None
        state.dirt[room] = "dull"
        return state

    @domain.operator
    def mop(state: Any, room: int) -> Any:
        if state.dirt[room] != "dull":
            return None
        state.dirt[room] = "clean"
        return state

    @domain.method("clean")
    def clean_already(state: Any, room: int) -> Any:
        return [] if state.dirt[room] == "clean" else None

    @domain.method("clean")
    def only_mop(state: Any, room: int) -> Any:
        return [("mop", room)] if state.dirt[room] == "dull" else None

    @domain.method("clean")
    def dust_and_mop(state: Any, room: int) -> Any:
        return [("dust", room), ("mop", room)] if state.dirt[room] == "dusty" else None

    @domain.method("clean")
    def vacuum_and_mop(state: Any, room: int) -> Any:
        return [("vacuum", room), ("mop", room)]

    @domain.method("clean_all")
    def one_by_one(state: Any) -> Any:
        return [("clean", room) for room in range(count)]

    return domain


def rooms(count: int, dirt: str = "dusty") -> State:
    return State(dirt=dict.fromkeys(range(count), dirt))


def run(
    domain: Domain, state: State, tasks: Any, fails: dict[int, bool], **how: Any
) -> tuple[Outcome, list[ActingEvent]]:
    heard: list[ActingEvent] = []
    outcome = act(domain, state, tasks, World(domain, fails).perform, on_event=heard.append, **how)
    return outcome, heard


def test_in_a_world_that_does_as_it_is_told_the_plan_is_carried_out() -> None:
    domain, state = chores(3), rooms(3)
    plan = find_plan(domain, rooms(3), [("clean_all",)])
    assert isinstance(plan, Plan)
    outcome, _ = run(domain, state, [("clean_all",)], {})
    assert outcome.succeeded
    assert outcome.done == plan.actions
    assert (outcome.plans, outcome.repairs) == (1, 0)
    assert state == rooms(3, "clean")


def test_an_action_that_fails_is_avoided_and_the_rest_of_the_plan_is_kept() -> None:
    domain, state = chores(5), rooms(5)
    outcome, heard = run(domain, state, [("clean_all",)], {2: True})
    assert outcome.succeeded
    assert [str(a) for a in outcome.done[:4]] == ["dust(0)", "mop(0)", "vacuum(1)", "mop(1)"]
    repaired = [event for event in heard if event.kind is Happened.REPAIRED]
    assert [(event.kept, event.new) for event in repaired] == [(6, 2)]
    assert state == rooms(5, "clean")


def test_without_repair_everything_that_is_left_is_planned_from_scratch() -> None:
    domain, state = chores(5), rooms(5)
    outcome, heard = run(domain, state, [("clean_all",)], {2: True}, repair=False)
    assert outcome.succeeded
    assert (outcome.plans, outcome.repairs) == (2, 0)
    assert [event.new for event in heard if event.kind is Happened.PLANNED] == [10, 8]


def test_an_action_without_an_alternative_is_tried_again() -> None:
    domain, state = chores(1), rooms(1, "dull")
    outcome, _ = run(domain, state, [("clean", 0)], {0: True, 1: True})
    assert outcome.succeeded
    assert [str(action) for action in outcome.done] == ["mop(0)"]


def test_what_never_works_ends_with_a_reason() -> None:
    domain, state = chores(1), rooms(1)
    outcome, _ = run(domain, state, [("clean", 0)], dict.fromkeys(range(100), True), most_looks=7)
    assert not outcome.succeeded
    assert "looked ahead 7 times" in outcome.reason
    assert outcome.done == ()
    assert state == rooms(1)


def test_a_world_in_which_nothing_is_left_to_try_ends_with_the_failure_of_the_planner() -> None:
    state = at_home()
    state.cash["alice"] = 0
    outcome = act(travel, state, [("travel", "alice", "home", "park")])
    assert "error[no-plan]" in outcome.reason


def test_a_surprise_that_does_not_matter_changes_nothing() -> None:
    domain, state = chores(3), rooms(3)

    def perform(world: State, action: Action) -> object:
        world.dirt["attic"] = "dusty"
        return World(domain).perform(world, action)

    outcome = act(domain, state, [("clean_all",)], perform)
    assert (outcome.succeeded, outcome.plans, outcome.repairs) == (True, 1, 0)


def test_a_surprise_that_breaks_the_plan_is_answered_before_the_plan_fails() -> None:
    domain, state = chores(3), rooms(3)
    tried: list[str] = []

    def perform(world: State, action: Action) -> object:
        tried.append(str(action))
        if action.task == ("mop", 0):
            world.dirt[2] = "filthy"
        return World(domain).perform(world, action)

    outcome = act(domain, state, [("clean_all",)], perform)
    assert outcome.succeeded
    assert "dust(2)" not in tried
    assert tried[-2:] == ["vacuum(2)", "mop(2)"]


def test_a_command_that_raises_an_error_of_its_own_has_failed() -> None:
    domain, state = chores(1), rooms(1)
    calls: list[str] = []

    def perform(world: State, action: Action) -> object:
        calls.append(action.name)
        if action.name == "dust":
            raise ExecutionError("the cloth is gone")
        return World(domain).perform(world, action)

    assert act(domain, state, [("clean", 0)], perform).succeeded
    assert calls == ["dust", "vacuum", "mop"]


def test_the_domains_command_is_carried_out_where_there_is_one() -> None:
    domain, state = chores(1), rooms(1)

    @domain.command("mop")
    def really_mop(world: Any, room: int) -> Any:
        world.dirt[room] = "clean"
        world.wet[room] = True
        return world

    state.wet = {}
    assert act(domain, state, [("clean", 0)]).succeeded
    assert state.wet == {0: True}


@given(st.integers(1, 6), st.dictionaries(st.integers(0, 20), st.booleans(), max_size=12), st.booleans())
@settings(deadline=None)
def test_what_was_done_explains_the_state_and_success_means_that_all_is_clean(
    count: int, fails: dict[int, bool], repair: bool
) -> None:
    domain, state = chores(count), rooms(count)
    outcome, _ = run(domain, state, [("clean_all",)], fails, repair=repair)
    replayed = rooms(count)
    for action in outcome.done:
        function: Any = domain.operators[action.name].apply
        assert function(replayed, *action.arguments) is replayed
    assert replayed == state
    assert outcome.succeeded
    assert state == rooms(count, "clean")


@given(st.integers(2, 6), st.integers(0, 11), st.sampled_from(["dusty", "filthy", "dull", "clean"]))
@settings(deadline=None)
def test_a_repaired_plan_works_and_keeps_the_actions_that_still_do(count: int, at: int, dirt: str) -> None:
    domain, state = chores(count), rooms(count)
    plan = find_plan(domain, state, [("clean_all",)])
    assert isinstance(plan, Plan)
    at %= len(plan)
    for action in plan.actions[:at]:
        function: Any = domain.operators[action.name].apply
        function(state, *action.arguments)
    state.dirt[plan.actions[at].arguments[0]] = dirt
    before = state.copy()
    mended = repair_plan(domain, state, plan, at)
    assert state == before
    assert isinstance(mended, Repair)
    assert mended.kept + mended.new == len(mended.plan)
    assert mended.kept == 2 * (count - 1 - plan.actions[at].arguments[0])
    for action in mended.plan:
        function = domain.operators[action.name].apply
        assert function(state, *action.arguments) is state
    assert state == rooms(count, "clean")


def test_a_goal_that_was_reached_is_not_taken_to_hold_after_a_surprise() -> None:
    domain = Domain("lights")

    @domain.operator
    def press(state: Any, lamp: str) -> Any:
        state.on[lamp] = not state.on[lamp]
        return state

    @domain.goal_method("on")
    def by_pressing(state: Any, lamp: str, wanted: bool) -> Any:
        return [("press", lamp)]

    @domain.multigoal_method
    def one_by_one(state: Any, goal: Multigoal) -> Any:
        return [("on", lamp, wanted) for _, lamp, wanted in goal.unmet(state)]

    @domain.method("evening")
    def lamps(state: Any) -> Any:
        return [("on", "hall", True), ("on", "attic", True), Multigoal.of({"on": {"attic": True}})]

    state = State(on={"hall": False, "attic": True})

    def perform(world: State, action: Action) -> object:
        if action.arguments == ("hall",) and world.on["attic"]:
            world.on["attic"] = False
            return None
        return World(domain).perform(world, action)

    assert act(domain, state, [("evening",)], perform).succeeded
    assert state == State(on={"hall": True, "attic": True})


def interleaving() -> Domain:
    """Two tasks whose steps have to be interleaved; the second one has two ways."""
    domain = Domain("interleaving")

    def declare(name: str, *needs: str) -> None:
        def apply(state: State) -> State | None:
            if needs and not any(state.done.get(need) for need in needs):
                return None
            state.done[name] = True
            return state

        apply.__name__ = name
        domain.operator(apply)

    declare("cut")
    declare("drill", "cut")
    declare("punch", "cut")
    declare("paint", "drill", "punch")
    declare("polish")

    @domain.method("board")
    def by_cutting(state: State) -> list[Task]:
        return [("cut",), ("paint",)]

    @domain.method("hole")
    def by_drilling(state: State) -> list[Task]:
        return [("drill",), ("polish",)]

    @domain.method("hole")
    def by_punching(state: State) -> list[Task]:
        return [("punch",), ("polish",)]

    return domain


def test_a_repair_does_not_forget_a_task_that_was_begun_and_interleaved_with_the_one_that_failed() -> None:
    domain, state = interleaving(), State(done={})

    def without_a_drill(state: State, action: Action) -> Any:
        apply = domain.operators[action.name].apply
        assert apply is not None
        return None if action.name == "drill" else apply(state)

    outcome = act(domain, state, unordered(("board",), ("hole",)), without_a_drill)
    assert outcome.succeeded
    assert [action.name for action in outcome.done] == ["cut", "punch", "polish", "paint"]
    assert (outcome.plans, outcome.repairs) == (1, 1)
