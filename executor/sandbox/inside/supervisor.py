"""The supervisor: process 1 of a container, or the root of the locked tree. It runs no body.

The wire. Both directions carry frames: one line of JSON that gives the sizes, then raw bytes.

    host       {id, size, seconds, output_bytes, result_bytes} + the request
    supervisor {hello, python, machine, problem}                 once, at the start
    supervisor {id, ending, signalled, status, clean, seconds, peak_memory, sizes} + answer, stdout, stderr

The supervisor reads the first line of a request only; the rest goes to the child unread. Endings:

    exit      the child ended by itself; `status` is its exit status or signal
    timeout   the clock ran out; the child was killed
    output    the child printed more than `output_bytes`; it was killed
    result    the child's answer is larger than `result_bytes`; it was killed

After each call a container's supervisor kills whatever else runs, empties the writable folders and
says whether that worked. Under lockdown there is nothing to kill, since a body cannot start a
process, and nothing to empty but the private folder that the wide profile has. Only then is the next
child forked, so that no two are there at once; it waits for its request, which therefore need not
wait for a fork. When the host goes, the supervisor ends at once, also within a call, and all below
it is killed by the kernel.
"""

import importlib
import json
import os
import platform
import select
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from executor.sandbox.inside import zygote
from executor.sandbox.inside.folder import private_folder
from executor.sandbox.inside.frame import send
from executor.sandbox.inside.landlock import fence
from executor.sandbox.inside.process import die_with, hide, renounce, volunteer_for_the_oom_killer
from executor.sandbox.inside.seccomp import lock_system_calls

EXIT_HOST_GONE, EXIT_ZYGOTE_GONE, EXIT_CANNOT_SWEEP = 0, 73, 71
WRITABLE_FOLDERS = ("/tmp", "/dev/shm")  # noqa: S108 - the container's own, emptied after each call
_CHUNK = 65536
_PATIENCE = 5.0


@dataclass(frozen=True)
class _Waiting:
    """A child that has been forked for the next call, and our ends of its pipes."""

    process: int
    feed: int
    outputs: tuple[int, ...]


@dataclass
class _Capture:
    """What arrives on one pipe, up to a limit."""

    limit: int
    data: bytearray = field(default_factory=bytearray)
    over: bool = False

    def read(self, descriptor: int) -> bool:
        """Take what is there; return False at the end of the pipe."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        room = self.limit - len(self.data)
        self.over = self.over or len(chunk) > room
        self.data += chunk[: max(0, room)]
        return bool(chunk)


class Supervisor:
    """One call after the other, each in a child of the zygote."""

    def __init__(self, requests: int, replies: int, *, kills: bool, folders: tuple[str, ...]) -> None:
        self._requests = os.fdopen(requests, "rb", buffering=_CHUNK)
        self._replies = replies
        self._kills = kills
        self._folders = folders
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        me = os.getpid()
        self._zygote = os.fork()
        if self._zygote == 0:
            self._control.close()
            os.close(requests)
            os.close(replies)
            zygote.run(theirs, me, contained=kills)
        theirs.close()
        self._waiting = self._fork()

    def serve(self) -> NoReturn:
        """Answer requests until the host goes."""
        while True:
            line = self._requests.readline()
            header = json.loads(line) if line.endswith(b"\n") else {"size": 1}
            request = self._requests.read(header["size"])
            if len(request) < header["size"]:
                os._exit(EXIT_HOST_GONE)
            self._call(header, request)
            self._waiting = self._fork()

    def _fork(self) -> _Waiting:
        """Have the next child forked."""
        feed_end, feed = os.pipe()
        pairs = [os.pipe() for _ in range(zygote.PIPES - 1)]
        theirs = [feed_end, *(other for _, other in pairs)]
        socket.send_fds(self._control, [b"!"], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        child = zygote.STARTED.unpack(self._hear(zygote.STARTED.size))[0]
        for ours, _ in pairs:
            os.set_blocking(ours, False)
        return _Waiting(child, feed, tuple(ours for ours, _ in pairs))

    def _living(self) -> _Waiting:
        """Return the waiting child, or another one where it has died of something while it waited."""
        while select.select([self._control], [], [], 0)[0]:
            self._hear(zygote.ENDED.size)
            self._control.send(b"!")
            self._hear(zygote.REAPED.size)
            for descriptor in (self._waiting.feed, *self._waiting.outputs):
                os.close(descriptor)
            self._waiting = self._fork()
        return self._waiting

    def _call(self, header: dict[str, Any], request: bytes) -> None:
        started = time.monotonic()
        child = self._living()
        output, result = header["output_bytes"], header["result_bytes"]
        limits = zip(child.outputs, (result, output, output), strict=True)
        captures = {descriptor: _Capture(limit) for descriptor, limit in limits}
        ending, end = self._watch(captures, (child.feed, request), started + header["seconds"])
        if not end:
            os.kill(child.process, signal.SIGKILL)
            self._control.settimeout(_PATIENCE)
            end = self._hear(zygote.ENDED.size)
            self._control.settimeout(None)
        self._control.send(b"!")
        peak_memory = zygote.REAPED.unpack(self._hear(zygote.REAPED.size))[0]
        clean = (not self._kills or self._kill_the_rest()) and empty_folders(self._folders)
        for descriptor in captures:
            os.close(descriptor)
        signalled, status = zygote.ENDED.unpack(end)
        parts = [bytes(capture.data) for capture in captures.values()]
        reply = {
            "id": header["id"],
            "ending": ending,
            "signalled": bool(signalled),
            "status": status,
            "clean": clean,
            "seconds": round(time.monotonic() - started, 6),
            "peak_memory": peak_memory,
            "sizes": [len(part) for part in parts],
        }
        send(self._replies, reply, *parts)

    def _watch(self, captures: dict[int, _Capture], feeding: tuple[int, bytes], deadline: float) -> tuple[str, bytes]:
        """Feed the child and take what it says; return the ending, and the child's end if it came."""
        feed, rest = feeding[0], memoryview(feeding[1])
        os.set_blocking(feed, False)
        control = self._control.fileno()
        poll = select.poll()
        poll.register(self._requests.fileno(), 0)  # 0: the host's going only, not its next request
        poll.register(feed, select.POLLOUT)
        for readable in (*captures, control):
            poll.register(readable, select.POLLIN)
        ending, end = "", b""
        while not ending:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                ending = "timeout"
                break
            for descriptor, _ in poll.poll(remaining * 1000 + 1):
                if descriptor == self._requests.fileno():
                    os._exit(EXIT_HOST_GONE)
                elif descriptor == feed:
                    rest = _fed(feed, rest)
                    if not rest:
                        poll.unregister(feed)
                        os.close(feed)
                elif descriptor == control:
                    end = self._hear(zygote.ENDED.size)
                elif not captures[descriptor].read(descriptor):
                    poll.unregister(descriptor)
            if end:
                _drain(captures)
                ending = "exit"
            ending = _overflow(captures) or ending
        if rest:
            os.close(feed)
        return ending, end

    def _hear(self, size: int) -> bytes:
        try:
            message = self._control.recv(size)
        except TimeoutError:
            message = b""
        if len(message) != size:
            os._exit(EXIT_ZYGOTE_GONE)
        return message

    def _kill_the_rest(self) -> bool:
        """Kill all but this process and the zygote; return whether nothing is left."""
        deadline = time.monotonic() + _PATIENCE
        spared = {os.getpid(), self._zygote}
        while time.monotonic() < deadline:
            while (reaped := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                if reaped == self._zygote:
                    os._exit(EXIT_ZYGOTE_GONE)
            running = {int(name) for name in os.listdir("/proc") if name.isdigit()} - spared  # noqa: PTH208 - names only
            if not running:
                return True
            for process in running:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.0005)
        os._exit(EXIT_CANNOT_SWEEP)


def _fed(feed: int, rest: memoryview) -> memoryview:
    """Write what the pipe takes; return what is left, nothing when nobody reads any more."""
    try:
        return rest[os.write(feed, rest) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _drain(captures: dict[int, _Capture]) -> None:
    """Take what is in the pipes without waiting for their end: another process may hold them."""
    for descriptor, capture in captures.items():
        while not capture.over and capture.read(descriptor):
            continue


def _overflow(captures: dict[int, _Capture]) -> str:
    result, *printed = captures.values()
    if result.over:
        return "result"
    return "output" if any(capture.over for capture in printed) else ""


def empty_folders(folders: tuple[str, ...]) -> bool:
    """Remove what is in the folders; return whether all of it is gone."""
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    Path(entry.path).unlink()
        except FileNotFoundError:
            continue
        except (OSError, RecursionError):
            return False  # without rights, or too deep: the host replaces the container
    return True


def _prove_the_lock() -> None:
    """Lock a child that does nothing. Raises `OSError` where the kernel has no such lock."""
    child = os.fork()
    if child == 0:
        try:
            lock_system_calls()
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise OSError(f"the kernel ({platform.machine()}) refuses the system call filter (seccomp)")


def _leave_with(host: int) -> None:
    """End when the host ends. The kernel's notice also comes when only its thread ends."""

    def end_if_orphaned(*_: object) -> None:
        if os.getppid() != host:
            os._exit(EXIT_HOST_GONE)

    signal.signal(signal.SIGTERM, end_if_orphaned)
    die_with(host, signal.SIGTERM)


def main(level: str, host: int, wide: bool) -> NoReturn:
    """Take over this process: `level` is docker or lockdown, `host` the process that started it.

    `wide` says that calls will have the wide profile.
    """
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for module in zygote.USUAL_MODULES:
        importlib.import_module(module)
    hello = {"hello": 1, "python": platform.python_version(), "machine": platform.machine()}
    folders: tuple[str, ...] = WRITABLE_FOLDERS
    try:
        if level == "lockdown":
            _leave_with(host)
            volunteer_for_the_oom_killer()
            folder = private_folder() if wide else ""
            renounce()
            fence(folder)
            folders = (folder,) if folder else ()
        else:
            renounce()
        hide()
        _prove_the_lock()
        supervisor = Supervisor(requests, replies, kills=level == "docker", folders=folders)
    except OSError as error:
        send(replies, {**hello, "problem": str(error)})
        sys.exit(1)
    send(replies, {**hello, "problem": ""})
    supervisor.serve()
