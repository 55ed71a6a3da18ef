"""The bridge: runs beside a kernel, with `jupyter_client` to it on one side and lines of JSON on the other.

    host     {run: code, id, seconds, most}     one at a time
    host     {interrupt: true}                  at any time
    bridge   {hello, problem}                   once
    bridge   {id, kind, content}                for each thing that the cell shows
    bridge   {id, ending, count, seconds}       done, timeout, output, interrupted or dead; then the next cell

A cell that runs too long, or shows more than `most` bytes, is interrupted; when the kernel does not come back within a
few seconds it is killed, which the ending says. When the host goes, the bridge ends and the kernel with it.

This file is sent as text to an interpreter that has `jupyter_client` and `ipykernel`; it imports those and the
standard library.
"""

import json
import os
import queue
import sys
import time
from typing import Any, NoReturn

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

_START_SECONDS = 60.0
_PATIENCE_SECONDS = 3.0
_REPLY_SECONDS = 1.0
_STEP_MILLISECONDS = 100
_SHOWN = ("stream", "display_data", "execute_result", "update_display_data", "error")


class Bridge:
    """One kernel and the host that it serves."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests, self._replies = requests, replies
        self._lines = bytearray()
        self._waiting: list[dict[str, Any]] = []
        folder = f"{os.environ.get('HOME', '/tmp')}/k{os.getpid()}"  # noqa: S108 - of the container, or of this run
        self._manager = KernelManager(transport="ipc", ip=folder, connection_file=f"{folder}.json")
        command = [sys.executable, *_OPTIONS, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._manager._kernel_spec = KernelSpec(argv=command, display_name="python", language="python")
        self._manager.start_kernel(env=dict(os.environ))
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_START_SECONDS)

    def serve(self) -> NoReturn:
        """Run cells until the host goes."""
        self._say({"hello": 1, "problem": ""})
        while True:
            request = self._next()
            if "run" in request:
                self._run(request)

    def _run(self, request: dict[str, Any]) -> None:
        started = time.monotonic()
        deadline, room = started + request["seconds"], request["most"]
        asked = self._client.execute(request["run"], allow_stdin=False)
        ending, patience, count = "done", 0.0, None
        poller = zmq.Poller()
        poller.register(self._client.iopub_channel.socket, zmq.POLLIN)
        poller.register(self._requests, zmq.POLLIN)
        idle = False
        while not idle:
            ready = dict(poller.poll(_STEP_MILLISECONDS))
            if self._requests in ready:
                self._hear()
            if self._interrupted():
                self._manager.interrupt_kernel()
            now = time.monotonic()
            if ending == "done" and (now > deadline or room < 0):
                ending, patience = ("output" if room < 0 else "timeout"), now + _PATIENCE_SECONDS
                self._manager.interrupt_kernel()
            if (patience and now > patience) or not self._manager.is_alive():
                self._manager.shutdown_kernel(now=True)
                self._say({"id": request["id"], "ending": "dead", "count": count, "seconds": now - started})
                os._exit(0)
            if self._client.iopub_channel.socket not in ready:
                continue
            message = self._client.get_iopub_msg(timeout=1)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_input":
                count = content.get("execution_count")
            idle = kind == "status" and content.get("execution_state") == "idle"
            if kind in _SHOWN and room >= 0:
                room -= self._show(request["id"], kind, content, room)
        if ending == "done" and not self._ran(asked):
            ending = "interrupted"
        self._say({"id": request["id"], "ending": ending, "count": count, "seconds": time.monotonic() - started})

    def _ran(self, asked: str) -> bool:
        """Tell whether the kernel ran the cell: it replies to none that was interrupted before it began."""
        while True:
            try:
                reply = self._client.get_shell_msg(timeout=_REPLY_SECONDS)
            except queue.Empty:
                return False
            if reply["parent_header"].get("msg_id") == asked:
                return reply["content"].get("status") in ("ok", "error")

    def _show(self, identity: str, kind: str, content: dict[str, Any], room: int) -> int:
        """Hand one output on if there is room for it; return its size."""
        line = {"id": identity, "kind": kind, "content": content}
        size = len(json.dumps(line, default=str))
        if kind == "stream" and size > room:
            line["content"] = {**content, "text": content["text"][: max(0, room)]}
        if size <= room or kind == "stream":
            self._say(line)
        return size

    def _interrupted(self) -> bool:
        asked = any("interrupt" in each for each in self._waiting)
        self._waiting = [each for each in self._waiting if "interrupt" not in each]
        return asked

    def _next(self) -> dict[str, Any]:
        while not self._waiting:
            self._hear()
        return self._waiting.pop(0)

    def _hear(self) -> None:
        """Take what the host says; end when it is gone."""
        data = os.read(self._requests, 65536)
        if not data:
            self._manager.shutdown_kernel(now=True)
            os._exit(0)
        self._lines += data
        *lines, rest = bytes(self._lines).split(b"\n")
        self._lines = bytearray(rest)
        self._waiting += [json.loads(line) for line in lines]

    def _say(self, line: dict[str, Any]) -> None:
        rest = memoryview(json.dumps(line, default=str).encode() + b"\n")
        while rest:
            rest = rest[os.write(self._replies, rest) :]


_OPTIONS = ("-s", "-P", "-B")


def main() -> NoReturn:
    """Take over this process: descriptors 0 and 1 are the host's."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        bridge = Bridge(requests, replies)
    except (RuntimeError, OSError, ValueError) as error:
        os.write(replies, json.dumps({"hello": 1, "problem": f"the kernel does not start: {error}"}).encode() + b"\n")
        os._exit(1)
    bridge.serve()


if __name__ == "__main__":
    main()
