"""The local level: no fence at all. A body runs as this user and can do what this user can do.

It is for code that somebody has read and wants to run where no fence works, and for nothing else: it is taken only
where it is named, never by itself, and each call says what it is.
"""

import sys
from collections.abc import Callable, Mapping

from executor.sandbox.child import start_child
from executor.sandbox.protocol import JSON, Outcome, Program, SandboxLimits
from executor.sandbox.source import base_interpreter, local_command
from executor.sandbox.supervised import Need, PoolSettings, Supervised
from executor.sandbox.warm import WarmSandbox
from htn.errors import ServiceMissing

WARNING = "a body runs without a sandbox (local): it can do whatever you can do"
_START_SECONDS = 20.0


class LocalSandbox(WarmSandbox):
    """Runs bodies as plain processes. Only the limits of the call hold, and those against mistakes only."""

    level = "local"
    covers = (
        "mistakes: a body that does not end, prints for ever, or needs more memory than allowed",
        "variables and files of one call, which no other call sees unless a body means it to",
    )
    does_not_cover = (
        "files, network, processes, users, the store and everything else that this user can reach",
        "what a body starts and lets out of its process group: it goes on after the call",
        "any malice",
    )

    def __init__(self, limits: SandboxLimits, pool: PoolSettings, warn: Callable[[str], None] | None = None) -> None:
        super().__init__(limits, pool)
        self._warn = warn or _to_stderr
        self.description = f"local: no sandbox, {base_interpreter()} as this user"

    def runs_on(self, program: Program) -> str:
        """The interpreter by its build."""
        return f"local {base_interpreter()} {sys.version}"

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Say that there is no sandbox, and do what `Sandbox.call` says."""
        self._warn(WARNING)
        return super().call(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)

    async def acall(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Say that there is no sandbox, and do what `Sandbox.acall` says."""
        self._warn(WARNING)
        return await super().acall(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)

    def _start(self, need: Need) -> Supervised:
        command = (base_interpreter(), *local_command())
        try:
            return start_child(need, command, {"PYTHONHASHSEED": str(need.hash_seed)}, _START_SECONDS)
        except OSError as error:
            raise ServiceMissing(f"no process can be started with {base_interpreter()}: {error}") from error


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"warning: {text}\n")
