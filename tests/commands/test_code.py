"""htn code."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from executor.model.standin import StandIn
from tests.commands.shell import Shell

MEAN = "total = 0\nfor price in prices:\n    total += price\nresult = total / len(prices)\n"
DIGITS = "result = ''\nfor i in range(10):\n    result += str(i)\n"
DOUBLE = "result = items[0]['json']['value'] * 2"


def answers(*codes: str) -> dict[str, object]:
    replies = [{"json": {"code": code, "explanation": "scripted"}} for code in codes]
    return {"answers": [{"when": {"schema": "CodeAnswer"}, "replies": replies}]}


def test_execute_runs_a_file_once_and_finds_its_result_the_second_time(htn: Shell) -> None:
    htn.write("mean.py", MEAN)
    words = ("code", "execute", "mean.py", "--context", '{"prices": [1, 2, 6]}')
    first, second = htn(*words), htn(*words, "--json")
    assert first.code == 0
    assert "✓ ran      result = 3.0" in first.out
    assert (second.json["cached"], second.json["result"]) == (True, 3.0)
    assert not htn(*words, "--json", "--no-cache").json["cached"]


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("result = 1 / 0", 4, "✗ runtime  line 1: ZeroDivisionError"),
        ("result = (", 2, "HTN-F001"),
        ("import os", 2, "HTN-S101"),
        ("#!/bin/bash\nresult=1", 7, "✗ environment"),
    ],
)
def test_execute_says_what_went_wrong_and_its_exit_code_says_whose_it_is(
    htn: Shell, code: str, exit_code: int, said: str
) -> None:
    htn.write("script", code)
    told = htn("code", "execute", "script", "--no-cache")
    assert (told.code, said in told.out) == (exit_code, True), told
    read = htn("code", "execute", "script", "--no-cache", "--json")
    assert (read.code, read.json["success"]) == (exit_code, False)
    assert read.json["error"]["message"]


def test_code_comes_from_standard_input_too(htn: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "code", "execute", "-", "--json", "--no-cache"],
        input=b"print('hi')\nresult = [1]", env=htn.environment, cwd=htn.folder, capture_output=True, check=True,
    )  # fmt: skip
    read = json.loads(done.stdout)
    assert (read["result"], read["stdout"]) == ([1], "hi\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["execute", "none.py"], "cannot read none.py"),
        (["execute", "mean.py", "--context", "{"], "--context is not JSON"),
        (["execute", "mean.py", "--context", "[1]"], "--context is not a JSON object"),
        (["execute", "mean.py", "--timeout", "0"], "timeout"),
        (["execute", "mean.py", "--language", "cobol"], "there is no language 'cobol'"),
        (["execute", "mean.py", "--language", "go"], "--entry-point NAME"),
        (["validate", "bytes"], "no text in UTF-8"),
        (["generate", "x", "--expect", "x"], "--expect is not JSON"),
        (["generate", ""], "task_description"),
    ],
)
def test_what_cannot_be_used_is_a_mistake_that_is_named(htn: Shell, words: list[str], said: str) -> None:
    htn.write("mean.py", MEAN)
    (htn.folder / "bytes").write_bytes(b"\xff\xfe")
    told = htn("code", *words)
    assert (told.code, said in told.err) == (2, True), told


def test_validate_says_where_and_what_to_do(htn: Shell) -> None:
    htn.write("good.py", MEAN)
    htn.write("bad.py", "a = 1\nb = = 2\n")
    assert htn("code", "validate", "good.py").out.startswith("✓ valid    python")
    told = htn("code", "validate", "bad.py")
    assert (told.code, "line 2, column 5" in told.out) == (2, True)
    (error,) = htn("code", "validate", "bad.py", "--json").json["errors"]
    assert (error["line"], error["column"], error["code"]) == (2, 5, "HTN-F001")


def test_optimize_offers_a_rewrite_without_a_model(htn: Shell) -> None:
    htn.write("digits.py", DIGITS)
    told = htn("code", "optimize", "digits.py")
    assert told.code == 0
    assert told.out.endswith("\nresult = ''.join(str(i) for i in range(10))\n")
    assert "line 2     string_building" in told.out
    assert "model calls" not in told.err
    found = htn("code", "optimize", "digits.py", "--json").json["optimization_results"]
    assert found["improvement"]["complexity_score_reduction"] == 5


def test_optimize_asks_the_model_that_is_named(htn: Shell, scripted: Callable[..., StandIn]) -> None:
    htn.write("mean.py", MEAN)
    server = scripted(answers("result = sum(prices)", "result = sum(prices) / len(prices)"))
    told = htn("code", "optimize", "mean.py", "--model", "ollama:scripted", OLLAMA_ENDPOINT=server.endpoint)
    assert told.code == 0
    assert told.out.endswith("\nresult = sum(prices) / len(prices)\n")
    assert "model calls: 2" in told.err


def test_generate_writes_the_code_to_standard_output_and_the_rest_to_the_other(
    htn: Shell, scripted: Callable[..., StandIn]
) -> None:
    server = scripted(answers(DOUBLE.replace("value", "valeu"), DOUBLE))
    words = ("code", "generate", "double it", "--input-example", '{"value": 5}', "--expect", '{"result": 10}')
    told = htn(*words, OLLAMA_ENDPOINT=server.endpoint)
    assert (told.code, told.out) == (0, f"{DOUBLE}\n")
    for part in ("✓ it works", "attempt 1  run: KeyError: 'valeu'", "it ran against 1 example", "model calls: 2"):
        assert part in told.err
    again = htn(*words, "--json", OLLAMA_ENDPOINT=server.endpoint)
    assert (again.json["reused"], again.json["model_calls"]) == (True, 0)
    assert again.json["node"]["parameters"] == {"code": DOUBLE, "language": "python"}


def test_generate_ends_with_the_code_of_an_open_gap_where_no_version_passes(
    htn: Shell, scripted: Callable[..., StandIn]
) -> None:
    server = scripted(answers("result = 1"))
    told = htn("code", "generate", "two", "--expect", "2", OLLAMA_ENDPOINT=server.endpoint)
    assert (told.code, told.out) == (5, "")
    assert "it gives 1; expected is 2" in told.err
    read = htn("code", "generate", "two", "--expect", "2", "--json", OLLAMA_ENDPOINT=server.endpoint)
    assert (read.code, read.json["success"], read.json["stopped_because"]) == (
        5, False, "a version repeats an earlier one",
    )  # fmt: skip


def test_generate_refuses_to_destroy_and_needs_no_service_for_that(htn: Shell) -> None:
    told = htn("code", "generate", "delete all files on the server", "--json", REDIS_URL="127.0.0.1:9")
    assert (told.code, told.json["refused"], told.json["findings"][0]["code"]) == (2, True, "HTN-D101")


def test_generate_without_a_model_says_that_it_is_missing(htn: Shell) -> None:
    told = htn("code", "generate", "double it", "--json")
    assert told.code == 7
    assert told.json["error"] == "service"


def test_explain_says_what_goes_in_and_what_comes_out(htn: Shell, scripted: Callable[..., StandIn]) -> None:
    htn.write("mean.py", MEAN)
    told = htn("code", "explain", "mean.py")
    assert told.code == 0
    assert "It reads prices" in told.out
    assert "a number in result (line 4)" in told.out
    server = scripted(
        {"answers": [{"when": {"schema": "WordsAnswer"}, "replies": [{"json": {"explanation": "A mean."}}]}]}
    )
    asked = htn("code", "explain", "mean.py", "--model", "ollama:scripted", OLLAMA_ENDPOINT=server.endpoint)
    assert "model      A mean." in asked.out
