"""Many runs from a file: each line has its answer, none waits for another, and what is done is not done again."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.batch import Answer, Batch, read_requests
from executor.runs import Runs
from executor.settings import Settings
from htn.errors import UsageError

DOMAIN = """
from htn.domain import Domain
from htn.state import State

bench = Domain("bench")
bench.variable("made", {"type": "integer"})
MEETING = None


@bench.initial_state
def nothing():
    return State(made={})


@bench.operator
def make(state, name):
    state.made[name] = state.made.get(name, 0) + 1
    return state


@bench.command("make")
def make_it(state, name):
    if name == "broken":
        raise ValueError("it broke")
    if MEETING is not None:
        MEETING.wait()
    return make(state, name)
"""


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "bench.py"
    path.write_text(DOMAIN, encoding="utf-8")
    return path


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    with Agent(Settings.load(data_dir=folder / "data")) as made:
        yield made


def lines(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def answers(agent: Agent, path: Path, at_once: int = 2) -> list[Answer]:
    found = Batch(agent, at_once, lambda text: None).run(read_requests(path))
    return sorted(found, key=lambda answer: answer.request.line)


def test_each_line_has_its_answer_and_a_failure_ends_only_its_own_run(agent: Agent, folder: Path, file: Path) -> None:
    asked = [{"domain": str(file), "task": f"make({name})"} for name in ("a", "broken", "c")]
    assert [answer.exit_code for answer in answers(agent, lines(folder, *asked))] == [0, 4, 0]


def test_a_line_may_give_a_state_and_several_tasks(agent: Agent, folder: Path, file: Path) -> None:
    asked = {"domain": str(file), "task": ["make(a)", "make(a)"], "state": {"made": {"a": 5}}}
    (answer,) = answers(agent, lines(folder, asked))
    assert answer.to_json()["state"] == {"made": {"a": 7}}


def test_runs_of_a_batch_are_under_way_at_the_same_time(agent: Agent, folder: Path, file: Path) -> None:
    requests = read_requests(lines(folder, *({"domain": str(file), "task": f"make({n})"} for n in "abc")))
    requests[0].domain.commands["make"].__globals__["MEETING"] = threading.Barrier(3, timeout=20)
    assert [answer.exit_code for answer in Batch(agent, 3, lambda text: None).run(requests)] == [0, 0, 0]


def test_a_run_that_is_done_is_not_run_again_and_one_that_failed_is_gone_on_with(
    agent: Agent, folder: Path, file: Path
) -> None:
    asked = [{"domain": str(file), "task": f"make({n})", "run_id": f"b-{n}"} for n in ("a", "broken")]
    path = lines(folder, *asked)
    answers(agent, path)
    before = Runs(agent.store).events("b-a")
    again = answers(agent, path)
    assert [(answer.exit_code, answer.again) for answer in again] == [(0, True), (4, False)]
    assert Runs(agent.store).events("b-a") == before
    assert "resume" in [event.kind for event in Runs(agent.store).events("b-broken")]


def test_a_run_id_of_other_tasks_is_refused(agent: Agent, folder: Path, file: Path) -> None:
    answers(agent, lines(folder, {"domain": str(file), "task": "make(a)", "run_id": "r"}))
    (answer,) = answers(agent, lines(folder, {"domain": str(file), "task": "make(b)", "run_id": "r"}))
    assert answer.exit_code == 2 and "other tasks" in str(answer.trouble)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "this is no request"),
        ('{"domain": "travel"}', "task"),
        ('{"domain": "travel", "task": "fly(alice)"}', "fly"),
        ('{"domain": "travel", "task": "travel(alice, home, park)", "more": 1}', "more"),
        ('{"domain": "travel", "task": "travel(alice, home, park)", "state": {"lok": {}}}', "lok"),
    ],
)
def test_a_line_that_cannot_be_carried_out_is_told_before_anything_is(folder: Path, line: str, why: str) -> None:
    path = folder / "requests.jsonl"
    path.write_text('{"domain": "travel", "task": "travel(alice, home, park)"}\n' + line, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_requests(path)
    assert why in caught.value.message
    assert str(caught.value.where).endswith(":2")


def test_two_lines_with_one_run_id_are_a_mistake(folder: Path) -> None:
    row = {"domain": "travel", "task": "travel(alice, home, park)", "run_id": "r"}
    with pytest.raises(UsageError, match="two lines"):
        read_requests(lines(folder, row, row))
