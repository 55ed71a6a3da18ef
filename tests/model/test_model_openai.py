"""What is particular to OpenAI's protocol: how a form is asked for, and what a server does not take."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from executor.model import InvalidAnswer, Message, OpenAI, Question, Request
from executor.model.standin import StandIn
from htn.errors import LimitReached, ServiceMissing
from tests.model.questions import QUESTION, RIGHT, WRONG, Sum, model_of, script
from tests.model.saying import saying


def refusing(what: str, status: int = 400) -> dict[str, Any]:
    return {"error": {"status": status, "message": f"This {what} is unavailable now"}}


def test_the_request_asks_for_the_schema_and_the_tokens_and_limits_nothing() -> None:
    with StandIn(script(RIGHT)) as server:
        model_of("openai", server.endpoint).ask(QUESTION, Sum, purpose="a", seed=5)
        (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["body"] == {
        "model": "scripted",
        "stream": True,
        "stream_options": {"include_usage": True},
        "seed": 5,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "Sum", "schema": Sum.model_json_schema()},
        },
        "messages": [{"role": "system", "content": "You add."}, {"role": "user", "content": "What is 2 + 2?"}],
    }


def test_a_server_that_takes_no_schema_is_asked_for_any_object_and_then_in_words() -> None:
    replies = (refusing("response_format type json_schema"), refusing("response_format type", 422), RIGHT)
    with StandIn(script(*replies)) as server:
        model = model_of("openai", server.endpoint)
        assert model.ask(QUESTION, Sum, purpose="a").value.total == 4
        bodies = [request["body"] for request in server.requests]
        assert model.ask(QUESTION, Sum, purpose="a").value.total == 4
        last = server.requests[-1]["body"]
    assert [body.get("response_format", {}).get("type") for body in bodies] == ["json_schema", "json_object", None]
    for body in (*bodies[1:], last):
        assert json.dumps(Sum.model_json_schema()) in body["messages"][-1]["content"]
        assert body["messages"][0] == {"role": "system", "content": "You add."}
    assert "response_format" not in last
    assert [(call.attempt, call.ok) for call in model.calls] == [(1, False), (2, False), (3, True), (1, True)]


@pytest.mark.parametrize("part", ["seed", "stream_options"])
def test_a_part_that_the_server_does_not_know_is_left_out_from_then_on(part: str) -> None:
    unknown = {"error": {"status": 400, "message": f'Unknown name "{part}": Cannot find field.'}}
    with StandIn(script(unknown, RIGHT)) as server:
        model = model_of("openai", server.endpoint)
        for _ in range(2):
            model.ask(QUESTION, Sum, purpose="a")
        assert [part in request["body"] for request in server.requests] == [True, False, False]
        assert all("response_format" in request["body"] for request in server.requests)


def test_a_request_that_is_refused_for_another_reason_is_not_put_again() -> None:
    with StandIn(script(refusing("conversation"))) as server:
        model = model_of("openai", server.endpoint)
        with pytest.raises(ServiceMissing, match="error 400: This conversation is unavailable now"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == 1


def test_a_server_that_takes_nothing_is_asked_only_until_nothing_is_left_to_leave_out() -> None:
    everything = refusing("seed, stream_options, response_format")
    with StandIn(script(everything)) as server:
        model = model_of("openai", server.endpoint)
        with pytest.raises(ServiceMissing, match="error 400"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 3


def test_what_the_server_does_not_take_draws_on_the_budget() -> None:
    with StandIn(script(refusing("response_format"), RIGHT)) as server:
        model = model_of("openai", server.endpoint, max_calls=1)
        with pytest.raises(LimitReached):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == len(model.calls) == 1


def test_two_questions_at_once_leave_out_one_thing_only() -> None:
    rules = {
        "answers": [
            {"when": {"lacks": ["JSON schema"]}, "replies": [refusing("response_format")]},
            {"replies": [RIGHT]},
        ]
    }
    with StandIn(rules) as server:
        model = model_of("openai", server.endpoint, max_calls=20, parallel=4)
        answers = model.ask_all([Question(QUESTION, Sum, "a", sample=sample) for sample in range(8)])
        last = server.requests[-1]["body"]
    assert all(not isinstance(answer, Exception) for answer in answers)
    assert last["response_format"] == {"type": "json_object"}


def test_a_correction_keeps_the_schema_in_the_last_words() -> None:
    with StandIn(script(refusing("response_format"), WRONG, RIGHT)) as server:
        model_of("openai", server.endpoint).ask(QUESTION, Sum, purpose="a")
        messages = server.requests[-1]["body"]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert ["JSON schema" in message["content"] for message in messages] == [False, False, False, True]


def test_a_form_of_any_name_is_asked_for_under_one_that_servers_take() -> None:
    class Wish(BaseModel):
        """A form with a title of its own."""

        model_config = {"title": "Wünsche für alle! " * 9}
        total: int

    with StandIn(script({"json": {"total": 1}})) as server:
        model_of("openai", server.endpoint).ask(QUESTION, Wish, purpose="a")
        name = server.requests[0]["body"]["response_format"]["json_schema"]["name"]
    assert len(name) <= 64 and set(name) <= set("Wnschefralle_")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(**said: Any) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def chunk(text: str | None, finish: str | None = None) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


def answered(*parts: bytes) -> str:
    with saying(HEAD, *parts) as url:
        return OpenAI("m", endpoint=url, timeout=20).send(Request((Message("user", "x"),), "a"), {}, None).text


def test_signs_of_life_other_fields_and_other_line_ends_are_passed_over() -> None:
    parts = (b": ping\r\n\r\n", b"event: message\r\nid: 7\r\n", chunk("{"), chunk(None), chunk("}", "stop"))
    assert answered(*parts, event(choices=[], usage=None), DONE) == "{}"


def test_a_text_may_hold_what_elsewhere_divides_lines() -> None:
    line = 'data: {"choices": [{"delta": {"content": "a\u2028b\x85c"}, "finish_reason": "stop"}]}\n\n'
    assert answered(line.encode(), DONE) == "a\u2028b\x85c"


def test_events_may_come_in_any_pieces() -> None:
    whole = chunk("é" * 5) + chunk("!", "stop") + DONE
    assert answered(*(whole[at : at + 1] for at in range(len(whole)))) == "ééééé!"


def test_the_last_line_may_lack_its_end() -> None:
    assert answered(chunk("x"), chunk("y", "stop").rstrip()) == "xy"


NO_END = {
    "nothing": (),
    "only the end": (DONE,),
    "no choices": (event(choices=[]), DONE),
    "no reason to stop": (chunk("{}"), DONE),
}


@pytest.mark.parametrize("parts", NO_END.values(), ids=NO_END)
def test_an_answer_that_says_no_end_is_no_answer(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(ServiceMissing, match="stopped in the middle"):
        answered(*parts)


OTHER_FORMS = [
    b"data: [1]\n\n", b"data: 3\n\n", b"data: null\n\n", b"data: \xff\n\n", b"data: {\n\n", b'data: {"a": NaN}\n\n',
    b"data: " + b"[" * 100_000 + b"\n\n",
    event(choices=3), event(choices=[3]), event(choices={"a": 1}), event(choices=[{"delta": 3}]), event(usage=[1]),
    event(choices=[{"delta": {"content": 3}}]), event(choices=[{"delta": {}, "finish_reason": ["stop"]}]),
]  # fmt: skip


@pytest.mark.parametrize("part", OTHER_FORMS)
def test_events_of_another_form_are_another_protocol(part: bytes) -> None:
    with pytest.raises(ServiceMissing, match="does not speak OpenAI's protocol"):
        answered(part, DONE)


@pytest.mark.parametrize("error", [{"message": "out of memory"}, "out of memory"])
def test_an_error_in_the_middle_of_an_answer_is_told(error: Any) -> None:
    with pytest.raises(ServiceMissing, match="answered with an error: out of memory"):
        answered(chunk("{"), event(error=error))


def test_what_a_filter_stops_is_a_refusal() -> None:
    with pytest.raises(InvalidAnswer, match="declines to answer: half an answ"):
        answered(chunk("half an answ"), chunk(None, "content_filter"), DONE)


@pytest.mark.parametrize("count", [-1, 1.5, True, "12", None, 10**400])
def test_a_count_of_tokens_that_is_none_counts_as_untold(count: Any) -> None:
    with saying(HEAD, chunk("{}", "stop"), event(choices=[], usage={"prompt_tokens": count}), DONE) as url:
        reply = OpenAI("m", endpoint=url, timeout=20).send(Request((Message("user", "x"),), "a"), {}, None)
    assert reply.prompt_tokens == 0
