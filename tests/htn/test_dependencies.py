"""What the actions of a plan have to do with each other."""

from random import Random
from typing import Any

import networkx as nx
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from domains.travel import at_home, travel
from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain, amount
from htn.errors import DomainError, UsageError
from htn.network import Multigoal, unordered
from htn.observe import Place
from htn.plan import HOLDS, Decomposition, Plan
from htn.search import Limits, find_plan
from htn.state import State
from tests.htn import random_domains
from tests.htn.derivation import derivation
from tests.htn.random_networks import KEYS, Problem, numbers, problems, reordering_actions

Node = Decomposition
randoms = st.randoms(use_true_random=False)


def flat(domain: Domain, *tasks: Any) -> Plan:
    return Plan(domain.name, tasks, tuple(Node(task, None, None) for task in tasks))


def carried_out(
    domain: Domain, variables: dict[str, Any], plan: Plan, order: list[int]
) -> tuple[State, dict[int, Any]]:
    """Return the final state, and what each action cost and how long it took."""
    state, amounts = State(variables), {}
    for index in order:
        action = plan.actions[index]
        operator = domain.operators[action.name]
        amounts[index] = [amount(of, state, action.arguments) for of in (operator.cost, operator.duration)]
        assert operator.apply is not None
        assert operator.apply(state, *action.arguments) is state
    state.mark()
    return state, amounts


def some_order(dependencies: Dependencies, random: Random) -> list[int]:
    left, order = set(range(len(dependencies.plan))), []
    while left:
        ready = sorted(one for one in left if left.isdisjoint(dependencies.before[one]))
        order.append(random.choice(ready))
        left.remove(order[-1])
    return order


def check_orders(domain: Domain, variables: dict[str, Any], plan: Plan, random: Random) -> None:
    found = dependencies_of(domain, State(variables), plan)
    in_order = list(range(len(plan)))
    expected = carried_out(domain, variables, plan, in_order)
    assert list(zip(found.costs, found.durations, strict=True)) == [tuple(expected[1][one]) for one in in_order]
    orders = [some_order(found, random) for _ in range(4)]
    orders.append([one for stage in found.stages for one in random.sample(stage, len(stage))])
    event(f"{min(len(plan), 6)} actions, {'several orders' if any(order != in_order for order in orders) else 'one'}")
    for order in orders:
        assert carried_out(domain, variables, plan, order) == expected


@given(problems, randoms)
@settings(max_examples=300, deadline=None)
def test_every_order_that_keeps_the_edges_leads_to_the_same_state_for_the_same_cost(
    problem: Problem, random: Random
) -> None:
    nodes = derivation(problem.domain(), problem.namespace(), problem.tasks, random.randrange)
    assume(nodes)
    assert nodes is not None
    check_orders(problem.domain(), problem.variables(), Plan("networks", problem.tasks, nodes), random)


@given(random_domains.problems, randoms)
@settings(max_examples=200, deadline=None)
def test_so_does_every_order_of_what_the_search_finds(problem: random_domains.Problem, random: Random) -> None:
    domain = random_domains.make_domain(problem)
    found = find_plan(domain, State(problem.variables()), problem.tasks, limits=Limits(expansions=1000))
    assume(isinstance(found, Plan))
    assert isinstance(found, Plan)
    check_orders(domain, problem.variables(), found, random)


@given(st.lists(reordering_actions, max_size=9), st.fixed_dictionaries(dict.fromkeys(KEYS, numbers)), randoms)
@settings(max_examples=400, deadline=None)
def test_so_does_every_order_of_actions_that_see_the_order_of_keys(
    tasks: list[Any], start: dict[str, int], random: Random
) -> None:
    problem = Problem({}, start, ())
    domain, state, applicable = problem.domain(), State(problem.variables()), []
    for task in tasks:
        mark = state.mark()
        apply = domain.operators[task[0]].apply
        assert apply is not None
        if apply(state, *task[1:]) is state:
            applicable.append(task)
        else:
            state.undo(mark)
    check_orders(domain, problem.variables(), flat(domain, *applicable), random)


@given(problems, randoms)
@settings(max_examples=150, deadline=None)
def test_the_reduced_graph_has_the_same_paths_and_the_stages_are_its_layers(problem: Problem, random: Random) -> None:
    nodes = derivation(problem.domain(), problem.namespace(), problem.tasks, random.randrange)
    assume(nodes is not None)
    assert nodes is not None
    found = dependencies_of(problem.domain(), State(problem.variables()), Plan("networks", problem.tasks, nodes))
    graph, reduced = found.graph(), found.reduced()
    assert set(nx.transitive_closure(graph).edges) == set(nx.transitive_closure(reduced).edges)
    assert set(reduced.edges) == set(nx.transitive_reduction(graph).edges)
    assert all(before < after for before, after in graph.edges)
    assert [sorted(layer) for layer in nx.topological_generations(graph)] == list(map(list, found.stages))


@given(problems, randoms)
@settings(max_examples=150, deadline=None)
def test_the_critical_path_is_the_longest_chain(problem: Problem, random: Random) -> None:
    nodes = derivation(problem.domain(), problem.namespace(), problem.tasks, random.randrange)
    assume(nodes)
    assert nodes is not None
    found = dependencies_of(problem.domain(), State(problem.variables()), Plan("networks", problem.tasks, nodes))
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for action, duration in enumerate(found.durations):
        graph.add_edge(("begin", action), ("end", action), weight=duration)
    for edge in found.edges:
        graph.add_edge(("end", edge.before), ("begin", edge.after), weight=0)
    assert found.duration == nx.dag_longest_path_length(graph) if len(found.plan) else found.duration == 0
    assert sum(found.durations[action] for action in found.critical_path) == found.duration
    for before, after in zip(found.critical_path, found.critical_path[1:], strict=False):
        assert before in found.before[after]


def shop() -> Domain:
    domain = Domain("shop")

    @domain.operator(cost=3, duration=5)
    def cook(state: Any, dish: str) -> Any:
        state.dish[dish] = "cooked"
        return state

    @domain.operator(cost=lambda state, dish: 10 * len(dish), duration=2)
    def serve(state: Any, dish: str) -> Any:
        if state.dish.get(dish) == "cooked":
            state.dish[dish] = "served"
            state.table["all"].append(dish)
            return state
        return None

    @domain.operator
    def taste(state: Any, dish: str) -> Any:
        return state if state.dish[dish] else None

    @domain.operator
    def count(state: Any) -> Any:
        state.total = len(state.dish)
        return state

    @domain.operator
    def clear(state: Any) -> Any:
        state.dish = {}
        return state

    @domain.method("feed")
    def cooking(state: Any, dish: str) -> Any:
        return [("cook", dish), ("serve", dish)] if dish not in state.dish else None

    @domain.method("look")
    def looking(state: Any) -> Any:
        return [] if state.dish["soup"] else None

    @domain.goal_method("dish")
    def served(state: Any, dish: str, how: str) -> Any:
        return [("feed", dish)]

    @domain.multigoal_method
    def each(state: Any, goal: Multigoal) -> Any:
        return [unordered(*goal.unmet(state))]

    return domain


def kitchen() -> State:
    return State(dish={}, table={"all": []}, total=0)


def edges(found: Dependencies) -> set[tuple[int, int, str, str]]:
    return {(edge.before, edge.after, edge.kind, str(place)) for edge in found.edges for place in edge.places}


def test_who_reads_comes_after_who_wrote_and_before_who_writes_again() -> None:
    tasks = [("cook", "soup"), ("serve", "soup"), ("taste", "soup"), ("cook", "soup")]
    found = dependencies_of(shop(), kitchen(), flat(shop(), *tasks))
    assert edges(found) == {
        (0, 1, "write before read", "dish[soup]"),
        (0, 1, "write before write", "dish[soup]"),
        (1, 2, "write before read", "dish[soup]"),
        (2, 3, "read before write", "dish[soup]"),
        (1, 3, "write before write", "dish[soup]"),
    }


def test_actions_on_other_entries_of_a_variable_are_independent() -> None:
    found = dependencies_of(shop(), kitchen(), flat(shop(), ("cook", "soup"), ("cook", "cake")))
    assert (found.edges, found.stages, found.duration, found.cost) == ((), ((0, 1),), 5, 6)


def test_length_reads_the_whole_variable_and_replacing_it_writes_all_of_it() -> None:
    found = dependencies_of(shop(), kitchen(), flat(shop(), ("cook", "soup"), ("count",), ("clear",), ("cook", "soup")))
    assert found.stages == ((0,), (1,), (2,), (3,))
    assert (1, 2, "read before write", "dish") in edges(found)
    assert (2, 3, "write before write", "dish[soup]") in edges(found)


def test_a_list_that_two_actions_append_to_keeps_their_order() -> None:
    plan = flat(shop(), ("cook", "soup"), ("cook", "cake"), ("serve", "soup"), ("serve", "cake"))
    found = dependencies_of(shop(), kitchen(), plan)
    assert found.stages == ((0, 1), (2,), (3,))
    assert (2, 3, "write before write", "table[all]") in edges(found)


def test_the_reads_of_a_method_belong_to_the_first_action_below_it() -> None:
    nodes = (Node(("feed", "soup"), "cooking", None), Node(("cook", "soup"), None, 0), Node(("serve", "soup"), None, 0))
    found = dependencies_of(shop(), kitchen(), Plan("shop", (("feed", "soup"),), nodes))
    assert Place("dish", "soup") in found.reads[0]
    method = [link for link in found.links if link.reader == "method"]
    assert [(link.source, link.target, link.node, str(link.place)) for link in method] == [(None, 0, 0, "dish[soup]")]


def test_the_reads_of_a_method_without_actions_belong_to_the_next_action_or_to_nobody() -> None:
    tasks: tuple[Any, ...] = (("cook", "soup"), ("look",), ("count",), ("look",))
    nodes = tuple(Node(task, "looking" if task == ("look",) else None, None) for task in tasks)
    found = dependencies_of(shop(), kitchen(), Plan("shop", tasks, nodes))
    method = [link for link in found.links if link.reader == "method"]
    assert [(link.source, link.target, link.node) for link in method] == [(0, 1, 1), (0, None, 3)]


def test_a_goal_needs_what_made_it_true_and_what_came_before() -> None:
    both = Multigoal.of({"dish": {"soup": "served", "cake": "served"}})
    plan = find_plan(shop(), kitchen(), [both, ("dish", "soup", "served")])
    assert isinstance(plan, Plan)
    assert plan.nodes[-1].method == HOLDS
    found = dependencies_of(shop(), kitchen(), plan)
    goals = [(link.source, link.node) for link in found.links if link.reader == "goal"]
    assert goals == [(1, 1), (3, 5), (1, 0), (3, 0), (1, 9)]
    assert str(found.why(1)) == (
        "2. serve(soup)\n"
        "  in feed(soup) by cooking\n"
        "  in dish(soup, served) by served\n"
        "  in goal(dish[soup] = served, dish[cake] = served) by each\n"
        "  relies on dish[soup], which 1. cook(soup) made\n"
        "  is needed by the goal dish(soup, served): it reads dish[soup]\n"
        "  is needed by 4. serve(cake): it reads table[all]\n"
        "  is needed by the goal goal(dish[soup] = served, dish[cake] = served): it reads dish[soup]"
    )


def test_a_taxi_ride_says_why_each_action_is_there() -> None:
    plan = find_plan(travel, at_home(), [("travel", "alice", "home", "park")])
    assert isinstance(plan, Plan)
    found = dependencies_of(travel, at_home(), plan)
    assert str(found.why(1)) == (
        "2. ride(alice, home, park)\n"
        "  in travel(alice, home, park) by by_taxi\n"
        "  relies on loc[taxi], which 1. call_taxi(home) made\n"
        "  is needed by 3. pay(alice): it reads owe[alice]"
    )
    assert str(found.why(2)).endswith("is needed by nothing after it")
    assert found.critical_path == (0, 1, 2)


def test_a_graph_knows_labels_amounts_and_why_there_is_an_edge() -> None:
    found = dependencies_of(shop(), kitchen(), flat(shop(), ("cook", "soup"), ("serve", "soup")))
    graph = found.graph()
    assert graph.nodes[1]["label"] == "serve(soup)"
    assert (graph.nodes[1]["cost"], graph.nodes[1]["duration"]) == (40, 2)
    assert graph.edges[0, 1]["kinds"]["write before read"] == (Place("dish", "soup"),)


def test_a_plan_without_actions_has_no_stages() -> None:
    found = dependencies_of(shop(), kitchen(), Plan("shop", (), ()))
    assert (found.stages, found.critical_path, found.cost, found.duration) == ((), (), 0, 0)


def test_the_state_is_left_as_it_is() -> None:
    state = kitchen()
    dependencies_of(shop(), state, flat(shop(), ("cook", "soup"), ("serve", "soup")))
    assert state == kitchen()


@pytest.mark.parametrize(
    "node",
    [
        Node(("serve", "soup"), None, None), Node(("fly",), None, None), Node(("feed", "soup"), "flying", None),
        Node(("look",), "looking", None), Node(Multigoal(()), None, None),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_carried_out_is_a_usage_error_that_names_the_node(node: Decomposition) -> None:
    with pytest.raises(UsageError, match=r"node 0, .*, cannot be carried out"):
        dependencies_of(shop(), kitchen(), Plan("shop", (), (node,)))


def test_a_cost_below_zero_is_an_error_of_the_domain() -> None:
    domain = Domain("odd")

    @domain.operator(cost=-1)
    def act(state: Any) -> Any:
        return state

    with pytest.raises(DomainError, match="at least 0"):
        dependencies_of(domain, State(), flat(domain, ("act",)))
