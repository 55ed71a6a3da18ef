"""The runner of the local level: each call in a process of its own, with limits and without any fence.

It speaks the wire of `supervisor`, with the same frames and endings. What it holds back are mistakes: a body that
never ends, prints for ever or needs all memory. It stops no malice: a body runs as the user, and what leaves the
process group of its call goes on when the call has ended. It works on every system with processes and `poll`.
"""

import json
import math
import os
import platform
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from executor.sandbox.inside.answer import answer_to
from executor.sandbox.inside.frame import send

_CHUNK = 65536
_LOOK_MILLISECONDS = 50
_EXIT_HOST_GONE = 0


@dataclass
class _Pipe:
    """What arrives on one pipe, up to a limit."""

    limit: int
    ours: int = -1
    theirs: int = -1
    data: bytearray = field(default_factory=bytearray)
    over: bool = False

    def __post_init__(self) -> None:
        self.ours, self.theirs = os.pipe()
        os.set_blocking(self.ours, False)

    def read(self) -> bool:
        """Take what is there; return False when there is nothing."""
        try:
            chunk = os.read(self.ours, _CHUNK)
        except BlockingIOError:
            return False
        room = self.limit - len(self.data)
        self.over = self.over or len(chunk) > room
        self.data += chunk[: max(0, room)]
        return bool(chunk)


def serve(again: tuple[str, ...]) -> NoReturn:
    """Take over this process; descriptor 0 is the host's socket, `again` the command that runs one call."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    send(replies, {"hello": 1, "python": platform.python_version(), "machine": platform.machine(), "problem": ""})
    while True:
        line = requests.readline()
        header = json.loads(line) if line.endswith(b"\n") else {"size": 1}
        request = requests.read(header["size"])
        if len(request) < header["size"]:
            os._exit(_EXIT_HOST_GONE)
        with tempfile.TemporaryDirectory(prefix="htn-local-", ignore_cleanup_errors=True) as folder:
            reply, parts = _call(header, request, again, folder, requests.fileno())
        send(replies, reply, *parts)


def _call(
    header: dict[str, Any], request: bytes, again: tuple[str, ...], folder: str, requests: int
) -> tuple[dict[str, Any], list[bytes]]:
    started = time.monotonic()
    work = Path(folder, "work")
    work.mkdir()
    Path(folder, "request").write_bytes(request)
    pipes = [_Pipe(header["result_bytes"]), _Pipe(header["output_bytes"]), _Pipe(header["output_bytes"])]
    result, out, err = (pipe.theirs for pipe in pipes)
    with Path(folder, "request").open("rb") as feed:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            (*again, str(result)),
            stdin=feed,
            stdout=out,
            stderr=err,
            pass_fds=(result,),
            cwd=work,
            env={"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")},
            start_new_session=True,
        )
    for pipe in pipes:
        os.close(pipe.theirs)
    ending = _watch(process.pid, pipes, requests, started + header["seconds"])
    with suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    if not ending:
        os._exit(_EXIT_HOST_GONE)
    for pipe in pipes:
        os.close(pipe.ours)
    code = os.waitstatus_to_exitcode(status)
    parts = [bytes(pipe.data) for pipe in pipes]
    reply = {
        "id": header["id"],
        "ending": ending,
        "signalled": code < 0,
        "status": abs(code),
        "clean": True,
        "seconds": round(time.monotonic() - started, 6),
        "peak_memory": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "sizes": [len(part) for part in parts],
    }
    return reply, parts


def _watch(process: int, pipes: list[_Pipe], requests: int, deadline: float) -> str:
    """Take what the process says until it ends; return the ending, or nothing when the host is gone."""
    poll = select.poll()
    poll.register(requests, 0)  # 0: the host's going only, not its next request
    by_number = {pipe.ours: pipe for pipe in pipes}
    for number in by_number:
        poll.register(number, select.POLLIN)
    patience = _LOOK_MILLISECONDS
    while (remaining := (deadline - time.monotonic()) * 1000) > 0:
        for number, _ in poll.poll(min(remaining + 1, patience)):
            if number == requests:
                return ""
            if not by_number[number].read():
                poll.unregister(number)
                patience = 1  # a process that closes its pipes is about to end
        ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if ending := _ending(pipes, ended=ended):
            return ending
    return "timeout"


def _ending(pipes: list[_Pipe], *, ended: bool) -> str:
    """Return how a call has ended, or nothing when it goes on."""
    if ended:
        for pipe in pipes:
            while not pipe.over and pipe.read():
                continue
    result, *printed = pipes
    if result.over:
        return "result"
    if any(pipe.over for pipe in printed):
        return "output"
    return "exit" if ended else ""


def run(result: int) -> NoReturn:
    """Be the process of one call: limit, answer the request on descriptor 0, and leave."""
    request = json.loads(sys.stdin.buffer.read())
    os.set_inheritable(result, False)
    memory, processor = request["memory_mb"] * 2**20, math.ceil(request["seconds"]) + 1
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, processor), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            continue  # not on every system
    printed = [open(n, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) for n in (1, 2)]  # noqa: SIM115 - they live as long as the process
    sys.stdout, sys.stderr = printed
    rest = memoryview(answer_to(request))
    for stream in printed:
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the body closed it
    while rest:
        rest = rest[os.write(result, rest) :]
    os._exit(0)
