"""A command waits for no module that it does not use."""

import json
import subprocess
import sys

import pytest

from tests.commands.shell import Shell

CLIENTS = {"docker", "httpx", "hypothesis", "networkx", "ollama", "websockets"}
LEARNING = {"executor.generate.propose", "executor.learn", "executor.sandbox.choose", "executor.validate.ladder"}
TERMINALS = {"rich.live", "rich.progress", "rich.syntax"}


def imported_with(*modules: str) -> set[str]:
    """Return what a process has imported once it has imported these modules."""
    words = "".join(f"import {module}\n" for module in modules) + "import json, sys\nprint(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "modules",
    [("executor.agent",), ("commands.plan", "commands.run"), ("commands.library", "commands.retries")],
    ids=" ".join,
)
def test_planning_running_and_looking_wait_for_no_client_and_for_nothing_that_learns(modules: tuple[str, ...]) -> None:
    assert imported_with(*modules) & (CLIENTS | LEARNING | TERMINALS) == set()


def test_help_waits_for_nothing_but_planning() -> None:
    assert {name for name in imported_with("commands") if name.startswith(("executor", "pydantic", "redis"))} == set()


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("plan", "travel", "travel(alice, home, park)"),
        ("plan", "travel", "travel(alice, home, moon)", "--json"),
        ("run", "travel", "travel(alice, home, park)"),
        ("run", "reports", "report(seattle, temp_max)", "--learn", "never"),
        ("learn", "travel", "walk(alice, home, park)"),
        ("library", "list"),
        ("library", "show", "nothing"),
        ("retries", "nothing", "--json"),
        ("proposals", "list"),
        ("cache", "status"),
        ("code", "validate", "none.py"),
        ("sandbox", "nonsense"),
        ("doctor", "--settings"),
    ],
    ids=" ".join,
)
def test_a_command_says_the_same_in_a_process_of_its_own_as_where_everything_is_imported(
    htn: Shell, words: tuple[str, ...]
) -> None:
    own, warm = htn.process(*words), htn(*words)
    if "run" not in words:  # a run tells how long its steps took
        assert own == warm
    assert (own.code, own.out) == (warm.code, warm.out)
    assert own.out or own.err


def test_a_command_that_is_killed_is_told_from_one_that_ends(htn: Shell) -> None:
    dies = "import os, signal\nfrom htn import Domain\nd = Domain('d')\nos.kill(os.getpid(), signal.SIGKILL)\n"
    htn.write("dies.py", dies)
    assert htn("plan", "dies.py", "t()").code == htn.process("plan", "dies.py", "t()").code == -9
