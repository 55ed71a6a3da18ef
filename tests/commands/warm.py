"""Processes that begin as a command does when it has imported everything.

Most tests of a command are about what it says and does, and a process of its own spends most of its time on imports.
So one process imports them once, and forks for each command. What it forks is a process like any other: it has the
arguments, environment, folder and streams that it is given, ends as Python ends, and may be killed. What it does not
show: that the imports suffice, what Python reads from its environment as it starts (`PYTHON…`, the locale), and a hash
seed of its own. Signals, terminals and closed pipes are tried on processes that are started as a person starts them.

This module is both ends: `Warm` asks, and run as a program it forks.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 120.0
_MOST = 2**20  # bytes of a request
_IMPORTED = (
    "cli", "commands.main", "commands.approve", "commands.cache", "commands.cancel",
    "commands.code", "commands.doctor", "commands.learn",
    "commands.replay", "commands.resume", "commands.runs", "commands.watch",
    "commands.library", "commands.plan", "commands.proposals", "commands.retries", "commands.review", "commands.run",
    "commands.sandbox", "executor.actor", "executor.compare", "executor.exchange", "executor.foresee",
    "executor.learn_settings", "executor.sandbox.choose", "executor.similar", "executor.unadmitted",
    "executor.validate.provider", "docker", "httpx", "ollama", "rich.live", "rich.progress",
)  # fmt: skip


class Warm:
    """Asks the process that forks. It is started when it is first asked, and ends when this one closes."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None

    def __call__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, *, together: bool = False
    ) -> tuple[int, str, str]:
        """Run a command; return its exit code and what it wrote, both streams as one where they go `together`."""
        ours, theirs = socket.socketpair()
        request = json.dumps({"words": list(words), "environment": dict(environment), "folder": str(folder)}).encode()
        with TemporaryFile() as out, TemporaryFile() as err, Path(os.devnull).open() as nothing, ours, theirs:
            streams = [nothing.fileno(), out.fileno(), (out if together else err).fileno(), theirs.fileno()]
            socket.send_fds(self._opened(), [request], streams)
            theirs.close()
            code = _ended(ours, [*words])
            return code, _text(out), _text(err)

    def close(self) -> None:
        """Let the process that forks end."""
        if self._line:
            self._line.close()
            self._process.wait()

    def _opened(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.commands.warm", str(theirs.fileno())],
                cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
            )  # fmt: skip
            theirs.close()
        return self._line


def _ended(reply: socket.socket, words: list[str]) -> int:
    """Wait for a command to end, and return its exit code; one that takes too long is killed."""
    reply.settimeout(SECONDS)
    with reply.makefile() as lines:
        process = int(lines.readline())
        try:
            return int(lines.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(words, SECONDS) from None


def _text(stream: Any) -> str:
    stream.seek(0)
    return str(stream.read().decode())


def _serve(line: socket.socket) -> list[str]:
    """Fork for each request until nobody asks any more. Returns, in a fork, the words of its command."""
    while True:
        request, handed, _, _ = socket.recv_fds(line, _MOST, 4)
        if not request:
            sys.exit(0)
        if os.fork() == 0:
            line.close()
            return _begun(json.loads(request), handed)
        for descriptor in handed:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):  # there is none any more
            while os.waitpid(-1, os.WNOHANG)[0]:  # one more has told what its command came to
                pass


def _begun(request: dict[str, Any], handed: list[int]) -> list[str]:
    """Fork the command and wait for it. Returns, in the fork, its words; the one that waits ends here."""
    *streams, line = handed
    if process := os.fork():
        for descriptor in streams:
            os.close(descriptor)
        with socket.socket(fileno=line) as reply:
            reply.sendall(f"{process}\n".encode())
            _, status = os.waitpid(process, 0)
            with contextlib.suppress(OSError):  # whoever asked has given up
                reply.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    os.close(line)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    words: list[str] = request["words"]
    return words


if __name__ == "__main__":
    asked = socket.socket(fileno=int(sys.argv[1]))
    for module in _IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # no fork looks for garbage among what was imported
    sys.argv[:] = [str(ROOT / "cli.py"), *_serve(asked)]
    importlib.import_module("cli").main()
