"""The worker: takes requests from the host, runs each in a WebAssembly machine of its own, and replies.

It speaks the wire of `inside.supervisor`, with the same frames and the same endings. Each call has a fresh machine, so
nothing is left from one call to the next. What a body prints arrives as it prints it, and is counted; a body that
prints too much cannot be stopped from outside its machine, so the worker replies and ends, and the host starts
another one. What a body writes to the descriptors 1 and 2 themselves, past `sys.stdout`, reaches nobody.

Why a process: a body that recurses deeply overflows the native stack, and that aborts the process it is in.

This file is sent as text to an interpreter that has `eryx`; it imports that and the standard library.
"""

import json
import os
import platform
import select
import sys
import threading
import time
from typing import Any, NoReturn

import eryx

_EXIT_HOST_GONE, _EXIT_FULL = 0, 72
_VFS_BYTES = 16 * 2**20


class _Printed:
    """What a body has printed on one stream, up to a limit."""

    def __init__(self, limit: int, full: threading.Event) -> None:
        self.data = bytearray()
        self._limit = limit
        self._full = full

    def take(self, chunk: bytes) -> None:
        """Keep what there is room for; say so when there is more."""
        room = self._limit - len(self.data)
        self.data += chunk[:room]
        if len(chunk) > room:
            self._full.set()


class Worker:
    """One call after the other."""

    def __init__(self, requests: int, replies: int, answering: str) -> None:
        self._requests = os.fdopen(requests, "rb")
        self._replies = replies
        self._answering = answering

    def serve(self) -> NoReturn:
        """Answer requests until the host goes."""
        threading.Thread(target=_leave_with_the_host, args=(self._requests.fileno(),), daemon=True).start()
        send(self._replies, {"hello": 1, "python": _python(), "machine": platform.machine(), "problem": ""})
        while True:
            line = self._requests.readline()
            header = json.loads(line) if line.endswith(b"\n") else {"size": 1}
            request = self._requests.read(header["size"])
            if len(request) < header["size"]:
                os._exit(_EXIT_HOST_GONE)
            self._call(header, request.decode())

    def _call(self, header: dict[str, Any], request: str) -> None:
        started = time.monotonic()
        full, over = threading.Event(), threading.Event()
        out, err = (_Printed(header["output_bytes"], full) for _ in range(2))
        memory = json.loads(request)["memory_mb"] * 2**20
        ended: dict[str, Any] = {"ending": "exit", "signalled": False, "status": 0, "peak_memory": None}
        answer = b""

        def reply() -> None:
            parts = (answer, bytes(out.data), bytes(err.data))
            about = {
                "id": header["id"],
                "clean": ended["ending"] != "output",
                "seconds": round(time.monotonic() - started, 6),
            }
            send(self._replies, {**about, **ended, "sizes": [len(part) for part in parts]}, *parts)

        def stop_when_full() -> None:
            full.wait()
            if not over.is_set():
                ended["ending"] = "output"
                reply()
                os._exit(_EXIT_FULL)

        watcher = threading.Thread(target=stop_when_full, daemon=True)
        watcher.start()
        limits = eryx.ResourceLimits(
            execution_timeout_ms=max(1, int(header["seconds"] * 1000)),
            max_memory_bytes=memory,
            max_callback_invocations=0,
            max_vfs_bytes=_VFS_BYTES,
        )
        try:
            machine = eryx.Sandbox(resource_limits=limits, on_stdout=out.take, on_stderr=err.take)
            done = machine.execute(self._program(request))
            answer = (done.result_json or "").encode()
            ended["peak_memory"] = done.peak_memory_bytes
        except TimeoutError:
            ended["ending"] = "timeout"
        except eryx.EryxError:  # it left in the middle: `os._exit`, or the machine could not go on
            ended["status"] = 1
        if full.is_set():
            watcher.join()  # it replies and ends this process
        over.set()
        full.set()
        watcher.join()
        if len(answer) > header["result_bytes"]:
            answer, ended["ending"] = answer[: header["result_bytes"]], "result"
        reply()

    def _program(self, request: str) -> str:
        """Return what is run: the part that answers, then the request, which is a text of ASCII in quotes."""
        return f"{self._answering}import json\nresult = json.loads(answer_to(json.loads({request!r})))\n"


def send(descriptor: int, header: dict[str, Any], *parts: bytes) -> None:
    """Write one frame."""
    rest = memoryview(json.dumps(header).encode() + b"\n" + b"".join(parts))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _leave_with_the_host(descriptor: int) -> None:
    """End this process when the other end of its socket is closed, also in the middle of a call."""
    poll = select.poll()
    poll.register(descriptor, 0)
    poll.poll()
    os._exit(_EXIT_HOST_GONE)


def _python() -> str:
    found = eryx.Sandbox().execute("import sys\nresult = sys.version.split()[0]").result
    return str(found)


def main(answering: str) -> NoReturn:
    """Take over this process: descriptor 0 is the socket of the host."""
    requests, replies = os.dup(0), os.dup(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    Worker(requests, replies, answering).serve()


if __name__ == "__main__":
    main(sys.argv[1])
