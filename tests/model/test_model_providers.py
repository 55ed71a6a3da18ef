"""What holds for every provider, on the real clients and the stand-in that speaks their protocols."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from executor.model import CallBudget, InvalidAnswer, Message
from executor.model.standin import StandIn
from htn.errors import LimitReached, ServiceMissing, UsageError
from tests.model.questions import PROVIDERS, QUESTION, RIGHT, WRONG, Sum, model_of, script

KEY = "sk-very-secret-indeed"
TITLES = {"ollama": "Ollama's", "openai": "OpenAI's", "anthropic": "Anthropic's"}
REMOTE = ("openai", "anthropic")


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing listens, held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_an_answer_is_a_value_its_text_and_its_call(provider: str) -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        answer = model.ask(QUESTION, Sum, purpose="adding", sample=2, seed=7, variant="short")
    assert answer.value == Sum(total=4)
    assert answer.text == '{"total": 4, "kind": "small"}'
    call = answer.call
    assert (call.provider, call.model, call.purpose) == (provider, "scripted", "adding")
    assert (call.sample, call.seed, call.prompt_variant) == (2, 7, "short")
    assert call.ok and call.attempt == 1 and call.problem == "" and not call.cached
    assert call.prompt_tokens == 11 and call.answer_tokens == len(answer.text) // 4
    assert model.calls == (call,)
    assert model.name == f"{provider}:scripted"


def test_the_text_is_heard_in_pieces_while_it_is_written(provider: str) -> None:
    heard: list[str] = []
    with StandIn(script(RIGHT)) as server:
        answer = model_of(provider, server.endpoint).ask(QUESTION, Sum, purpose="a", on_text=heard.append)
    assert len(heard) > 1
    assert "".join(heard) == answer.text


def test_the_form_is_asked_for_in_the_way_of_the_provider(provider: str) -> None:
    rules = {"answers": [{"when": {"schema": "Sum"}, "replies": [RIGHT]}]}
    with StandIn(rules) as server:
        assert model_of(provider, server.endpoint).ask(QUESTION, Sum, purpose="a").value.total == 4
        assert server.requests[0]["rule"] == "answers[0]"


def test_a_wrong_answer_is_shown_to_the_model_with_what_is_wrong(provider: str) -> None:
    with StandIn(script(WRONG, RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        assert model.ask(QUESTION, Sum, purpose="a").value.total == 4
        second = server.requests[1]["body"]["messages"]
    assert [message["role"] for message in second][-3:] == ["user", "assistant", "user"]
    assert "four" in second[-2]["content"]
    assert "total: Input should be a valid integer" in second[-1]["content"]
    assert [(call.attempt, call.ok) for call in model.calls] == [(1, False), (2, True)]


NO_ANSWERS = [
    "",
    "null",
    "[]",
    "3",
    '{"total": NaN}',
    '{"total": 4',
    '{"total": true}',
    '{"total": 4} and more',
    "\x00",
]


@pytest.mark.parametrize("text", NO_ANSWERS)
def test_what_is_no_answer_of_the_form_is_asked_for_again_and_then_an_error(provider: str, text: str) -> None:
    with StandIn(script({"text": text})) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(InvalidAnswer) as caught:
            model.ask(QUESTION, Sum, purpose="adding")
        assert len(server.requests) == len(model.calls) == 3
    assert caught.value.where == "the call for adding"


def test_an_answer_that_was_cut_off_is_said_to_be(provider: str) -> None:
    with StandIn(script({"behave": "cut"}, RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        assert model.ask(QUESTION, Sum, purpose="a").value.total == 4
        assert "cut off because there was no more room" in server.requests[1]["body"]["messages"][-1]["content"]
    assert "cut off" in model.calls[0].problem


@pytest.mark.parametrize("provider", REMOTE)
def test_a_refusal_is_told_and_not_argued_with(provider: str) -> None:
    with StandIn(script({"behave": "refuse"})) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(InvalidAnswer, match=r"declines to answer: I would rather not\.") as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1
    assert caught.value.text == "I would rather not."


SAID = {
    "disconnect": "the connection to the model server at .* broke",
    "error500": "answered with an error 500: the scripted model failed",
    "garbage": "does not speak .* protocol",
    "nothing": "stopped in the middle of an answer",
    "redirect": "answered with an error 302",
}


@pytest.mark.parametrize("behave", SAID)
def test_a_broken_server_is_named_and_not_asked_again(provider: str, behave: str) -> None:
    with StandIn(script({"behave": behave})) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(ServiceMissing, match=SAID[behave]) as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert server.endpoint in caught.value.message
        assert len(server.requests) == len(model.calls) == 1
    if behave == "garbage":
        assert f"does not speak {TITLES[provider]} protocol" in caught.value.message


def test_a_server_that_never_answers_ends_with_the_time_limit(provider: str) -> None:
    with StandIn(script({"behave": "hang"})) as server:
        model = model_of(provider, server.endpoint, timeout=0.3)
        with pytest.raises(ServiceMissing, match=r"did not finish within 0\.3 s"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1


def test_an_answer_that_trickles_ends_with_the_time_limit(provider: str) -> None:
    heard: list[str] = []
    with StandIn(script({"behave": "slow"})) as server:
        model = model_of(provider, server.endpoint, timeout=2.0)
        with pytest.raises(ServiceMissing, match="did not finish"):
            model.ask(QUESTION, Sum, purpose="a", on_text=heard.append)
    assert heard
    assert len(model.calls) == 1


def test_an_answer_without_end_is_cut_at_a_megabyte(provider: str) -> None:
    with StandIn(script({"behave": "huge"})) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(InvalidAnswer, match="longer than 1,000,000 characters"):
            model.ask(QUESTION, Sum, purpose="a")
    assert len(model.calls) == 1


def test_an_unknown_model_is_answered_with_the_names_that_are_near(provider: str) -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_of(provider, server.endpoint, name="scriptd")
        with pytest.raises(ServiceMissing, match="has no model 'scriptd'") as caught:
            model.ask(QUESTION, Sum, purpose="a")
    assert "did you mean scripted?" in caught.value.hints


def test_where_nothing_listens_no_call_is_counted_and_the_way_out_is_named(provider: str, nobody: str) -> None:
    budget = CallBudget(1)
    model = model_of(provider, nobody, budget=budget)
    for _ in range(2):
        with pytest.raises(ServiceMissing, match=nobody) as caught:
            model.ask(QUESTION, Sum, purpose="a")
    assert model.calls == () and budget.remaining == 1
    assert any(hint.startswith("another address: ") for hint in caught.value.hints)


def test_a_used_up_budget_stops_the_call_before_it_goes_out(provider: str) -> None:
    with StandIn(script(WRONG)) as server:
        model = model_of(provider, server.endpoint, max_calls=2)
        with pytest.raises(LimitReached):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 2


def test_the_key_goes_to_the_server_in_its_header_and_into_no_text(provider: str) -> None:
    echo = {"error": {"status": 400, "message": "your key {key} is \x1b[31mwrong"}}
    with StandIn(script({"text": f"your key is {KEY}"}, WRONG, WRONG, echo)) as server:
        model = model_of(provider, server.endpoint, api_key=KEY)
        said = []
        for error in (InvalidAnswer, ServiceMissing):
            with pytest.raises(error) as caught:
                model.ask(QUESTION, Sum, purpose="a")
            said.append(caught.value.explain())
        headers = {name.lower(): value for name, value in server.requests[0]["headers"].items()}
        assert KEY not in str(server.requests[0]["body"]) + server.requests[0]["path"]
    sent = {name: value for name, value in headers.items() if KEY in value}
    assert sent == ({"x-api-key": KEY} if provider == "anthropic" else {"authorization": f"Bearer {KEY}"})
    assert "your key *** is" in said[1] and "\x1b" not in said[1]
    assert KEY not in "".join(said) + str(model.calls)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_answered_with_where_keys_are_set(provider: str, status: int) -> None:
    with StandIn(script({"error": {"status": status, "message": "no: {key}"}})) as server:
        model = model_of(provider, server.endpoint, api_key=KEY)
        with pytest.raises(ServiceMissing, match=rf"refused the request \({status}\)") as caught:
            model.ask(QUESTION, Sum, purpose="a")
    assert "LLM_API_KEY" in caught.value.hints[0]
    assert KEY not in caught.value.explain()


@pytest.mark.parametrize("provider", REMOTE)
def test_too_many_requests_are_said_to_be_with_the_time_to_wait(provider: str) -> None:
    slow_down = {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "7"}}}
    with StandIn(script(slow_down, RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(ServiceMissing, match=r"wants fewer requests \(429\): slow down") as caught:
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1
    assert "it asks to wait: Retry-After 7" in caught.value.hints
    assert any("HTN_REQUESTS_PER_MINUTE" in hint for hint in caught.value.hints)


@pytest.mark.parametrize("variable", ["OLLAMA_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
def test_a_key_in_the_environment_goes_nowhere_unasked(
    provider: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, KEY)
    with StandIn(script(RIGHT)) as server:
        model_of(provider, server.endpoint).ask(QUESTION, Sum, purpose="a")
        assert KEY not in str(server.requests)


def test_this_machine_is_not_asked_through_a_proxy(provider: str, monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.setenv("ALL_PROXY", nobody)
    with StandIn(script(RIGHT)) as server:
        assert model_of(provider, server.endpoint).ask(QUESTION, Sum, purpose="a").value.total == 4


def test_half_a_character_breaks_nothing(provider: str) -> None:
    with StandIn(script({"text": "\ud800"}, RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        assert model.ask((Message("user", "half \udc00"),), Sum, purpose="a").value.total == 4
        assert server.requests[1]["body"]["messages"][-2]["content"] == "?"


def test_an_error_of_the_listener_is_not_taken_for_one_of_the_server(provider: str) -> None:
    def stumble(text: str) -> None:
        raise LookupError(text)

    with StandIn(script(RIGHT)) as server:
        model = model_of(provider, server.endpoint)
        with pytest.raises(LookupError, match="total"):
            model.ask(QUESTION, Sum, purpose="a", on_text=stumble)
    assert [call.problem for call in model.calls] == ["interrupted"]


def test_the_status_says_whether_the_model_is_there(provider: str) -> None:
    with StandIn(script(RIGHT)) as server:
        good, bad = (model_of(provider, server.endpoint, name=name).status() for name in ("scripted", "other"))
        assert server.requests == ()
    assert good.answers and good.present and good.hints == ()
    assert bad.answers and not bad.present
    assert "it has: scripted" in bad.hints


def test_the_status_of_no_server_tells_another_address(provider: str, nobody: str) -> None:
    status = model_of(provider, nobody).status()
    assert not status.answers and not status.present
    assert any(hint.startswith("another address: ") for hint in status.hints)


@pytest.mark.parametrize("provider", REMOTE)
def test_a_server_that_lists_no_models_may_have_any(provider: str) -> None:
    with StandIn(script(RIGHT)) as server:
        status = model_of(provider, f"{server.endpoint}/elsewhere").status()
    assert status.answers and status.present and status.models == ()
    assert "whether this is one shows when it is asked" in status.hints[0]


BAD: dict[str, dict[str, Any]] = {
    "time limit": {"timeout": 0},
    "characters that no key has": {"api_key": f"{KEY}\n"},
    "not an address": {"endpoint": "ftp://host"},
}


@pytest.mark.parametrize("said", BAD)
def test_settings_that_make_no_sense_are_refused(provider: str, said: str) -> None:
    given = {"endpoint": "http://localhost", **BAD[said]}
    with pytest.raises(UsageError, match=said) as caught:
        model_of(provider, given.pop("endpoint"), **given)
    assert KEY not in caught.value.explain()
