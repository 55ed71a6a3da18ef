"""What a sandbox is: a program goes in with its arguments, an outcome comes out.

Nothing here knows how the fence is made. The levels are `docker` (a hardened container) and
`lockdown` (landlock, system call filter and limits on Linux, for a machine without an engine).

A program has one of two forms. A *function* is called with the arguments by name and returns a
value; it can become an operator. A *script* is run with the arguments as variables (its context
values), and its value is what it leaves in the variable `result`.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from executor.sandbox.inside.plain import JSON
from htn.errors import UsageError

__all__ = [
    "JSON",
    "Category",
    "Form",
    "Outcome",
    "Problem",
    "Profile",
    "Program",
    "Sandbox",
    "SandboxLimits",
    "pins_of",
]


Form = Literal["function", "script"]
Profile = Literal["strict", "wide"]
_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Program:
    """Code that nobody trusts, and how it is run.

    `entry_point` names the function that is called; a script has none. `files` are helper files
    beside the code, name to text: modules to import in Python, files in the working folder in
    other languages. `dependencies` are packages that the code needs, as names with versions (see
    the package `dependencies`). A `single_use` program runs where nothing ran before and nothing
    runs afterwards: for the first runs of code that nobody has looked at. Raises `UsageError` for a
    form that does not exist, for file names that lead elsewhere or hide a standard module, and for
    dependencies that may not be declared.
    """

    code: str
    entry_point: str = ""
    language: str = "python"
    form: Form = "function"
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    dependencies: tuple[str, ...] = ()
    single_use: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.form not in ("function", "script"):
            raise UsageError(f"a program is no {self.form}", hints=("function or script",))
        if self.form == "function" and not self.entry_point:
            raise UsageError("a function has an entry point", hints=('or say form="script"',))
        if self.dependencies:
            _check_dependencies(self.language, self.dependencies)
        for name in self.files:
            if why := _unfit(name, self.language):
                raise UsageError(f"the helper file {name[:_NAME_CHARACTERS]!r} {why}", hints=("choose another name",))


def _check_dependencies(language: str, dependencies: tuple[str, ...]) -> None:
    from executor.sandbox.dependencies import check_requirements  # noqa: PLC0415 - few programs have any

    if language != "python":
        raise UsageError(f"a {language} body cannot declare packages: only python bodies can")
    check_requirements(dependencies)


def _unfit(name: str, language: str) -> str:
    """Return why a helper file cannot have this name, or nothing."""
    path = PurePosixPath(name)
    if not name or len(name) > _NAME_CHARACTERS or str(path) != name or path.is_absolute() or ".." in path.parts:
        return "is not a short path below the working folder"
    if not name.isprintable() or "\\" in name:
        return "has a name that not every system can have"
    module = path.parts[0].removesuffix(".py")
    if language == "python" and name.endswith(".py") and module in {*sys.stdlib_module_names, "body"}:
        return f"would hide the module {module}"
    return ""


@dataclass(frozen=True)
class SandboxLimits:
    """What one call may use at most.

    `seconds` is wall time, `memory_mb` the address space of the call, `output_bytes` what it may
    print on each stream, `result_bytes` its answer beside the arguments that come back with it.
    `profile` says which system calls it may make: strict those of computation, wide also what
    `asyncio` and `tempfile` need, with a folder for temporary files that is emptied after the call.
    """

    seconds: float = 5.0
    memory_mb: int = 256
    output_bytes: int = 65536
    result_bytes: int = 4 * 2**20
    profile: Profile = "strict"

    def __post_init__(self) -> None:
        if self.profile not in ("strict", "wide"):
            raise UsageError(f"a sandbox has no profile {self.profile}", hints=("strict or wide",))
        for name, least, most in (
            ("seconds", 0.01, 86_400),
            ("memory_mb", 64, 1_048_576),
            ("output_bytes", 0, 64 * 2**20),
            ("result_bytes", 64, 64 * 2**20),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(
                    f"a sandbox's {name} cannot be {value}",
                    hints=(f"choose a number from {least} to {most}",),
                )


class Category(StrEnum):
    """Why a call has no value.

    `SYNTAX`: the code cannot be compiled. `IMPORT`: a module is not there. `RUNTIME`: the code
    raised, or has no such entry point. `TIMEOUT`: the time ran out. `MEMORY`: more memory than
    allowed. `OUTPUT`: it printed or returned too much. `KILLED`: its process ended without an
    answer. `PROTOCOL`: the answer is not plain JSON. `ENVIRONMENT`: the sandbox cannot do this or
    went away; not the code's fault.
    """

    SYNTAX = "syntax"
    IMPORT = "import"
    RUNTIME = "runtime"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"
    KILLED = "killed"
    PROTOCOL = "protocol"
    ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Problem:
    """Why there is no value, for people and for the next prompt."""

    category: Category
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    `arguments` are the arguments as they are after the call, or None when it failed; a pure body
    leaves them as they were; a script has none. `truncated` says that the text of a stream was cut.
    `seconds` is the wall time of the call as the supervisor saw it, `level` what fenced it.
    `peak_memory` is the most memory that the call's process held, in bytes, its interpreter
    included; None where nobody could measure it. `cached` says that the call was made
    earlier and its result kept.
    """

    value: JSON
    problem: Problem | None
    stdout: str
    stderr: str
    truncated: bool
    seconds: float
    level: str
    arguments: Mapping[str, JSON] | None = None
    peak_memory: int | None = None
    cached: bool = False

    @property
    def ok(self) -> bool:
        """Whether the body returned a value."""
        return self.problem is None


class Sandbox(Protocol):
    """A place to run code that nobody trusts."""

    @property
    def level(self) -> str:
        """What fences a call: docker or lockdown."""

    @property
    def limits(self) -> SandboxLimits:
        """What a call may use when it does not say; no call may have more memory."""

    @property
    def description(self) -> str:
        """One sentence for people about what fences a call."""

    @property
    def covers(self) -> tuple[str, ...]:
        """What a body cannot do here."""

    @property
    def does_not_cover(self) -> tuple[str, ...]:
        """What this sandbox does not protect from."""

    def runs_on(self, program: Program) -> str:
        """What the program would run on, by content: where this text is the same, a pure body gives the same."""

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Call the entry point with keyword arguments, or run the script with them, and return what came of it.

        `hash_seed` orders sets of strings (0 to 4294967295); each seed has an interpreter of its
        own, because Python reads it once. `clock` is the moment, in seconds since 1970, at which
        the body's wall clock starts; without it the clock is the machine's. Whatever the body
        does is an outcome. Raises `UsageError` for arguments that are not plain JSON and for
        limits that the sandbox cannot give, `ServiceMissing` when the sandbox cannot be started.
        """

    async def acall(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Do what `call` does without holding up the event loop. Cancelling it kills what runs."""

    def close(self) -> None:
        """Stop what runs. A second time does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Pinning(Protocol):
    """A sandbox that resolves the packages that programs declare."""

    def pins(self, program: Program) -> tuple[str, ...]:
        """What the declared packages come to, each pinned to its wheel, as a program may declare it."""


def pins_of(sandbox: Sandbox, program: Program) -> tuple[str, ...]:
    """Return the packages that a program runs with in a sandbox, pinned; none where the sandbox has no packages."""
    return sandbox.pins(program) if program.dependencies and isinstance(sandbox, Pinning) else ()
