"""The verifier agrees with the plainest notion of a plan, on plans of random domains and on damaged ones."""

from random import Random
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from domains.travel import at_home, travel
from htn.plan import Decomposition, Plan
from htn.search import Limits, find_plan
from htn.state import State
from htn.verify import verify_plan
from tests.htn import random_domains
from tests.htn.damage import KINDS, is_well_formed
from tests.htn.derivation import derivation, is_derivable
from tests.htn.random_networks import Problem, problems

ENOUGH = Limits(expansions=1000)
randoms = st.randoms(use_true_random=False)


def some_plan(problem: Problem, random: Random) -> Plan:
    nodes = derivation(problem.domain(), problem.namespace(), problem.tasks, random.randrange)
    assume(nodes is not None and len(nodes) <= 10)
    assert nodes is not None
    return Plan("networks", problem.tasks, nodes)


def flaws(problem: Problem, plan: Plan) -> list[str]:
    return list(map(str, verify_plan(problem.domain(), State(problem.variables()), plan)))


@given(problems)
@settings(max_examples=300, deadline=None)
def test_what_the_search_finds_is_right(problem: Problem) -> None:
    found = find_plan(problem.domain(), State(problem.variables()), problem.tasks, limits=ENOUGH)
    assume(isinstance(found, Plan))
    assert isinstance(found, Plan)
    event(f"{min(len(found), 5)} actions")
    assert flaws(problem, found) == []


@given(random_domains.problems)
@settings(max_examples=200, deadline=None)
def test_what_the_search_finds_in_domains_with_loops_over_a_bag_is_right(problem: random_domains.Problem) -> None:
    domain = random_domains.make_domain(problem)
    found = find_plan(domain, State(problem.variables()), problem.tasks, limits=ENOUGH)
    assume(isinstance(found, Plan))
    assert isinstance(found, Plan)
    assert verify_plan(domain, State(problem.variables()), found) == ()


@given(problems, randoms)
@settings(max_examples=300, deadline=None)
def test_any_way_to_interleave_and_to_choose_methods_is_right(problem: Problem, random: Random) -> None:
    plan = some_plan(problem, random)
    event(f"{min(len(plan.nodes), 8)} nodes")
    assert flaws(problem, plan) == []


@given(problems, randoms, st.sampled_from(KINDS), st.sampled_from([None, *KINDS]))
@settings(max_examples=800, deadline=None)
def test_damage_is_a_flaw_unless_it_is_another_right_plan(
    problem: Problem, random: Random, kind: Any, more: Any
) -> None:
    plan = some_plan(problem, random)
    assume(plan.nodes)
    damaged = kind(plan, random.randrange)
    if more is not None and damaged.nodes and damaged.tasks:
        damaged = more(damaged, random.randrange)
    assume(repr(damaged) != repr(plan))
    right = is_derivable(problem.domain(), problem.namespace(), damaged.tasks, damaged.nodes)
    event(f"{kind.__name__}: {'another plan' if right else 'a flaw'}")
    found = flaws(problem, damaged)
    assert (found == []) is right, found


@given(randoms, st.sampled_from(KINDS))
@settings(max_examples=300, deadline=None)
def test_every_damage_to_a_taxi_ride_is_found(random: Random, kind: Any) -> None:
    plan = find_plan(travel, at_home(), [("travel", "alice", "home", "park"), ("travel", "bob", "home", "station")])
    assert isinstance(plan, Plan)
    damaged = kind(plan, random.randrange)
    assume(repr(damaged) != repr(plan))
    assume(not (damaged.tasks != plan.tasks and _has_the_same_order(plan, damaged)))
    assert verify_plan(travel, at_home(), damaged)
    if not is_well_formed(damaged.nodes):
        assert all(flaw.node is not None for flaw in verify_plan(travel, at_home(), damaged))


def _has_the_same_order(plan: Plan, damaged: Plan) -> bool:
    """Say whether only the tasks were put into a network that allows the order that the plan has."""
    tops: list[Decomposition] = [node for node in plan.nodes if node.parent is None]
    return len(list(_flat(damaged.tasks))) == len(tops) and sorted(map(repr, _flat(damaged.tasks))) == sorted(
        repr(node.task) for node in tops
    )


def _flat(parts: Any) -> Any:
    for part in parts:
        if hasattr(part, "tasks"):
            yield from part.tasks()
        else:
            yield part
