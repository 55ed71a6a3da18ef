"""The host's end of the wasm level.

Theory. WebAssembly code can reach nothing that its host does not hand to it: no file, no socket, no process, no clock
but the ones it is given (Haas et al. 2017). The interpreter itself is inside, so a fault in CPython stays inside too.

The interpreter is CPython, but not this machine's: it has no threads, no `ctypes`, no `asyncio.run`, no folder to
write to, and every process starts from the same picture of memory, so a set of strings has the same order each time.
"""

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec

from executor.sandbox.child import Child, start_child
from executor.sandbox.protocol import Program, SandboxLimits
from executor.sandbox.source import answering_source
from executor.sandbox.supervised import Need, PoolSettings, Supervised
from executor.sandbox.warm import WarmSandbox
from htn.errors import ServiceMissing

_START_SECONDS = 60.0
_INSTALL = (
    "pip install 'htn-planner[wasm]' brings it, for Python 3.12 or newer",
    "or start Docker: it fences better, and runs every body",
)


@cache
def wasm_version() -> str:
    """Return the version of pyeryx, or nothing where it is not installed."""
    if find_spec("eryx") is None:
        return ""
    try:
        return version("pyeryx")
    except PackageNotFoundError:
        return ""


class WasmSandbox(WarmSandbox):
    """Runs bodies in CPython compiled to WebAssembly, on any system that pyeryx is built for."""

    level = "wasm"
    covers = (
        "the host's files, processes, users and environment: there are none inside",
        "network, new processes and threads, all writing",
        "faults of the interpreter: it is inside as well",
        "time, memory, output and result of a call; state from one call to the next",
    )
    does_not_cover = (
        "faults of the WebAssembly runtime: the worker runs as this user and has no other fence",
        "the load of the machine",
        "the order of sets: every hash seed gives the same one, so that a body that depends on it is not found out",
        "bodies that need threads, ctypes, asyncio.run, tempfile or compiled packages: they fail here",
        "what a body says of its own call: the code that reports shares its interpreter",
    )

    def __init__(self, limits: SandboxLimits, pool: PoolSettings) -> None:
        super().__init__(limits, pool)
        self._version = wasm_version()
        if not self._version:
            raise ServiceMissing("the wasm sandbox cannot work: pyeryx is not installed", hints=_INSTALL)
        self._pool.add(self._start(Need()))
        self.description = f"wasm: CPython in WebAssembly, pyeryx {self._version}, no files, no network"

    def runs_on(self, program: Program) -> str:
        """The release of pyeryx, which brings the interpreter."""
        return f"wasm pyeryx {self._version}"

    def workers(self) -> tuple[int, ...]:
        """Return the process numbers of the workers."""
        return tuple(each.process for each in self._pool.running() if isinstance(each, Child))

    def _need(self, program: Program, limits: SandboxLimits, hash_seed: int) -> Need:
        """Return the same need for all: neither seeds nor profiles make a difference here."""
        return Need()

    def _start(self, need: Need) -> Supervised:
        worker = files("executor.sandbox.wasm").joinpath("worker.py").read_text("utf-8")
        command = (sys.executable, "-I", "-B", "-c", worker, answering_source())
        try:
            return start_child(need, command, {}, _START_SECONDS)
        except OSError as error:
            raise ServiceMissing(f"the wasm sandbox cannot work: {error}", hints=_INSTALL) from error
