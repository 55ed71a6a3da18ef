"""A kernel at the other end of a stream of lines: in a container of its own, or as a plain process.

The container is as hard as one for bodies (see `hardening`), with more memory for the kernel itself. What is missing
is the inner wall: cells share one process, and that process may start others.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from types import TracebackType
from typing import Any, Literal, Self

from executor.sandbox.container import StreamLink, attached_stream
from executor.sandbox.engine import Engine, connect, engine_failures
from executor.sandbox.hardening import Fence, hardening
from executor.sandbox.image import SandboxImage, ensure_image
from executor.sandbox.inside.answer import PACKAGES
from executor.sandbox.jupyter.image import INSTALL, kernel_distributions, kernel_image
from executor.sandbox.jupyter.kernel import Cell, problem_of
from executor.sandbox.jupyter.output import Output, read_output
from executor.sandbox.local import WARNING
from executor.sandbox.orphans import remove, remove_orphans
from executor.sandbox.protocol import SandboxLimits
from executor.sandbox.syscalls import profile
from executor.sandbox.wire import Link, LinkLateError, LinkLostError, SocketLink
from htn.errors import ServiceMissing, UsageError

KERNEL_MEMORY = 256
_START_SECONDS = 90.0
_GRACE_SECONDS = 8.0
_MOST_CODE = 2**20
_NETLINK, _ROUTE = 16, 0
_ENDINGS = ("done", "timeout", "output", "interrupted", "dead")


class PipedKernel(ABC):
    """What kernels behind a stream have in common: everything but where they are."""

    level: str
    description: str
    does_not_cover: tuple[str, ...]

    def __init__(self, link: Link, limits: SandboxLimits) -> None:
        self.limits = limits
        self._link = link
        self._lines = bytearray()
        self._running = threading.Lock()
        self._sending = threading.Lock()
        self._busy = False
        self._closed = False
        self._lost = False

    @abstractmethod
    def _stop(self) -> None:
        """End the kernel's container or process."""

    def start(self) -> None:
        """Wait until the kernel is there. Raises `ServiceMissing`."""
        try:
            problem = self._line(time.monotonic() + _START_SECONDS, 65536).get("problem", "it says nothing of itself")
        except (LinkLostError, LinkLateError) as error:
            problem = str(error) or "it does not answer"
        except BaseException:
            self.close()
            raise
        if problem:
            self.close()
            raise ServiceMissing(f"a Jupyter kernel cannot start: {problem}", hints=INSTALL)

    def run(self, code: str, *, seconds: float | None = None) -> Cell:
        """Run a cell; see `Kernel.run`."""
        if len(code) > _MOST_CODE:
            raise UsageError(f"a cell of {len(code)} characters is too large; the most is {_MOST_CODE}")
        allowed = replace(self.limits, seconds=seconds) if seconds is not None else self.limits
        with self._running:
            if self._closed:
                raise UsageError("the kernel is closed", hints=("open another one",))
            started = time.monotonic()
            if self._lost:
                return self._cell([], "dead", None, 0.0, allowed)
            self._busy = True
            try:
                return self._run(code, allowed, started)
            except (LinkLostError, LinkLateError):
                self._lost = True
                return self._cell([], "dead", None, time.monotonic() - started, allowed)
            except BaseException:  # an interrupt leaves outputs on the wire that nobody reads
                self._lost = True
                raise
            finally:
                self._busy = False

    def interrupt(self) -> None:
        """Interrupt the cell that runs."""
        if self._busy:
            self._send({"interrupt": True}, time.monotonic() + _GRACE_SECONDS)

    def close(self) -> None:
        """End the kernel."""
        if not self._closed:
            self._closed = True
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, code: str, allowed: SandboxLimits, started: float) -> Cell:
        identity, most = secrets.token_hex(8), allowed.result_bytes
        deadline = started + allowed.seconds + _GRACE_SECONDS
        self._send({"run": code, "id": identity, "seconds": allowed.seconds, "most": most}, deadline)
        outputs: list[Output] = []
        room = 2 * most + 65536
        while True:
            line = self._line(deadline, room)
            if line.get("id") != identity:
                raise LinkLostError("an answer does not fit its cell")
            match line:
                case {"ending": str(ending), "seconds": float(spent), "count": int() | None as count} if (
                    ending in _ENDINGS
                ):
                    self._lost = ending == "dead"
                    return self._cell(outputs, ending, count, spent, allowed)
                case {"kind": str(kind), "content": dict(content)}:
                    room -= len(str(content))
                    output = read_output(kind, content)
                    if output is not None:
                        outputs.append(output)
                case _:
                    raise LinkLostError("the bridge says what it must not say")

    def _cell(
        self, outputs: list[Output], ending: str, count: int | None, seconds: float, allowed: SandboxLimits
    ) -> Cell:
        problem = problem_of(ending, outputs, allowed.seconds, allowed.result_bytes)
        return Cell(tuple(outputs), problem, count, seconds, ending == "output", self.level)

    def _send(self, line: dict[str, Any], deadline: float) -> None:
        with self._sending:
            self._link.send(json.dumps(line).encode() + b"\n", deadline)

    def _line(self, deadline: float, most: int) -> dict[str, Any]:
        while (end := self._lines.find(b"\n")) < 0:
            if len(self._lines) > max(0, most):
                raise LinkLostError("a line of the bridge is too long")
            self._lines += self._link.receive(deadline)
        line = bytes(self._lines[:end])
        del self._lines[: end + 1]
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise LinkLostError("the bridge says what is no line")
        return found


class ContainerKernel(PipedKernel):
    """A kernel in a container of its own."""

    level = "docker"
    does_not_cover = (
        "one cell from the next: they share variables, files and processes on purpose",
        "faults in the kernel calls that programs need: containers share the kernel",
        "what a cell says of its own outputs",
    )

    def __init__(self, engine: Engine, image: SandboxImage, limits: SandboxLimits, fence: Fence, name: str) -> None:
        remove_orphans(engine)
        roomy = replace(limits, memory_mb=limits.memory_mb + KERNEL_MEMORY)
        with engine_failures("starting a container for a kernel"):
            self._container = engine.client.containers.create(
                name,
                ["-s", "-P", "-B", "-c", _bridge_source()],
                entrypoint=["python3"],
                environment={"HOME": "/tmp", "PYTHONPATH": PACKAGES, "IPYTHONDIR": "/tmp/ipython"},  # noqa: S108 - there
                **_for_a_kernel(hardening(roomy, fence), fence),
            )
            try:
                super().__init__(StreamLink(attached_stream(engine, self._container)), limits)
                self._container.start()
            except BaseException:
                remove(self._container)
                raise
        self._engine = engine
        self.description = f"a Jupyter kernel in Docker {engine.version}, image {image.reference}, no network"

    def _stop(self) -> None:
        self._link.close()
        try:
            with engine_failures("removing the container of a kernel"):
                remove(self._container)
        except ServiceMissing:
            return  # the engine is gone; its label lets a later sandbox find the container
        finally:
            self._engine.client.close()


class LocalKernel(PipedKernel):
    """A kernel as a plain process of this user: no fence, only by name."""

    level = "local"
    description = "a Jupyter kernel as a plain process of this user, with no sandbox"
    does_not_cover = ("anything: a cell can do whatever this user can do",)

    def __init__(self, limits: SandboxLimits, warn: Callable[[str], None]) -> None:
        warn(WARNING)
        kernel_distributions()
        self._folder = tempfile.TemporaryDirectory(prefix="htn-kernel-", ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                (sys.executable, "-s", "-P", "-B", "-c", _bridge_source()),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd=self._folder.name,
                env={"HOME": self._folder.name, "PATH": os.environ.get("PATH", "")},
                start_new_session=True,
            )
        super().__init__(SocketLink(ours), limits)

    def _stop(self) -> None:
        self._link.close()
        try:
            self._process.wait(_GRACE_SECONDS)  # the bridge ends its kernel
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


def open_kernel(
    *,
    kind: Literal["docker", "local"] = "docker",
    image: str | None = None,
    docker_timeout: float = 30.0,
    limits: SandboxLimits | None = None,
    fence: Fence | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> PipedKernel:
    """Start a kernel; close it, or use it in a `with` statement.

    It runs in a container; `local` is a plain process without any fence, and is said. `limits.seconds` is for a cell
    that does not say, `limits.result_bytes` for what a cell may show, `limits.memory_mb` for its variables. Raises
    `ServiceMissing` where no engine answers or Jupyter's packages are not installed.
    """
    limits = limits or SandboxLimits(seconds=30)
    tell = on_progress or _silence
    kernel: PipedKernel
    if kind == "local":
        kernel = LocalKernel(limits, on_progress or _to_stderr)
    elif kind == "docker":
        kernel_distributions()
        engine = connect(docker_timeout)
        try:
            base = ensure_image(engine, image, tell)
            kernel = ContainerKernel(engine, base, limits, fence or Fence(), kernel_image(engine, base, tell))
        except BaseException:
            engine.client.close()
            raise
    else:
        raise UsageError(f"there is no kind of kernel {kind!r}", hints=("docker or local",))
    kernel.start()
    return kernel


def _for_a_kernel(options: dict[str, Any], fence: Fence) -> dict[str, Any]:
    """Return the options of a container with one more system call: ZeroMQ asks the kernel for its own addresses.

    It aborts where it may not. The answer is that of a container without a network.
    """
    if fence.seccomp != "own":
        return options
    addresses = {
        "names": ["socket"],
        "action": "SCMP_ACT_ALLOW",
        "args": [
            {"index": 0, "value": _NETLINK, "valueTwo": 0, "op": "SCMP_CMP_EQ"},
            {"index": 2, "value": _ROUTE, "valueTwo": 0, "op": "SCMP_CMP_EQ"},
        ],
    }
    own = profile()
    wider = json.dumps({**own, "syscalls": [*own["syscalls"], addresses]})
    return {**options, "security_opt": ["no-new-privileges", f"seccomp={wider}"]}


def _bridge_source() -> str:
    return files("executor.sandbox.jupyter").joinpath("bridge.py").read_text("utf-8")


def _silence(_: str) -> None:
    """Say nothing."""


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"warning: {text}\n")
