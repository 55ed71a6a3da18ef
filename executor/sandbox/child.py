"""A process of this machine that serves calls at the other end of a socket."""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence

from executor.sandbox.protocol import Category
from executor.sandbox.supervised import Need, Supervised
from executor.sandbox.wire import LinkLateError, LinkLostError, SocketLink, Wire


class Child(Supervised):
    """A started process and the wire to it."""

    def __init__(self, need: Need, process: subprocess.Popen[bytes], wire: Wire) -> None:
        super().__init__(need, wire)
        self._process = process

    @property
    def process(self) -> int:
        """The number of the process."""
        return self._process.pid

    def cause_of_loss(self) -> tuple[Category, str]:
        """Say how the process ended; one that a signal ended was ended by the body that it ran."""
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return Category.ENVIRONMENT, "the process of the sandbox is running but does not answer"
        if status < 0:
            return Category.KILLED, f"the process of the call was ended by {_signal(-status)}"
        return Category.ENVIRONMENT, f"the process of the sandbox ended with {status}"

    def stop(self) -> None:
        """Kill the process."""
        self.wire.close()
        self._process.kill()
        self._process.wait()


def start_child(need: Need, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> Child:
    """Start a process with a socket as its standard input, and wait for its hello.

    Raises `OSError` for one that does not start, or says a problem, within `seconds`.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
        )
    child = Child(need, process, Wire(SocketLink(ours)))
    try:
        problem = child.wire.hello(time.monotonic() + seconds).get("problem")
    except (LinkLostError, LinkLateError):
        problem = "it does not start"
    except BaseException:
        child.stop()
        raise
    if problem:
        child.stop()
        raise OSError(str(problem))
    return child


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
