"""What stands between a question and a model: a breaker that all processes share, and budgets that are never passed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from executor.model import (
    FREE,
    Allowance,
    Asker,
    CallBudget,
    Guard,
    LeftAlone,
    Limits,
    Message,
    ModelLimit,
    Price,
    Question,
    Worst,
    open_model,
)
from executor.model.reply import Reply
from executor.model.standin import StandIn
from executor.store import BreakerTimes, Store
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError
from tests.executor.gated import BROKEN, NOBODY, QUESTION, RIGHT, WRONG, Sum, ask, gated, says

Serve = Callable[..., StandIn]
PROVIDERS = ("ollama", "openai", "anthropic")
RUN = "run:nightly-17"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start stand-ins that give these replies."""
    with ExitStack() as stack:
        yield lambda *replies, **more: stack.enter_context(StandIn(says(*replies, **more)))


def failures(model: Asker, times: int) -> list[HtnError]:
    found: list[HtnError] = []
    for _ in range(times):
        with pytest.raises(ServiceMissing) as caught:
            ask(model)
        found.append(caught.value)
    return found


def test_a_server_that_failed_five_times_in_a_row_is_asked_no_more(store: Store, serve: Serve) -> None:
    server = serve(BROKEN)
    model = gated(store, server.endpoint)
    said = failures(model, 7)
    assert len(server.requests) == len(model.calls) == 5
    assert not any(isinstance(error, LeftAlone) for error in said[:5])
    assert isinstance(said[-1], LeftAlone) and "left alone for another" in said[-1].message
    assert any("htn models reset ollama" in hint for hint in said[-1].hints)


def test_one_that_fails_four_times_and_then_works_is_asked_on(store: Store, serve: Serve) -> None:
    server = serve(*[BROKEN] * 4, RIGHT, *[BROKEN] * 4, RIGHT)
    model = gated(store, server.endpoint)
    for _ in range(2):
        failures(model, 4)
        assert ask(model).value == Sum(total=4)


def test_a_server_at_which_nobody_is_opens_the_breaker_and_costs_no_call(store: Store) -> None:
    budget = CallBudget(3)
    said = failures(gated(store, NOBODY, budget=budget), 6)
    assert isinstance(said[-1], LeftAlone)
    assert budget.remaining == 3
    assert store.budgets().used(RUN) == dict.fromkeys(store.budgets().used(RUN), 0)


def test_when_its_time_is_over_one_call_finds_out_and_all_are_asked_again(store: Store, serve: Serve) -> None:
    server = serve(*[BROKEN] * 5, RIGHT)
    times = BreakerTimes(recovery=0.001)
    model = gated(store, server.endpoint, times=times)
    failures(model, 5)
    assert [ask(model).value.total for _ in range(2)] == [4, 4]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_for_patience_is_granted_for_as_long_as_it_says(store: Store, serve: Serve, provider: str) -> None:
    busy = {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "30"}}}
    server = serve(busy, RIGHT)
    model = gated(store, server.endpoint, provider=provider)
    first, second = failures(model, 2)
    assert "wants fewer requests" in first.message and any("Retry-After 30" in hint for hint in first.hints)
    assert isinstance(second, LeftAlone) and second.rests and 0 < second.seconds <= 30
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [{"error": {"status": 400, "message": "no"}}, WRONG, {"behave": "refuse"}])
def test_what_is_wrong_with_the_question_or_the_answer_says_nothing_against_the_server(
    store: Store, serve: Serve, reply: dict[str, Any]
) -> None:
    server = serve(reply)
    said = failures(gated(store, server.endpoint, provider="openai"), 6)
    assert not any(isinstance(error, LeftAlone) for error in said)


def test_a_model_that_is_not_there_says_nothing_against_its_server(store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    said = failures(gated(store, server.endpoint, name="other"), 6)
    assert not any(isinstance(error, LeftAlone) for error in said)


def test_another_process_opens_the_breaker_for_this_one(store: Store, serve: Serve, folder: Path) -> None:
    server = serve(BROKEN)
    code = f"""
from pathlib import Path
from executor.store import open_store
from tests.executor.gated import ask, gated
with open_store(redis_url=None, data_dir=Path({str(folder)!r})) as store:
    for _ in range(3):
        try:
            ask(gated(store, {server.endpoint!r}))
        except Exception as error:
            print(error)
"""
    for other in [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) for _ in range(2)]:
        assert other.wait() == 0
    with pytest.raises(LeftAlone):
        ask(gated(store, server.endpoint))
    assert 5 <= len(server.requests) <= 6  # a call that was on its way already is counted, too


def test_tokens_are_counted_by_run_day_and_model(store: Store, serve: Serve) -> None:
    model = gated(store, serve(RIGHT).endpoint)
    call = ask(model).call
    used = store.budgets().used(RUN)
    assert used["calls"] == 1 and used["tokens"] == call.prompt_tokens + call.answer_tokens > 0
    (tally,) = store.tallies().all()
    assert (tally.name, tally.calls, tally.well) == ("ollama:scripted", 1, 1)
    assert (tally.prompt_tokens, tally.answer_tokens) == (call.prompt_tokens, call.answer_tokens)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_that_may_not_fit_is_not_made(store: Store, serve: Serve, provider: str) -> None:
    server = serve(RIGHT)
    model = gated(store, server.endpoint, provider=provider, allowance=Allowance(Limits(tokens=300)))
    with pytest.raises(LimitReached) as caught:
        ask(model)
    assert server.requests == ()
    assert caught.value.exit_code == 6
    assert "of the budget of 300 tokens for this run 300 tokens are left, and a call may take" in caught.value.message
    assert caught.value.hints[0] == "go on where it stopped: htn resume nightly-17 --max-tokens N"


def test_a_run_stops_within_its_budget_and_goes_on_with_a_larger_one(store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    worst = gated(store, server.endpoint, allowance=Allowance(Limits(tokens=1))).worst(QUESTION, Sum).tokens

    def asked(tokens: int) -> None:
        model = gated(store, server.endpoint, allowance=Allowance(Limits(tokens=tokens)))
        with pytest.raises(LimitReached):
            while True:
                ask(model)

    asked(worst + 50)
    first = len(server.requests)
    assert first > 0 and store.budgets().used(RUN)["tokens"] <= worst + 50
    asked(worst + 150)
    assert len(server.requests) > first and store.budgets().used(RUN)["tokens"] <= worst + 150


@pytest.mark.parametrize("provider", PROVIDERS)
def test_where_tokens_are_limited_the_server_is_told_how_long_an_answer_may_be(
    store: Store, serve: Serve, provider: str
) -> None:
    server = serve(RIGHT)
    ask(gated(store, server.endpoint, provider=provider, allowance=Allowance(Limits(tokens=100_000))))
    body = server.requests[0]["body"]
    told = body.get("max_completion_tokens") or body.get("max_tokens") or body.get("options", {}).get("num_predict")
    assert told == 256


def test_an_older_server_is_told_in_its_own_words(store: Store, serve: Serve) -> None:
    older = {"error": {"status": 400, "message": "unknown field max_completion_tokens, did you mean max_tokens"}}
    server = serve(older, RIGHT)
    ask(gated(store, server.endpoint, provider="openai", allowance=Allowance(Limits(tokens=100_000))))
    assert "max_completion_tokens" in server.requests[0]["body"]
    assert server.requests[1]["body"]["max_tokens"] == 256
    assert "max_completion_tokens" not in server.requests[1]["body"]


def test_a_server_that_takes_no_bound_is_not_asked_where_tokens_are_limited(store: Store, serve: Serve) -> None:
    names = ("max_completion_tokens", "max_tokens")
    refuses = [{"error": {"status": 400, "message": f"unknown field {name}"}} for name in names]
    server = serve(*refuses, RIGHT)
    model = gated(store, server.endpoint, provider="openai", allowance=Allowance(Limits(tokens=100_000)))
    with pytest.raises(UsageError, match="takes no bound"):
        ask(model)
    assert len(server.requests) == len(model.calls) == store.budgets().used(RUN)["calls"] == 2
    assert store.budgets().used(RUN)["tokens"] == 0


def test_money_is_counted_by_the_price_and_limited(store: Store, serve: Serve) -> None:
    price = Price(Decimal(2), Decimal(10))
    model = gated(store, serve(RIGHT).endpoint, price=price, allowance=Allowance(day=Limits(cost=100_000)))
    call = ask(model).call
    assert store.budgets().used(RUN)["cost"] == 2 * call.prompt_tokens + 10 * call.answer_tokens
    small = gated(store, serve(RIGHT).endpoint, price=price, allowance=Allowance(day=Limits(cost=500)))
    with pytest.raises(LimitReached, match=r"of the budget of 0\.0005 in money for today") as caught:
        ask(small)
    assert caught.value.hints[0] == "allow more: HTN_DAILY_COST"


def test_money_cannot_be_limited_where_nobody_has_said_the_price(store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    model = gated(store, server.endpoint, provider="openai", price=None, allowance=Allowance(Limits(cost=10**9)))
    with pytest.raises(UsageError, match="nobody has said what openai:scripted costs") as caught:
        ask(model)
    assert "HTN_PRICES" in caught.value.hints[0]
    assert server.requests == ()


def test_the_limit_of_one_model_is_told_apart_from_that_of_all(store: Store, serve: Serve) -> None:
    allowance = Allowance(model=Limits(calls=1))
    model = gated(store, serve(RIGHT).endpoint, allowance=allowance)
    ask(model)
    with pytest.raises(ModelLimit, match="the budget of 1 model calls for ollama:scripted today is used up"):
        ask(model)


def test_a_slow_answer_ends_with_the_time_that_is_left_and_counts_at_its_worst(store: Store, serve: Serve) -> None:
    model = gated(store, serve({"behave": "hang"}).endpoint, allowance=Allowance(Limits(ms=1000)))
    with pytest.raises(ServiceMissing, match="did not finish within 1 s"):
        ask(model)
    used = store.budgets().used(RUN)
    assert used["ms"] >= 1000 and used["tokens"] > 256
    with pytest.raises(LimitReached, match="the budget of 1 s for this run is used up") as caught:
        ask(model)
    assert "--max-model-seconds N" in caught.value.hints[0]


def test_a_refused_request_counts_as_a_call_that_took_no_tokens(store: Store, serve: Serve) -> None:
    failures(gated(store, serve(BROKEN).endpoint), 1)
    used = store.budgets().used(RUN)
    assert (used["calls"], used["tokens"]) == (1, 0)


def test_what_a_server_does_not_tell_is_counted_at_its_most(store: Store, serve: Serve) -> None:
    model = gated(store, serve(RIGHT).endpoint)
    guard = model._guard
    assert guard is not None
    passage = guard.enter("a sum", Worst(100, 50))
    passage.answered(Reply("four", 0, 0, cut=False), 0.1, well=True)
    assert store.budgets().used(RUN)["tokens"] == 100 + len("four")


def test_questions_put_at_once_wait_for_what_the_others_do_not_use(store: Store, serve: Serve) -> None:
    server = serve(RIGHT)
    model = gated(store, server.endpoint, allowance=Allowance(Limits(tokens=1500)))
    worst = model.worst(QUESTION, Sum)
    assert 2 * worst.tokens > 1500 > worst.tokens
    questions = [_question(Message("user", f"What is 2 + {number}?"), number) for number in range(3)]
    answers = model.ask_all(questions)
    assert not any(isinstance(answer, HtnError) for answer in answers)
    assert store.budgets().used(RUN)["tokens"] <= 1500


def test_a_store_that_does_not_answer_is_said_once_and_stops_nothing_that_is_not_limited(
    folder: Path, serve: Serve
) -> None:
    notes: list[str] = []

    def gone() -> Any:
        raise ServiceMissing("no Redis server answers")

    server = serve(RIGHT)
    with_limits = Allowance(Limits(calls=5))
    for allowance, answers in ((Allowance(), True), (with_limits, False)):
        model = _without_store(server.endpoint, gone, allowance, notes)
        if answers:
            assert [ask(model).value.total for _ in range(2)] == [4, 4]
        else:
            with pytest.raises(ServiceMissing, match="no Redis"):
                ask(model)
    assert notes == ["what models do is not counted: no Redis server answers"] * 2
    assert len(server.requests) == 2


def _question(message: Message, sample: int) -> Question[Sum]:
    return Question((message,), Sum, "a sum", sample=sample)


def _without_store(endpoint: str, books: Callable[[], Any], allowance: Allowance, notes: list[str]) -> Asker:
    return open_model(
        "ollama:scripted", endpoint=endpoint, api_key=None, timeout=20, num_ctx=4096, max_calls=5,
        guard=lambda made: Guard(
            "ollama:scripted", made.url, books, 20, FREE, allowance, on_trouble=notes.append
        ),
    )  # fmt: skip
