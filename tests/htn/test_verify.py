"""What is wrong with a plan: one example for each thing that can be."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from domains.travel import at_home, travel
from htn.domain import Domain, Operator
from htn.failure import Failure
from htn.network import Multigoal, sequence, unordered
from htn.plan import HOLDS, Decomposition, Plan
from htn.search import find_plan
from htn.state import State
from htn.unknown import Unknown
from htn.verify import verify_plan

Node = Decomposition
GO = ("travel", "alice", "home", "park")


def lamps() -> Domain:
    domain = Domain("lamps")

    @domain.operator
    def switch(state: Any, lamp: str, value: str) -> Any:
        if state.lamp[lamp] != value:
            state.lamp[lamp] = value
            return state
        return None

    @domain.operator
    def crash(state: Any) -> Any:
        raise KeyError("the ceiling")

    @domain.operator
    def forget(state: Any) -> Any:
        return True

    domain.declare("sing", {}, "Sing.")

    @domain.goal_method("lamp")
    def by_hand(state: Any, lamp: str, value: str) -> Any:
        return [("switch", lamp, value)]

    @domain.goal_method("lamp")
    def by_doing_nothing(state: Any, lamp: str, value: str) -> Any:
        return []

    @domain.multigoal_method
    def each(state: Any, goal: Multigoal) -> Any:
        return [unordered(*goal.unmet(state))]

    add_ways_to_blink(domain)
    return domain


def add_ways_to_blink(domain: Domain) -> None:
    @domain.method("blink")
    def on_and_off(state: Any, lamp: str) -> Any:
        return [sequence(("switch", lamp, "on"), ("switch", lamp, "off"))]

    @domain.method("blink")
    def off_and_on(state: Any, lamp: str) -> Any:
        return [("switch", lamp, "off"), ("switch", lamp, "on")] if state.lamp[lamp] == "on" else None

    @domain.method("blink")
    def sneaky(state: Any, lamp: str) -> Any:
        state.lamp[lamp] = "on"
        return []

    @domain.method("blink")
    def broken(state: Any, lamp: str) -> Any:
        return [state.lamp["nowhere"]]

    @domain.method("blink")
    def confused(state: Any, lamp: str) -> Any:
        return [("switch", lamp, "on"), 3]

    @domain.method("both")
    def somehow(state: Any) -> Iterator[Any]:
        yield [("switch", "a", "on")]
        yield [unordered(("switch", "a", "on"), sequence(("switch", "b", "on"), ("switch", "b", "off")))]


def dark() -> State:
    return State(lamp={"a": "off", "b": "off"})


A_ON = Node(("switch", "a", "on"), None, 0)
A_OFF = Node(("switch", "a", "off"), None, 0)
B_ON = Node(("switch", "b", "on"), None, 0)
B_OFF = Node(("switch", "b", "off"), None, 0)
BOTH = Node(("both",), "somehow", None)
BLINK = Node(("blink", "a"), "on_and_off", None)
GOAL = Node(("lamp", "a", "on"), "by_hand", None)
MULTI = Multigoal.of({"lamp": {"a": "on", "b": "on"}})


def flaws_of(*nodes: Decomposition, tasks: tuple[Any, ...] | None = None) -> list[str]:
    asked = tuple(node.task for node in nodes if node.parent is None) if tasks is None else tasks
    return list(map(str, verify_plan(lamps(), dark(), Plan("lamps", asked, nodes))))


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (BLINK, A_ON, A_OFF),
        (GOAL, A_ON),
        (Node(("lamp", "a", "off"), HOLDS, None),),
        (BOTH, A_ON),
        (BOTH, A_ON, B_ON, B_OFF),
        (BOTH, B_ON, A_ON, B_OFF),
        (BOTH, B_ON, B_OFF, A_ON),
        (Node(MULTI, "each", None), GOAL._replace(parent=0), A_ON._replace(parent=1),
         Node(("lamp", "b", "on"), "by_hand", 0), B_ON._replace(parent=3)),
        (Node(Multigoal.of({"lamp": {"a": "off"}}), HOLDS, None),),
    ],
)  # fmt: skip
def test_a_right_plan_has_no_flaws(nodes: tuple[Decomposition, ...]) -> None:
    assert flaws_of(*nodes) == []


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((BLINK, A_ON), "node 0, blink(a), has switch(a, on) below it, but on_and_off gave "
                        "sequence(switch(a, on), switch(a, off))"),
        ((BOTH, B_ON, B_OFF), "node 0, both(), has switch(b, on), switch(b, off) below it, but somehow gave "
                              "switch(a, on) and 1 other lists"),
        ((BOTH._replace(method="on_and_off"), A_ON), "node 0, both(), has no method on_and_off"),
        ((BLINK._replace(method="off_and_on"), A_ON, A_OFF), "node 0, blink(a), is not decomposed by off_and_on here"),
        ((BLINK._replace(method="sneaky"),), "node 0, blink(a), is decomposed by sneaky, which changes the state"),
        ((BLINK._replace(method="broken"),), "node 0, blink(a), cannot be decomposed: broken raised KeyError"),
        ((BLINK._replace(method="confused"), A_ON),
         "node 0, blink(a), is decomposed by confused, which gave 3 where a task should be"),
        ((BLINK._replace(task=("blink",)), A_ON, A_OFF), "node 0, blink(), has arguments that on_and_off(lamp) does"),
        ((BLINK._replace(version="12"), A_ON, A_OFF), "node 0, blink(a), has the version 12, although only actions"),
        ((A_ON._replace(parent=None, version="12"),), "node 0, switch(a, on), is planned with the version 12, but"),
        ((A_ON._replace(parent=None), A_ON._replace(parent=None)), "node 1, switch(a, on), does not apply here: line"),
        ((Node(("switch", "a"), None, None),), "node 0, switch(a), has 1 arguments, which switch(lamp, value) does"),
        ((Node(("fly",), None, None),), "node 0, fly(), is something that nobody knows"),
        ((Node(("sing",), None, None),), "node 0, sing(), is declared, but nobody knows how to do it"),
        ((Node(("both",), None, None),), "node 0, both(), is carried out, but it is no action"),
        ((Node(("crash",), None, None),), "node 0, crash(), cannot be carried out: it raised KeyError: 'the ceiling'"),
        ((Node(("forget",), None, None),), "node 0, forget(), gave True instead of its state"),
        ((Node(("switch", "a", "on"), "by_hand", None),), "node 0, switch(a, on), is an action of lamps, so no method"),
        ((Node(("lamp", "a", "on"), HOLDS, None),), "node 0, lamp(a, on), does not hold here"),
        ((Node(("both",), HOLDS, None),), "node 0, both(), is no goal, so it cannot hold already"),
        ((Node(("lamp", "a"), "by_hand", None),), "node 0, lamp(a), is a goal, which has a key and a value"),
        ((Node(("lamp", ["a"], "on"), HOLDS, None),), "is a goal of which nobody can say whether it holds: TypeError"),
        ((Node(("lamp", "a", "off"), "by_hand", None), A_OFF), "node 0, lamp(a, off), holds already, so by_hand is"),
        ((GOAL._replace(method="by_doing_nothing"),), "node 0, lamp(a, on), does not hold when its subtasks are done"),
        ((GOAL._replace(method="by_doing_nothing"), A_ON._replace(parent=None)),
         "node 0, lamp(a, on), does not hold when its subtasks are done"),
        ((Node(("lamp", "a", "off"), HOLDS, None), A_ON), "node 0, lamp(a, off), holds already, but subtasks are"),
        ((A_ON, BLINK), "node 0, switch(a, on), is not below a node before it but below 0"),
        ((A_ON._replace(parent=None), A_OFF), "node 1, switch(a, off), is below the action switch(a, on)"),
        ((Node(3, None, None),), "node 0, 3, is no task and no goal"),  # type: ignore[arg-type]
        ((Node(MULTI, None, None),), "node 0, goal(lamp[a] = on, lamp[b] = on), is a goal without a method"),
    ],
)  # fmt: skip
def test_every_flaw_names_the_node_the_task_and_what_is_wrong(nodes: tuple[Any, ...], expected: str) -> None:
    assert expected in "\n".join(flaws_of(*nodes))


def test_subtasks_out_of_order_are_a_flaw_of_the_task_above() -> None:
    on_first = [B_ON._replace(parent=None), Node(("blink", "b"), "off_and_on", None)]
    right = [*on_first, B_OFF._replace(parent=1), B_ON._replace(parent=1)]
    assert flaws_of(*right) == []
    at_the_top = ("the plan has tasks that are not in the order that was asked for: "
                  "switch(a, on), switch(b, on)")  # fmt: skip
    top = [B_ON._replace(parent=None), A_ON._replace(parent=None)]
    assert flaws_of(*top, tasks=(A_ON.task, B_ON.task)) == [at_the_top]
    assert flaws_of(*top, tasks=(unordered(A_ON.task, B_ON.task),)) == []


def test_a_task_must_end_before_the_next_one_begins() -> None:
    first, second = ("blink", "a"), ("blink", "b")
    nodes = [
        Node(first, "on_and_off", None), Node(("switch", "a", "on"), None, 0), Node(second, "on_and_off", None),
        Node(("switch", "b", "on"), None, 2), Node(("switch", "a", "off"), None, 0),
        Node(("switch", "b", "off"), None, 2),
    ]  # fmt: skip
    assert flaws_of(*nodes, tasks=(unordered(first, second),)) == []
    assert flaws_of(*nodes, tasks=(first, second)) == [
        "the plan has tasks that are not in the order that was asked for: blink(a), blink(b)"
    ]


def test_a_goal_may_be_brought_about_by_another_part_that_runs_beside_it() -> None:
    goal = Node(("lamp", "a", "on"), "by_doing_nothing", None)
    help_ = A_ON._replace(parent=None)
    assert flaws_of(goal, help_, tasks=(unordered(goal.task, help_.task),)) == []
    assert flaws_of(goal, help_) == ["node 0, lamp(a, on), does not hold when its subtasks are done"]


def test_what_comes_after_an_action_that_does_not_apply_is_not_judged_by_its_state() -> None:
    flaws = flaws_of(A_OFF._replace(parent=None), Node(("lamp", "a", "on"), HOLDS, None))
    assert len(flaws) == 1


def test_a_plan_for_other_tasks_than_those_asked_for_has_a_flaw() -> None:
    plan = find_plan(travel, at_home(), [GO])
    assert isinstance(plan, Plan)
    assert verify_plan(travel, at_home(), plan, [GO]) == ()
    asked = [("travel", "bob", "home", "park")]
    assert "the plan is for travel(alice, home, park), but travel(bob, home, park) was asked for" in map(
        str, verify_plan(travel, at_home(), plan, asked)
    )
    assert [str(flaw) for flaw in verify_plan(travel, at_home(), replace(plan, tasks=()))] == [
        "the plan carries out travel(alice, home, park), not nothing"
    ]


def test_a_plan_of_another_domain_has_a_flaw() -> None:
    plan = Plan("travel", (), ())
    assert list(map(str, verify_plan(lamps(), dark(), plan))) == ["the plan is for the domain travel, not for lamps"]


def test_a_learned_operator_is_verified_with_its_version() -> None:
    domain = lamps()
    learned = Operator("sing", domain.operators["sing"].arity, lambda state: state, version="v1")
    domain = domain.extended_by([learned])
    for version, count in (("v1", 0), ("v2", 1), (None, 1)):
        plan = Plan("lamps", (("sing",),), (Node(("sing",), None, None, version),))
        assert len(verify_plan(domain, dark(), plan)) == count


@pytest.mark.parametrize(
    "tasks", [[GO], [("travel", "alice", "home", "station"), ("travel", "bob", "home", "station")]]
)
def test_a_plan_that_went_through_a_file_is_still_right(tasks: Any) -> None:
    plan = find_plan(travel, at_home(), tasks)
    assert isinstance(plan, Plan)
    assert verify_plan(travel, at_home(), Plan.from_json(json.loads(json.dumps(plan.to_json()))), tasks) == ()


def test_an_unknown_that_each_replay_makes_anew_is_the_same_unknown() -> None:
    domain = Domain("measuring")

    @domain.operator
    def measure(state: Any) -> Any:
        state.mean["wind"] = Unknown("the mean")
        return state

    @domain.operator
    def show(state: Any, value: object) -> Any:
        return state

    @domain.method("report")
    def measured(state: Any) -> Any:
        return [("measure",), ("report_it",)]

    @domain.method("report_it")
    def shown(state: Any) -> Any:
        return [("show", state.mean["wind"])]

    plan = find_plan(domain, State(mean={}), [("report",)])
    assert isinstance(plan, Plan)
    assert verify_plan(domain, State(mean={}), Plan.from_json(plan.to_json()), [("report",)]) == ()


def test_an_argument_that_an_operator_changes_stays_as_it_is_in_the_plan() -> None:
    domain = Domain("lists")

    @domain.operator
    def use_up(state: Any, things: list[str]) -> Any:
        things.clear()
        return state

    plan = Plan("lists", (("use_up", ["a"]),), (Node(("use_up", ["a"]), None, None),))
    assert verify_plan(domain, State(), plan) == ()
    assert plan.actions[0].task == ("use_up", ["a"])


def test_the_state_is_left_as_it_is_even_by_an_operator_that_raises() -> None:
    state = dark()
    verify_plan(lamps(), state, Plan("lamps", (), (A_ON._replace(parent=None), Node(("crash",), None, None))))
    assert state == dark()


def test_a_method_that_offers_for_ever_is_given_up() -> None:
    domain = lamps()

    @domain.method("guess")
    def forever(state: Any) -> Iterator[Any]:
        while True:
            yield [("switch", "b", "on")]

    plan = Plan("lamps", (("guess",),), (Node(("guess",), "forever", None), A_ON))
    assert len(verify_plan(domain, dark(), plan)) == 1


def interrupted(function: Callable[[], Any]) -> Domain:
    domain = Domain("interrupted")

    @domain.operator
    def act(state: Any) -> Any:
        function()

    return domain


def test_an_exit_in_an_operator_is_a_flaw_but_an_interrupt_is_an_interrupt() -> None:
    def leave() -> None:
        raise SystemExit

    def interrupt() -> None:
        raise KeyboardInterrupt

    plan = Plan("interrupted", (("act",),), (Node(("act",), None, None),))
    assert len(verify_plan(interrupted(leave), State(), plan)) == 1
    with pytest.raises(KeyboardInterrupt):
        verify_plan(interrupted(interrupt), State(), plan)


def test_a_plan_of_twenty_thousand_levels_is_verified() -> None:
    domain = Domain("deep")

    @domain.operator
    def stop(state: Any) -> Any:
        return state

    @domain.method("dig")
    def deeper(state: Any, left: int) -> Any:
        return [("dig", left - 1) if left else ("stop",)]

    plan = find_plan(domain, State(), [("dig", 20_000)])
    assert not isinstance(plan, Failure)
    assert verify_plan(domain, State(), plan) == ()


def test_the_verifier_knows_nothing_of_the_search() -> None:
    code = (
        "import sys, types; package = types.ModuleType('htn'); package.__path__ = ['htn']\n"
        "sys.modules['htn'] = package\n"
        "import htn.verify; print([name for name in sys.modules if name.startswith('htn.search')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
