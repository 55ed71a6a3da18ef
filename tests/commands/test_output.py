"""What a command writes, and where: one document for programs, nothing that a terminal would obey, however it ends."""

import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from commands.live import LiveTree
from commands.options import Command
from commands.output import Outcome, as_json, writable
from executor.library import Library
from executor.model.standin import StandIn
from executor.run import Event
from executor.store import open_store
from htn import State, find_plan
from htn.domain import Domain
from htn.errors import DomainError, UsageError, visible
from tests.commands.shell import ANSWERS, Shell
from tests.executor.test_library import entry

Scripted = Callable[..., StandIn]
TASK = "report(seattle, temp_max)"

ODD = """
import os, sys
from htn import Domain, State
print("loaded")
odd = Domain("odd")

@odd.initial_state
def start():
    print("made")
    os.system("echo from a program")
    return State(x={"a": 1, "b": "old"})

def operator(name, *, simulated=True):
    def declared(function):
        def model(state):
            return state
        model.__name__ = name
        odd.operator(model if simulated else function)
        odd.command(name)(function)
    return declared

@operator("leave")
def _(state):
    sys.exit(0)

@operator("leave_while_planning", simulated=False)
def leave_while_planning(state):
    sys.exit(0)

@operator("fail")
def _(state):
    raise ValueError("first\\nhint: rm -rf /")

@operator("huge")
def _(state):
    state.x["a"] = 10 ** 5000
    return state

@operator("no_number")
def _(state):
    state.x["a"] = [float("nan"), float("-inf")]
    return state

@operator("half")
def _(state):
    state.x["\\ud800"] = "half: \\udfff"
    return state

@operator("obeyed")
def _(state):
    state.x["a"] = "\\x1b]0;title\\x07\\x1b[2J\\x9b31m :smile: [red]x[/red] \\u202e"
    return state

@operator("several")
def _(state):
    state.x["a"] = "one; two" + "o" * 100
    state.x["b"] = "first\\n\\x1b[31msecond"
    return state

@operator("text")
def _(state):
    state.x["b"] = "first\\nsecond"
    return state

odd.declare("unknown", {"name": "string"}, "Do it.")
"""


@pytest.fixture
def odd(htn: Shell) -> str:
    return htn.write("odd.py", ODD)


def test_what_a_domain_and_its_programs_print_is_no_result(htn: Shell, odd: str) -> None:
    said = htn("run", odd, "text()", "--json")
    assert said.json["changed"][0]["value"] == "first\nsecond"
    for word in ("loaded", "made", "from a program"):
        assert word in said.err
    assert htn("run", odd, "text()", "--quiet").out == "first\nsecond\n"


USAGE = {
    "no arguments": ("plan",),
    "no such option": ("plan", "travel", "travel(a, b, c)", "--nope"),
    "no such command": ("bogus",),
    "no name": ("library", "show"),
    "no subcommand": ("library",),
    "a bad value": ("run", "travel", "travel(a, b, c)", "--max-calls", "many"),
    "a task that cannot be read": ("learn", "travel", "travel(a"),
    "a setting": ("doctor", "--sandbox", "none"),
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_words_that_cannot_be_used_are_one_document_that_says_what_to_do(htn: Shell, words: tuple[str, ...]) -> None:
    said = htn(*words, "--json")
    assert (said.json["error"], said.json["exit_code"], said.code) == ("usage", 2, 2)
    assert said.json["hints"]
    assert said.err.startswith(f"error[usage]: {said.json['message']}")


def test_a_picture_that_cannot_be_written_is_in_the_one_document_with_the_plan(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", "--svg", "no/such/x.svg", "--json")
    assert (said.json["error"], said.json["exit_code"], said.code) == ("usage", 2, 2)
    assert len(said.json["actions"]) == 3


def test_a_step_that_fails_is_in_the_one_document_of_its_run(htn: Shell, odd: str) -> None:
    said = htn("run", odd, "text()", "fail()", "leave()", "--json")
    assert (said.code, said.json["exit_code"], said.json["ok"]) == (4, 4, False)
    assert (said.json["error"], said.json["model_calls"]) == ("execution", 0)
    assert [step["state"] for step in said.json["steps"]] == ["done", "failed", "pending"]
    assert said.json["steps"][1]["error"]["message"].startswith("fail raised ValueError: first")
    assert said.json["message"].startswith("the step fail() failed: fail raised ValueError: first")


def test_no_line_of_a_foreign_message_passes_for_a_hint(htn: Shell, odd: str) -> None:
    said = htn("run", odd, "fail()", "--quiet")
    assert "\nhint: rm" not in said.err
    assert "\n  hint: rm" in said.err


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_domain_that_leaves_the_program_is_an_error_and_not_a_success(htn: Shell, odd: str, verb: str) -> None:
    said = htn(verb, odd, "leave_while_planning()", "--json")
    assert (said.code, said.json["error"]) == (2, "domain")
    assert "SystemExit" in said.json["message"]


def test_a_command_that_leaves_the_program_is_a_step_that_failed(htn: Shell, odd: str) -> None:
    said = htn("run", odd, "leave()", "--json")
    assert (said.code, said.json["error"]) == (4, "execution")
    assert "SystemExit" in said.json["message"]


def _script(**behave: str) -> dict[str, Any]:
    if behave:
        return {"model": "scripted", "answers": [{"replies": [behave]}]}
    script = json.loads(ANSWERS.read_text())
    assert isinstance(script, dict)
    return script


@pytest.mark.parametrize("verb", ["run", "learn"])
def test_what_was_not_learned_is_one_document_with_its_attempts_and_its_cost(
    htn: Shell, scripted: Scripted, verb: str
) -> None:
    script = _script()
    del script["answers"][2]
    del script["answers"][1]["when"]["lacks"]
    task = TASK if verb == "run" else "column_statistics(seattle, temp_max)"
    said = htn(verb, "reports", task, "--json", OLLAMA_ENDPOINT=scripted(script).endpoint)
    assert (said.code, said.json["error"], said.json["exit_code"]) == (5, "gap", 5)
    learned = said.json["learned"][0] if verb == "run" else said.json
    assert learned["attempts"]
    assert f"model calls: {said.json['model_calls']}" in said.err
    assert said.json["model_calls"] >= 3


@pytest.mark.parametrize("verb", ["run", "learn"])
def test_what_was_spent_is_told_also_when_the_budget_is_used_up(htn: Shell, scripted: Scripted, verb: str) -> None:
    task = TASK if verb == "run" else "column_statistics(seattle, temp_max)"
    said = htn(verb, "reports", task, "--max-calls", "2", "--json", OLLAMA_ENDPOINT=scripted().endpoint)
    assert (said.code, said.json["error"], said.json["model_calls"]) == (6, "limit", 2)
    allow, *go_on = said.json["hints"]
    assert allow == "allow more: --max-calls, or HTN_MAX_CALLS"
    assert [hint.partition("htn resume")[1] for hint in go_on] == (["htn resume"] if verb == "run" else [])
    assert said.err.splitlines()[-1] == "model calls: 2"


def test_what_was_spent_is_told_also_when_the_answers_are_nonsense(htn: Shell, scripted: Scripted) -> None:
    endpoint = scripted(_script(behave="garbage")).endpoint
    said = htn("run", "reports", TASK, "--json", OLLAMA_ENDPOINT=endpoint)
    assert (said.code, said.json["exit_code"]) == (7, 7)
    assert said.json["model_calls"] > 0
    assert said.err.splitlines()[-1] == f"model calls: {said.json['model_calls']}"


def test_what_was_spent_is_told_also_when_a_contract_cannot_be_used(htn: Shell, scripted: Scripted) -> None:
    script = _script()
    script["answers"][0]["replies"][0]["json"]["outputs"][0]["name"] = 'x"; import os'
    said = htn("run", "reports", TASK, "--json", OLLAMA_ENDPOINT=scripted(script).endpoint)
    assert (said.code, said.json["error"]) == (5, "gap")
    assert said.json["model_calls"] > 0


def test_an_interrupt_is_one_document_with_what_was_spent(htn: Shell, scripted: Scripted) -> None:
    server = scripted(_script(behave="hang"))
    running = htn.start("run", "reports", TASK, "--json", OLLAMA_ENDPOINT=server.endpoint)
    for _ in range(600):
        if any(request["path"] == "/api/chat" for request in server.requests):
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    document = json.loads(out)
    assert (running.returncode, document["error"], document["exit_code"]) == (130, "interrupted", 130)
    assert document["model_calls"] == 1
    assert "model calls: 1" in err


def test_a_missing_engine_is_a_missing_service_also_in_the_middle_of_a_run(htn: Shell, scripted: Scripted) -> None:
    assert htn("run", "reports", TASK, OLLAMA_ENDPOINT=scripted().endpoint).code == 0
    said = htn("run", "reports", TASK, "--json", HTN_SANDBOX="docker", DOCKER_HOST="unix:///nonexistent.sock")
    assert (said.code, said.json["error"], said.json["exit_code"]) == (7, "service", 7)
    assert said.json["hints"]
    assert not any(hint in said.json["message"] for hint in said.json["hints"])


def test_a_number_that_python_does_not_write_out_is_described(htn: Shell, odd: str) -> None:
    assert htn("run", odd, "huge()", "--quiet").out == "x[a] = <a number of about 5,000 digits>\n"
    (change,) = htn("run", odd, "huge()", "--json").json["changed"]
    assert int(change["value"], 16) == 10**5000


def test_a_number_that_json_cannot_write_is_a_text_and_the_run_is_told(htn: Shell, odd: str) -> None:
    said = htn("run", odd, "no_number()", "--json")
    assert (said.code, said.json["changed"][0]["value"]) == (0, ["NaN", "-Infinity"])


def test_halves_of_characters_are_written_out(htn: Shell, odd: str) -> None:
    (change,) = htn("run", odd, "half()", "--json").json["changed"]
    assert (change["key"], change["value"]) == ("\ud800", "half: \udfff")
    assert r"half: \udfff" in htn("run", odd, "half()", "--quiet").out


def test_nothing_that_a_terminal_obeys_comes_through(htn: Shell, odd: str) -> None:
    for words in (("--quiet",), ("--json",), ()):
        said = htn("run", odd, "obeyed()", "several()", *words)
        assert said.code == 0
        for sign in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert sign not in said.out + said.err
    assert ":smile: [red]x[/red]" in htn("run", odd, "obeyed()", "--quiet").out


def test_what_the_library_keeps_is_shown_harmlessly(htn: Shell) -> None:
    hostile = "\x1b]0;title\x07 [bold]:smile:[/bold] \r\x9b2J"
    kept = entry(code=f"# {hostile}\n# two\n")
    promise = kept.contract | {"description": hostile}
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        evidence = [{"rung": 2, "name": "smoke", "passed": False, "detail": hostile, "counterexample": hostile}]
        Library(store).admit(kept.model_copy(update={"contract": promise}), "probation", evidence)
        for words in (("list",), ("show", "order_total"), ("show", "order_total", "--json"), ("list", "--json")):
            said = htn("library", *words)
            assert said.code == 0
            for sign in ("\x1b", "\x07", "\x9b", "\r"):
                assert sign not in said.out + said.err
        shown = htn("library", "show", "order_total").out
    assert "  # \\x1b]0;title\\x07 [bold]:smile:[/bold] \\r\\x9b2J\n  # two\n" in shown


def test_only_we_end_a_command() -> None:
    def ends_a_generator() -> None:
        raise GeneratorExit

    for code in (sys.exit, ends_a_generator):
        command = Command("x", callback=code)
        with pytest.raises(DomainError, match="code of the domain ended with"):
            command.main([], standalone_mode=False, obj=Outcome())


def test_a_name_from_a_state_file_is_shown_harmlessly(htn: Shell) -> None:
    state = htn.write("s.json", json.dumps({"cash": {"bob": "\x1b[31m"}}))
    said = htn("plan", "travel", "travel(bob, home, park)", "--state", state)
    assert (said.code, "\x1b" in said.err) == (2, False)
    assert "cash[bob] is '\\x1b[31m', not number" in said.err


def test_each_changed_place_is_one_line_and_whole_and_a_text_stands_below_its_name(htn: Shell, odd: str) -> None:
    lines = htn("run", odd, "several()", "--quiet").out.splitlines()
    assert lines == [f"x[a] = 'one; two{'o' * 100}'", "x[b]:", "first", r"\x1b[31msecond"]


def test_a_text_that_is_the_only_result_stands_alone(htn: Shell, odd: str) -> None:
    assert htn("run", odd, "text()", "--quiet").out == "first\nsecond\n"


@pytest.mark.parametrize("words", [("plan", "travel", "travel(alice, home, park)"), ("plan", "--help")])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_disk_is_said(htn: Shell, words: tuple[str, ...], more: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words, *more], env=htn.environment, cwd=htn.folder, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "bug" not in done.stderr and "Exception" not in done.stderr


def test_a_search_of_a_run_can_be_bounded(htn: Shell) -> None:
    said = htn("run", "travel", "travel(alice, home, park)", "--max-expansions", "1", "--json")
    assert (said.code, said.json["error"], said.json["exit_code"]) == (6, "limit", 6)


def test_a_setting_that_planning_does_not_use_does_not_stop_it(htn: Shell) -> None:
    generic = {"MAX_RETRIES": "0", "LLM_PROVIDER": "openai", "EXECUTION_TIMEOUT": "30s"}
    assert htn("plan", "travel", "travel(alice, home, park)", **generic).code == 0
    assert htn("library", "list", **generic).code == 0
    refused = htn("run", "travel", "travel(alice, home, park)", MAX_RETRIES="0")
    assert (refused.code, "in the environment variable MAX_RETRIES" in refused.err) == (2, True)


def test_a_settings_file_here_that_names_another_server_is_told(htn: Shell) -> None:
    htn.write("htn.toml", 'ollama_endpoint = "elsewhere:1"\nmax_calls = 3\n')
    del htn.environment["OLLAMA_ENDPOINT"]
    said = htn("run", "travel", "travel(alice, home, park)", "--quiet")
    assert "note: htn.toml in this folder sets ollama_endpoint\n" in said.err
    assert "note" not in htn("plan", "travel", "travel(alice, home, park)").err


@pytest.mark.parametrize("verb", ["plan", "run", "learn"])
def test_the_help_says_what_a_task_looks_like_and_what_the_exit_codes_mean(htn: Shell, verb: str) -> None:
    text = htn(verb, "--help").out
    for words in ("A TASK is a name and its arguments", "DOMAIN is a bundled domain", "Exit codes: 0 ", "130"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


@given(st.text())
def test_what_was_made_visible_is_one_line_that_a_terminal_only_shows(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    assert visible(shown) == shown
    assert "\n" not in shown


@given(st.recursive(st.text() | st.integers() | st.floats() | st.booleans() | st.none(), st.lists))
def test_a_document_is_json_whatever_is_in_it(document: Any) -> None:
    text = as_json(document)
    text.encode()
    assert json.loads(text) == writable(document)


def test_an_error_shows_what_it_quotes_harmlessly() -> None:
    shown = UsageError("a\x1b[31m", where="b\nc", hints=("d\ne",)).explain()
    assert shown == "error[usage]: a\\x1b[31m\n  in b\\nc\nhint: d\\ne"


def _counting(steps: int) -> tuple[Domain, list[Event]]:
    domain = Domain("d")

    @domain.operator
    def count(state: State, name: str) -> State:
        return state

    domain.method("all")(lambda state: [("count", f":smile: [red]{n}\x1b[2J") for n in range(steps)])
    return domain, [Event(n, kind) for n in range(steps) for kind in ("start", "finish")]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20), (40, 3)])
def test_on_a_terminal_each_line_is_written_once_and_what_is_under_way_never_fills_it(width: int, height: int) -> None:
    written = StringIO()
    console = Console(file=written, force_terminal=True, width=width, height=height, emoji=False, markup=False)
    domain, events = _counting(60)
    with LiveTree(console) as tree:
        tree.planned(find_plan(domain, State(), [("all",)]))
        for event in events:
            tree.step(event)
            assert len(list(tree._under_way().renderables)) < max(2, height)
    text = re.sub(r"\x1b\[[0-9;]*m", "", written.getvalue())  # without colours
    assert [text.count(f"✓ done     {n}. count(") for n in range(1, 61)] == [1] * 60
    assert "\x1b[2J" not in text
    assert ":smile: [red]" in text


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield ours, theirs
    os.close(ours)


def test_a_terminal_keeps_each_line_of_a_run_once(htn: Shell, terminal: tuple[int, int], scripted: Scripted) -> None:
    ours, theirs = terminal
    running = subprocess.Popen(
        [sys.executable, "-m", "cli", "run", "reports", TASK],
        env=htn.environment | {"OLLAMA_ENDPOINT": scripted().endpoint, "TERM": "xterm", "NO_COLOR": "1"},
        cwd=htn.folder, stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    heard = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # what a terminal says when nobody is on it any more
            break
        if not more:
            break
        heard += more
    assert running.wait() == 0
    text = heard.decode()
    for line in ("✗ caught   rung 4", "★ admitted admit", "✓ planned  3 actions", "✓ done     3. write_report"):
        assert text.count(line) == 1
