"""A command waits for no module that it does not use."""

import json
import subprocess
import sys

import pytest

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
    assert {name for name in imported_with("cli") if name.startswith(("executor", "pydantic", "redis"))} == set()
