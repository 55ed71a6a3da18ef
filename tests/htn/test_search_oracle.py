"""The search gives what the plainest search gives, on random domains."""

import copy
from types import SimpleNamespace

import pytest
from hypothesis import assume, event, given, settings

from htn.failure import Failure
from htn.plan import Plan
from htn.search import Limits, find, find_plan
from htn.search.report import Report
from htn.state import State
from tests.htn.oracle import seek_plan
from tests.htn.random_domains import Problem, make_domain, problems

ENOUGH = Limits(expansions=2000)


def plan_for(problem: Problem) -> tuple[Plan | Failure, State]:
    state = State(problem.variables())
    found = find_plan(make_domain(problem), state, problem.tasks, limits=ENOUGH)
    assume(not (isinstance(found, Failure) and found.stopped))
    return found, state


@given(problems)
@settings(max_examples=800, deadline=None)
def test_the_plan_is_the_one_that_recursion_over_deep_copies_finds(problem: Problem) -> None:
    found, _ = plan_for(problem)
    expected = seek_plan(make_domain(problem), SimpleNamespace(**problem.variables()), problem.tasks)
    event("a plan" if expected else "the empty plan" if expected is not None else "no plan")
    assert ([action.task for action in found] if isinstance(found, Plan) else None) == expected


@given(problems)
@settings(deadline=None)
def test_the_state_is_handed_back_as_it_was(problem: Problem) -> None:
    _, state = plan_for(problem)
    assert state == State(problem.variables())


@given(problems)
@settings(deadline=None)
def test_a_plan_can_be_carried_out_action_by_action(problem: Problem) -> None:
    found, _ = plan_for(problem)
    assume(isinstance(found, Plan))
    assert isinstance(found, Plan)
    domain, state = make_domain(problem), SimpleNamespace(**copy.deepcopy(problem.variables()))
    for action in found:
        apply = domain.operators[action.name].apply
        assert apply is not None
        assert apply(state, *action.arguments) is state


@given(problems)
@settings(deadline=None)
def test_every_task_of_a_plan_is_decomposed_by_one_of_its_methods(problem: Problem) -> None:
    found, _ = plan_for(problem)
    assume(isinstance(found, Plan))
    assert isinstance(found, Plan)
    domain = make_domain(problem)
    roots = [node.task for node in found.nodes if node.parent is None]
    assert roots == list(problem.tasks)
    for node in found.nodes:
        assert isinstance(node.task, tuple)
        known = [method.name for method in domain.methods.get(node.task[0], ())]
        assert node.method in known or (node.is_action and node.task[0] in domain.operators)


@given(problems)
@settings(max_examples=300, deadline=None)
def test_a_failure_says_what_it_would_say_if_every_dead_end_kept_its_own_way_there(problem: Problem) -> None:
    def told() -> str:
        found = find_plan(make_domain(problem), State(problem.variables()), problem.tasks, limits=ENOUGH)
        return found.explain() if isinstance(found, Failure) else "a plan"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(find, "Report", lambda problem, trail, **_: Report(problem, trail, trail_is_cut_elsewhere=True))
        kept = told()
    event("no plan" if kept != "a plan" else kept)
    assert told() == kept
