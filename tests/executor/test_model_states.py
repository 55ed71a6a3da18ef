"""How models and their servers are doing, as settings and all processes see them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.doctor import examine
from executor.estimate import Estimate
from executor.load import load_domain, load_state
from executor.model.standin import StandIn
from executor.model_states import ModelState, model_states, reset
from executor.settings import Settings
from executor.store import Store
from htn.errors import ServiceMissing, UsageError
from htn.failure import Failure
from htn.network import Task
from tests.executor.gated import BROKEN, NOBODY, RIGHT, ask, gated, says
from tests.executor.shop import shop, state_of

Serve = Callable[..., StandIn]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start stand-ins that give these replies."""
    with ExitStack() as stack:
        yield lambda *replies, **more: stack.enter_context(StandIn(says(*replies, **more)))


def loaded(folder: Path, **settings: Any) -> Settings:
    return Settings.load(**{"data_dir": folder, "sandbox": "lockdown", "model": "scripted", **settings})


def states(folder: Path, store: Store, **settings: Any) -> dict[str, ModelState]:
    return {state.model: state for state in model_states(loaded(folder, **settings), store)}


def break_down(store: Store, endpoint: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ServiceMissing):
            ask(gated(store, endpoint))


def test_a_model_that_was_asked_is_healthy_and_its_calls_are_counted(folder: Path, store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    calls = [ask(gated(store, server.endpoint)).call for _ in range(3)]
    found = states(folder, store, ollama_endpoint=server.endpoint)["ollama:scripted"]
    assert (found.health, found.breaker, found.failures, found.price) == ("healthy", "closed", 0, "0/0")
    assert found.asked_for == ("generation", "planning", "analysis", "debugging")
    stats = found.stats
    assert (stats.calls, stats.failed, stats.success_rate, stats.calls_today) == (3, 0, 1.0, 3)
    assert stats.answer_tokens == sum(call.answer_tokens for call in calls)
    assert stats.recent_median_seconds is not None and stats.recent_p95_seconds is not None
    assert 0 < stats.recent_median_seconds <= stats.recent_p95_seconds


def test_one_whose_calls_fail_is_degraded_and_then_offline_until_somebody_resets_it(
    folder: Path, store: Store, serve: Serve
) -> None:
    server = serve(BROKEN)
    set_to = {"ollama_endpoint": server.endpoint}
    break_down(store, server.endpoint, 2)
    found = states(folder, store, **set_to)["ollama:scripted"]
    assert (found.health, found.breaker, found.failures) == ("degraded", "closed", 2)
    assert "the scripted model failed" in found.why
    break_down(store, server.endpoint, 3)
    found = states(folder, store, **set_to)["ollama:scripted"]
    assert (found.health, found.breaker) == ("offline", "open") and 0 < found.seconds <= 300
    assert reset(loaded(folder, **set_to), store, "ollama") == ("ollama:scripted",)
    found = states(folder, store, **set_to)["ollama:scripted"]
    assert (found.breaker, found.failures) == ("closed", 0)
    assert found.health == "degraded"  # the latest calls came to nothing


def test_a_server_at_which_nobody_is_is_offline(folder: Path, store: Store) -> None:
    found = states(folder, store, ollama_endpoint=NOBODY)["ollama:scripted"]
    assert (found.health, found.breaker) == ("offline", "closed")
    assert "no model server answers" in found.why
    assert found.stats.success_rate is None and found.stats.calls == 0


def test_a_server_is_looked_at_once_a_minute_at_most(folder: Path, store: Store, serve: Serve) -> None:
    with StandIn(says(RIGHT)) as server:
        endpoint = server.endpoint
        assert states(folder, store, ollama_endpoint=endpoint)["ollama:scripted"].health == "healthy"
    assert states(folder, store, ollama_endpoint=endpoint)["ollama:scripted"].health == "healthy"
    known = states(folder, store, ollama_endpoint=endpoint, health_seconds=0.001)["ollama:scripted"]
    assert known.health == "offline"


def test_what_each_model_is_for_is_said_and_what_was_asked_before_is_not_forgotten(
    folder: Path, store: Store, serve: Serve
) -> None:
    server = serve(RIGHT, more_models=["a", "b", "c"])
    ask(gated(store, server.endpoint))
    found = states(
        folder, store, ollama_endpoint=server.endpoint, model="a", routes={"debugging": "b"}, more_models="c",
        fallback_models="b",
    )  # fmt: skip
    assert found["ollama:a"].asked_for == ("generation", "planning", "analysis")
    assert found["ollama:b"].asked_for == ("debugging", "standing in")
    assert found["ollama:c"].asked_for == ("further opinions",)
    assert (found["ollama:scripted"].health, found["ollama:scripted"].stats.calls) == ("unused", 1)


def test_a_provider_of_which_no_model_is_set_cannot_be_reset(folder: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="no model of openai is set"):
        reset(loaded(folder), store, "openai")


def test_the_doctor_tells_how_all_models_do(folder: Path, store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    ask(gated(store, server.endpoint))
    settings = loaded(folder, ollama_endpoint=server.endpoint, fallback_models="openai:x", openai_endpoint=NOBODY)
    check = next(check for check in examine(settings) if check.name == "models")
    assert "ollama:scripted healthy, breaker closed, 1 calls, 100% well" in check.found
    assert "openai:x offline, breaker closed, never asked" in check.found
    assert not check.ok and [state.model for state in check.models] == ["ollama:scripted", "openai:x"]


TASKS: list[Task] = [("check_out", "tea")]


def priced(folder: Path, **settings: Any) -> Estimate:
    with Agent(loaded(folder, ollama_endpoint=NOBODY, **settings)) as agent:
        found = agent.price(shop(), TASKS, state_of(shop()))
        assert agent.calls == () and "sandbox" not in agent.__dict__
    return found


def test_a_run_with_a_gap_is_priced_without_asking_anybody(folder: Path) -> None:
    found = priced(folder, max_calls=4, num_ctx=2048)
    assert isinstance(found.result, Failure) and found.plan is None
    (gap,) = found.gaps
    assert gap.task == "order_total(tea)" and gap.first_question_tokens > 100 and gap.least_calls == 2
    assert (found.calls, found.tokens, found.cost) == (4, 4 * 2 * 2048, 0)
    assert found.to_json()["most"] == {"calls": 4, "tokens": 4 * 2 * 2048, "cost": 0.0}


def test_the_price_is_that_of_the_dearest_model_and_never_more_than_the_limits(folder: Path) -> None:
    prices = {"openai:x": "1/2", "openai:y": "10/20"}
    both: dict[str, Any] = {
        "model": "openai:x",
        "fallback_models": "openai:y",
        "prices": prices,
        "max_calls": 2,
        "answer_tokens": 1000,
    }
    assert priced(folder, **both).cost == 2 * (16_384 * 10 + 1000 * 20)
    assert priced(folder, **both, max_cost=0.25, daily_tokens=500).cost == 250_000
    assert priced(folder, **both, max_cost=0.25, daily_tokens=500).tokens == 500
    unknown = priced(folder, model="openai:z")
    assert unknown.cost is None and unknown.unpriced == ("openai:z",)
    assert "no price is set for openai:z" in "\n".join(unknown.lines())


def test_what_is_known_costs_nothing(folder: Path) -> None:
    travel = load_domain("travel")
    with Agent(loaded(folder)) as agent:
        found = agent.price(travel, [("travel", "alice", "home", "park")], load_state(travel, None))
    assert found.plan is not None and len(found.to_json()["known_steps"]) == 3
    assert (found.calls, found.tokens, found.cost, found.gaps) == (0, 0, 0, ())


def test_gaps_that_settings_leave_open_cost_nothing_and_are_named(folder: Path) -> None:
    found = priced(folder, learn="never")
    assert found.calls == 0 and [gap.task for gap in found.gaps] == ["order_total(tea)"]
    assert "gaps are not closed" in found.lines()[-1]
