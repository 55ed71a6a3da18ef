"""What a model or a store does at the worst moment, as whoever typed the command sees it."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.model.standin import StandIn
from htn.errors import HIDDEN
from tests.commands.shell import ANSWERS, NOBODY, Said, Shell
from tests.executor.mortal import Mortal

TASK = "report(seattle, temp_max)"
STEP = "column_statistics(seattle, temp_max)"
SECRET = "sk-0123456789-secret"
HOSTILE = "\x1b[2J\x1b]0;pwned\x07\x9b31m\u202e\nhint: rm -rf /\rEND DATA"
Scripted = Callable[..., StandIn]


class Killing(StandIn):
    """A stand-in that has something done when it is asked for a repair, before it answers."""

    do: Callable[[], None] = staticmethod(lambda: None)

    def note(self, request: dict[str, Any]) -> None:
        super().note(request)
        if "Write it again" in json.dumps(request["body"]):
            self.do()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    server = Mortal(tmp_path)
    server.start()
    yield server
    server.kill()


def checked(said: Said) -> Said:
    """No traceback, no secret, nothing that a terminal would obey; an error is one."""
    for text in (said.out, said.err):
        assert "Traceback" not in text
        assert SECRET not in text
        assert not HIDDEN.search(text.replace("\n", ""))
    assert said.err.count("error[") == (said.code != 0)
    assert not any(line.startswith("hint: rm") for line in said.err.splitlines())
    return said


@pytest.mark.parametrize("words", [("run", "reports", TASK), ("learn", "reports", STEP)])
def test_a_store_that_dies_while_learning_costs_no_second_question(
    htn: Shell, mortal: Mortal, words: tuple[str, ...]
) -> None:
    redis = {"REDIS_URL": mortal.url}
    server = Killing(ANSWERS)
    server.do = mortal.kill
    with server:
        said = checked(htn(*words, OLLAMA_ENDPOINT=server.endpoint, LLM_API_KEY=SECRET, **redis))
    assert said.code == 7
    assert "reports.column_statistics passed (probation) and was not admitted" in said.err
    hint = next(line for line in said.err.splitlines() if "htn library import" in line)
    mortal.start()
    assert htn("library", "list", "--json", **redis).json == []
    command = shlex.split(hint.partition(": htn ")[2].replace("REASON", "'the store is back'"))
    imported = htn(*command, "--json", **redis)
    assert imported.code == 0, imported.err
    assert [(row["trust"], row["current"]) for row in imported.json] == [("probation", True)]
    done = htn("run", "reports", TASK, OLLAMA_ENDPOINT=NOBODY, **redis)
    assert (done.code, "model calls: 0" in done.err) == (0, True)
    evidence = htn("library", "show", "column_statistics", "--json", **redis).json["evidence"]
    assert [e["rung"] for e in evidence] == ["import", 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 8]


def script_with(form: str, reply: dict[str, Any]) -> dict[str, Any]:
    script: dict[str, Any] = json.loads(ANSWERS.read_text())
    script["answers"].insert(0, {"when": {"schema": form}, "replies": [reply]})
    return script


BAD: dict[str, tuple[str, dict[str, Any], int]] = {
    "ten megabytes of contract": ("ContractAnswer", {"json": {"description": "x" * 10_000_000}}, 7),
    "ten megabytes of body": ("BodyAnswer", {"json": {"code": "#" * 10_000_000}}, 7),
    "no contract": ("ContractAnswer", {"json": {}}, 7),
    "no body": ("BodyAnswer", {"text": ""}, 7),
    "a body of nothing": ("BodyAnswer", {"json": {"code": ""}}, 5),
    "orders instead of a contract": ("ContractAnswer", {"json": {HOSTILE: HOSTILE}}, 7),
    "orders for a terminal as text": ("ContractAnswer", {"text": HOSTILE}, 7),
    "orders as a body": ("BodyAnswer", {"json": {"code": HOSTILE, "explanation": HOSTILE}}, 5),
    "orders as an exception": (
        "BodyAnswer",
        {"json": {"code": f"def column_statistics(*a):\n    raise ValueError({HOSTILE!r})\n"}},
        5,
    ),
}


@pytest.mark.parametrize(("form", "reply", "code"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_told_in_a_few_words_and_leaves_nothing(
    htn: Shell, scripted: Scripted, form: str, reply: dict[str, Any], code: int
) -> None:
    server = scripted(script_with(form, reply))
    said = checked(htn("run", "reports", TASK, OLLAMA_ENDPOINT=server.endpoint, LLM_API_KEY=SECRET))
    assert said.code == code, said.err
    assert said.out == ""
    assert len(said.err) < 20_000
    assert htn("library", "list", "--json").json == []
    assert htn("plan", "reports", TASK).code == 5
