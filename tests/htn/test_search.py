"""Finding a plan: what it gives, what it leaves untouched, where it stops, and what it blames."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domains.travel import at_home, travel
from htn.domain import Domain, Operator
from htn.errors import DomainError, LimitReached, NeedsValue, UsageError
from htn.failure import Failure
from htn.plan import Plan
from htn.search import Limits, SearchEvent, find_plan
from htn.state import State
from htn.unknown import Unknown


def planned(found: Plan | Failure) -> Plan:
    assert isinstance(found, Plan), found.explain()
    return found


def failed(found: Plan | Failure) -> Failure:
    assert isinstance(found, Failure)
    return found


def tasks_of(plan: Plan) -> list[tuple[Any, ...]]:
    return [action.task for action in plan]


def counting() -> Domain:
    domain = Domain("counting")

    @domain.operator
    def step(state: Any, at: int) -> Any:
        state.reached["here"] = at
        return state

    @domain.operator
    def refuse(state: Any, *_: int) -> Any:
        state.reached["here"] = "nowhere"

    @domain.operator
    def crash(state: Any) -> Any:
        state.reached["here"] = "crashed"
        raise KeyError("key")

    @domain.method("count")
    def on(state: Any, at: int, end: int) -> Any:
        return [("step", at), ("count", at + 1, end)] if at < end else []

    @domain.method("forever")
    def again(state: Any, at: int = 0) -> Any:
        return [("step", at), ("forever", at + 1)]

    return domain


def start() -> State:
    return State(reached={"here": "start"}, notes={"all": ["one"]})


def test_pyhops_travel_example_has_the_published_plan() -> None:
    plan = planned(find_plan(travel, at_home(), [("travel", "alice", "home", "park")]))
    assert tasks_of(plan) == [("call_taxi", "home"), ("ride", "alice", "home", "park"), ("pay", "alice")]


def test_a_recursive_method_may_go_fifty_thousand_levels_deep() -> None:
    plan = planned(find_plan(counting(), start(), [("count", 0, 50_000)]))
    assert tasks_of(plan) == [("step", at) for at in range(50_000)]
    assert max(plan.depths()) == 50_000


def test_a_list_of_fifty_thousand_tasks_is_planned() -> None:
    tasks = [("step", at) for at in range(50_000)]
    assert tasks_of(planned(find_plan(counting(), start(), tasks))) == tasks


def test_no_tasks_need_no_actions() -> None:
    assert tasks_of(planned(find_plan(counting(), start(), []))) == []


def test_methods_are_tried_in_order_of_declaration_and_the_first_plan_counts() -> None:
    domain = counting()

    @domain.method("either")
    def not_this(state: Any) -> Any:
        return None

    @domain.method("either")
    def nor_this(state: Any) -> Any:
        return [("step", 1), ("refuse",)]

    @domain.method("either")
    def but_one_of_these(state: Any) -> Iterator[Any]:
        yield [("refuse",)]
        yield None
        yield [("step", state.reached["here"])]

    @domain.method("either")
    def this_comes_too_late(state: Any) -> Any:
        return [("step", 4)]

    plan = planned(find_plan(domain, start(), [("either",)]))
    assert [(node.task, node.method) for node in plan.nodes] == [
        (("either",), "but_one_of_these"),
        (("step", "start"), None),
    ]


def test_a_generator_method_sees_what_it_read_although_operators_change_it_in_between() -> None:
    domain = Domain("loading")

    @domain.operator
    def load(state: Any, box: str) -> Any:
        state.boxes["all"].remove(box)
        return state if box == "c" else None

    @domain.operator
    def check(state: Any) -> Any:
        return state if state.boxes["all"] == ["a", "b"] else None

    tried: list[str] = []

    @domain.method("load_one")
    def any_box(state: Any) -> Iterator[Any]:
        for box in state.boxes["all"]:
            tried.append(box)
            yield [("load", box), ("check",)]

    plan = planned(find_plan(domain, State(boxes={"all": ["a", "b", "c"]}), [("load_one",)]))
    assert (tried, tasks_of(plan)) == (["a", "b", "c"], [("load", "c"), ("check",)])


@pytest.mark.parametrize(
    ("task", "limits"),
    [
        (("count", 0, 3), Limits()),
        (("refuse",), Limits()),
        (("forever",), Limits(expansions=10)),
        (("forever",), Limits(depth=5)),
    ],
    ids=["plan", "failure", "expansions", "depth"],
)
def test_the_state_comes_back_unchanged_from(task: tuple[Any, ...], limits: Limits) -> None:
    state = start()
    find_plan(counting(), state, [("step", 1), task], limits=limits)
    assert state == start()


def test_the_state_comes_back_unchanged_from_an_exception() -> None:
    state = start()
    with pytest.raises(DomainError):
        find_plan(counting(), state, [("step", 1), ("crash",)])
    assert state == start()


def test_the_state_comes_back_unchanged_when_a_listener_interrupts() -> None:
    def stop(event: SearchEvent) -> None:
        raise KeyboardInterrupt

    state = start()
    with pytest.raises(KeyboardInterrupt):
        find_plan(counting(), state, [("count", 0, 3)], on_event=stop)
    assert state == start()


def test_the_search_stops_at_a_number_of_expansions() -> None:
    failure = failed(find_plan(counting(), start(), [("forever",)], limits=Limits(expansions=10)))
    assert isinstance(failure.stopped, LimitReached)
    assert (failure.expansions, failure.exit_code) == (10, 6)


def test_as_many_expansions_as_a_plan_needs_are_enough() -> None:
    needed = planned(find_plan(counting(), start(), [("count", 0, 3)])).expansions
    planned(find_plan(counting(), start(), [("count", 0, 3)], limits=Limits(expansions=needed)))
    failed(find_plan(counting(), start(), [("count", 0, 3)], limits=Limits(expansions=needed - 1)))


def test_the_search_stops_when_the_clock_says_so() -> None:
    ticks = itertools.count()
    failure = failed(
        find_plan(counting(), start(), [("forever",)], limits=Limits(seconds=3), clock=lambda: float(next(ticks)))
    )
    assert str(failure.stopped) == "stopped after 3 seconds"
    assert failure.exit_code == 6


def test_a_limit_in_seconds_needs_a_clock() -> None:
    with pytest.raises(DomainError, match="needs a clock"):
        find_plan(counting(), start(), [], limits=Limits(seconds=3))


def test_the_search_stops_at_a_depth() -> None:
    failure = failed(find_plan(counting(), start(), [("count", 0, 9)], limits=Limits(depth=5)))
    assert isinstance(failure.stopped, LimitReached)
    planned(find_plan(counting(), start(), [("count", 0, 4)], limits=Limits(depth=5)))


SCRIPT = """
from tests.htn.test_search import find_plan, at_home, travel
from htn.state import State
from htn.domain import Domain
maze = Domain("maze")
@maze.operator
def go(state, here, there):
    state.at["me"] = there
    state.seen["all"].add(there)
    return state
@maze.method("find")
def look(state, place):
    here = state.at["me"]
    if here == place:
        return
    for (start, end) in state.roads:
        if start == here and end not in state.seen["all"]:
            yield [("go", start, end), ("find", place)]
@maze.method("find")
def there(state, place):
    return [] if state.at["me"] == place else None
names = [f"place{n}" for n in range(12)]
roads = {(a, b): True for a in names for b in names if (len(a) * 7 + int(a[5:]) * 5 + int(b[5:]) * 3) % 4 == 0}
for domain, state, task in [
    (travel, at_home(), ("travel", "bob", "home", "park")),
    (travel, at_home(), ("travel", "alice", "home", "park")),
    (maze, State(at={"me": "place0"}, seen={"all": {"place0"}}, roads=roads), ("find", "place7")),
    (maze, State(at={"me": "place0"}, seen={"all": {"place0", "place1"}}, roads={}), ("find", "place7")),
]:
    print(find_plan(domain, state, [task]).to_json())
"""


def test_two_processes_with_other_hash_seeds_give_the_same_answers() -> None:
    root = Path(__file__).parents[2]

    def answers(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        return subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True, check=True
        ).stdout

    assert answers("1") == answers("2") != ""


def test_a_listener_hears_what_the_search_does_in_order() -> None:
    domain = counting()

    @domain.method("try_to")
    def unknown_way(state: Any) -> Any:
        return [("fly",)]

    @domain.method("try_to")
    def known_way(state: Any) -> Any:
        return [("step", 1), ("refuse",)]

    heard: list[SearchEvent] = []
    find_plan(domain, start(), [("try_to",)], on_event=heard.append)
    assert [(event.kind, event.task, event.method, event.depth) for event in heard] == [
        ("method", ("try_to",), "unknown_way", 0),
        ("gap", ("fly",), None, 1),
        ("method", ("try_to",), "known_way", 0),
        ("action", ("step", 1), None, 1),
        ("backtrack", ("try_to",), None, 0),
    ]


def with_gaps() -> Domain:
    domain = counting()
    domain.declare("draw", {"what": "string"}, "Draw a picture.")

    @domain.method("show")
    def far_from_done(state: Any) -> Any:
        return [("fly",), ("step", 1), ("step", 2)]

    @domain.method("show")
    def nearly_done(state: Any) -> Any:
        return [("step", 1), ("step", 2), ("draw", "a house")]

    return domain


def test_gaps_are_ranked_by_what_would_be_left_after_them() -> None:
    failure = failed(find_plan(with_gaps(), start(), [("show",)]))
    assert [(gap.task, gap.declared, gap.remaining) for gap in failure.gaps] == [
        (("draw", "a house"), True, 0),
        (("fly",), False, 2),
    ]
    assert failure.exit_code == 5


def test_a_gap_remembers_the_state_in_which_it_was_met() -> None:
    failure = failed(find_plan(with_gaps(), start(), [("show",)]))
    assert [gap.state.reached["here"] for gap in failure.gaps] == [2, "start"]


def test_a_known_way_is_a_plan_however_many_gaps_were_met_before() -> None:
    domain = with_gaps()

    @domain.method("show")
    def known(state: Any) -> Any:
        return [("step", 7)]

    assert tasks_of(planned(find_plan(domain, start(), [("show",)]))) == [("step", 7)]


def test_a_gap_is_closed_by_a_domain_that_knows_more() -> None:
    domain = with_gaps()
    learned = Operator("draw", domain.operators["draw"].arity, lambda state, what: state, version="abc")
    plan = planned(find_plan(domain.extended_by([learned]), start(), [("show",)]))
    assert [action.version for action in plan] == [None, None, "abc"]


def change(state: Any) -> Any:
    state.reached["here"] = 1
    return []


def change_in_place(state: Any) -> Any:
    state.notes["all"].append("two")
    return []


def change_after_yielding(state: Any) -> Iterator[Any]:
    yield [("refuse",)]
    state.reached["here"] = 1


@pytest.mark.parametrize("function", [change, change_in_place, change_after_yielding])
def test_a_method_that_changes_the_state_is_named(function: Callable[..., Any]) -> None:
    domain = counting()
    domain.method("wrong")(function)
    with pytest.raises(DomainError, match=f"the method {function.__name__} of wrong changes the state"):
        find_plan(domain, start(), [("wrong",)])


def test_a_method_may_read_lists_and_sets() -> None:
    domain = counting()

    @domain.method("look")
    def looking(state: Any) -> Any:
        return [("step", len(state.notes["all"]))]

    assert tasks_of(planned(find_plan(domain, start(), [("look",)]))) == [("step", 1)]


def test_an_exception_of_a_method_is_told_with_name_line_task_and_path() -> None:
    domain = counting()

    @domain.method("look")
    def looking(state: Any, where: str) -> Any:
        return state.notes[where]

    @domain.method("search")
    def searching(state: Any) -> Any:
        return [("look", "cellar")]

    line = looking.__code__.co_firstlineno + 2
    with pytest.raises(DomainError) as caught:
        find_plan(domain, start(), [("search",)])
    assert caught.value.explain() == (
        f"error[domain]: looking raised KeyError: 'cellar' at line {line}, for look(cellar)\n"
        "  in search() by searching\n"
        "hint: is an entry of the state missing?"
    )


@pytest.mark.parametrize("nonsense", [True, 3, "walk", ["walk"], [["walk", 1]], [()], [(1, 2)], {"walk": 1}], ids=repr)
def test_a_method_that_gives_no_tasks_is_named(nonsense: object) -> None:
    domain = counting()

    @domain.method("wrong")
    def confused(state: Any) -> Any:
        return nonsense

    with pytest.raises(DomainError, match="the method confused of wrong gave"):
        find_plan(domain, start(), [("wrong",)])


@pytest.mark.parametrize("nonsense", [True, 3, "done", State(reached={})], ids=repr)
def test_an_operator_that_gives_another_state_is_named(nonsense: object) -> None:
    domain = counting()

    @domain.operator
    def confused(state: Any) -> Any:
        return nonsense

    with pytest.raises(DomainError, match="the operator confused gave"):
        find_plan(domain, start(), [("confused",)])


@pytest.mark.parametrize("task", [("step",), ("step", 1, 2), ("count", 1), ("count", 1, 2, 3)])
def test_a_task_with_the_wrong_number_of_arguments_is_named(task: tuple[Any, ...]) -> None:
    domain = counting()

    @domain.method("wrong")
    def confused(state: Any) -> Any:
        return [task]

    with pytest.raises(DomainError, match=f"has {len(task) - 1} arguments, which {task[0]} does not take"):
        find_plan(domain, start(), [("wrong",)])


@pytest.mark.parametrize("tasks", [("travel", "alice"), [["travel", "alice"]], [()], [(3,)]], ids=repr)
def test_what_is_no_list_of_tasks_is_refused(tasks: Any) -> None:
    with pytest.raises(UsageError, match="is not a task"):
        find_plan(counting(), start(), tasks)


def ask_in_operator(domain: Domain) -> None:
    @domain.operator
    def decide(state: Any) -> Any:
        return state if state.mean["wind"] > 3 else None


def ask_in_method(domain: Domain) -> None:
    @domain.method("decide")
    def by_mean(state: Any) -> Any:
        return [("step", 1)] if state.mean["wind"] > 3 else None


def ask_late_in_generator(domain: Domain) -> None:
    @domain.method("decide")
    def by_mean(state: Any) -> Iterator[Any]:
        yield [("refuse",)]
        yield [("step", 1)] if state.mean["wind"] else None


@pytest.mark.parametrize("declare", [ask_in_operator, ask_in_method, ask_late_in_generator])
def test_a_value_that_is_not_known_yet_stops_the_search_and_is_no_refusal(
    declare: Callable[[Domain], None],
) -> None:
    domain = counting()
    declare(domain)

    @domain.method("decide_or_not")
    def deciding(state: Any) -> Any:
        return [("decide",)]

    @domain.method("decide_or_not")
    def not_deciding(state: Any) -> Any:
        return []

    state = State(mean={"wind": Unknown("the mean of wind")}, reached={})
    failure = failed(find_plan(domain, state, [("decide_or_not",)]))
    assert isinstance(failure.stopped, NeedsValue)
    assert failure.explain().startswith(
        "error[needs-value]: planning needs the mean of wind, which only execution can know\n"
        "  in decide_or_not() by deciding\n"
    )


def test_an_unknown_is_passed_from_state_to_state_as_an_argument() -> None:
    domain = counting()

    @domain.method("pass_on")
    def passing(state: Any) -> Any:
        return [("step", state.mean["wind"])]

    unknown = Unknown("the mean")
    plan = planned(find_plan(domain, State(mean={"wind": unknown}, reached={}), [("pass_on",)]))
    assert plan.actions[0].arguments[0] is unknown


def test_a_circle_is_noticed_and_another_way_is_found() -> None:
    domain = Domain("maze")

    @domain.operator
    def go(state: Any, place: str) -> Any:
        state.at["me"] = place
        return state

    @domain.method("reach")
    def there(state: Any, goal: str) -> Any:
        return [] if state.at["me"] == goal else None

    @domain.method("reach")
    def onward(state: Any, goal: str) -> Any:
        roads = {"a": ["b"], "b": ["a", "c"], "c": ["b", "d"], "d": []}
        for place in roads[state.at["me"]]:
            yield [("go", place), ("reach", goal)]

    plan = planned(find_plan(domain, State(at={"me": "a"}), [("reach", "d")]))
    assert [action.arguments[0] for action in plan][-1] == "d"


def test_a_domain_that_only_runs_in_circles_has_no_plan_and_says_so() -> None:
    domain = Domain("circle")

    @domain.method("go")
    def on_and_on(state: Any) -> Any:
        return [("go",)]

    failure = failed(find_plan(domain, State(), [("go",)]))
    assert "the same is left to do in the same state as before" in failure.explain()
