"""Domains of GTPyhop, Pyhop and the planning competition, and large states."""

import importlib
import io
from contextlib import redirect_stdout
from typing import Any

import pytest

import htn.gtpyhop as gtpyhop
from htn.gtpyhop import Domain, Multigoal, State


class Uncopyable:
    """A value that must be left alone."""

    def __deepcopy__(self, memo: object) -> "Uncopyable":
        raise AssertionError("a state variable that nobody touched was copied")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a state variable that nobody touched was compared")

    def __hash__(self) -> int:
        raise AssertionError("a state variable that nobody touched was hashed")


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize(
    ("name", "variable", "count", "unsolvable"),
    [
        # Its goal names the block b42, which its state does not have.
        ("Blocksworld-GTOHP", "on", 20, {"BW_rand_43"}),
        ("Childsnack", "served", 30, set()),
    ],
)
def test_every_problem_of_the_competition_is_solved_and_its_plan_reaches_the_goal(
    name: str, variable: str, count: int, unsolvable: set[str]
) -> None:
    with redirect_stdout(io.StringIO()):
        package: Any = importlib.import_module(f"gtpyhop.examples.ipc-2020-total-order.{name}")
    gtpyhop.set_current_domain(package.the_domain)
    gtpyhop.verbose = 0
    problems = package.get_problems()
    failed = set()
    for problem, (state, goal, _) in problems.items():
        plan = gtpyhop.find_plan(state, [Multigoal(problem, **{variable: goal})])
        if plan is False:
            failed.add(problem)
        else:
            assert isinstance(plan, list)
            assert gtpyhop.validate_plan_from_goal(state, plan, variable, {variable: goal})
    assert (len(problems), failed) == (count, unsolvable)


def _counting() -> Domain:
    domain = Domain("counting")

    def step(state: State) -> State:
        state.n["done"] += 1
        return state

    def go_on(state: State, until: int) -> list[Any]:
        return [("step",), ("count", until)] if state.n["done"] < until else []

    gtpyhop.declare_actions(step)
    gtpyhop.declare_task_methods("count", go_on)
    return domain


def test_a_plan_of_200_steps_leaves_100000_other_state_variables_alone() -> None:
    _counting()
    state = State("large", n={"done": 0}, **{f"v{i}": Uncopyable() for i in range(100_000)})

    assert gtpyhop.find_plan(state, [("count", 200)]) == [("step",)] * 200
    assert state.n == {"done": 0}


def test_a_variable_with_100000_keys_is_not_copied_either_unless_it_is_looked_at() -> None:
    _counting()
    state = State("large", n={"done": 0}, big={i: Uncopyable() for i in range(100_000)})

    assert gtpyhop.find_plan(state, [("count", 200)]) == [("step",)] * 200


def test_a_plan_may_be_far_longer_than_python_can_nest_calls() -> None:
    _counting()

    plan = gtpyhop.find_plan(State("s", n={"done": 0}), [("count", 20_000)])

    assert isinstance(plan, list)
    assert len(plan) == 20_000


def test_a_program_written_for_pyhop_runs_without_making_a_domain(capsys: pytest.CaptureFixture[str]) -> None:
    def walk(state: State, a: str, x: str, y: str) -> Any:
        if state.loc[a] == x:
            state.loc[a] = y
            return state
        return False

    def by_foot(state: State, a: str, x: str, y: str) -> Any:
        return [("walk", a, x, y)] if state.dist[x][y] <= 2 else False

    gtpyhop.declare_operators(walk)
    gtpyhop.declare_methods("travel", by_foot)
    state = State("state1")
    state.loc = {"me": "home"}
    state.dist = {"home": {"park": 2}}

    assert gtpyhop.pyhop(state, [("travel", "me", "home", "park")], verbose=1) == [("walk", "me", "home", "park")]
    assert "FP> result = [('walk', 'me', 'home', 'park')]" in capsys.readouterr().out
    assert gtpyhop.verbose == 0


def test_what_holds_is_not_planned_for_and_goals_are_reached_in_turn() -> None:
    Domain("rooms")

    def move(state: State, what: str, where: str) -> State:
        state.loc[what] = where
        return state

    def by_moving(state: State, what: str, where: str) -> list[Any]:
        return [("move", what, where)]

    gtpyhop.declare_actions(move)
    gtpyhop.declare_unigoal_methods("loc", by_moving)
    gtpyhop.declare_multigoal_methods(gtpyhop.m_split_multigoal)
    state = State("s", loc={"box": "hall", "key": "shed"})
    goal = Multigoal("g", loc={"box": "hall", "key": "hall"})

    assert gtpyhop.find_plan(state, [("loc", "box", "hall"), goal]) == [("move", "key", "hall")]


def test_a_name_is_an_action_before_it_is_a_task_and_a_task_before_it_is_a_goal() -> None:
    Domain("names")

    def do(state: State, *_: Any) -> State:
        state.done["by"] = "action"
        return state

    def act(state: State, *_: Any) -> list[Any]:
        return [("do",)]

    def never(state: State, *_: Any) -> None:
        raise AssertionError("this must not be asked")

    gtpyhop.declare_actions(do)
    gtpyhop.declare_task_methods("do", never)
    gtpyhop.declare_task_methods("done", act)
    gtpyhop.declare_unigoal_methods("done", never)

    assert gtpyhop.find_plan(State("s", done={}), [("done", "by", "action")]) == [("do",)]


def test_commands_act_and_an_action_without_one_is_its_own() -> None:
    Domain("acting")
    acted: list[str] = []

    def walk(state: State, to: str) -> State:
        state.at["me"] = to
        return state

    def greet(state: State) -> State:
        state.at["greeted"] = True
        return state

    def c_walk(state: State, to: str) -> State | None:
        acted.append(to)
        return walk(state, to) if len(acted) > 1 else None

    def visit(state: State) -> list[Any]:
        if state.at.get("greeted"):
            return []
        return [("walk", "there"), ("greet",)]

    gtpyhop.declare_actions(walk, greet)
    gtpyhop.declare_commands(c_walk)
    gtpyhop.declare_task_methods("visit", visit)
    start = State("s", at={"me": "here"})

    end = gtpyhop.run_lazy_lookahead(start, [("visit",)])

    assert acted == ["there", "there"]
    assert end.at == {"me": "there", "greeted": True}
    assert start.at == {"me": "here"}


def test_current_domain_and_verbose_are_read_and_assigned_as_attributes(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = Domain("first"), Domain("second")
    assert gtpyhop.current_domain is second
    gtpyhop.current_domain = first
    gtpyhop.verbose = 2
    assert gtpyhop.get_current_domain() is first
    assert gtpyhop.get_verbose_level() == 2
    assert gtpyhop.find_domain_by_name("second") is second
    gtpyhop.print_domain()
    assert "Domain name: first" in capsys.readouterr().out
    with pytest.raises(ValueError, match="0, 1, 2 or 3"):
        gtpyhop.verbose = 7
