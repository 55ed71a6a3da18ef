"""Runs from the command line: what is interrupted or killed is gone on with, and everybody sees what happened."""

import io
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from commands.live import LiveTree
from executor.model.standin import StandIn
from executor.run import Event
from executor.store import open_store
from htn import find_plan
from htn.domain import Domain
from htn.network import Task
from htn.plan import Plan
from htn.state import State
from tests.commands.shell import Said, Shell
from tests.commands.terminal import Session, at_terminal

Scripted = Callable[..., StandIn]
TASK = "report(seattle, temp_max)"
ERRANDS = """
import time
from pathlib import Path
from htn import Domain, State

domain = Domain("errands")

@domain.initial_state
def start():
    return State(done={})

@domain.operator
def run_errand(state, name, seconds):
    state.done[name] = True
    return state

@domain.command("run_errand", delivery=DELIVERY)
def really(state, name, seconds):
    with Path("seen.txt").open("a") as file:
        file.write(name + "\\n")
    waited = 0.0
    while waited < seconds and not Path("go").exists():
        time.sleep(0.05)
        waited += 0.05
    state.done[name] = True
    return state

@domain.method("all_errands")
def one_after_the_other(state, seconds):
    return [("run_errand", "a", 0), ("run_errand", "b", seconds), ("run_errand", "c", 0)]
"""


def errands(htn: Shell, delivery: str = "at least once") -> tuple[str, ...]:
    htn.environment["HTN_LEASE_SECONDS"] = "0.5"
    return (
        "run",
        htn.write("errands.py", ERRANDS.replace("DELIVERY", repr(delivery))),
        "all_errands(60)",
        "--run-id",
        "r",
    )


def seen(htn: Shell) -> list[str]:
    file = htn.folder / "seen.txt"
    return file.read_text().split() if file.exists() else []


def until_b_runs(htn: Shell) -> None:
    deadline = time.monotonic() + 60
    while "b" not in seen(htn) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "b" in seen(htn)


def go(htn: Shell) -> None:
    (htn.folder / "go").touch()


def test_a_run_that_was_killed_is_lost_and_another_process_goes_on_with_it(htn: Shell) -> None:
    process = htn.start(*errands(htn))
    until_b_runs(htn)
    process.kill()
    process.wait()
    go(htn)
    time.sleep(0.6)  # its lease lapses
    assert "lost" in htn("runs").out
    shown = htn("runs", "show", "r").out
    assert "state    lost: its process is gone" in shown and "next: go on with it: htn resume r" in shown
    resumed = htn("resume", "r", "--quiet")
    assert (resumed.code, resumed.out) == (0, "done[a] = True\ndone[b] = True\ndone[c] = True\n")
    assert seen(htn) == ["a", "b", "b", "c"]
    assert [run["state"] for run in htn("runs", "--json").json] == ["done"]


def test_a_step_that_is_done_at_most_once_is_settled_by_a_person(htn: Shell) -> None:
    process = htn.start(*errands(htn, "at most once"))
    until_b_runs(htn)
    process.kill()
    process.wait()
    go(htn)
    unsure = htn("resume", "r", "--json")
    assert (unsure.code, unsure.json["error"], unsure.json["run_id"]) == (8, "unsure", "r")
    assert "next: if run_errand(b, 60) was carried out: htn resume r --did 1.2" in htn("runs", "show", "r").out
    assert htn("resume", "r", "--did", "1.2").code == 0
    assert seen(htn) == ["a", "b", "c"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_says_how_to_go_on(htn: Shell, number: int) -> None:
    process = htn.start(*errands(htn))
    until_b_runs(htn)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "hint: go on with it: htn resume r" in told
    go(htn)
    assert htn("resume", "r").code == 0


def test_a_failed_step_says_how_to_go_on_when_it_is_mended(htn: Shell) -> None:
    words = errands(htn)
    file = htn.folder / "errands.py"
    file.write_text(
        file.read_text().replace("    waited = 0.0\n", "    assert name != 'b', 'no stamps'\n    waited = 0.0\n")
    )
    failed = htn(*words)
    assert failed.code == 4
    assert "hint: htn resume r " in failed.err
    htn.write("errands.py", ERRANDS.replace("DELIVERY", "'at least once'"))
    go(htn)
    assert htn("resume", "r", "--json").json["ok"] is True


def test_a_run_is_cancelled_by_another_process_and_says_so(htn: Shell) -> None:
    process = htn.start(*errands(htn))
    until_b_runs(htn)
    assert "its driver is told to stop" in htn("cancel", "r", "--why", "the wrong list").out
    go(htn)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, "the run r was cancelled" in told) == (4, True)
    assert htn("runs", "--json").json[0]["state"] == "cancelled"
    assert "c" not in seen(htn)


def test_who_watches_sees_every_event_once_as_json_lines(htn: Shell) -> None:
    go(htn)
    assert htn(*errands(htn)).code == 0
    events = [json.loads(line) for line in htn("watch", "r", "--json").out.splitlines()]
    assert [e["kind"] for e in events] == ["created", "begin", "planned", *["start", "finish"] * 3, "complete"]
    later = htn("watch", "r", "--json", "--after", events[4]["id"]).out.splitlines()
    assert [json.loads(line) for line in later] == events[5:]
    assert len(htn("watch", "r").out.splitlines()) == len(events)


def test_a_replay_shows_what_each_event_changed_and_the_state_at_the_end(htn: Shell) -> None:
    go(htn)
    htn(*errands(htn))
    before = seen(htn)
    played = htn("replay", "r")
    assert played.out.endswith("the run is done; the state is\n  done[a] = True\n  done[b] = True\n  done[c] = True\n")
    finish = next(e for e in htn("replay", "r", "--json").json["events"] if e["kind"] == "finish")
    assert htn("replay", "r", "--to", finish["id"]).out.endswith("the run is running; the state is\n  done[a] = True\n")
    assert htn("replay", "r", "--to", "7-7").code == 2
    assert seen(htn) == before


def test_a_run_that_is_removed_is_not_listed(htn: Shell) -> None:
    go(htn)
    htn(*errands(htn))
    assert htn("runs", "remove", "r").code == 0
    assert (htn("runs").err, htn("runs", "show", "r").code) == ("there are no runs\n", 2)


def test_the_shell_completes_the_ids_of_runs(htn: Shell) -> None:
    go(htn)
    htn(*errands(htn)[:3], "--run-id", "nightly-17")
    asked = {"_HTN_COMPLETE": "bash_complete", "COMP_WORDS": "htn resume ni", "COMP_CWORD": "2"}
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])):  # nothing is started for it
        assert htn.process(**asked).out.split() == ["plain,nightly-17"]
    assert htn.process(**asked).out.split() == []


def test_code_that_waits_is_shown_approved_and_the_run_goes_on(htn: Shell, scripted: Scripted) -> None:
    server = scripted()
    htn.environment["OLLAMA_ENDPOINT"] = server.endpoint
    said: Said = htn("run", "reports", TASK, "--approve", "always", "--run-id", "r")
    for _ in range(4):
        if said.code != 8:
            break
        shown = htn("runs", "show", "r").out
        assert "next: allow it and go on: htn approve r --why REASON" in shown
        assert "def column_statistics" in shown
        assert htn("runs", "--open").out.split()[1] == "waiting"
        said = htn("approve", "r", "--why", "I have read it")
    assert said.code == 0, said.err
    approved = [e for e in htn("replay", "r", "--json").json["events"] if e["kind"] == "approve"]
    assert [sorted(e["for"])[0] for e in approved] == ["code", "code", "name"]
    assert htn("approve", "r", "--why", "again").code == 2


def test_what_learn_waits_for_is_allowed_by_its_digest(htn: Shell, scripted: Scripted) -> None:
    htn.environment["OLLAMA_ENDPOINT"] = scripted().endpoint
    words = ("learn", "reports", "column_statistics(seattle, temp_max)", "--approve", "always", "--json")
    waits = htn(*words)
    assert waits.code == 8
    digest = waits.json["hints"][0].split()[4]
    assert htn("approve", digest, "--why", "I have read it").code == 0
    again = htn(*words).json["hints"][0].split()[4]
    assert again != digest


@pytest.fixture
def terminal(htn: Shell) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def start(*words: str) -> Session:
        opened.append(at_terminal(words, htn.environment, htn.folder))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_a_person_at_the_terminal_sees_code_before_it_is_run(
    htn: Shell, scripted: Scripted, terminal: Callable[..., Session]
) -> None:
    htn.environment["OLLAMA_ENDPOINT"] = scripted().endpoint
    asked = terminal("run", "reports", TASK, "--approve", "always")
    asked.until("has not been run yet")
    asked.until("column_statistics")
    asked.answers("run this code in the sandbox, or refuse? [refuse] ", "\n")
    asked.answers("why? ", "it reads too much\n")
    assert asked.end() == 5
    assert "it reads too much" in asked.plain


PARALLEL = """
import time
from htn import Domain, State

domain = Domain("many")

@domain.initial_state
def start():
    return State(done={})

@domain.operator
def work(state, name):
    state.done[name] = True
    return state

@domain.command("work")
def really(state, name):
    time.sleep({"a": 1.2, "b": 0.4, "c": 0.8}[name])
    state.done[name] = True
    return state
"""


def lines_of(shown: str) -> list[str]:
    return re.findall(r"✓ done +\d\. work(\(\w\))", shown)


def test_steps_that_overlap_are_drawn_each_with_a_line_and_end_in_the_order_of_the_plan(
    htn: Shell, terminal: Callable[..., Session]
) -> None:
    file = htn.write("many.py", PARALLEL)
    drawn = terminal("run", file, "work(a)", "work(b)", "work(c)", "--parallel", "3", "--run-id", "r")
    assert drawn.end() == 0
    assert re.search(r"running +1\. work\(a\).*\n.*running +2\. work\(b\).*\n.*running +3\. work\(c\)", drawn.plain)
    assert lines_of(drawn.plain) == ["(a)", "(b)", "(c)"]
    watched = terminal("watch", "r")
    assert watched.end() == 0
    assert lines_of(watched.plain) == ["(a)", "(b)", "(c)"]


def plan_of(steps: int) -> Plan:
    domain = Domain("d")

    @domain.operator
    def work(state: State, at: int) -> State:
        return state

    tasks: list[Task] = [("work", at) for at in range(steps)]
    plan = find_plan(domain, State(), tasks)
    assert isinstance(plan, Plan)
    return plan


@st.composite
def overlaps(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    size = draw(st.integers(1, 6))
    return size, draw(st.permutations(range(size))), draw(st.permutations(range(size)))


@given(overlaps())
def test_however_steps_overlap_each_is_told_once_and_none_before_an_earlier_one_that_runs(
    drawn: tuple[int, list[int], list[int]],
) -> None:
    size, starts, ends = drawn
    text = io.StringIO()
    with LiveTree(Console(file=text, width=200)) as tree:
        tree.planned(plan_of(size))
        for step in starts:
            tree.step(Event(step, "start"))
        for step in ends[:-1]:
            tree.step(Event(step, "finish"))
        told = [int(line.split("work(")[1][0]) for line in text.getvalue().splitlines() if "✓ done" in line]
        assert told == sorted(told) and all(step < ends[-1] for step in told)
        tree.step(Event(ends[-1], "release"))
    told = [int(line.split("work(")[1][0]) for line in text.getvalue().splitlines() if "✓ done" in line]
    assert told == sorted(set(range(size)) - {ends[-1]})
