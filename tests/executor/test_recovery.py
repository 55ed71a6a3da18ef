"""A step that failed is recovered from by what is known first, by asking last, and never for ever."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.hooks import Advice, Consulted, Hooks, RecoveryQuestion, WorkflowQuestion
from executor.levels import TABLE, Level, May, Mode
from executor.model.standin import StandIn
from executor.recovery import Recovery, Remedy, Setback, Tried, kept_by, levels
from htn import find_plan
from htn.acting import avoiding
from htn.contract import Contract, model_of
from htn.domain import Arity, Domain, Operator
from htn.errors import DomainError, LimitReached, ServiceMissing, UsageError
from htn.network import Multigoal, Task
from htn.plan import Action, Plan
from htn.stage import remaining
from htn.state import State
from tests.executor.asked import allowed, hooks_at
from tests.executor.errands import BUSY, at_home, carry_out, errands, find
from tests.executor.shop import contract, shop, state_of

Script = Callable[..., StandIn]
FETCH: list[Task] = [("fetch", "milk")]
FOREVER = 1_000
WALK, RIDE, BUY = ("walk", "shop"), ("ride", "shop"), ("buy", "milk", "shop")
EVERYTHING_KNOWN = {WALK: FOREVER, RIDE: FOREVER, ("walk", "market"): FOREVER, ("ride", "market"): FOREVER}
BASIC = allowed(Level.BASIC, Mode.ADAPTIVE)
FREE = allowed(Level.AUTONOMOUS, Mode.CREATIVE)


@dataclass
class Scripted:
    """Somebody who is asked, with answers that stand here, and who remembers the questions."""

    choices: list[str] = field(default_factory=list)
    tasks: list[list[list[Any]]] = field(default_factory=list)
    questions: list[RecoveryQuestion | WorkflowQuestion] = field(default_factory=list)

    def recovery_strategy(self, question: RecoveryQuestion) -> Consulted[Advice]:
        self.questions.append(question)
        return Consulted(question.hook, "", Advice(self.choices.pop(0), 2.0), "model", "so I say")

    def adapt_workflow(
        self, question: WorkflowQuestion, check: Callable[[Sequence[Sequence[Any]]], tuple[Task, ...]]
    ) -> Consulted[tuple[Task, ...]]:
        self.questions.append(question)
        return Consulted(question.hook, "", check(self.tasks.pop(0)), "model", "so I say")


def policy(may: Callable[[May], bool] = BASIC, hooks: Any = None, most: int = 10, **more: Any) -> Recovery:
    return Recovery(find, may, hooks, most, **more)


def test_the_lowest_task_that_can_be_done_in_another_way_is() -> None:
    carried = carry_out(errands(), FETCH, at_home(), policy(), {WALK: FOREVER})
    assert carried.ended_by is None
    assert carried.done == [RIDE, BUY, ("walk", "home")]
    assert carried.remedies == [(Remedy.OTHER_METHOD, "found")]
    assert carried.tried[0].detail == "go(shop), buy(milk, shop), go(home), by ride(shop), buy(milk, shop), walk(home)"


def test_a_higher_task_is_done_in_another_way_where_no_lower_one_can_be() -> None:
    carried = carry_out(errands(), FETCH, at_home(), policy(), {BUY: FOREVER})
    assert carried.ended_by is None
    assert carried.done == [WALK, ("walk", "market"), ("buy", "milk", "market"), ("walk", "home")]


def test_what_was_done_stays_done() -> None:
    domain = errands()
    tasks: list[Task] = [("get", "milk"), ("get", "bread"), ("go", "home")]
    carried = carry_out(domain, tasks, state := at_home(), policy(), {("buy", "bread", "shop"): FOREVER})
    assert carried.done.count(BUY) == 1
    assert state.has == {"milk": True, "bread": True}


def test_every_action_that_failed_in_the_run_is_avoided_while_there_is_another_way() -> None:
    carried = carry_out(errands(), FETCH, at_home(), policy(), {WALK: FOREVER, RIDE: FOREVER, BUY: FOREVER})
    assert carried.ended_by is None
    assert carried.done[0] == ("walk", "market")
    assert [one.task for one in carried.tried] == [WALK, RIDE]


def test_an_action_that_failed_may_come_again_after_something_else() -> None:
    domain = errands()

    @domain.method("get")
    def from_neighbour(state: State, thing: str) -> list[Task]:
        """Wake the neighbour first, where that was not done."""
        return [("borrow", thing)] if state.at["neighbour"] == "awake" else [("knock",), ("borrow", thing)]

    domain.methods["get"] = domain.methods["get"][-1:]
    state = at_home()
    state.at["neighbour"] = "awake"
    state_then = at_home()
    plan = find_plan(domain, state, FETCH)
    assert isinstance(plan, Plan)
    node = next(at for at, each in enumerate(plan.nodes) if each.is_action)
    recovered = policy().next(Setback(plan, node, BUSY, 0), domain, state_then)
    assert recovered.way is not None
    assert recovered.way.remedy is Remedy.REPLAN
    assert recovered.way.plan.steps == [("knock",), ("borrow", "milk"), ("walk", "home")]
    assert [one.came for one in recovered.tried] == ["nothing", "found"]


def test_a_plan_that_begins_with_what_has_just_failed_is_no_way() -> None:
    carried = carry_out(errands(), [("go", "shop")], at_home(), policy(), {WALK: FOREVER, RIDE: FOREVER})
    assert carried.ended_by == RIDE
    assert carried.remedies == [
        (Remedy.OTHER_METHOD, "found"), (Remedy.OTHER_METHOD, "nothing"), (Remedy.REPLAN, "nothing"),
    ]  # fmt: skip


@pytest.mark.parametrize(("level", "mode"), TABLE)
def test_a_run_does_about_a_failure_what_its_level_and_mode_allow_and_no_more(level: Level, mode: Mode) -> None:
    may, hooks = (
        allowed(level, mode),
        Scripted(["again", "adapt", "adapt"], [[["borrow", "milk"]], [["borrow", "milk"]]]),
    )
    broken = EVERYTHING_KNOWN
    carried = carry_out(errands(), FETCH, at_home(), policy(may, hooks), broken, again=True)
    tried = {one.remedy for one in carried.tried}
    assert (Remedy.OTHER_METHOD in tried) is may(May.OTHER_METHOD)
    assert (Remedy.REPLAN in tried) is may(May.REPLAN)
    assert (Remedy.ASKED in tried) is may(May.ASK_RECOVERY)
    assert (Remedy.ADAPTED in tried) is may(May.ADAPT)
    assert ("recovery_strategy" in {q.hook for q in hooks.questions}) is may(May.ASK_RECOVERY)
    assert ("adapt_workflow" in {q.hook for q in hooks.questions}) is may(May.ADAPT)
    assert (carried.ended_by is None) is may(May.ADAPT)


def test_in_strict_mode_the_first_failure_ends_the_run_and_nothing_is_tried() -> None:
    for level in Level:
        hooks = Scripted()
        carried = carry_out(errands(), FETCH, at_home(), policy(allowed(level, Mode.STRICT), hooks), {WALK: 1})
        assert (carried.ended_by, carried.tried, hooks.questions) == (WALK, [], [])


actions = st.sampled_from([WALK, RIDE, BUY, ("walk", "market"), ("ride", "market"), ("buy", "milk", "market"),
                           ("walk", "home"), ("ride", "home")])  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(actions, st.sampled_from([1, 2, FOREVER]), max_size=8))
def test_a_run_ends_and_ends_well_wherever_a_naive_look_finds_another_way(broken: dict[Task, int]) -> None:
    domain, state = errands(), at_home()
    carried = carry_out(domain, FETCH, state, policy(most=50), broken)
    replayed = at_home()
    for task in carried.done:
        function = domain.operators[task[0]].apply
        assert function is not None
        function(replayed, *task[1:])
    assert replayed == state
    assert not any(broken.get(task) == FOREVER for task in carried.done)
    if carried.ended_by is None:
        assert state.has == {"milk": True}
        assert state.at["me"] == "home"
        return
    # The naive look: each level above the step that ended it, without what is broken for good or has just failed.
    assert carried.setback is not None
    left = domain
    just = [one.task for one in carried.tried if one.done == carried.setback.done]
    for task in [*(task for task, times in broken.items() if times == FOREVER), *just, carried.ended_by]:
        left = avoiding(left, Action(task))
    plan, node = carried.setback.plan, carried.setback.node
    for anew in levels(plan, node):
        assert not isinstance(find_plan(left, state, remaining(domain, plan, node, anew)), Plan)


def test_no_more_ways_are_gone_than_a_run_may() -> None:
    for most in range(4):
        carried = carry_out(errands(), FETCH, at_home(), policy(most=most), EVERYTHING_KNOWN)
        assert len(carried.ways) == min(most, 3)


@pytest.mark.parametrize(
    "error",
    [LimitReached("too much"), DomainError("a mistake"), UsageError("a mistake")],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_failure_of_a_step_is_not_recovered_from(error: LimitReached) -> None:
    hooks = Scripted(["again"])
    carried = carry_out(errands(), FETCH, at_home(), policy(FREE, hooks), {WALK: 1}, trouble=error.trouble, again=True)
    assert (carried.ended_by, carried.tried, hooks.questions) == (WALK, [], [])


def test_a_step_of_which_nobody_knows_whether_it_took_effect_ends_the_run() -> None:
    hooks = Scripted(["again"])
    carried = carry_out(errands(), FETCH, at_home(), policy(FREE, hooks), {WALK: 1}, again=True, unsure=True)
    assert (carried.ended_by, carried.tried, hooks.questions) == (WALK, [], [])


def test_somebody_is_asked_only_when_nothing_known_is_left_and_told_what_was_tried() -> None:
    hooks = Scripted(["again"])
    tasks: list[Task] = [("go", "shop")]
    carried = carry_out(
        errands(), tasks, at_home(), policy(allowed(Level.ADAPTIVE, Mode.ADAPTIVE), hooks), {WALK: 1, RIDE: 1},
        again=True,
    )  # fmt: skip
    assert (carried.ended_by, carried.done) == (None, [RIDE])
    (question,) = hooks.questions
    assert isinstance(question, RecoveryQuestion)
    assert question.failed == "ride(shop)"
    assert question.problem == "the counter is closed"
    assert question.purpose == ("go(shop)",)
    assert question.left == ("go(shop)",) or question.left == ("ride(shop)",)
    assert [each.name for each in question.alternatives] == ["again", "stop"]
    assert [row.partition(": ")[0] for row in question.tried] == ["walk(shop)", "ride(shop)", "ride(shop)"]
    assert carried.ways[-1].pause == 2.0


def test_a_step_that_may_do_harm_when_it_is_done_twice_is_not_offered_again() -> None:
    hooks = Scripted(tasks=[[]])
    carried = carry_out(errands(), [("go", "shop")], at_home(), policy(FREE, hooks), {WALK: 1, RIDE: 1})
    assert carried.ended_by == RIDE
    assert [question.hook for question in hooks.questions] == ["adapt_workflow"]
    assert carried.tried[-1].detail == "nothing else is known to help: so I say"


def test_whoever_is_asked_may_stop_and_nothing_more_is_asked() -> None:
    hooks = Scripted(["stop"])
    carried = carry_out(errands(), [("go", "shop")], at_home(), policy(FREE, hooks), {WALK: 1, RIDE: 1}, again=True)
    assert carried.ended_by == RIDE
    assert len(hooks.questions) == 1
    assert carried.remedies[-1] == (Remedy.ASKED, "nothing")


def test_a_step_is_tried_again_on_advice_once_in_one_place() -> None:
    hooks = Scripted(["again", "again"])
    carried = carry_out(
        errands(), [("go", "shop")], at_home(), policy(allowed(Level.ADAPTIVE, Mode.ADAPTIVE), hooks),
        {WALK: FOREVER, RIDE: FOREVER}, again=True,
    )  # fmt: skip
    assert carried.ended_by == RIDE
    assert len(hooks.questions) == 1


def test_other_tasks_replace_what_is_left_when_they_have_a_plan() -> None:
    hooks = Scripted(tasks=[[["borrow", "milk"]]])
    carried = carry_out(errands(), FETCH, state := at_home(), policy(FREE, hooks), EVERYTHING_KNOWN)
    assert (carried.ended_by, carried.done, state.has) == (None, [("borrow", "milk")], {"milk": True})
    (question,) = hooks.questions
    assert isinstance(question, WorkflowQuestion)
    assert "borrow(thing): Borrow something from the neighbour." in question.known
    assert carried.ways[-1].why == "so I say"


def test_other_tasks_that_cannot_be_done_go_back_with_why_and_then_that_is_it() -> None:
    hooks = Scripted(tasks=[[["buy", "milk", "moon"]], [["ride", "market"], ["borrow", "milk"]]])
    carried = carry_out(errands(), FETCH, at_home(), policy(FREE, hooks), EVERYTHING_KNOWN)
    assert carried.ended_by == ("ride", "market")
    first, second = hooks.questions
    assert isinstance(first, WorkflowQuestion)
    assert isinstance(second, WorkflowQuestion)
    assert first.problems == ()
    assert second.problems[0].startswith("buy(milk, moon) has no plan: ")
    assert carried.tried[-1].detail == "ride(market), borrow(milk) comes to what has failed, as it was"


@pytest.mark.parametrize("row", [["rob", "shop"], ["borrow"], ["borrow", "milk", "bread"], [3]])
def test_tasks_that_the_domain_does_not_know_never_become_a_plan(row: list[Any], script: Script) -> None:
    server = script(WorkflowAnswer=[{"json": {"tasks": [["borrow", "milk"], row], "why": ""}}])
    carried = carry_out(errands(), FETCH, at_home(), policy(FREE, hooks_at(server)), EVERYTHING_KNOWN)
    assert (carried.ended_by, carried.done) == (("ride", "market"), [])
    assert carried.tried[-1].remedy is Remedy.ADAPTED
    assert len(server.requests) == 1


def test_goals_that_were_left_to_reach_are_reached_by_other_tasks_too() -> None:
    domain = errands()

    @domain.goal_method("has")
    def by_getting(state: State, thing: str, wanted: bool) -> list[Task]:
        return [("get", thing)]

    @domain.goal_method("at")
    def by_going(state: State, who: str, place: str) -> list[Task]:
        return [("go", place)]

    hooks = Scripted(tasks=[[["borrow", "milk"]]])
    tasks: list[Task] = [("has", "milk", True), ("at", "me", "home")]
    carried = carry_out(domain, tasks, state := at_home(), policy(FREE, hooks), EVERYTHING_KNOWN)
    assert carried.ended_by is None
    assert carried.ways[-1].tasks == (("borrow", "milk"), ("has", "milk", True), ("at", "me", "home"))
    assert (state.has["milk"], state.at["me"]) == (True, "home")


def test_a_multigoal_that_was_left_to_reach_is_reached_too() -> None:
    domain = errands()

    @domain.multigoal_method
    def one_by_one(state: State, goal: Multigoal) -> list[Task]:
        return [("get", key) for variable, key, _ in goal.unmet(state) if variable == "has"]

    hooks = Scripted(tasks=[[["borrow", "milk"]]])
    goal = Multigoal.of({"has": {"milk": True}})
    carried = carry_out(domain, [goal], at_home(), policy(FREE, hooks), EVERYTHING_KNOWN)
    assert carried.ended_by is None
    assert carried.ways[-1].tasks == (("borrow", "milk"), goal)


def learned_step(version: str | None = "v1") -> tuple[Domain, Plan, State]:
    domain = errands()
    domain.operators["buy"] = replace(domain.operators["buy"], version=version)
    domain.methods["get"] = domain.methods["get"][:1]
    state = at_home()
    state.at["me"] = "shop"
    plan = find_plan(domain, state, FETCH)
    assert isinstance(plan, Plan)
    return domain, plan, state


def setback_at(plan: Plan, name: str, **more: Any) -> Setback:
    node = plan.nodes.index(next(n for n in plan.nodes if n.is_action and n.task[:1] == (name,)))  # type: ignore[index]
    return Setback(plan, node, **{"trouble": ServiceMissing("the sandbox is away").trouble, "done": 1, **more})


def test_a_kept_result_stands_for_a_body_that_cannot_be_run() -> None:
    domain, plan, state = learned_step()
    kept = {("has", "milk"): True}
    recovered = policy(kept=lambda action, state: kept).next(setback_at(plan, "buy"), domain, state)
    assert recovered.way is not None
    assert (recovered.way.remedy, recovered.way.kept) == (Remedy.KEPT, kept)
    assert recovered.way.plan.steps == [("walk", "home")]
    assert state.has == {}


@pytest.mark.parametrize("why", ["nothing is kept", "no body", "another failure", "not allowed"])
def test_a_kept_result_is_used_for_nothing_else(why: str) -> None:
    domain, plan, state = learned_step(None if why == "no body" else "v1")
    setback = setback_at(plan, "buy", **({"trouble": BUSY} if why == "another failure" else {}))
    may = allowed(Level.BASIC, Mode.STRICT) if why == "not allowed" else BASIC
    kept = None if why == "nothing is kept" else {("has", "milk"): True}
    recovered = policy(may, kept=lambda action, state: kept).next(setback, domain, state)
    assert recovered.way is None
    assert (Remedy.KEPT in {one.remedy for one in recovered.tried}) is (why == "nothing is kept")


def test_retries_that_were_made_are_among_what_was_tried() -> None:
    domain, plan, state = learned_step()
    recovered = policy().next(setback_at(plan, "buy", retries=3), domain, state)
    assert str(recovered.tried[0]) == "trying the step again: 3 times, without success"


def test_a_gap_is_no_way_and_is_named() -> None:
    domain = errands()
    domain.declare("teleport", {"place": "string"}, "Be there at once.")

    @domain.method("go")
    def at_once(state: State, place: str) -> list[Task]:
        return [("teleport", place)]

    carried = carry_out(domain, [("go", "shop")], at_home(), policy(), {WALK: FOREVER, RIDE: FOREVER})
    assert carried.ended_by == RIDE
    assert "nobody knows how to do teleport(shop)" in {one.detail for one in carried.tried}


def test_what_was_tried_is_data_that_another_process_goes_on_with() -> None:
    domain, broken = errands(), {WALK: FOREVER, RIDE: FOREVER}
    carried = carry_out(domain, [("go", "shop")], at_home(), policy(), broken)
    again = [Tried.from_json(json.loads(json.dumps(one.to_json()))) for one in carried.tried]
    assert again == carried.tried
    assert carried.setback is not None
    assert policy(FREE).next(carried.setback, domain, at_home(), again).way is None
    for damaged in ({}, {**again[0].to_json(), "remedy": "pray"}, {**again[0].to_json(), "came": "maybe"}):
        with pytest.raises((KeyError, ValueError, UsageError)):
            Tried.from_json(damaged)


def test_the_state_is_left_as_it_is_while_a_way_is_looked_for() -> None:
    domain, plan, state = learned_step()
    before = state.copy()
    for level, mode in product(Level, Mode):
        hooks = Hooks(lambda: pytest.fail("nobody is asked"), lambda what: False)
        Recovery(find, allowed(level, mode), hooks, kept=lambda action, state: {("has", "milk"): True}).next(
            setback_at(plan, "buy", again=True), domain, state
        )
        assert state == before


def totalling() -> tuple[Domain, Plan, State]:
    """The shop with a learned total, and the plan to check out."""
    promise = contract()
    operator = Operator("order_total", Arity(("order",), 1), model_of(promise), "", promise, promise.parameters, "v1")
    domain = shop().extended_by([operator])
    state = state_of(domain)
    plan = find_plan(domain, state, [("check_out", "tea")])
    assert isinstance(plan, Plan)
    return domain, plan, state


def test_what_a_body_gives_for_the_same_inputs_stands_for_running_it() -> None:
    domain, plan, state = totalling()
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def evaluate(version: str, promise: Contract, state: State, arguments: tuple[Any, ...]) -> dict[str, Any]:
        asked.append((version, arguments))
        return {"total": 9.5}

    recovered = policy(kept=kept_by(domain, evaluate)).next(setback_at(plan, "order_total"), domain, state)
    assert recovered.way is not None
    assert recovered.way.kept == {("total", "tea"): 9.5}
    assert recovered.way.plan.steps == [("pay", "tea")]
    assert asked == [("v1", ("tea",))]
    assert state == state_of(shop())


def test_nothing_stands_for_a_body_whose_outputs_nobody_knows() -> None:
    domain, plan, state = totalling()
    kept = kept_by(domain, lambda version, promise, state, arguments: None)
    assert kept(Action(("order_total", "tea"), "v1"), state) is None
    assert kept(Action(("order_total", "tea")), state) is None
    assert kept(Action(("pay", "tea"), "v1"), state) is None
    assert policy(kept=kept).next(setback_at(plan, "order_total"), domain, state).way is None


@settings(deadline=None)
@given(st.permutations(range(4)), st.integers(0, 3))
def test_steps_that_were_done_out_of_order_are_not_done_again(order: list[int], failing: int) -> None:
    """Four errands that have nothing to do with each other; those before the failing one in `order` were done."""
    domain, state = errands(), at_home()
    tasks: list[Task] = [("borrow", thing) for thing in ("a", "b", "c", "d")]
    plan = find_plan(domain, state, tasks)
    assert isinstance(plan, Plan)
    done = order[:failing]
    first = min(set(range(4)) - set(done))
    setback = Setback(plan, order[failing], BUSY, len(done), later=tuple(at for at in done if at > first), first=first)
    assert sorted(setback.left(domain)) == sorted(set(range(4)) - set(done))
    assert sorted(setback.left(domain, done=order[failing])) == sorted(set(range(4)) - set(order[: failing + 1]))
