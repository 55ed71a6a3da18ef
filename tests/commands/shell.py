"""The command line as a person uses it, with a library of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from executor.model.standin import StandIn
from tests.commands.warm import Warm

ANSWERS = Path(__file__).parents[2] / "examples" / "demo_answers.json"
NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs `htn` with settings that no other test shares."""

    environment: dict[str, str]
    folder: Path
    warm: Warm

    def __call__(self, *words: str, **environment: str) -> Said:
        """Run a command in a process that has imported everything (see `Warm`)."""
        if any(name.startswith(("PYTHON", "LANG", "LC_")) for name in environment):
            return self.process(*words, **environment)
        return Said(*self.warm(words, self.environment | environment, self.folder))

    def process(self, *words: str, **environment: str) -> Said:
        """Run a command in a process that is started as a person starts it."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            env=self.environment | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *words],
            env=self.environment | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture
def folder() -> Iterator[Path]:
    """A working directory with a short path, because the path of a socket has to be short."""
    path = Path(tempfile.mkdtemp(prefix="htn-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    opened = Warm()
    yield opened
    opened.close()


@pytest.fixture
def htn(folder: Path, warm: Warm) -> Shell:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),  # the commands of this tree, whatever is installed
        "HOME": str(folder),
        "HTN_DATA_DIR": str(folder / "data"),
        "HTN_SANDBOX": "lockdown",
        "HTN_MODEL": "ollama:scripted",
        "OLLAMA_ENDPOINT": NOBODY,
        "LANG": "C.UTF-8",
    }
    return Shell(environment, folder, warm)


@pytest.fixture
def scripted() -> Iterator[Callable[..., StandIn]]:
    """Start stand-ins: with the answers of the demo, or with others."""
    started: list[StandIn] = []

    def start(script: Any = ANSWERS) -> StandIn:
        server = StandIn(script)
        server.__enter__()
        started.append(server)
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)
