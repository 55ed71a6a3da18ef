"""Runs of an agent meet failures: each does about them what its level and mode allow, and its log tells what."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent, Listener, Report
from executor.durable import read_events, read_view
from executor.levels import TABLE, Level, May, Mode
from executor.model.standin import StandIn
from executor.recovery import Remedy
from executor.run import RunState
from executor.settings import Settings
from executor.store import event_text
from htn.domain import Domain
from htn.errors import ExecutionError, ServiceMissing, UsageError
from htn.network import Task
from htn.state import State
from tests.executor.errands import at_home, errands
from tests.executor.shop import RIGHT, shop, state_of
from tests.executor.test_library import entry
from tests.executor.test_pursue import BREAKS, TICKED, detours

Open = Callable[..., Agent]
Script = Callable[..., StandIn]
GO: list[Task] = [("go", "shop")]
AGAIN = {"json": {"choice": "again", "seconds": 0, "why": "it will pass"}}
BORROW = {"json": {"tasks": [["borrow", "milk"]], "why": "the neighbour has some"}}


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent that learns nothing, with a library in a folder of the test's own."""
    with ExitStack() as stack:

        def opened(server: StandIn | None = None, listener: Listener | None = None, **settings: Any) -> Agent:
            endpoint = server.endpoint if server else "127.0.0.1:9"
            chosen = {"ollama_endpoint": endpoint, "sandbox": "lockdown", "model": "scripted", "learn": "never"}
            loaded = Settings.load(data_dir=folder, **{**chosen, **settings})
            return stack.enter_context(Agent(loaded, listener or Listener()))

        yield opened


def breaking(broken: dict[Task, int], *, retry: bool = False, domain: Domain | None = None) -> Domain:
    """The errands in a world in which some actions fail so many times."""
    domain, left = domain or errands(), Counter(broken)

    def failing(name: str) -> None:
        operator = domain.operators[name]

        @domain.command(name, retry=retry)
        def command(state: State, *arguments: Any) -> Any:
            task = (name, *arguments)
            if left[task] > 0:
                left[task] -= 1
                raise ConnectionError("the road is closed")
            assert operator.apply is not None
            return operator.apply(state, *arguments)

    for name in {task[0] for task in broken}:
        failing(name)
    return domain


FOREVER = 1_000
WALK, RIDE = ("walk", "shop"), ("ride", "shop")
EVERYWHERE = {(how, place): FOREVER for how in ("walk", "ride") for place in ("shop", "market")}


def kinds(one: Agent, report: Report) -> list[str]:
    assert report.run is not None
    return [event.kind for event in read_events(one.store, report.run.id)]


def test_a_step_that_failed_is_done_in_another_way_by_default_and_no_model_is_asked(agent: Open) -> None:
    one, state = agent(), at_home()
    report = one.run(breaking({WALK: FOREVER}), [("fetch", "milk")], state)
    assert report.run is not None and report.run.done
    assert [str(step.action) for step in report.run.steps] == ["ride(shop)", "buy(milk, shop)", "walk(home)"]
    assert (state.has, report.calls, report.asked) == ({"milk": True}, (), ())
    assert [one.remedy for one in report.tried] == [Remedy.OTHER_METHOD]
    assert str(report.replans[0]).startswith("walk(shop) failed; the run goes on by another known method: go(shop)")
    view = read_view(one.store, report.run.id)
    assert view.state is RunState.DONE
    assert view.tried == [each.to_json() for each in report.tried]


def test_after_other_ways_have_failed_higher_tasks_are_done_in_other_ways(agent: Open) -> None:
    state = at_home()
    report = agent().run(breaking({WALK: FOREVER, RIDE: FOREVER}), [("fetch", "milk")], state)
    assert report.run is not None and report.run.done
    assert [str(step.action) for step in report.run.steps] == ["walk(market)", "buy(milk, market)", "walk(home)"]


@pytest.mark.parametrize(("level", "mode"), TABLE)
def test_what_a_run_does_about_a_failure_is_what_its_level_and_mode_allow(
    agent: Open, script: Script, level: Level, mode: Mode
) -> None:
    server = script(
        RecoveryAnswer=[{"json": {"choice": "adapt", "why": ""}} if (level, mode) == list(TABLE)[-1] else AGAIN],
        WorkflowAnswer=[BORROW],
        DecisionAnswer=[{"json": {"choice": "by_bus", "why": "it rains"}}],
        DataAnswer=[{"json": {"understood": True, "value": 3, "why": "three"}}],
    )
    domain = breaking(EVERYWHERE, retry=True)
    domain.decision("go", "By foot or by bus?")
    domain.variable("weight", "integer", "how heavy something is")

    @domain.operator
    def weigh(state: State, thing: str) -> State:
        state.weight[thing] = 1
        return state

    @domain.command("weigh")
    def on_a_scale(state: State, thing: str) -> State:
        state.weight[thing] = "about three"
        return state

    state = State({"at": {"me": "home"}, "has": {}, "weight": {}})
    one = agent(server, step_retries=1, max_replans=9, max_calls=50)
    report = one.run(domain, [("weigh", "milk"), ("fetch", "milk")], state, level=level, mode=mode)
    assert report.run is not None
    allowed, tried = TABLE[level, mode], {each.remedy for each in report.tried}
    asked = {consulted.hook for consulted in report.asked}
    events = read_events(one.store, report.run.id)
    assert (Remedy.OTHER_METHOD in tried) is (May.OTHER_METHOD in allowed)
    assert (Remedy.REPLAN in tried) is (May.REPLAN in allowed)
    assert any(event.kind == "retry" for event in events) is (May.RETRY in allowed)
    assert ("recovery_strategy" in asked) is (May.ASK_RECOVERY in allowed)
    assert ("decide" in asked) is (May.ASK_DECISION in allowed)
    assert ("interpret_data" in asked) is (May.ASK_DATA in allowed)
    assert ("adapt_workflow" in asked) is (May.ADAPT in allowed)
    assert state.weight["milk"] == (3 if May.ASK_DATA in allowed else "about three")
    assert bool(report.calls) is bool(asked)
    assert report.run.done is (May.ADAPT in allowed)
    assert sum(event.kind == "hook" for event in events) == len(report.asked)


def test_a_domain_says_how_it_is_acted_in_and_whoever_starts_a_run_goes_before_it(agent: Open) -> None:
    domain = breaking({WALK: FOREVER})
    domain.acting(mode="strict")
    for mode, done in ((None, False), ("adaptive", True)):
        report = agent().run(domain, GO, at_home(), mode=mode)
        assert report.run is not None
        assert report.run.done is done
    report = agent(mode="strict").run(breaking({WALK: FOREVER}), GO, at_home())
    assert report.run is not None and not report.run.done
    with pytest.raises(UsageError, match="no level of acting"):
        agent().run(domain, GO, at_home(), level="bold")


def test_a_step_is_tried_again_after_a_while_when_a_model_says_so(agent: Open, script: Script) -> None:
    server = script(RecoveryAnswer=[AGAIN])
    domain = breaking({WALK: 3, RIDE: FOREVER}, retry=True)
    domain.methods["go"] = domain.methods["go"][:1]
    one = agent(server, step_retries=1)
    report = one.run(domain, GO, at_home(), level="adaptive")
    assert report.run is not None and report.run.done
    assert len(server.requests) == 1
    assert [each.remedy for each in report.tried if each.came == "found"] == [Remedy.ASKED]
    assert "it will pass" in report.tried[-1].detail


def test_other_tasks_are_verified_before_a_step_of_them_runs(agent: Open, script: Script) -> None:
    impossible = {"json": {"tasks": [["buy", "milk", "moon"]], "why": "the moon is made of it"}}
    server = script(WorkflowAnswer=[impossible, impossible])
    one, state = agent(server, max_replans=9), at_home()
    report = one.run(breaking(EVERYWHERE), [("fetch", "milk")], state, level="autonomous", mode="creative")
    assert report.run is not None and report.run.failed is not None
    assert state == at_home()
    assert report.tried[-1].remedy is Remedy.ADAPTED
    assert "buy(milk, moon) has no plan" in report.tried[-1].detail
    assert "gave_up" in kinds(one, report)


def test_a_model_that_is_away_leaves_a_run_as_if_there_were_none(agent: Open) -> None:
    one = agent(max_replans=9)
    report = one.run(breaking(EVERYWHERE), [("fetch", "milk")], at_home(), level="autonomous", mode="creative")
    without = one.run(breaking(EVERYWHERE), [("fetch", "milk")], at_home())
    assert report.run is not None and without.run is not None
    assert [str(step.action) for step in report.run.steps] == [str(step.action) for step in without.run.steps]
    assert [consulted.source for consulted in report.asked] == ["fallback"]


def test_an_answer_that_came_to_nothing_is_not_used_again_and_one_that_helped_is(agent: Open, script: Script) -> None:
    server = script(WorkflowAnswer=[BORROW])
    for _ in range(2):
        report = agent(server, max_replans=9).run(
            breaking(EVERYWHERE), [("fetch", "milk")], at_home(), level="autonomous", mode="creative"
        )
        assert report.run is not None and report.run.done
    assert len(server.requests) == 1
    assert report.asked[0].source == "kept"
    broken = breaking({**EVERYWHERE, ("borrow", "milk"): FOREVER})
    for _ in range(2):
        report = agent(server, max_replans=9).run(
            broken, [("fetch", "milk")], at_home(), level="autonomous", mode="creative"
        )
        assert report.run is not None and not report.run.done
    assert len(server.requests) > 2


def test_what_was_tried_before_is_known_when_a_run_is_taken_up_again(agent: Open) -> None:
    domain = breaking(EVERYWHERE)
    one = agent(max_replans=9)
    report = one.run(domain, [("fetch", "milk")], at_home())
    assert report.run is not None and report.run.failed is not None
    tried = [each.task for each in report.tried]
    again = agent(max_replans=9).resume(report.run.id, domain=domain)
    assert again.run is not None and again.run.failed is not None
    assert [each.task for each in again.tried][: len(tried)] == tried
    domain.commands.clear()
    healed = agent(max_replans=9).resume(report.run.id, domain=domain)
    assert healed.run is not None and healed.run.done
    assert healed.state.has == {"milk": True}


def test_a_run_that_was_taken_up_again_knows_the_tasks_above_its_steps(agent: Open) -> None:
    """Its process is gone after the first way round; the next failure is met by another."""
    domain, calls = errands(), Counter[str]()

    @domain.command("walk", delivery="at least once")
    def closed(state: State, place: str) -> State:
        raise ConnectionError("the road is closed")

    @domain.command("ride", delivery="at least once")
    def interrupted(state: State, place: str) -> State:
        calls[place] += 1
        if place == "shop" and calls[place] == 1:
            raise KeyboardInterrupt
        if place == "shop":
            raise ConnectionError("no bus runs")
        state.at["me"] = place
        return state

    one, state = agent(), at_home()
    with pytest.raises(KeyboardInterrupt):
        one.run(domain, [("fetch", "milk")], state, run_id="errand")
    assert "frame" in read_view(one.store, "errand").plans[-1].data
    report = agent(max_replans=9).resume("errand", domain=domain)
    assert report.run is not None and report.run.done
    assert [str(step.action) for step in report.run.steps] == ["ride(market)", "buy(milk, market)", "ride(home)"]


@pytest.mark.parametrize(
    "damage", [{"tried": [{"remedy": "pray"}]}, {"tried": [3]}, {"tried": [{"task": 1, "came": 2}]}]
)
def test_a_log_that_was_spoiled_is_said_to_be_when_a_run_is_taken_up(agent: Open, damage: Any) -> None:
    one = agent()
    domain = breaking({WALK: FOREVER, RIDE: FOREVER})
    report = one.run(domain, GO, at_home())
    assert report.run is not None
    # Whoever can write to the store can spoil a log.
    one.store.runs().append(report.run.id, event_text("gave_up", by="somebody", step="1.1", **damage), mark="m")
    with pytest.raises(ExecutionError, match="is spoiled"):
        agent().resume(report.run.id, domain=domain)


PURE = [{"rung": 3, "name": "determinism, purity", "passed": True}]


def test_a_kept_result_stands_for_a_body_that_cannot_be_run(agent: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one, state = agent(evaluate="trusted", step_retries=0), state_of(shop())
    one.library.admit(entry("order_total", code=RIGHT, learned_for=shop()), "trusted", PURE)

    def away(*_: object, **__: object) -> Any:
        raise ServiceMissing("the engine is gone")

    domain = shop()
    assert one.plan(domain, [("check_out", "tea")], state)  # what the body gives is known from here on
    monkeypatch.setattr(type(one.sandbox), "acall", away)
    report = one.run(domain, [("check_out", "tea")], state)
    assert report.run is not None and report.run.done
    assert (state.total["tea"], state.paid) == (9.5, {"tea": True})
    assert [each.remedy for each in report.tried if each.came == "found"] == [Remedy.KEPT]
    view = read_view(one.store, report.run.id)
    assert [str(step.action) for step in view.every_step] == ["order_total(tea)", "pay(tea)"]


def test_a_broken_contract_is_demoted_in_strict_mode_too_and_ends_the_run(agent: Open) -> None:
    one, state = agent(), state_of(shop())
    bad = one.library.admit(entry("order_total", code=BREAKS, learned_for=detours()), "trusted", PURE)
    report = one.run(detours(), TICKED, state, mode="strict")
    assert report.run is not None and report.run.failed is not None
    assert one.library.trust(bad) == "quarantined"
    assert report.replans == ()
