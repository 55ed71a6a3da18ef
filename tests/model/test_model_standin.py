"""The stand-in at the level of its protocol, and its scripts."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from executor.model.standin import StandIn
from executor.model.standin_script import load_script
from htn.errors import UsageError

RULES: dict[str, Any] = {
    "model": "scripted",
    "note": "for these tests",
    "answers": [
        {"when": {"schema": "Plan", "contains": ["walk", "park"]}, "replies": [{"text": "plan"}]},
        {"when": {"contains": ["once"]}, "replies": [{"text": "1"}, {"text": "2"}], "once": True},
        {"purpose": "rest", "when": {"lacks": ["secret"]}, "replies": [{"json": {"n": 1}}]},
    ],
}


def request(server: StandIn, method: str, path: str, body: Any = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def ask(server: StandIn, words: str, **more: Any) -> tuple[int, Any]:
    body = {"model": "scripted", "messages": [{"role": "user", "content": words}], "stream": False}
    status, text = request(server, "POST", "/api/chat", body | more)
    answer = json.loads(text)
    return status, answer["message"]["content"] if status == 200 else answer["error"]


def test_it_greets_and_lists_its_model_like_an_ollama_server() -> None:
    with StandIn(RULES) as server:
        assert request(server, "GET", "/") == (200, "Ollama is running")
        version = json.loads(request(server, "GET", "/api/version")[1])
        tags = json.loads(request(server, "GET", "/api/tags")[1])
        shown = request(server, "POST", "/api/show", {"model": "scripted"})
        missing = request(server, "POST", "/api/show", {"model": "other"})
        nowhere = request(server, "GET", "/api/nothing")
    assert version == {"version": "0.0.0-standin"}
    assert [model["name"] for model in tags["models"]] == ["scripted:latest"]
    assert shown[0] == 200 and missing[0] == 404 and nowhere[0] == 404


def test_an_answer_comes_whole_when_no_stream_is_asked_for() -> None:
    with StandIn(RULES) as server:
        assert ask(server, "hello") == (200, '{"n": 1}')


def test_an_answer_comes_in_lines_when_a_stream_is_asked_for() -> None:
    rules = {"answers": [{"replies": [{"text": "twenty-six letters and more"}]}]}
    body = {"model": "scripted", "messages": [{"role": "user", "content": "x"}]}
    with StandIn(rules) as server:
        status, text = request(server, "POST", "/api/chat", body)
    parts = [json.loads(line) for line in text.splitlines()]
    assert status == 200
    assert "".join(part["message"]["content"] for part in parts) == "twenty-six letters and more"
    assert [part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 2 and parts[-1]["eval_count"] > 0


def test_the_first_rule_that_matches_answers() -> None:
    with StandIn(RULES) as server:
        form = {"format": {"title": "Plan", "type": "object"}}
        assert ask(server, "walk to the park", **form) == (200, "plan")
        assert ask(server, "walk to the park") == (200, '{"n": 1}')
        assert ask(server, "walk home", **form) == (200, '{"n": 1}')


def test_a_rule_that_answers_once_leaves_the_rest_to_the_next_rule() -> None:
    with StandIn(RULES) as server:
        assert [ask(server, "once")[1] for _ in range(4)] == ["1", "2", '{"n": 1}', '{"n": 1}']


def test_the_last_reply_of_a_rule_repeats() -> None:
    with StandIn({"answers": [{"replies": [{"text": "a"}, {"text": "b"}]}]}) as server:
        assert [ask(server, "x")[1] for _ in range(4)] == ["a", "b", "b", "b"]


def test_a_request_that_no_rule_matches_is_an_error_that_quotes_it() -> None:
    with StandIn(RULES) as server:
        status, error = ask(server, "a secret thing")
    assert status == 500
    assert error.startswith("no scripted answer matches") and "a secret thing" in error


def test_another_model_is_not_found() -> None:
    with StandIn(RULES) as server:
        assert ask(server, "x", model="other") == (404, "model 'other' not found")


def test_what_is_no_chat_request_is_refused() -> None:
    with StandIn(RULES) as server:
        assert request(server, "POST", "/api/chat", ["list"])[0] == 400
        assert request(server, "POST", "/api/chat", {"messages": [1]})[0] == 400


def test_the_log_holds_each_request_and_the_rule_that_answered_until_reset() -> None:
    with StandIn(RULES) as server:
        ask(server, "once")
        ask(server, "secret")
        log = json.loads(request(server, "GET", "/_log")[1])
        assert [entry["rule"] for entry in log] == ["answers[1]", None]
        assert log[0]["body"]["messages"][0]["content"] == "once"
        ask(server, "rest")
        assert server.requests[-1]["rule"] == "answers[2] (rest)"
        request(server, "POST", "/_reset")
        assert server.requests == ()
        assert ask(server, "once") == (200, "1")


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ({"answers": [{"replies": []}]}, "answers[0].replies"),
        ({"answers": [{"replies": [{}]}]}, "answers[0].replies[0]"),
        ({"answers": [{"replies": [{"text": "a", "json": 1}]}]}, "answers[0].replies[0]"),
        ({"answers": [{"replies": [{"behave": "sing"}]}]}, "answers[0].replies[0].behave"),
        (
            {"answers": [{"when": {"contains": "x"}, "replies": [{"text": ""}]}]},
            "answers[0].when.contains",
        ),
        ({"answer": []}, "answer:"),
        ({"model": 3}, "model:"),
    ],
)
def test_a_bad_script_is_refused_at_the_place_that_is_bad(bad: dict[str, Any], place: str) -> None:
    with pytest.raises(UsageError) as caught:
        StandIn(bad)
    assert caught.value.message.startswith(place)


def test_a_script_file_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the script .*none\.json"):
        load_script(tmp_path / "none.json")
    path = tmp_path / "script.json"
    path.write_text("{")
    with pytest.raises(UsageError, match=r"script\.json is not JSON"):
        load_script(path)
    path.write_text("[]")
    with pytest.raises(UsageError) as caught:
        load_script(path)
    assert caught.value.where == str(path)


def test_a_null_can_be_an_answer() -> None:
    assert load_script({"answers": [{"replies": [{"json": None}]}]}).answers[0].replies[0].words()


def test_a_port_that_is_taken_is_refused() -> None:
    with StandIn(RULES) as server, pytest.raises(UsageError, match="cannot listen on port"):
        StandIn(RULES, port=int(server.endpoint.rpartition(":")[2]))


def test_as_a_program_it_prints_its_address_first_and_serves(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(RULES))
    command = [sys.executable, "-m", "executor.model.standin", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().strip().removeprefix("http://")
        connection = http.client.HTTPConnection(address)
        connection.request("GET", "/api/version")
        assert b"standin" in connection.getresponse().read()
        connection.close()
        program.terminate()


def test_as_a_program_it_refuses_a_bad_script(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "executor.model.standin", str(tmp_path / "none.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error[usage]: cannot read the script")
