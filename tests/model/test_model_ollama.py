"""The real client against the stand-in: what is asked, what comes back, and what is counted."""

import socket
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from executor.model import CallBudget, InvalidAnswer, Message, Model, Ollama, open_model
from executor.model.ollama import OllamaSettings
from executor.model.standin import StandIn
from htn.errors import LimitReached, ServiceMissing, UsageError


class Sum(BaseModel):
    total: int
    kind: Literal["small", "large"] = "small"


QUESTION = (Message("system", "You add."), Message("user", "What is 2 + 2?"))
RIGHT = {"json": {"total": 4, "kind": "small"}}
WRONG = {"json": {"total": "four"}}


def script(*replies: dict[str, Any]) -> dict[str, Any]:
    return {"answers": [{"when": {"schema": "Sum"}, "replies": list(replies)}]}


def model_at(endpoint: str, **settings: Any) -> Model:
    given: dict[str, Any] = {
        "endpoint": endpoint,
        "api_key": None,
        "timeout": 20.0,
        "num_ctx": 4096,
        "max_calls": 8,
    }
    spec = settings.pop("spec", "ollama:scripted")
    return open_model(spec, **(given | settings))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing listens, held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def test_an_answer_is_a_value_its_text_and_its_call() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint)
        answer = model.ask(QUESTION, Sum, purpose="adding", sample=2, seed=7, variant="short")
    assert answer.value == Sum(total=4)
    assert answer.text == '{"total": 4, "kind": "small"}'
    call = answer.call
    assert (call.provider, call.model, call.purpose) == ("ollama", "scripted", "adding")
    assert (call.sample, call.seed, call.prompt_variant) == (2, 7, "short")
    assert call.ok and call.attempt == 1 and call.problem == ""
    assert call.prompt_tokens == 11 and call.answer_tokens > 0
    assert model.calls == (call,)
    assert model.name == "ollama:scripted"


def test_the_text_is_heard_in_pieces_while_it_is_written() -> None:
    heard: list[str] = []
    with StandIn(script(RIGHT)) as server:
        answer = model_at(server.endpoint).ask(QUESTION, Sum, purpose="a", on_text=heard.append)
    assert len(heard) > 1
    assert "".join(heard) == answer.text


def test_the_request_carries_the_schema_and_the_size_of_the_context() -> None:
    with StandIn(script(RIGHT)) as server:
        model_at(server.endpoint, num_ctx=2048).ask(QUESTION, Sum, purpose="a", seed=5)
        body = server.requests[0]["body"]
    assert body["format"] == Sum.model_json_schema()
    assert body["options"]["num_ctx"] == 2048
    assert body["options"]["seed"] == 5
    assert body["stream"] is True
    assert body["keep_alive"] == "10m"
    assert body["messages"][1] == {"role": "user", "content": "What is 2 + 2?"}


def test_two_samples_of_one_question_are_asked_with_two_seeds() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint)
        for sample in range(3):
            model.ask(QUESTION, Sum, purpose="a", sample=sample)
        seeds = {request["body"]["options"]["seed"] for request in server.requests}
    assert len(seeds) == 3


def test_a_wrong_answer_is_shown_to_the_model_with_what_is_wrong() -> None:
    with StandIn(script(WRONG, RIGHT)) as server:
        model = model_at(server.endpoint)
        answer = model.ask(QUESTION, Sum, purpose="a")
        second = server.requests[1]["body"]["messages"]
    assert answer.value.total == 4
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert "four" in second[2]["content"]
    assert "total: Input should be a valid integer" in second[3]["content"]
    assert [(call.attempt, call.ok) for call in model.calls] == [(1, False), (2, True)]
    assert "total" in model.calls[0].problem


def test_a_number_in_quotes_is_not_a_number() -> None:
    with StandIn(script({"json": {"total": "4"}}, RIGHT)) as server:
        model = model_at(server.endpoint)
        model.ask(QUESTION, Sum, purpose="a")
    assert len(model.calls) == 2


def test_after_three_answers_of_another_form_the_last_one_is_shown() -> None:
    with StandIn(script({"text": "I would\x1b[31m rather\nnot"})) as server:
        model = model_at(server.endpoint)
        with pytest.raises(InvalidAnswer) as caught:
            model.ask(QUESTION, Sum, purpose="adding")
        assert len(server.requests) == 3
    assert "I would\\x1b[31m rather\\nnot" in caught.value.message
    assert caught.value.text == "I would\x1b[31m rather\nnot"
    assert caught.value.where == "the call for adding"
    assert caught.value.exit_code == 7
    assert [call.ok for call in model.calls] == [False, False, False]


def test_only_the_beginning_of_a_long_wrong_answer_is_shown() -> None:
    with StandIn(script({"text": "y" * 5000})) as server, pytest.raises(InvalidAnswer) as caught:
        model_at(server.endpoint, num_ctx=100_000).ask(QUESTION, Sum, purpose="a")
    assert "y" * 300 + "…" in caught.value.message
    assert "y" * 301 not in caught.value.message


def test_half_a_character_in_an_answer_breaks_nothing() -> None:
    heard: list[str] = []
    with StandIn(script({"text": "\ud800"}, RIGHT)) as server:
        model = model_at(server.endpoint)
        question = (Message("user", "half \udc00"),)
        assert model.ask(question, Sum, purpose="a", on_text=heard.append).value.total == 4
        assert server.requests[1]["body"]["messages"][1]["content"] == "?"
    assert heard[0] == "?"


def test_a_server_that_never_answers_ends_with_the_time_limit() -> None:
    with StandIn(script({"behave": "hang"})) as server:
        model = model_at(server.endpoint, timeout=0.3)
        with pytest.raises(ServiceMissing, match=r"did not finish within 0\.3 s"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1
    assert not model.calls[0].ok


def test_an_answer_that_trickles_ends_with_the_time_limit() -> None:
    heard: list[str] = []
    with StandIn(script({"behave": "slow"})) as server:
        model = model_at(server.endpoint, timeout=0.5)
        with pytest.raises(ServiceMissing, match="did not finish"):
            model.ask(QUESTION, Sum, purpose="a", on_text=heard.append)
    assert heard
    assert len(model.calls) == 1


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        ("disconnect", "the connection to the model server at .* broke"),
        ("error500", "answered with an error 500: the scripted model failed"),
        ("garbage", "does not speak Ollama's protocol"),
    ],
)
def test_a_broken_server_is_named_and_not_asked_again(behave: str, said: str) -> None:
    with StandIn(script({"behave": behave})) as server:
        model = model_at(server.endpoint)
        with pytest.raises(ServiceMissing, match=said) as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert server.endpoint in caught.value.message
        assert len(server.requests) == len(model.calls) == 1


def test_an_answer_without_end_is_cut_at_a_megabyte() -> None:
    with StandIn(script({"behave": "huge"})) as server:
        model = model_at(server.endpoint)
        with pytest.raises(InvalidAnswer, match="longer than 1,000,000 characters"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(model.calls) == 1


def test_an_unknown_model_is_answered_with_the_names_that_are_near() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint, spec="ollama:scriptd")
        with pytest.raises(ServiceMissing, match="has no model 'scriptd'") as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1
    assert "did you mean scripted?" in caught.value.hints
    assert "get it: ollama pull scriptd" in caught.value.hints


def test_where_nothing_listens_the_address_and_the_ways_out_are_named(nobody: str) -> None:
    model = model_at(nobody)
    with pytest.raises(ServiceMissing, match=f"http://{nobody}") as caught:
        model.ask(QUESTION, Sum, purpose="a")
    assert caught.value.exit_code == 7
    assert "start it: ollama serve" in caught.value.hints
    assert "another address: OLLAMA_ENDPOINT=host:port" in caught.value.hints


def test_a_request_that_never_went_out_is_no_call_and_costs_nothing(nobody: str) -> None:
    budget = CallBudget(1)
    model = model_at(nobody, budget=budget)
    for _ in range(2):
        with pytest.raises(ServiceMissing):
            model.ask(QUESTION, Sum, purpose="a")
    assert model.calls == ()
    assert budget.remaining == 1


def test_a_used_up_budget_stops_the_call_before_it_goes_out() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint, max_calls=1)
        model.ask(QUESTION, Sum, purpose="a")
        with pytest.raises(LimitReached, match="budget of 1 model calls") as caught:
            model.ask(QUESTION, Sum, purpose="more")
        assert len(server.requests) == 1
    assert caught.value.exit_code == 6


def test_asking_again_for_the_right_form_draws_on_the_budget() -> None:
    with StandIn(script(WRONG)) as server:
        model = model_at(server.endpoint, max_calls=2)
        with pytest.raises(LimitReached):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 2


def test_models_may_share_one_budget() -> None:
    budget = CallBudget(3)
    with StandIn(script(RIGHT)) as server:
        for _ in range(3):
            model_at(server.endpoint, budget=budget).ask(QUESTION, Sum, purpose="a")
        assert budget.remaining == 0
        with pytest.raises(LimitReached):
            model_at(server.endpoint, budget=budget).ask(QUESTION, Sum, purpose="a")


def test_the_calls_are_those_in_the_log_of_the_server() -> None:
    rules = script(WRONG, RIGHT, {"behave": "error500"}, WRONG, {"text": "no"}, RIGHT)
    with StandIn(rules) as server:
        model = model_at(server.endpoint)
        model.ask(QUESTION, Sum, purpose="a")
        with pytest.raises(ServiceMissing):
            model.ask(QUESTION, Sum, purpose="b")
        model.ask(QUESTION, Sum, purpose="c")
        model.status()
        assert len(model.calls) == len(server.requests) == 6
    assert [call.purpose for call in model.calls] == ["a", "a", "b", "c", "c", "c"]


def test_a_prompt_that_may_not_fit_is_refused_and_not_cut() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint, num_ctx=100)
        with pytest.raises(LimitReached, match="does not fit into the context of 100 tokens"):
            model.ask((Message("user", "x" * 300),), Sum, purpose="a")
        model.ask((Message("user", "x" * 299),), Sum, purpose="a")
        assert len(server.requests) == 1


def test_an_error_of_the_listener_is_not_taken_for_one_of_the_server() -> None:
    def stumble(text: str) -> None:
        raise ValueError(text)

    with StandIn(script(RIGHT)) as server:
        model = model_at(server.endpoint)
        with pytest.raises(ValueError, match="total"):
            model.ask(QUESTION, Sum, purpose="a", on_text=stumble)
        assert len(model.calls) == 1
    assert model.calls[0].problem == "interrupted"


def test_the_key_goes_to_the_server_and_into_no_error() -> None:
    key = "sk-very-secret"
    with StandIn(script({"text": f"your key is {key}"})) as server:
        model = model_at(server.endpoint, api_key=key)
        with pytest.raises(InvalidAnswer) as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert server.requests[0]["headers"]["authorization"] == f"Bearer {key}"
    assert key not in caught.value.explain()
    assert "your key is ***" in caught.value.message
    assert all(key not in call.problem for call in model.calls)
    with pytest.raises(UsageError) as refused:
        model_at("localhost", api_key=f"{key}\n")
    assert key not in refused.value.explain()


def test_a_key_in_the_environment_goes_nowhere_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-of-another-server")
    with StandIn(script(RIGHT)) as server:
        model_at(server.endpoint).ask(QUESTION, Sum, purpose="a")
        assert "authorization" not in server.requests[0]["headers"]


def test_this_machine_is_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{nobody}")
    with StandIn(script(RIGHT)) as server:
        assert model_at(server.endpoint).ask(QUESTION, Sum, purpose="a").value.total == 4


def test_the_status_of_a_server_with_the_model_is_good() -> None:
    with StandIn(script(RIGHT)) as server:
        status = model_at(server.endpoint).status()
    assert status.answers and status.present
    assert status.version == "0.0.0-standin"
    assert status.models == ("scripted:latest",)
    assert status.hints == ()


def test_the_status_names_a_missing_model_and_how_to_get_it() -> None:
    with StandIn(script(RIGHT)) as server:
        status = model_at(server.endpoint, spec="other").status()
    assert status.answers and not status.present
    assert status.hints == ("it has: scripted", "get it: ollama pull other")


def test_the_status_of_no_server_tells_how_to_start_one(nobody: str) -> None:
    status = model_at(nobody).status()
    assert not status.answers and not status.present
    assert status.address == f"http://{nobody}"
    assert "start it: ollama serve" in status.hints


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="time limit"):
        model_at("localhost", timeout=0)
    with pytest.raises(UsageError, match="num_ctx"):
        OllamaSettings(num_ctx=0)
    with pytest.raises(UsageError, match="negative"):
        CallBudget(-1)
    with pytest.raises(UsageError, match="name of a model"):
        Ollama("two words", endpoint="localhost")
    with pytest.raises(UsageError, match="at least one message"):
        model_at("localhost").ask((), Sum, purpose="a")
