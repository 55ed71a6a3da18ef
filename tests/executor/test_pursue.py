"""A run goes on after each stage and after a body broke its contract: what was done stays done."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent, Listener
from executor.model.standin import StandIn
from executor.pursue import Replan
from executor.settings import Settings
from htn.domain import Domain
from htn.errors import LimitReached, NeedsValue
from htn.failure import Failure
from htn.network import Task
from htn.plan import Plan
from htn.stage import Stage
from htn.state import State
from htn.unknown import Unknown
from tests.executor.shop import RIGHT, says, shop, state_of, total_is, writes
from tests.executor.test_library import entry

Script = Callable[..., StandIn]
Open = Callable[..., Agent]
PURE = [{"rung": 3, "name": "determinism, purity", "passed": True}]
BREAKS = total_is("'much'")


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent that keeps its library in a folder of the test's own, and learns only where it is told to."""
    with ExitStack() as stack:

        def opened(listener: Listener | None = None, **settings: Any) -> Agent:
            chosen: dict[str, Any] = {
                "ollama_endpoint": "127.0.0.1:9",
                "sandbox": "lockdown",
                "model": "scripted",
                "learn": "never",
            }
            chosen["parallel"] = 1  # what is done when a step fails does not depend on who is faster
            loaded = Settings.load(data_dir=folder, **{**chosen, **settings})
            return stack.enter_context(Agent(loaded, listener or Listener()))

        yield opened


def rewarding() -> Domain:
    """The shop, where who has spent more than nine gets a gift: that depends on what the learned total will say."""
    domain = shop()

    @domain.operator
    def gift(state: State, order: str) -> State:
        state.paid[f"{order}, with a gift"] = True
        return state

    @domain.method("reward")
    def for_much(state: State, order: str) -> list[Task] | None:
        return [("gift", order)] if state.total[order] > 9 else None

    @domain.method("reward")
    def for_little(state: State, order: str) -> list[Task]:
        return []

    @domain.method("close")
    def in_order(state: State, order: str) -> list[Task]:
        return [("check_out", order), ("reward", order)]

    return domain


def knows(
    one: Agent, code: str = RIGHT, trust: str = "trusted", evidence: Any = PURE, name: str = "order_total"
) -> str:
    """Put an operator into the library of an agent."""
    return one.library.admit(entry(name, code=code, learned_for=detours()), trust, evidence)


def test_a_run_plans_on_when_a_learned_step_has_said_what_it_depends_on(agent: Open) -> None:
    stages: list[Stage] = []
    one = agent(Listener(stage=stages.append))
    knows(one)
    for order, gift in (("tea", True), ("soap", False)):
        state = state_of(shop())
        report = one.run(rewarding(), [("close", order)], state)
        assert report.run is not None and report.run.done
        assert (f"{order}, with a gift" in state.paid) is gift
        assert report.stages == 1
        assert [step.action.name for step in report.run.steps][:2] == ["order_total", "pay"]
    assert [stage.plan.steps for stage in stages] == [[("order_total", "tea")], [("order_total", "soap")]]
    assert [stage.unknown for stage in stages] == [(("total", "tea"),), (("total", "soap"),)]


def test_a_value_that_a_later_step_gets_as_its_argument_is_known_by_then(agent: Open) -> None:
    domain = shop()

    @domain.operator
    def print_bill(state: State, order: str, amount: float) -> State:
        state.paid[f"{order}: {amount}"] = False
        return state

    @domain.method("bill")
    def by_total(state: State, order: str) -> list[Task]:
        return [("print_bill", order, state.total[order])]

    one, state = agent(), state_of(shop())
    knows(one)
    report = one.run(domain, [("order_total", "tea"), ("bill", "tea"), ("pay", "tea")], state)
    assert report.run is not None and report.run.done
    assert state.paid == {"tea: 9.5": False, "tea": True}


def measuring(*, command: bool) -> Domain:
    domain = Domain("rooms")

    @domain.operator
    def measure(state: State, room: str) -> State:
        state.temp[room] = Unknown(f"the temperature of {room}")
        return state

    if command:

        @domain.command("measure")
        def look(state: State, room: str) -> State:
            state.temp[room] = 12
            return state

    @domain.method("again")
    def until_it_is_warm(state: State, room: str) -> list[Task]:
        return [] if room in state.temp and state.temp[room] > 20 else [("measure", room), ("again", room)]

    return domain


def test_what_finds_nothing_out_ends_the_run(agent: Open) -> None:
    report = agent().run(measuring(command=False), [("again", "attic")], State(temp={}))
    assert isinstance(report.result, Failure)
    assert isinstance(report.result.stopped, NeedsValue)
    assert "temp[attic] was to become known, and did not" in report.result.explain()
    assert report.run is not None and len(report.run.steps) == 1


def test_the_settings_bound_the_stages(agent: Open) -> None:
    report = agent(max_stages=3).run(measuring(command=True), [("again", "attic")], State(temp={}))
    assert isinstance(report.result, Failure)
    assert isinstance(report.result.stopped, LimitReached)
    assert report.result.exit_code == 6
    assert report.run is not None and len(report.run.steps) == 4


def detours() -> Domain:
    """The shop with two further ways to come to a total: a learned guess, and the price of the first thing."""
    domain = rewarding()
    domain.declare("guess_total", {"order": "string"}, "Guess what an order costs.")

    @domain.operator
    def tick(state: State) -> State:
        state.paid["ticks"] = state.paid.get("ticks", 0) + 1
        return state

    @domain.operator
    def first_price(state: State, order: str) -> State:
        state.total[order] = state.cart[order][0]
        return state

    @domain.method("check_out")
    def by_guessing(state: State, order: str) -> list[Task]:
        return [("guess_total", order), ("pay", order)]

    @domain.method("check_out")
    def by_the_first(state: State, order: str) -> list[Task]:
        return [("first_price", order), ("pay", order)]

    return domain


TICKED: list[Task] = [("tick",), ("check_out", "tea"), ("tick",)]


def test_after_a_violation_the_gap_is_closed_by_learning_and_what_was_done_stays_done(
    agent: Open, script: Script
) -> None:
    domain = detours()
    del domain.methods["check_out"]

    @domain.method("check_out")
    def the_only_way(state: State, order: str) -> list[Task]:
        return [("order_total", order), ("pay", order)]

    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    heard: list[Replan] = []
    one = agent(Listener(replanned=heard.append), learn="auto", ollama_endpoint=server.endpoint)
    bad = knows(one, BREAKS)
    state = state_of(shop())
    report = one.run(domain, TICKED, state)
    assert report.run is not None and report.run.done
    assert [step.action.name for step in report.run.steps] == ["tick", "order_total", "pay", "tick"]
    assert (state.total["tea"], state.paid) == (9.5, {"ticks": 2, "tea": True})
    assert one.library.trust(bad) == "quarantined"
    assert [learned.version == bad for learned in report.learned] == [False]
    assert list(report.replans) == heard
    assert heard[0].left == (("order_total", "tea"), ("pay", "tea"), ("tick",))
    assert "order_total(tea) broke its contract" in str(heard[0])
    assert heard[0].to_json()["version"] == bad


def test_after_a_violation_another_method_is_taken_where_there_is_one(agent: Open) -> None:
    one, state = agent(), state_of(shop())
    knows(one, BREAKS)
    report = one.run(detours(), TICKED, state)
    assert report.run is not None and report.run.done
    assert isinstance(report.result, Plan)
    assert [step.action.name for step in report.run.steps] == ["tick", "first_price", "pay", "tick"]
    assert state.paid == {"ticks": 2, "tea": True}
    assert len(report.replans) == 1


def test_a_second_violation_is_planned_around_too_and_the_settings_bound_it(agent: Open) -> None:
    guess = BREAKS.replace("order_total", "guess_total")
    for most, done in ((2, True), (1, False)):
        one, state = agent(max_replans=most), state_of(shop())
        knows(one, BREAKS + f"# {most}\n")
        knows(one, guess + f"# {most}\n", name="guess_total")
        report = one.run(detours(), TICKED, state)
        assert report.run is not None
        assert report.run.done is done
        assert [replan.step.action.name for replan in report.replans] == ["order_total", "guess_total"][:most]
        assert state.paid["ticks"] == (2 if done else 1)


def test_where_there_is_no_other_way_the_run_ends_with_the_step_that_failed(agent: Open) -> None:
    notes: list[str] = []
    one, state = agent(Listener(note=notes.append)), state_of(shop())
    knows(one, BREAKS)
    report = one.run(rewarding(), [("close", "tea")], state)
    assert isinstance(report.result, Failure | Plan)
    assert report.run is not None and report.run.failed is not None
    assert report.run.failed.trouble is not None and report.run.failed.trouble.exit_code == 4
    assert state == state_of(shop())
    assert "there is no other way to go on" in notes[-1]


def test_without_replanning_a_violation_ends_the_run(agent: Open) -> None:
    one = agent(max_replans=0)
    knows(one, BREAKS)
    report = one.run(detours(), TICKED, state_of(shop()))
    assert report.run is not None and report.run.failed is not None
    assert report.replans == ()


def test_a_trusted_pure_body_is_run_while_planning_where_that_is_asked_for(agent: Open) -> None:
    one, state = agent(evaluate="trusted"), state_of(shop())
    knows(one)
    found = one.plan(rewarding(), [("close", "tea")], state)
    assert isinstance(found, Plan)
    assert found.steps == [("order_total", "tea"), ("pay", "tea"), ("gift", "tea")]
    assert one.evaluations == 1
    assert state == state_of(shop())
    report = one.run(rewarding(), [("close", "tea")], state)
    assert report.run is not None and report.run.done
    assert (report.stages, report.evaluations) == (0, 1)


@pytest.mark.parametrize(
    ("code", "trust", "evidence", "settings"),
    [
        (RIGHT, "trusted", PURE, {"evaluate": "never"}),
        (RIGHT, "probation", PURE, {}),
        (RIGHT, "trusted", [], {}),
        (RIGHT, "trusted", [*PURE, {**PURE[0], "passed": False}], {}),
        (RIGHT, "trusted", PURE, {"max_evaluations": 0}),
        (BREAKS, "trusted", PURE, {}),
    ],
    ids=["not asked for", "not trusted", "never tried", "not pure", "too many", "it breaks its contract"],
)
def test_otherwise_what_a_body_returns_stays_unknown_until_execution(
    agent: Open, code: str, trust: str, evidence: Any, settings: dict[str, Any]
) -> None:
    one = agent(**{"evaluate": "trusted", **settings})
    version = knows(one, code, trust, evidence)
    found = one.plan(rewarding(), [("close", "tea")], state_of(shop()))
    assert isinstance(found, Failure)
    assert found.stage is not None
    assert one.library.trust(version) == trust


def test_a_kept_result_is_used_by_the_next_process_too(agent: Open) -> None:
    first, second = agent(evaluate="trusted"), agent(evaluate="trusted")
    knows(first)
    for one in (first, second):
        assert isinstance(one.plan(rewarding(), [("close", "tea")], state_of(shop())), Plan)
    assert second.results.statistics().hits == 1


def test_a_task_that_no_method_applies_to_is_learned_and_used(agent: Open, script: Script) -> None:
    domain = Domain("stock")
    domain.variable("level", "integer", "how many are on a shelf")
    domain.task("refill", {"shelf": "string"}, "Fill a shelf up.", goal="level[shelf] == 10")
    domain.example("achieve_refill", "b", given={"level": {"b": 3}}, then={"level": {"b": 10}})

    @domain.method("refill")
    def when_full(state: State, shelf: str) -> list[Task] | None:
        return [] if state.level[shelf] == 10 else None

    @domain.operator
    def take(state: State, shelf: str) -> State:
        state.level[shelf] -= 1
        return state

    contract = {
        "description": "Fill a shelf up.", "parameters": [{"name": "shelf", "type": {"type": "string"}}],
        "reads": [], "outputs": [], "preconditions": ["shelf in level"], "ensures": [],
        "effects": ["level[shelf] = 10"],
    }  # fmt: skip
    body = 'def achieve_refill(shelf):\n    return {"output": {}, "writes": [["level", shelf, 10]]}\n'
    server = script(ContractAnswer=[{"json": contract}], BodyAnswer=[writes(body)])
    state = State(level={"a": 2})
    one = agent(learn="auto", ollama_endpoint=server.endpoint)
    report = one.run(domain, [("refill", "a")], state)
    assert report.run is not None and report.run.done
    assert [learned.gap.kind for learned in report.learned] == ["unreached"]
    assert state.level["a"] == 10
    later = agent().run(domain, [("refill", "a")], State(level={"a": 1}))
    assert later.run is not None and [step.action.name for step in later.run.steps] == ["achieve_refill"]
