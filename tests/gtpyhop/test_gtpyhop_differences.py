"""Where GTPyhop 2.0.2 is wrong and ours is right: each test says what GTPyhop does there."""

from collections.abc import Callable
from typing import Any

import pytest

import htn.gtpyhop as gtpyhop
from htn.errors import DomainError
from htn.gtpyhop import Domain, Multigoal, PlannerSession, State
from htn.gtpyhop.settings import COMMITTED, STRATEGIES


def assign(state: State, key: str, value: Any) -> State:
    """Set one value."""
    state.at[key] = value
    return state


def need(state: State, key: str, value: Any) -> State | None:
    """Need one value; nothing changes."""
    return state if state.at.get(key) == value else None


def ways(*todo_lists: Any) -> list[Callable[..., Any]]:
    """Return one method for each list of subtasks."""
    made = []
    for number, todo in enumerate(todo_lists):

        def way(state: State, *_: Any, todo: Any = todo) -> Any:
            return todo

        way.__name__ = f"way_{number}"
        made.append(way)
    return made


@pytest.fixture
def domain() -> Domain:
    made = Domain("differences")
    gtpyhop.declare_actions(assign, need)
    return made


def start() -> State:
    return State("start", at={})


@pytest.mark.parametrize("strategy", STRATEGIES[:3])
def test_every_strategy_goes_back_to_other_methods(domain: Domain, strategy: str) -> None:
    """GTPyhop's default strategy does not: it answers that there is no plan."""
    gtpyhop.declare_task_methods("choose", *ways([("assign", "x", 1)], [("assign", "x", 2)]))
    gtpyhop.set_recursive_planning(strategy)

    assert gtpyhop.find_plan(start(), [("choose",), ("need", "x", 2)]) == [("assign", "x", 2)]
    assert gtpyhop.get_recursive_planning()


def test_a_search_that_commits_itself_is_there_by_name(domain: Domain) -> None:
    gtpyhop.declare_task_methods("choose", *ways(None, [("assign", "x", 1)], [("assign", "x", 2)]))
    gtpyhop.set_recursive_planning(COMMITTED)

    assert gtpyhop.find_plan(start(), [("choose",), ("need", "x", 2)]) is False
    assert gtpyhop.find_plan(start(), [("choose",), ("need", "x", 1)]) == [("assign", "x", 1)]
    assert not gtpyhop.get_recursive_planning()


@pytest.mark.parametrize("strategy", STRATEGIES[:3])
def test_a_goal_with_two_methods_tries_the_second_alone(domain: Domain, strategy: str) -> None:
    """GTPyhop's recursive strategy puts the second method's subgoals in front of the first method's, which failed."""
    gtpyhop.declare_unigoal_methods("at", *ways([("need", "no", 1)], [("assign", "x", 1)]))
    gtpyhop.set_recursive_planning(strategy)

    assert gtpyhop.find_plan(start(), [("at", "x", 1)]) == [("assign", "x", 1)]


def test_a_goal_method_that_misses_its_goal_is_a_dead_end(domain: Domain) -> None:
    """GTPyhop raises, though the next method reaches the goal."""
    gtpyhop.declare_unigoal_methods("at", *ways([("assign", "y", 1)], [("assign", "x", 1)]))

    assert gtpyhop.find_plan(start(), [("at", "x", 1)]) == [("assign", "x", 1)]


def test_a_multigoal_method_that_misses_its_goal_is_a_dead_end(domain: Domain) -> None:
    """GTPyhop raises, though the next method reaches the goal."""
    gtpyhop.declare_multigoal_methods(*ways([("assign", "y", 1)], [("assign", "x", 1)]))

    assert gtpyhop.find_plan(start(), [Multigoal("g", at={"x": 1})]) == [("assign", "x", 1)]


def test_without_verification_a_goal_method_is_believed(domain: Domain) -> None:
    gtpyhop.declare_unigoal_methods("at", *ways([("assign", "y", 1)]))
    gtpyhop.declare_multigoal_methods(*ways([("assign", "z", 1)]))
    todo = [("at", "x", 1), Multigoal("g", at={"x": 1}), ("at", "y", 1)]

    assert gtpyhop.find_plan(start(), todo) is False
    assert gtpyhop.set_verify_goals(False)
    assert gtpyhop.find_plan(start(), todo) == [("assign", "y", 1), ("assign", "z", 1)]


def test_a_method_is_asked_only_when_those_before_it_have_failed(domain: Domain) -> None:
    """GTPyhop's explicit stack asks all methods of a task before it tries what the first one said."""
    asked = []

    def first(state: State) -> list[Any]:
        asked.append("first")
        return []

    def second(state: State) -> list[Any]:
        asked.append("second")
        return []

    gtpyhop.declare_task_methods("choose", first, second)

    assert gtpyhop.find_plan(start(), [("choose",)]) == []
    assert asked == ["first"]


@pytest.mark.parametrize("strategy", STRATEGIES[:3])
def test_a_task_that_only_leads_back_to_itself_is_given_up(domain: Domain, strategy: str) -> None:
    """GTPyhop goes round until its stack or the memory is full."""
    gtpyhop.declare_task_methods("round", *ways([("assign", "x", 1), ("round",)], [("need", "x", 2)]))
    gtpyhop.set_recursive_planning(strategy)

    assert gtpyhop.find_plan(start(), [("round",)]) is False


def test_a_name_that_nobody_declared_is_gone_round(domain: Domain) -> None:
    """GTPyhop raises when it comes by one, though another method avoids it."""
    gtpyhop.declare_task_methods("choose", *ways([("fly",)], [("assign", "x", 1)]))

    assert gtpyhop.find_plan(start(), [("choose",)]) == [("assign", "x", 1)]


def test_a_name_that_nobody_declared_is_an_error_where_nothing_avoids_it(domain: Domain) -> None:
    gtpyhop.declare_task_methods("choose", *ways([("fly", "home")]))

    with pytest.raises(DomainError, match=r"fly\(home\) is no action, task, unigoal or multigoal of the domain diff"):
        gtpyhop.find_plan(start(), [("choose",)])


def test_an_action_that_returns_true_is_an_error(domain: Domain) -> None:
    """GTPyhop takes it for an action that does not apply, and drops what it did."""

    def careless(state: State) -> bool:
        state.at["x"] = 1
        return True

    gtpyhop.declare_actions(careless)

    with pytest.raises(DomainError, match="careless gave True"):
        gtpyhop.find_plan(start(), [("careless",)])


def test_a_method_that_changes_the_state_is_an_error(domain: Domain) -> None:
    """GTPyhop lets the change stand, also for the methods that are tried instead."""

    def meddling(state: State) -> list[Any]:
        state.at["x"] = 1
        return []

    gtpyhop.declare_task_methods("choose", meddling)

    with pytest.raises(DomainError, match="meddling of choose changes the state"):
        gtpyhop.find_plan(start(), [("choose",)])


def test_an_object_that_was_only_looked_at_does_not_make_an_action_count_as_a_change(domain: Domain) -> None:
    """GTPyhop compares copies by identity where a class has no ==, so each of its actions has changed the state."""

    class Robot:
        def __init__(self) -> None:
            self.charge = 3

    def look(state: State) -> State | None:
        return state if state.robots["r"].charge == 3 and state.tool.charge == 3 else None

    gtpyhop.declare_actions(look)
    state = State("s", at={}, robots={"r": Robot()}, tool=Robot())

    assert gtpyhop.find_plan(state, [("look",), ("assign", "x", 1)]) == [("assign", "x", 1)]


def test_an_exception_of_a_domains_function_comes_through_with_the_task_it_was_for(domain: Domain) -> None:
    """GTPyhop lets it through without a word about the task."""
    gtpyhop.declare_task_methods("choose", lambda state: [("assign", "x", state.at["missing"])])

    with pytest.raises(KeyError, match="missing") as caught:
        gtpyhop.find_plan(start(), [("choose",)])
    assert "for choose()" in caught.value.__notes__[0]


def test_an_action_that_changes_its_list_of_arguments_does_not_change_the_task(domain: Domain) -> None:
    """GTPyhop hands the list itself on, so after going back the task is another one."""

    def use_up(state: State, items: list[str]) -> State:
        state.at["used"] = len(items)
        items.clear()
        return state

    gtpyhop.declare_actions(use_up)

    assert gtpyhop.find_plan(start(), [("use_up", ["a", "b"])]) == [("use_up", ["a", "b"])]


def test_a_multigoal_may_be_the_argument_of_a_task_with_several_methods(domain: Domain) -> None:
    goal = Multigoal("g", at={"x": 1})
    gtpyhop.declare_task_methods("choose", *ways([("need", "x", 1)], [("assign", "x", 1)]))

    assert gtpyhop.find_plan(start(), [("choose", goal)]) == [("assign", "x", 1)]


def test_actions_that_change_nothing_are_dropped_or_kept(domain: Domain) -> None:
    todo = [("assign", "x", 1), ("assign", "x", 1), ("need", "x", 1)]

    assert gtpyhop.find_plan(start(), todo) == [("assign", "x", 1)]
    assert PlannerSession(domain=domain, keep_idle=True).find_plan(start(), todo).plan == todo
    assert gtpyhop.set_keep_idle_actions(True) is False
    assert gtpyhop.find_plan(start(), todo) == todo


def test_a_goal_about_a_variable_that_the_state_does_not_have_is_an_error(domain: Domain) -> None:
    gtpyhop.declare_unigoal_methods("att", *ways([]))

    with pytest.raises(DomainError, match=r"state.att, which the state start does not have") as caught:
        gtpyhop.find_plan(start(), [("att", "x", 1)])
    assert "did you mean at?" in caught.value.explain()
