"""Which model is asked for which kind of work, and which one stands in where it gives no answer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.model import KINDS, Allowance, InvalidAnswer, Limits, Question, Router, Spender, kind_of
from executor.model.standin import StandIn
from executor.routing import Routing
from executor.settings import Settings
from executor.store import Store
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError
from tests.executor.gated import BROKEN, NOBODY, QUESTION, RIGHT, WRONG, Sum, ask, gated, says
from tests.executor.shop import FIRST, LARGEST, shop, state_of, writes
from tests.executor.shop import RIGHT as RIGHT_BODY
from tests.executor.shop import says as contract

Serve = Callable[..., StandIn]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start stand-ins that give these replies."""
    with ExitStack() as stack:
        yield lambda *replies, **more: stack.enter_context(StandIn(says(*replies, **more)))


def routed(*models: Any, **more: Any) -> Router:
    return Router(models, **more)


def test_the_next_model_answers_where_the_first_gives_no_answer(store: Store, serve: Serve) -> None:
    notes: list[str] = []
    good = serve(RIGHT, model="other")
    for reply in (BROKEN, WRONG, {"behave": "disconnect"}, {"error": {"status": 401, "message": "who?"}}):
        first = gated(store, serve(reply).endpoint)
        model = routed(first, gated(store, good.endpoint, name="other"), on_note=notes.append)
        assert ask(model).call.model == "other"
    assert len(notes) == 4 and all("ollama:scripted gives no answer" in note for note in notes)


def test_a_server_that_did_not_answer_when_somebody_looked_is_asked_last(store: Store, serve: Serve) -> None:
    good = serve(RIGHT, model="other")
    first, second = gated(store, NOBODY), gated(store, good.endpoint, name="other")
    model = routed(first, second)
    for _ in range(7):
        assert ask(model).call.model == "other"
    assert store.breakers().state(first._guard.server if first._guard else "").failures == 0


def test_a_model_that_is_left_alone_is_told_of_once(store: Store, serve: Serve) -> None:
    notes: list[str] = []
    good = serve(RIGHT, model="other")
    model = routed(
        gated(store, serve(BROKEN).endpoint), gated(store, good.endpoint, name="other"), on_note=notes.append
    )
    for _ in range(9):
        assert ask(model).call.model == "other"
    assert len(notes) == 6 and "left alone" in notes[-1]


def test_where_nobody_answers_all_say_why(store: Store, serve: Serve) -> None:
    model = routed(gated(store, NOBODY), gated(store, serve(BROKEN).endpoint, name="scripted", provider="openai"))
    with pytest.raises(ServiceMissing) as caught:
        ask(model)
    assert "ollama:scripted: no model server answers" in caught.value.message
    assert "openai:scripted: the model server at" in caught.value.message


def test_a_model_that_is_alone_fails_as_itself(store: Store, serve: Serve) -> None:
    with pytest.raises(InvalidAnswer):
        ask(routed(gated(store, serve(WRONG).endpoint)))


def test_a_budget_of_the_run_stops_all_and_one_of_a_model_only_this_one(store: Store, serve: Serve) -> None:
    first, second = serve(RIGHT), serve(RIGHT, model="other")
    for_model, for_run = Allowance(model=Limits(calls=0)), Allowance(Limits(tokens=1))
    other = gated(store, second.endpoint, name="other")
    assert ask(routed(gated(store, first.endpoint, allowance=for_model), other)).call.model == "other"
    with pytest.raises(LimitReached, match="for this run"):
        ask(routed(gated(store, first.endpoint, allowance=for_run), other))
    assert (len(first.requests), len(second.requests)) == (0, 1)


def test_a_server_that_asked_to_wait_is_waited_for_where_no_other_answers(store: Store, serve: Serve) -> None:
    busy = {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "1"}}}
    server, slept = serve(busy, RIGHT), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        store.breakers().reset(model.askers[0]._guard.server if model.askers[0]._guard else "")

    model = routed(gated(store, server.endpoint), sleep=sleep)
    with pytest.raises(ServiceMissing, match="wants fewer requests"):
        ask(model)
    assert ask(model).value == Sum(total=4)
    assert len(slept) == 1 and 0 < slept[0] <= 1


def test_nobody_is_waited_for_longer_than_a_call_may_take(store: Store, serve: Serve) -> None:
    busy = {"error": {"status": 503, "message": "later", "headers": {"Retry-After": "3600"}}}
    model = routed(gated(store, serve(busy, RIGHT).endpoint), patience=20)
    for _ in range(2):
        with pytest.raises(ServiceMissing):
            ask(model)


def test_each_kind_of_work_has_its_own_models(store: Store, serve: Serve) -> None:
    server = serve(RIGHT, more_models=["mender"])
    writer, mender = gated(store, server.endpoint), gated(store, server.endpoint, name="mender")
    model = Router([writer], {"debugging": [mender]})
    assert model.name == "ollama:scripted"
    assert [ask(model, purpose).call.model for purpose in ("body", "repair", "tests")] == [
        "scripted",
        "mender",
        "scripted",
    ]
    assert len(model.calls) == len(writer.calls) + len(mender.calls) == 3


def test_every_question_that_is_asked_here_has_a_kind() -> None:
    kinds = {"contract": "generation", "body": "generation", "tests": "generation", "repair": "debugging"}
    assert {purpose: kind_of(purpose) for purpose in kinds} == kinds
    assert {kind_of(p) for p in ("decide", "adapt_workflow")} == {"planning"}
    assert {kind_of(p) for p in ("interpret_data", "explanation of code")} == {"analysis"}
    assert kind_of("something else") in KINDS


def test_questions_put_at_once_are_routed_each_by_itself(store: Store, serve: Serve) -> None:
    model = routed(
        gated(store, serve(BROKEN).endpoint), gated(store, serve(RIGHT, model="other").endpoint, name="other")
    )
    answers = model.ask_all([Question(QUESTION, Sum, "a sum", sample=n) for n in range(3)])
    assert not any(isinstance(answer, HtnError) for answer in answers)


def test_a_router_without_a_model_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one model"):
        Router([])


def loaded(folder: Path, **settings: Any) -> Settings:
    return Settings.load(**{"data_dir": folder, "sandbox": "lockdown", "model": "scripted", **settings})


def test_settings_say_who_is_asked_and_who_stands_in(folder: Path) -> None:
    settings = loaded(
        folder, model="a", fallback_models="openai:b, anthropic:c", more_models="d",
        routes={"debugging": "openai:b, e", "analysis": "f"},
    )  # fmt: skip
    assert [place.spec for place in settings.usual_places] == ["ollama:a", "openai:b", "anthropic:c"]
    mending = settings.places_for("debugging")
    assert mending is not None
    assert [place.spec for place in mending] == ["openai:b", "ollama:e", "anthropic:c"]
    assert settings.places_for("planning") is None
    assert {place.spec for place in settings.every_place} == {f"ollama:{n}" for n in "adef"} | {
        "openai:b",
        "anthropic:c",
    }


@pytest.mark.parametrize("routes", [{"cooking": "x"}, {"debugging": " , "}])
def test_a_route_of_no_kind_or_to_nobody_is_refused(folder: Path, routes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="routes cannot be used"):
        loaded(folder, routes=routes)


def test_a_repair_is_asked_of_the_model_for_debugging_which_is_its_author(folder: Path) -> None:
    answers = [
        {"when": {"schema": "ContractAnswer"}, "replies": [contract()]},
        {"when": {"schema": "BodyAnswer", "model": "scripted"}, "replies": [writes(LARGEST)]},
        {"when": {"schema": "BodyAnswer", "model": "mender"}, "replies": [writes(RIGHT_BODY)]},
    ]
    with StandIn({"more_models": ["mender"], "answers": answers}) as server:
        settings = loaded(folder, ollama_endpoint=server.endpoint, routes={"debugging": "mender"})
        with Agent(settings) as agent:
            report = agent.run(shop(), [("check_out", "tea")], state_of(shop()), run_id="nightly-17")
            version = report.learned[0].version
            assert version is not None
            assert agent.library.entry(version).provenance.model == "ollama:mender"
            assert [call.model for call in report.calls] == ["scripted", "scripted", "mender"]
            used = agent.store.budgets().used("run:nightly-17")
    assert used["calls"] == 3 and used["tokens"] == sum(c.prompt_tokens + c.answer_tokens for c in report.calls)


def test_a_run_that_its_budget_stopped_is_gone_on_with_under_its_id(folder: Path) -> None:
    answers = [
        {"when": {"schema": "ContractAnswer"}, "replies": [contract()]},
        {"when": {"schema": "BodyAnswer"}, "replies": [writes(FIRST), writes(RIGHT_BODY)]},
    ]

    def opened(server: StandIn, most: int) -> Agent:
        return Agent(loaded(folder, ollama_endpoint=server.endpoint, max_tokens=most, answer_tokens=256))

    with StandIn({"answers": answers}) as server:
        with opened(server, 5_000) as agent, pytest.raises(LimitReached) as caught:
            agent.run(shop(), [("check_out", "tea")], state_of(shop()), run_id="nightly-17")
        assert "go on where it stopped: htn resume nightly-17 --max-tokens N" in caught.value.hints
        with opened(server, 100_000) as agent:
            report = agent.resume("nightly-17", domain=shop())
            used = agent.store.budgets().used("run:nightly-17")["calls"]
        assert report.run is not None and report.run.done
        assert used == len(server.requests) >= len(report.calls)


def test_one_model_may_be_asked_less_often_than_the_others(folder: Path, store: Store) -> None:
    with StandIn(says(RIGHT, more_models=["other"])) as server:
        settings = loaded(
            folder, ollama_endpoint=server.endpoint, fallback_models="other", model_timeout=1, answer_cache=False,
            model_limits={"ollama:scripted": "per_minute=1"},
        )  # fmt: skip
        routing = Routing(settings, lambda: store, lambda: Spender("nightly-17"))
        first, second = map(routing.asker, settings.usual_places)
        ask(first)
        with pytest.raises(LimitReached, match="no request may go to the model for another"):
            ask(first)
        assert [ask(second).value.total for _ in range(3)] == [4, 4, 4]


def test_a_folder_that_is_not_yours_leads_no_key_to_its_stand_ins(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    for line in ('fallback_models = "openai:x"', 'more_models = "openai:x"', '[routes]\ndebugging = "openai:x"'):
        (tmp_path / "htn.toml").write_text(f'openai_endpoint = "http://elsewhere/v1"\n{line}\n')
        with pytest.raises(UsageError, match="a key is set"):
            Settings.load()
