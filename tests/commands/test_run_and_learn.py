"""htn run, htn learn and htn library: the main job, in processes of its own."""

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from executor.model.standin import StandIn
from tests.commands.shell import ANSWERS, NOBODY, Shell
from tests.services import docker_answers, require_or_skip

TASK = "report(seattle, temp_max)"
STEP = "column_statistics(seattle, temp_max)"
Scripted = Callable[..., StandIn]


def _script() -> dict[str, Any]:
    script = json.loads(ANSWERS.read_text())
    assert isinstance(script, dict)
    return script


def _misbehaving(behave: str) -> dict[str, Any]:
    return {"model": "scripted", "answers": [{"replies": [{"behave": behave}]}]}


def _library(htn: Shell) -> Any:
    return htn("library", "list", "--json").json


def test_a_gap_is_closed_the_plan_carried_out_and_a_new_process_needs_no_model(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    first = htn("run", "reports", TASK, OLLAMA_ENDPOINT=server.endpoint)
    assert first.code == 0
    assert "| highest temperature of the day, °C | 1461 | -1.6 | 16.4 | 15.6 | 35.6 |" in first.out
    assert "model calls: 3" in first.err
    asked = [r for r in server.requests if r["path"] == "/api/chat"]
    assert len(asked) == 3

    second = htn("run", "reports", "report(new_york, precipitation)", OLLAMA_ENDPOINT=NOBODY)
    assert second.code == 0
    assert "| precipitation, mm a day | 1461 | 0.0 | 2.9 | 0.0 | 118.9 |" in second.out
    assert "model calls: 0" in second.err


def test_the_wrong_first_body_is_caught_by_the_example_and_its_counterexample_is_kept(
    htn: Shell, scripted: Scripted
) -> None:
    server = scripted()
    said = htn("run", "reports", TASK, "--json", OLLAMA_ENDPOINT=server.endpoint)
    wrong, right = said.json["learned"][0]["attempts"]
    failed = [e for e in wrong["evidence"] if not e["passed"]]
    assert [(e["rung"], e["name"]) for e in failed] == [(4, "given examples")]
    assert 'expected: statistics[tides, height]["median"] = 2.75' in failed[0]["counterexample"]
    assert [e["rung"] for e in right["evidence"]] == [0, 1, 2, 3, 4, 8]
    assert said.json["learned"][0]["trust"] == "probation"
    shown = htn("library", "show", "column_statistics", "--json").json
    assert [e["rung"] for e in shown["evidence"]] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 8]
    assert shown["version"] == said.json["learned"][0]["version"]


def test_the_report_of_all_columns_is_planned_when_none_is_named(htn: Shell, scripted: Scripted) -> None:
    said = htn("run", "reports", "report(new_york)", OLLAMA_ENDPOINT=scripted().endpoint)
    assert said.code == 0
    assert said.out.count("| 1461 |") == 4


@pytest.mark.docker
def test_bodies_run_in_a_container_where_an_engine_answers(htn: Shell, scripted: Scripted) -> None:
    require_or_skip("docker", docker_answers())
    said = htn("run", "reports", TASK, "--json", OLLAMA_ENDPOINT=scripted().endpoint, HTN_SANDBOX="auto")
    levels = {e.get("sandbox") for e in said.json["learned"][0]["attempts"][-1]["evidence"]}
    assert levels == {"docker", None}


def test_without_an_engine_the_embedded_sandbox_serves_and_says_so_once(htn: Shell, scripted: Scripted) -> None:
    said = htn(
        "run", "reports", TASK,
        OLLAMA_ENDPOINT=scripted().endpoint, HTN_SANDBOX="auto", DOCKER_HOST="unix:///nonexistent.sock",
    )  # fmt: skip
    assert said.code == 0
    assert said.err.count("lockdown instead") == 1


def test_an_engine_that_was_asked_for_and_does_not_answer_is_exit_code_7(htn: Shell, scripted: Scripted) -> None:
    said = htn(
        "run", "reports", TASK,
        OLLAMA_ENDPOINT=scripted().endpoint, HTN_SANDBOX="docker", DOCKER_HOST="unix:///nonexistent.sock",
    )  # fmt: skip
    assert said.code == 7
    assert _library(htn) == []


def test_learning_can_be_forbidden(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    said = htn("run", "reports", TASK, "--learn", "never", OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 5
    assert f"nobody knows how to do {STEP}" in said.err
    assert server.requests == ()


@pytest.mark.parametrize("words", [("run", "reports", "repotr(seattle)"), ("plan", "reports", "repotr(seattle)")])
def test_a_name_that_a_person_mistyped_never_buys_code(htn: Shell, scripted: Scripted, words: tuple[str, ...]) -> None:
    server = scripted()
    said = htn(*words, OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 2
    assert "did you mean report?" in said.err
    assert server.requests == ()


def test_a_dry_run_shows_the_prompt_and_the_price_and_sends_nothing(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    said = htn("learn", "reports", STEP, "--dry-run", OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 0
    assert f"TASK:\nBEGIN DATA\n{STEP}" in said.out
    assert "at most 8 calls; nothing was sent" in said.err
    assert server.requests == ()


def test_an_operator_is_learned_on_purpose_once(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    assert htn("learn", "reports", STEP, OLLAMA_ENDPOINT=server.endpoint).code == 0
    again = htn("learn", "reports", STEP, OLLAMA_ENDPOINT=server.endpoint)
    assert again.code == 2
    assert "the library has reports.column_statistics already" in again.err
    assert [(e["name"], e["trust"]) for e in _library(htn)] == [("reports.column_statistics", "probation")]


def test_what_is_written_by_hand_is_not_learned(htn: Shell) -> None:
    said = htn("learn", "travel", "walk(alice, home, park)")
    assert (said.code, "knows how to do walk already" in said.err) == (2, True)


def test_a_model_that_is_not_there_is_exit_code_7_and_says_what_to_do(htn: Shell) -> None:
    said = htn("run", "reports", TASK)
    assert said.code == 7
    assert "127.0.0.1:9" in said.err
    assert "hint: start it: ollama serve" in said.err
    assert _library(htn) == []


@pytest.mark.parametrize("behave", ["garbage", "error500", "disconnect", "huge"])
def test_a_model_that_answers_nonsense_is_exit_code_7_and_leaves_nothing(
    htn: Shell, scripted: Scripted, behave: str
) -> None:
    said = htn("run", "reports", TASK, OLLAMA_ENDPOINT=scripted(_misbehaving(behave)).endpoint)
    assert said.code == 7
    assert said.err.count("error[") == 1
    assert "hint:" in said.err
    assert _library(htn) == []


def test_a_model_that_never_answers_is_given_up(htn: Shell, scripted: Scripted) -> None:
    endpoint = scripted(_misbehaving("hang")).endpoint
    said = htn("run", "reports", TASK, OLLAMA_ENDPOINT=endpoint, HTN_MODEL_TIMEOUT="0.5")
    assert said.code == 7
    assert _library(htn) == []


def test_a_contract_with_a_hostile_name_is_sent_back_and_then_refused(htn: Shell, scripted: Scripted) -> None:
    script = _script()
    script["answers"][0]["replies"][0]["json"]["outputs"][0]["name"] = 'x"; import os'
    server = scripted(script)
    said = htn("run", "reports", TASK, OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 5
    assert "is not a usable name" in said.err
    assert "is not a usable name" in json.dumps(server.requests[-1])
    assert _library(htn) == []


def test_a_body_that_is_never_right_is_not_admitted(htn: Shell, scripted: Scripted) -> None:
    script = _script()
    del script["answers"][2]
    del script["answers"][1]["when"]["lacks"]
    said = htn("run", "reports", TASK, OLLAMA_ENDPOINT=scripted(script).endpoint)
    assert said.code == 5
    assert "was not learned: its body fails at rung 4" in said.err
    assert "repeats that of attempt" in said.err
    assert _library(htn) == []


def test_the_budget_of_calls_is_exit_code_6_and_leaves_nothing(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    said = htn("run", "reports", TASK, "--max-calls", "2", OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 6
    assert len([r for r in server.requests if r["path"] == "/api/chat"]) == 2
    assert _library(htn) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_is_exit_code_130_and_leaves_nothing(
    htn: Shell, scripted: Scripted, number: signal.Signals
) -> None:
    server = scripted(_misbehaving("hang"))
    running = htn.start("run", "reports", TASK, OLLAMA_ENDPOINT=server.endpoint)
    for _ in range(600):
        if server.requests:
            break
        time.sleep(0.05)
    running.send_signal(number)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert list((htn.folder / "data").rglob("redis.sock")) == []
    assert _library(htn) == []


def test_a_step_that_fails_is_exit_code_4_and_says_which(htn: Shell, scripted: Scripted) -> None:
    state = htn.write("moved.json", '{"path": {"seattle": "/no/such/file.csv"}}')
    said = htn("run", "reports", TASK, "--state", state, OLLAMA_ENDPOINT=scripted().endpoint)
    assert said.code == 4
    assert "the step read_table(seattle) failed: cannot read the table /no/such/file.csv" in said.err


def test_why_there_is_no_plan_is_said_once(htn: Shell) -> None:
    said = htn("run", "reports", "report(nowhere)")
    assert said.code == 3
    assert said.err.count("there is no plan for report(nowhere)") == 1


def test_a_domain_without_gaps_runs_without_model_and_sandbox(htn: Shell) -> None:
    said = htn("run", "travel", "travel(alice, home, park)", HTN_SANDBOX="docker", DOCKER_HOST="unix:///none.sock")
    assert said.code == 0
    assert "loc[alice] = park" in said.out
    assert "model calls: 0" in said.err


def test_the_library_is_empty_at_first_and_an_unknown_name_is_a_usage_error(htn: Shell) -> None:
    assert "the library is empty" in htn("library", "list").err
    said = htn("library", "show", "column_statistics")
    assert (said.code, "the library has no operator" in said.err) == (2, True)


def test_doctor_says_for_each_service_what_to_do(htn: Shell, scripted: Scripted) -> None:
    missing = htn("doctor")
    assert missing.code == 7
    assert "✗ missing model" in missing.out
    assert "hint: start it: ollama serve" in missing.out
    assert htn("doctor", OLLAMA_ENDPOINT=scripted().endpoint).code == 0


def test_doctor_lists_every_setting_with_its_names_and_its_source(htn: Shell) -> None:
    said = htn("doctor", "--settings", "--json", DOCKER_MEMORY_LIMIT="512m", LLM_API_KEY="a-secret")
    rows = {row["name"]: row for row in said.json}
    names = {name for row in rows.values() for name in row["environment"]}
    assert names >= {"REDIS_URL", "LLM_PROVIDER", "LLM_API_KEY", "OLLAMA_ENDPOINT", "DOCKER_TIMEOUT",
                     "DOCKER_MEMORY_LIMIT", "MAX_RETRIES", "EXECUTION_TIMEOUT"}  # fmt: skip
    assert rows["memory_limit"]["value"] == "512m"
    assert rows["memory_limit"]["source"] == "environment (DOCKER_MEMORY_LIMIT)"
    assert "a-secret" not in said.out
