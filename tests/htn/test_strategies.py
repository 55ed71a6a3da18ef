"""Strategies of the search against oracles: shortest paths, all interleavings, goals."""

import itertools
from collections.abc import Iterator
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htn import Domain, Failure, Limits, Plan, State, find_plan
from htn.errors import DomainError, UsageError
from htn.network import Multigoal, Part, sequence, unordered

Roads = dict[tuple[int, int], int]
roads = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda road: road[0] != road[1]),
    st.integers(0, 9),
    max_size=20,
)


def planned(found: Plan | Failure) -> Plan:
    assert isinstance(found, Plan), found.explain()
    return found


def on_a_map() -> Domain:
    """Go from place to place until the goal is reached: a method for every road."""
    domain = Domain("map")

    @domain.operator(cost=lambda state, start, end: state.road[start, end])
    def go(state: Any, start: int, end: int) -> Any:
        if state.at["me"] == start and (start, end) in state.road:
            state.at["me"] = end
            return state
        return None

    @domain.method("reach")
    def there(state: Any, goal: int) -> Any:
        return [] if state.at["me"] == goal else None

    @domain.method("reach")
    def onward(state: Any, goal: int) -> Iterator[Any]:
        here = state.at["me"]
        for start, end in state.road:
            if start == here:
                yield [("go", start, end), ("reach", goal)]

    return domain


def paid(plan: Plan, road: Roads) -> int:
    return sum(road[action.arguments] for action in plan)


def shortest(road: Roads) -> int | None:
    graph = nx.DiGraph([(start, end, {"cost": cost}) for (start, end), cost in road.items()])
    graph.add_nodes_from([0, 6])
    try:
        return int(nx.shortest_path_length(graph, 0, 6, weight="cost"))
    except nx.NetworkXNoPath:
        return None


@given(roads)
@settings(deadline=None)
def test_depth_first_finds_a_way_wherever_there_is_one(road: Roads) -> None:
    found = find_plan(on_a_map(), State(at={"me": 0}, road=road), [("reach", 6)])
    assert isinstance(found, Plan) == (shortest(road) is not None)


@pytest.mark.parametrize("strategy", ["best-first", "anytime"])
@given(road=roads)
@settings(deadline=None)
def test_the_cheapest_way_is_as_cheap_as_dijkstras(strategy: Any, road: Roads) -> None:
    found = find_plan(on_a_map(), State(at={"me": 0}, road=road), [("reach", 6)], strategy=strategy)
    least = shortest(road)
    assert (paid(found, road) if isinstance(found, Plan) else None) == least


@given(roads)
@settings(deadline=None)
def test_an_admissible_heuristic_finds_the_cheapest_way_with_no_more_expansions_than_none(road: Roads) -> None:
    road = {(0, 6): 50, **road}  # there is always a way, if a dear one
    back = nx.DiGraph([(end, start, {"cost": cost}) for (start, end), cost in road.items()])
    to_goal = nx.single_source_dijkstra_path_length(back, 6, weight="cost")
    start = State(at={"me": 0}, road=road)

    def exact(state: State, tasks: tuple[Any, ...]) -> float:
        return float(to_goal.get(state.at["me"], 1000)) if tasks and tasks[-1][0] == "reach" else 0.0

    guided = planned(find_plan(on_a_map(), start, [("reach", 6)], strategy="best-first", heuristic=exact))
    blind = planned(find_plan(on_a_map(), start, [("reach", 6)], strategy="best-first"))
    assert paid(guided, road) == shortest(road)
    assert guided.expansions <= blind.expansions


def test_anytime_hands_out_the_first_plan_at_once_and_then_only_cheaper_ones() -> None:
    road = {(0, 1): 5, (1, 6): 5, (0, 2): 1, (2, 6): 3, (0, 6): 9}
    heard: list[int] = []
    best = find_plan(
        on_a_map(), State(at={"me": 0}, road=road), [("reach", 6)],
        strategy="anytime", on_plan=lambda plan: heard.append(paid(plan, road)),
    )  # fmt: skip
    assert heard == [10, 4]
    assert paid(planned(best), road) == 4


def test_anytime_that_reaches_its_limit_returns_the_best_plan_so_far() -> None:
    road = {(0, 1): 5, (1, 6): 5, (0, 2): 1, (2, 6): 3}
    start = State(at={"me": 0}, road=road)
    first = planned(find_plan(on_a_map(), start, [("reach", 6)]))
    limits = Limits(expansions=first.expansions)
    stopped = find_plan(on_a_map(), start, [("reach", 6)], strategy="anytime", limits=limits)
    assert paid(planned(stopped), road) == 10
    assert start == State(at={"me": 0}, road=road)


def test_a_cancelled_search_stops_cleanly() -> None:
    asked = itertools.count()
    state = State(at={"me": 0}, road={(0, 1): 1, (1, 0): 1})
    found = find_plan(on_a_map(), state, [("reach", 6)], cancelled=lambda: next(asked) >= 0)
    assert isinstance(found, Failure)
    assert "cancelled" in found.explain()
    assert state == State(at={"me": 0}, road={(0, 1): 1, (1, 0): 1})


def test_an_unknown_strategy_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no strategy 'widest'"):
        find_plan(on_a_map(), State(), [], strategy="widest")  # type: ignore[arg-type]  # the point of the test


def counters() -> Domain:
    """`step(name, need, give)` applies where the counter is at `need` and sets it to `give`."""
    domain = Domain("counters")

    @domain.operator
    def step(state: Any, name: str, need: int, give: int) -> Any:
        if state.n["x"] != need:
            return None
        state.n["x"] = give
        state.done[name] = True
        return state

    @domain.method("both")
    def in_order(state: Any, first: Any, second: Any) -> Any:
        return [("step", *first), ("step", *second)]

    return domain


steps = st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.integers(0, 2)).map(lambda s: ("step", *s))
networks: st.SearchStrategy[Any] = st.recursive(
    steps,
    lambda inner: st.tuples(st.booleans(), st.lists(inner, min_size=1, max_size=3)).map(
        lambda pair: (sequence if pair[0] else unordered)(*pair[1])
    ),
    max_leaves=6,
)


def orders(part: Part) -> set[tuple[Any, ...]]:
    """Return every order in which a network's steps may be done, by brute force."""
    if isinstance(part, tuple):
        return {(part,)}
    assert not isinstance(part, Multigoal)
    lines = [orders(inner) for inner in part.parts]
    if part.ordered:
        return {tuple(itertools.chain(*choice)) for choice in itertools.product(*lines)}
    found: set[tuple[Any, ...]] = set()
    for choice in itertools.product(*lines):
        found |= set(shuffles(choice))
    return found


def shuffles(lines: tuple[tuple[Any, ...], ...]) -> Iterator[tuple[Any, ...]]:
    if not any(lines):
        yield ()
    for at, line in enumerate(lines):
        if line:
            for rest in shuffles((*lines[:at], line[1:], *lines[at + 1 :])):
                yield (line[0], *rest)


def works(order: tuple[Any, ...]) -> bool:
    x = 0
    for _, _, need, give in order:
        if x != need:
            return False
        x = give
    return True


@given(networks)
@settings(deadline=None, max_examples=300)
def test_a_network_is_planned_exactly_where_some_interleaving_works(network: Any) -> None:
    found = find_plan(counters(), State(n={"x": 0}, done={}), [network])
    possible = {order for order in orders(network) if works(order)}
    if isinstance(found, Plan):
        assert tuple(action.task for action in found) in possible
    else:
        assert not possible


def test_subtasks_of_parallel_tasks_interleave_where_only_that_works() -> None:
    network = unordered(("both", ("a", 0, 1), ("c", 2, 0)), ("both", ("b", 1, 2), ("d", 0, 1)))
    plan = planned(find_plan(counters(), State(n={"x": 0}, done={}), network))
    assert [action.arguments[0] for action in plan] == ["a", "b", "c", "d"]
    apart = find_plan(counters(), State(n={"x": 0}, done={}), list(network.parts))
    assert isinstance(apart, Failure)


def test_a_method_may_return_a_network() -> None:
    domain = counters()

    @domain.method("any")
    def whichever(state: Any) -> Any:
        return unordered(("step", "late", 1, 2), ("step", "early", 0, 1))

    plan = planned(find_plan(domain, State(n={"x": 0}, done={}), [("any",)]))
    assert [action.arguments[0] for action in plan] == ["early", "late"]


def lights() -> Domain:
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

    return domain


def test_a_goal_that_holds_needs_nothing_and_one_that_does_not_is_reached() -> None:
    start = State(on={"hall": True, "attic": False})
    assert len(planned(find_plan(lights(), start, [("on", "hall", True)]))) == 0
    plan = planned(find_plan(lights(), start, [("on", "attic", True)]))
    assert [str(action) for action in plan] == ["press(attic)"]


def test_a_multigoal_is_reached_and_checked() -> None:
    start = State(on={"hall": True, "attic": False, "cellar": False})
    goal = Multigoal.of({"on": {"hall": False, "attic": True}})
    plan = planned(find_plan(lights(), start, [goal]))
    assert sorted(str(action) for action in plan) == ["press(attic)", "press(hall)"]


def test_a_goal_method_that_misses_its_goal_is_not_believed() -> None:
    domain = lights()
    domain.goal_methods["on"] = ()

    @domain.goal_method("on")
    def by_doing_nothing(state: Any, lamp: str, wanted: bool) -> Any:
        return []

    @domain.goal_method("on")
    def by_pressing(state: Any, lamp: str, wanted: bool) -> Any:
        return [("press", lamp)]

    plan = planned(find_plan(domain, State(on={"hall": False}), [("on", "hall", True)]))
    assert [node.method for node in plan.nodes if node.method] == ["by_pressing"]


def test_a_goal_without_key_and_value_is_an_error_of_the_domain() -> None:
    with pytest.raises(DomainError, match="which has a key and a value"):
        find_plan(lights(), State(on={"hall": False}), [("on", "hall")])


def test_a_goal_whose_key_cannot_be_one_is_an_error_of_the_domain() -> None:
    with pytest.raises(DomainError, match="names a key that cannot be one"):
        find_plan(lights(), State(on={"hall": False}), [("on", ["hall"], True)])


def test_a_list_that_an_operator_empties_is_its_own_copy() -> None:
    domain = Domain("greedy")

    @domain.operator
    def refuse(state: Any, items: list[int]) -> Any:
        items.clear()

    @domain.operator
    def put(state: Any, items: list[int]) -> Any:
        state.n["x"] = len(items)
        return state

    @domain.method("store")
    def first(state: Any, items: list[int]) -> Any:
        return [("refuse", items)]

    @domain.method("store")
    def second(state: Any, items: list[int]) -> Any:
        return [("put", items)]

    plan = planned(find_plan(domain, State(n={"x": 0}), [("store", [1, 2, 3])]))
    assert [action.task for action in plan] == [("put", [1, 2, 3])]


def test_a_method_that_yields_nothing_for_ever_is_stopped_by_the_limits() -> None:
    domain = Domain("lazy")

    @domain.method("wait")
    def for_ever(state: Any) -> Iterator[Any]:
        while True:
            yield None

    found = find_plan(domain, State(), [("wait",)], limits=Limits(expansions=1000))
    assert isinstance(found, Failure)
    assert found.exit_code == 6


@pytest.mark.parametrize("leave", [SystemExit(0), GeneratorExit()], ids=repr)
def test_a_function_that_wants_to_leave_is_an_error_of_the_domain(leave: BaseException) -> None:
    domain = Domain("leaving")

    @domain.operator
    def go(state: Any) -> Any:
        raise leave

    with pytest.raises(DomainError, match="go raised"):
        find_plan(domain, State(), [("go",)])


@pytest.mark.parametrize("numbers", [(-1, -2), (-2, -1), (1, True), (1, 1.0), (0, False)])
def test_values_that_python_hashes_alike_are_told_apart_by_what_is_remembered(numbers: tuple[Any, Any]) -> None:
    wrong, right = numbers
    domain = Domain("alike")

    @domain.operator
    def set_to(state: Any, value: Any) -> Any:
        state.n["x"] = value
        return state

    @domain.operator
    def fail(state: Any) -> Any:
        return None

    @domain.operator
    def is_right(state: Any) -> Any:
        return state if repr(state.n["x"]) == repr(right) else None

    @domain.method("waste")
    def dead_ends(state: Any) -> Iterator[Any]:
        for _ in range(100):
            yield [("fail",)]

    @domain.method("waste")
    def enough(state: Any) -> Any:
        return []

    @domain.method("choose")
    def either(state: Any) -> Iterator[Any]:
        yield [("set_to", wrong), ("go",)]
        yield [("set_to", right), ("go",)]

    @domain.method("go")
    def check(state: Any) -> Any:
        return [("is_right",)]

    @domain.method("choose_argument")
    def one_or_other(state: Any) -> Iterator[Any]:
        yield [("told", wrong)]
        yield [("told", right)]

    @domain.method("told")
    def only_one(state: Any, value: Any) -> Any:
        return [] if repr(value) == repr(right) else None

    for task in ("choose", "choose_argument"):
        planned(find_plan(domain, State(n={"x": None}), [("waste",), (task,)]))
