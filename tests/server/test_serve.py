"""htn serve as whoever starts it meets it."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from click.testing import CliRunner

from commands.output import Outcome
from commands.serve import command
from htn.errors import UsageError
from tests.commands.shell import Shell


def address(errors: IO[str] | None) -> tuple[str, str]:
    """Where the service answers, and what it said on the way."""
    assert errors is not None
    said = ""
    for line in errors:
        said += line
        if found := re.search(r"htn answers at (\S+);", line):
            return found[1], said
    raise AssertionError(said)


@pytest.fixture
def started(htn: Shell) -> Iterator["subprocess.Popen[str]"]:
    process = htn.start("serve", "--port", "0", "--trust-loopback")
    yield process
    process.kill()
    process.communicate()


def test_it_says_where_it_answers_warns_and_ends_in_good_order_when_it_is_told_to(
    htn: Shell, started: "subprocess.Popen[str]"
) -> None:
    url, said = address(started.stderr)
    assert "every program and every user of this machine can run code here without a token" in said
    task = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
    assert httpx.post(f"{url}/api/v1/plans", json=task, timeout=60).json()["ok"]
    run = httpx.post(f"{url}/api/v1/runs", json=task, timeout=60).json()
    started.send_signal(signal.SIGTERM)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 0, errors
    logged = [json.loads(line) for line in errors.splitlines()]
    assert {"method", "route", "status", "request_id", "milliseconds"} <= logged[0].keys()
    left = htn("plan", "travel", "travel(alice, home, park)")  # nothing holds the library any more
    assert left.code == 0
    assert run["id"].startswith("http-")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with httpx.Client(), pytest.raises(UsageError, match="cannot listen"):
        CliRunner().invoke(
            command, ["--host", "203.0.113.1", "--data-dir", str(tmp_path), "--sandbox", "lockdown"],
            obj=Outcome(), catch_exceptions=False,
        )  # fmt: skip
