"""What cannot be planned before a value is known is carried out in stages."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from htn.acting import act
from htn.dependencies import dependencies_of
from htn.domain import Domain
from htn.errors import NeedsValue
from htn.failure import Failure
from htn.network import Multigoal, Task, TaskNetwork, unordered
from htn.plan import Action, Plan
from htn.render import text_tree
from htn.replay import is_goal, is_reached, last_moments
from htn.search import find_plan
from htn.stage import remaining
from htn.state import State
from htn.unknown import Unknown
from htn.verify import verify_plan
from tests.htn import random_domains, random_networks
from tests.htn.oracle import seek_plan
from tests.htn.staged import ENOUGH, Done, hiding, in_stages


def rooms() -> Domain:
    """A room is measured; only then can be said whether it has to be heated."""
    domain = Domain("rooms")

    @domain.operator
    def measure(state: State, room: str) -> State:
        state.temp[room] = Unknown(f"the temperature of {room}")
        return state

    @domain.command("measure")
    def look(state: State, room: str) -> State:
        state.temp[room] = state.really[room]
        return state

    @domain.operator
    def heat(state: State, room: str) -> State | None:
        if state.temp[room] < 20:
            state.temp[room] = 20
            return state
        return None

    @domain.operator
    def note(state: State, room: str, degrees: float) -> State:
        state.noted[room] = degrees
        return state

    @domain.method("adjust")
    def when_cold(state: State, room: str) -> list[Task] | None:
        return [("heat", room)] if state.temp[room] < 20 else None

    @domain.method("adjust")
    def when_warm(state: State, room: str) -> list[Task] | None:
        return []

    @domain.method("comfort")
    def by_measuring(state: State, room: str) -> list[Task]:
        return [("measure", room), ("adjust", room)]

    @domain.method("keep_a_record")
    def of_what_was_measured(state: State, room: str) -> list[Task]:
        return [("note", room, state.temp[room])]

    return domain


def house(**really: float) -> State:
    return State(temp={}, really=really, noted={})


def test_a_search_that_needs_a_value_says_what_can_be_carried_out_to_learn_it() -> None:
    found = find_plan(rooms(), house(attic=12), [("comfort", "attic")])
    assert isinstance(found, Failure)
    assert isinstance(found.stopped, NeedsValue)
    assert found.stage is not None
    assert found.stage.plan.steps == [("measure", "attic")]
    assert found.stage.rest == (("adjust", "attic"),)
    assert found.stage.unknown == (("temp", "attic"),)
    assert str(found.stage) == "adjust(attic): planned when temp[attic] is known"
    assert text_tree(found.stage.plan) == (
        "comfort(attic)  by by_measuring\n├─ 1. measure(attic)\n└─ adjust(attic)  decided later"
    )
    assert found.to_json()["stage"]["plan"]["tree"][2]["method"] == "(decided later)"
    assert Plan.from_json(found.stage.plan.to_json()) == found.stage.plan


def test_what_was_learned_decides_what_is_done_next() -> None:
    cold, warm = house(attic=12), house(attic=25)
    assert in_stages(rooms(), cold, (("comfort", "attic"),)).actions == [("measure", "attic"), ("heat", "attic")]
    assert in_stages(rooms(), warm, (("comfort", "attic"),)).actions == [("measure", "attic")]


def test_a_value_that_no_action_of_the_plan_makes_known_gives_no_stage() -> None:
    state = State(temp={"attic": Unknown("the temperature of attic")}, really={}, noted={})
    found = find_plan(rooms(), state, [("note", "cellar", 3), ("adjust", "attic")])
    assert isinstance(found, Failure)
    assert isinstance(found.stopped, NeedsValue)
    assert found.stage is None


def test_a_stage_ends_before_a_task_that_gets_an_unknown_argument() -> None:
    state = house(attic=12)
    done = in_stages(rooms(), state, (("measure", "attic"), ("keep_a_record", "attic"), ("note", "cellar", 3)))
    assert isinstance(done.result, Plan)
    assert [stage.plan.steps for stage in done.stages] == [[("measure", "attic")]]
    assert done.stages[0].rest == (("keep_a_record", "attic"), ("note", "cellar", 3))
    assert state.noted == {"attic": 12, "cellar": 3}
    assert done.flaws == []


def test_what_may_be_done_in_any_order_still_may_after_a_stage() -> None:
    tasks = unordered(("comfort", "attic"), ("comfort", "cellar"))
    found = find_plan(rooms(), house(attic=12, cellar=30), tasks)
    assert isinstance(found, Failure) and found.stage
    assert found.stage.rest == (TaskNetwork((("adjust", "attic"), ("comfort", "cellar")), ordered=False),)
    assert verify_plan(rooms(), house(attic=12, cellar=30), found.stage.plan, tasks) == ()


def test_a_goal_whose_check_needs_a_value_comes_again_in_what_is_left() -> None:
    domain = rooms()

    @domain.goal_method("temp")
    def by_looking(state: State, room: str, wanted: float) -> list[Task]:
        return [("measure", room)]

    state = house(attic=20)
    found = find_plan(domain, state, [("temp", "attic", 20)])
    assert isinstance(found, Failure) and found.stage
    assert found.stage.rest == (("temp", "attic", 20),)
    assert verify_plan(domain, state, found.stage.plan) == ()
    assert in_stages(domain, state, (("temp", "attic", 20),)).actions == [("measure", "attic")]


def _hide_facts(before: State, state: State, arguments: tuple[Any, ...]) -> None:
    for name, value in list(state.fact.items()):
        if before.fact.get(name) is not value:
            state.fact[name] = Unknown(f"fact {name}")


def _hide_lamp(before: State, state: State, arguments: tuple[Any, ...]) -> None:
    state.lamp[arguments[0]] = Unknown(f"lamp {arguments[0]}")


def _agrees(done: Done, known: Plan | Failure) -> None:
    """What was done is what a search finds that knows the values; where no way was left, it had gone another way."""
    assume(not (isinstance(done.result, Failure) and done.result.stopped))
    assume(not (isinstance(known, Failure) and known.stopped))
    event(f"{len(done.stages)} stages, {'done' if isinstance(done.result, Plan) else 'no way on'}")
    assert done.flaws == []
    nodes = [(node.task, node.method) for node in known.nodes] if isinstance(known, Plan) else None
    if isinstance(done.result, Plan):
        assert done.nodes == nodes
    elif nodes is not None:
        assert done.nodes != nodes[: len(done.nodes)]


@given(random_domains.problems, st.sampled_from(random_domains.OPERATORS))
@settings(max_examples=150, deadline=None)
def test_in_stages_is_done_what_recursion_finds_that_knows_the_values(
    problem: random_domains.Problem, operator: str
) -> None:
    domain, state = random_domains.make_domain(problem), State(problem.variables())
    done = in_stages(hiding(domain, operator, _hide_facts), state, problem.tasks)
    _agrees(done, find_plan(domain, State(problem.variables()), problem.tasks, limits=ENOUGH))
    expected = seek_plan(domain, SimpleNamespace(**problem.variables()), problem.tasks)
    if isinstance(done.result, Plan):
        assert done.actions == expected
    elif not done.stages:
        assert expected is None


_tasks = st.sampled_from([("t0",), ("t1",)])
without_goals = st.builds(
    random_networks.Problem,
    st.fixed_dictionaries({
        "t0": random_networks.ways(random_networks.networks(random_networks.actions | st.just(("t1",)))),
        "t1": random_networks.ways(random_networks.networks(random_networks.actions)),
    }),
    st.fixed_dictionaries(dict.fromkeys(random_networks.KEYS, random_networks.numbers)),
    st.lists(random_networks.networks(random_networks.actions | _tasks), min_size=1, max_size=3).map(tuple),
)  # fmt: skip


@given(without_goals)
@settings(max_examples=150, deadline=None)
def test_in_stages_is_done_what_a_search_finds_that_knows_the_values_also_in_any_order(
    problem: random_networks.Problem,
) -> None:
    domain, state = random_networks.make_domain(problem), State(problem.variables())
    done = in_stages(hiding(domain, "put", _hide_lamp), state, problem.tasks)
    _agrees(done, find_plan(domain, State(problem.variables()), problem.tasks, limits=ENOUGH))


@given(random_networks.problems, st.sampled_from(["depth-first", "best-first", "anytime"]))
@settings(max_examples=100, deadline=None)
def test_every_stage_is_right_and_at_the_end_what_was_asked_for_holds(
    problem: random_networks.Problem, strategy: str
) -> None:
    state = State(problem.variables())
    domain = hiding(random_networks.make_domain(problem), "put", _hide_lamp)
    try:
        done = in_stages(domain, state, problem.tasks, strategy)
    except AssertionError as error:
        assume(str(error) != "it does not end")  # a goal method that never reaches its goal is tried again and again
        raise
    event(f"{len(done.stages)} stages, {'done' if isinstance(done.result, Plan) else 'no way on'}")
    assert done.flaws == []
    if isinstance(done.result, Plan) and isinstance(problem.tasks[-1], Multigoal):
        assert problem.tasks[-1].unmet(state) == ()


def test_acting_carries_a_stage_out_and_plans_on() -> None:
    for really, expected in ((12, ["measure", "heat"]), (25, ["measure"])):
        state = house(attic=really)
        outcome = act(rooms(), state, [("comfort", "attic")])
        assert outcome.succeeded
        assert [action.name for action in outcome.done] == expected
        assert outcome.plans == 2


def test_acting_on_a_plan_gives_a_later_step_the_value_that_was_found() -> None:
    state = house(attic=12)
    assert act(rooms(), state, [("measure", "attic"), ("keep_a_record", "attic")]).succeeded
    assert state.noted == {"attic": 12}


def test_acting_ends_where_nothing_is_found_out() -> None:
    domain = rooms()
    del domain.commands["measure"]
    outcome = act(domain, house(attic=12), [("comfort", "attic")])
    assert outcome.reason == "temp[attic] was to become known, and did not"
    assert outcome.plans == 1


def test_a_command_that_fails_in_a_stage_is_tried_again() -> None:
    domain, tries = rooms(), []
    look = domain.commands["measure"]

    @domain.command("measure")
    def at_the_second_try(state: State, room: str) -> Any:
        tries.append(room)
        return look(state, room) if len(tries) > 1 else None

    state = house(attic=12)
    assert act(domain, state, [("comfort", "attic")]).succeeded
    assert (tries, state.temp) == (["attic", "attic"], {"attic": 20})


def _is_helped(domain: Domain, state: State, plan: Plan) -> bool:
    """Say whether some goal did not hold when its own subtasks were done: an interleaved part brought it about."""
    last = last_moments(plan.nodes)
    for at, node in enumerate(plan.nodes, 1):
        if node.is_action and isinstance(node.task, tuple):
            apply = domain.operators[node.task[0]].apply
            assert apply is not None and apply(state, *node.task[1:]) is state
            state.mark()
        ended = [goal for goal, end in zip(plan.nodes, last, strict=True) if end == at and is_goal(domain, goal.task)]
        if not all(is_reached(state, goal.task) for goal in ended):
            return True
    return False


@given(random_networks.problems, st.integers(0, 12))
@settings(max_examples=150, deadline=None)
def test_what_remains_of_a_plan_leads_where_the_plan_leads(problem: random_networks.Problem, begun: int) -> None:
    domain, state = random_networks.make_domain(problem), State(problem.variables())
    plan = find_plan(domain, state, problem.tasks, limits=ENOUGH)
    assume(isinstance(plan, Plan) and len(plan) > 0)
    assert isinstance(plan, Plan)
    actions = [at for at, node in enumerate(plan.nodes) if node.is_action]
    done = min(begun, len(actions) - 1)
    for action in plan.actions[:done]:
        apply = domain.operators[action.name].apply
        assert apply is not None and apply(state, *action.arguments) is state
        state.mark()
    left = remaining(domain, plan, actions[done])
    rest = find_plan(domain, state, left, limits=ENOUGH)
    assume(not (isinstance(rest, Failure) and rest.stopped))
    event(f"{min(done, 3)} done, {'a plan' if isinstance(rest, Plan) else 'none'}")
    if isinstance(rest, Failure):
        assert _is_helped(domain, State(problem.variables()), plan)
        return
    # The actions that are left are one way to do what is left; maybe an earlier method gives another.
    assert verify_plan(domain, state, rest, left) == ()


@given(random_networks.problems, st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_remains_leads_on_whichever_actions_were_carried_out_before_their_turn(
    problem: random_networks.Problem, data: st.DataObject
) -> None:
    domain = random_networks.make_domain(problem)

    def start() -> State:
        return State(problem.variables())

    plan = find_plan(domain, start(), problem.tasks, limits=ENOUGH)
    assume(isinstance(plan, Plan) and len(plan) > 1)
    assert isinstance(plan, Plan)
    before = dependencies_of(domain, start(), plan).before
    done: list[int] = []
    for _ in range(data.draw(st.integers(0, len(plan) - 1))):
        ready = [at for at, those in enumerate(before) if at not in done and set(those) <= set(done)]
        done.append(data.draw(st.sampled_from(ready[::-1])))
    state, first = start(), min(set(range(len(plan))) - set(done))
    carry_out(domain, state, [plan.actions[at] for at in done])
    nodes = [at for at, node in enumerate(plan.nodes) if node.is_action]
    left = remaining(domain, plan, nodes[first], done=[nodes[at] for at in done if at > first])
    assert len(left) <= len(plan.nodes)
    # Carried out naively, what was not done comes to where the plan comes to.
    straight, rest_of_it = start(), state.copy()
    carry_out(domain, straight, plan.actions)
    carry_out(domain, rest_of_it, [action for at, action in enumerate(plan.actions) if at not in done])
    assert rest_of_it == straight
    rest = find_plan(domain, state, left, limits=ENOUGH)
    assume(not (isinstance(rest, Failure) and rest.stopped))
    event(f"{sum(at > first for at in done)} early, {'a plan' if isinstance(rest, Plan) else 'none'}")
    if isinstance(rest, Failure):
        assert _is_helped(domain, start(), plan)
        return
    assert verify_plan(domain, state, rest, left) == ()


def carry_out(domain: Domain, state: State, actions: Iterable[Action]) -> None:
    for action in actions:
        apply = domain.operators[action.name].apply
        assert apply is not None and apply(state, *action.arguments) is state
        state.mark()


def test_what_remains_can_begin_with_a_task_anew() -> None:
    domain = rooms()
    plan = find_plan(
        domain, State(temp={"attic": 12}, really={}, noted={}), [("adjust", "attic"), ("note", "attic", 1)]
    )
    assert isinstance(plan, Plan)
    assert remaining(domain, plan, 1) == (("heat", "attic"), ("note", "attic", 1))
    assert remaining(domain, plan, 1, anew=0) == (("adjust", "attic"), ("note", "attic", 1))
