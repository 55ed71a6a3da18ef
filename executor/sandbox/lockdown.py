"""The lockdown level: no container, but a tree of processes that has locked itself.

Theory. A supervisor starts with the host's own interpreter, an empty environment and no open
files but one socket. It gives up all capabilities, then the file system but for the standard
library (landlock), before it forks the zygote; each call's child then gives up all system calls
but those of computation (seccomp) and takes its limits. All of it works without privileges.

The tree ends with this process: the supervisor's socket closes and the kernel tells it that its
parent is gone; the kernel kills the zygote and the child after it. This holds for `kill -9` too.
"""

import os
import platform
import socket
import subprocess
import sys
import time

from executor.sandbox.inside.landlock import landlock_version
from executor.sandbox.protocol import Category, Program, SandboxLimits
from executor.sandbox.source import base_interpreter, runner_command
from executor.sandbox.supervised import Need, PoolSettings, Supervised
from executor.sandbox.warm import WarmSandbox
from executor.sandbox.wire import LinkLateError, LinkLostError, SocketLink, Wire
from htn.errors import ServiceMissing

_START_SECONDS = 20.0
_HINTS = (
    "start Docker: it fences better, and on every system",
    "or use Linux 5.13 or newer with landlock and seccomp (x86_64 or aarch64)",
)


class _Tree(Supervised):
    """A locked tree of processes."""

    def __init__(self, need: Need, process: subprocess.Popen[bytes], wire: Wire) -> None:
        super().__init__(need, wire)
        self._process = process

    def cause_of_loss(self) -> tuple[Category, str]:
        """Say how the supervisor ended."""
        status = self._process.poll()
        how = "is running but does not answer" if status is None else f"ended with {status}"
        return Category.ENVIRONMENT, f"the sandbox went away during the call: it {how}"

    def stop(self) -> None:
        """Kill the supervisor; the kernel kills what is below it."""
        self.wire.close()
        self._process.kill()
        self._process.wait()


class LockdownSandbox(WarmSandbox):
    """Runs bodies in processes of this machine that have locked themselves."""

    level = "lockdown"
    covers = (
        "files other than the standard library and the system's libraries, and all writing; under the wide "
        "profile 16 MB of memory are a folder to write to, emptied after each call",
        "network, other processes, new processes, the environment",
        "time, memory, output and result of a call; state from one call to the next",
    )
    does_not_cover = (
        "faults in the kernel calls that computation needs: body and host share the kernel",
        "the user: bodies run as the same user, without capabilities",
        "the number of threads, which only memory bounds",
        "whether a path exists, and the load of the machine",
        "what a body says of its own call: the code that reports shares its process",
    )

    def __init__(self, limits: SandboxLimits, pool: PoolSettings) -> None:
        super().__init__(limits, pool)
        if sys.platform != "linux" or not landlock_version():
            why = "landlock is not in this kernel" if sys.platform == "linux" else "this is no Linux"
            raise ServiceMissing(f"the lockdown sandbox cannot work: {why}", hints=_HINTS)
        self._pool.add(self._start(Need()))
        self.description = (
            f"lockdown: landlock {landlock_version()}, seccomp and limits on this kernel, "
            f"{base_interpreter()}, no network, no capabilities"
        )

    def runs_on(self, program: Program) -> str:
        """The interpreter by its build; the machine's libraries are not looked at."""
        return f"lockdown {base_interpreter()} {sys.version} {platform.platform()}"

    def _start(self, need: Need) -> Supervised:
        ours, theirs = socket.socketpair()
        command = [base_interpreter(), *runner_command(self.level, os.getpid(), need.profile)]
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    command,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    cwd="/",  # a folder of our own would stay behind after kill -9
                    env={"PYTHONHASHSEED": str(need.hash_seed)},
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise ServiceMissing(f"no process can be started for a sandbox: {error}", hints=_HINTS) from error
        tree = _Tree(need, process, Wire(SocketLink(ours)))
        try:
            problem = tree.wire.hello(time.monotonic() + _START_SECONDS).get("problem")
        except (LinkLostError, LinkLateError):
            problem = f"its supervisor does not start with {base_interpreter()}"
        except BaseException:
            tree.stop()
            raise
        if problem:
            tree.stop()
            raise ServiceMissing(f"the lockdown sandbox cannot work: {problem}", hints=_HINTS)
        return tree
