"""What is particular to Anthropic's protocol: a form is a tool that has to be used."""

import json
from typing import Any

import pytest

from executor.model import Anthropic, InvalidAnswer, Message, Request
from executor.model.reply import Reply
from executor.model.standin import StandIn
from htn.errors import ServiceMissing, UsageError
from tests.model.questions import QUESTION, RIGHT, Sum, model_of, script
from tests.model.saying import saying


def test_the_request_makes_the_model_use_a_tool_of_the_form() -> None:
    with StandIn(script(RIGHT)) as server:
        model_of("anthropic", server.endpoint, answer_tokens=512).ask(QUESTION, Sum, purpose="a", seed=5)
        (request,) = server.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert request["path"] == "/v1/messages"
    assert headers["anthropic-version"] == "2023-06-01"
    assert request["body"] == {
        "model": "scripted",
        "stream": True,
        "max_tokens": 512,
        "system": "You add.",
        "messages": [{"role": "user", "content": "What is 2 + 2?"}],
        "tools": [{"name": "Sum", "description": "Give your answer.", "input_schema": Sum.model_json_schema()}],
        "tool_choice": {"type": "tool", "name": "Sum"},
    }


def test_an_empty_answer_is_sent_back_as_words_that_the_server_takes() -> None:
    with StandIn(script({"text": " "}, RIGHT)) as server:
        model_of("anthropic", server.endpoint).ask(QUESTION, Sum, purpose="a")
        messages = server.requests[1]["body"]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == "(nothing)"


def test_where_there_is_nothing_but_a_system_message_it_is_the_question() -> None:
    with StandIn(script(RIGHT)) as server:
        model_of("anthropic", server.endpoint).ask((Message("system", "Add 2 and 2."),), Sum, purpose="a")
        body = server.requests[0]["body"]
    assert body["messages"] == [{"role": "user", "content": "Add 2 and 2."}]
    assert "system" not in body


def test_an_answer_without_room_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 token"):
        Anthropic("m", answer_tokens=0)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def event(kind: str, **said: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **said})}\n\n".encode()


def delta(**said: Any) -> bytes:
    return event("content_block_delta", index=0, delta=said)


def stopped(reason: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 5})


def replied(*parts: bytes) -> Reply:
    with saying(HEAD, *parts) as url:
        return Anthropic("m", endpoint=url, timeout=20).send(Request((Message("user", "x"),), "a"), {}, None)


def test_what_is_given_to_the_tool_is_the_answer_whatever_is_said_beside_it() -> None:
    parts = (
        event("message_start", message={"usage": {"input_tokens": 3}}),
        delta(type="thinking_delta", thinking="hm"),
        delta(type="text_delta", text="Let me add."),
        delta(type="input_json_delta", partial_json='{"total"'),
        delta(type="input_json_delta", partial_json=": 4}"),
        delta(type="signature_delta", signature="abc"),
        event("a_kind_of_tomorrow"),
        stopped("tool_use"),
        event("message_stop"),
    )
    assert replied(*parts) == Reply('{"total": 4}', 3, 5, cut=False)


def test_a_text_without_the_tool_is_the_answer() -> None:
    assert replied(delta(type="text_delta", text="No tool."), stopped("end_turn")).text == "No tool."


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_an_answer_that_ran_out_of_room_is_cut(reason: str) -> None:
    assert replied(delta(partial_json='{"to'), stopped(reason)).cut


def test_an_error_in_the_middle_of_an_answer_is_told() -> None:
    with pytest.raises(ServiceMissing, match="answered with an error: Overloaded"):
        replied(delta(partial_json="{"), event("error", error={"type": "overloaded_error", "message": "Overloaded"}))


def test_an_endless_aside_is_cut_like_an_endless_answer() -> None:
    with pytest.raises(InvalidAnswer, match="longer than 1,000,000 characters"):
        replied(*[delta(type="text_delta", text="x" * 100_000)] * 11, stopped("end_turn"))


OTHER_FORMS = [
    b"data: {}\n\n", b"data: [1]\n\n", b"data: 3\n\n", b"data: {\n\n", b"data: \xff\n\n",
    event("message_start"), event("message_start", message={"usage": 3}), event("error"),
    event("content_block_delta"), event("content_block_delta", delta=3), delta(partial_json=3), delta(text=["x"]),
    event("message_delta"), stopped(["tool_use"]), event("message_delta", delta={}, usage=3),
]  # fmt: skip


@pytest.mark.parametrize("part", OTHER_FORMS)
def test_events_of_another_form_are_another_protocol(part: bytes) -> None:
    with pytest.raises(ServiceMissing, match="does not speak Anthropic's protocol"):
        replied(part)


def test_an_answer_that_says_no_end_is_no_answer() -> None:
    with pytest.raises(ServiceMissing, match="stopped in the middle"):
        replied(delta(partial_json="{}"), event("message_stop"))
