"""Approval from beginning to end: a person at a terminal is asked, or nobody is there and it waits."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from executor.model.standin import StandIn
from tests.commands.shell import ANSWERS, NOBODY, Shell
from tests.commands.terminal import NOTE, QUESTION, WHY, Session, at_terminal

TASK = "report(seattle, temp_max)"
STEP = "column_statistics(seattle, temp_max)"
RUN = ("run", "reports", TASK, "--learn", "ask")
LEARN = ("learn", "reports", STEP, "--ask")
HOSTILE = "\x1b[2J\x1b]0;pwned\x07\x9b31m\u202e"
Scripted = Callable[..., StandIn]
Terminal = Callable[..., Session]


@pytest.fixture
def terminal(htn: Shell) -> Iterator[Terminal]:
    """Start a command at a terminal, with a stand-in for the model."""
    opened: list[Session] = []

    def start(server: StandIn | None, *words: str) -> Session:
        endpoint = server.endpoint if server else NOBODY
        opened.append(at_terminal(words, htn.environment | {"OLLAMA_ENDPOINT": endpoint}, htn.folder))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def prompts(server: StandIn) -> list[str]:
    return [r["body"]["messages"][-1]["content"] for r in server.requests if r["path"] == "/api/chat"]


def library(htn: Shell) -> list[str]:
    return [entry["trust"] for entry in htn("library", "list", "--json").json]


@pytest.mark.parametrize("words", [RUN, LEARN])
def test_who_admits_at_the_terminal_has_it_in_the_library_and_in_plans(
    htn: Shell, scripted: Scripted, terminal: Terminal, words: tuple[str, ...]
) -> None:
    asked = terminal(scripted(), *words)
    asked.until("sorted")  # the body is shown before the question
    asked.answers(QUESTION, "admit\n")
    asked.answers(WHY, "I have read it\n")
    assert asked.end() == 0, asked.plain
    assert "I have read it" in htn("library", "history", "column_statistics").out
    again = htn("run", "reports", TASK, "--learn", "ask", OLLAMA_ENDPOINT=NOBODY)
    assert (again.code, "model calls: 0" in again.err) == (0, True)


def test_who_rejects_is_not_offered_the_same_body_again(htn: Shell, scripted: Scripted, terminal: Terminal) -> None:
    asked = terminal(scripted(), *RUN)
    asked.answers(QUESTION, "reject\n")
    asked.answers(WHY, "it ignores the unit\n")
    assert asked.end() == 5
    assert "it was rejected: it ignores the unit" in asked.plain
    again = terminal(scripted(), *LEARN)
    assert again.end() == 5
    assert QUESTION not in again.plain
    assert "its body is one that was rejected before: it ignores the unit" in " ".join(again.plain.split())
    assert library(htn) == []


def test_a_note_is_in_the_next_prompt_and_the_next_body_is_asked_about(
    htn: Shell, scripted: Scripted, terminal: Terminal
) -> None:
    script = json.loads(ANSWERS.read_text())
    script["answers"].insert(0, {
        "when": {"schema": "BodyAnswer", "contains": ["round nothing"]},
        "replies": [{"json": {"code": body_of(script) + "\n\nPLAIN = True\n"}}],
    })  # fmt: skip
    server = scripted(script)
    asked = terminal(server, *LEARN)
    asked.answers(QUESTION, "again\n")
    asked.answers(NOTE, "please round nothing\n")
    asked.until("PLAIN")
    asked.answers(QUESTION, "admit\n")
    asked.answers(WHY, "good\n")
    assert asked.end() == 0, asked.plain
    assert "has looked at it and says: please round nothing" in prompts(server)[-1]
    assert "PLAIN = True" in htn("library", "show", "column_statistics").out


@pytest.mark.parametrize("words", [RUN, LEARN])
def test_an_input_that_ends_decides_nothing_and_the_proposal_waits(
    htn: Shell, scripted: Scripted, terminal: Terminal, words: tuple[str, ...]
) -> None:
    asked = terminal(scripted(), *words)
    asked.answers(QUESTION, "\x04")
    assert asked.end() == 8
    assert "error[approval]" in asked.plain
    assert len(htn("proposals", "list", "--json").json) == 1
    assert library(htn) == []


@pytest.mark.parametrize("words", [RUN, LEARN])
def test_without_a_terminal_it_waits_and_plans_use_it_once_somebody_has_admitted_it(
    htn: Shell, scripted: Scripted, words: tuple[str, ...]
) -> None:
    said = htn(*words, "--json", OLLAMA_ENDPOINT=scripted().endpoint)
    assert (said.code, said.json["error"], said.json["exit_code"]) == (8, "approval", 8)
    (row,) = htn("proposals", "list", "--json").json
    assert f"htn proposals admit {row['version'][:12]} --why REASON" in " ".join(said.json["hints"])
    assert htn("plan", "reports", TASK).code == 5
    waits = htn(*words, OLLAMA_ENDPOINT=NOBODY)
    assert (waits.code, "model calls: 0" in waits.err) == (8, True)
    assert htn("proposals", "admit", row["version"][:12], "--why", "read").code == 0
    done = htn("run", "reports", TASK, "--learn", "ask", OLLAMA_ENDPOINT=NOBODY)
    assert (done.code, "model calls: 0" in done.err) == (0, True)


def test_a_note_on_a_proposal_that_waits_goes_to_the_model_with_its_body(
    htn: Shell, scripted: Scripted, terminal: Terminal
) -> None:
    assert htn(*LEARN, OLLAMA_ENDPOINT=scripted().endpoint).code == 8
    script = json.loads(ANSWERS.read_text())
    right = body_of(script)
    script["answers"] = [{"when": {"schema": "BodyAnswer"}, "replies": [{"json": {"code": f"{right}\n\nPLAIN = 1\n"}}]}]
    server = scripted(script)
    asked = terminal(server, *LEARN)
    asked.answers(QUESTION, "again\n")
    asked.answers(NOTE, "name your constants\n")
    asked.until("PLAIN")
    asked.answers(QUESTION, "admit\n")
    asked.answers(WHY, "good\n")
    assert asked.end() == 0, asked.plain
    (prompt,) = prompts(server)
    assert "name your constants" in prompt
    assert right.strip()[:200] in prompt


def test_nothing_that_a_model_wrote_steers_the_terminal(htn: Shell, scripted: Scripted, terminal: Terminal) -> None:
    script = json.loads(ANSWERS.read_text())
    text = f"'{HOSTILE}'".encode("unicode_escape").decode()
    wrong: Any = {"code": f"def column_statistics(*a):\n    raise ValueError({text})\n", "explanation": HOSTILE}
    right = {"code": f"{body_of(script)}# {HOSTILE}\n", "explanation": HOSTILE}
    script["answers"] = [
        script["answers"][0], {"when": {"schema": "BodyAnswer"}, "replies": [{"json": wrong}, {"json": right}]},
    ]  # fmt: skip
    script["answers"][0]["replies"][0]["json"]["description"] += HOSTILE
    asked = terminal(scripted(script), *LEARN)
    code = asked.end()
    assert code in (5, 8)
    for order in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\u202e"):
        assert order not in asked.shown


def body_of(script: Any) -> str:
    """The last body of the demo, which is right."""
    bodies = [r["json"]["code"] for rule in script["answers"] for r in rule["replies"] if "code" in r.get("json", {})]
    return str(bodies[-1])
