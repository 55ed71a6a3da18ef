"""What the locked child of a call in another language is asked to do (`inside/program.py` gives the rules)."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from executor.sandbox.protocol import Form, Program, SandboxLimits

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin:/usr/local/cargo/bin:/opt/java/openjdk/bin"


@dataclass(frozen=True)
class Job:
    """One thing to start. `packed` are files in bytes; `executable` is a program that is started from memory.

    Commands run in the folder `place`; a program without a folder is looked for in the environment's PATH.
    """

    way: Literal["start", "shell", "compile"]
    command: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    place: str = "work"
    made: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, bytes] = field(default_factory=dict)
    executable: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    data_mb: int | None = None
    file_mb: int = 16

    def as_request(self, result_bytes: int) -> dict[str, Any]:
        """Return the part of a request that the child reads as `job`."""
        packed = {name: base64.b64encode(data).decode() for name, data in self.packed.items()}
        return {
            "way": self.way,
            "command": list(self.command),
            "commands": [list(command) for command in self.commands],
            "place": self.place,
            "made": self.made,
            "files": {**self.files, **packed},
            "packed": list(packed),
            "executable": self.executable,
            "environment": {"PATH": PATH, "HOME": "{folder}", "TMPDIR": "/tmp", "LANG": "C.UTF-8", **self.environment},  # noqa: S108 - in the container
            "data_mb": self.data_mb,
            "file_mb": self.file_mb,
            "result_bytes": result_bytes,
        }


@dataclass(frozen=True)
class Language:
    """A language other than Python, and how its bodies are run.

    `compile` makes the job that turns a body into an artefact, in the language's own image; it is
    None where the body is run as it is. `start` makes the job of a call from a program, its limits
    and its artefact. `tells_arguments` says that its driver tells what the arguments are after the
    call; where it does not, the body has copies that nobody sees again. `runs_alone` says that an
    artefact needs no image of the language: it is an executable with all that it needs.
    `overhead_mb` is the memory of the runtime beside the body's. `compile_signs` and `run_signs` are
    signs, as regular expressions, in what a compiler or a program that ended without an answer
    printed, and the category that each tells of.
    """

    name: str
    aliases: tuple[str, ...]
    start: Callable[[Program, SandboxLimits, str], Job]
    compile: Callable[[Program], Job] | None = None
    forms: tuple[Form, ...] = ("function",)
    runs_alone: bool = False
    overhead_mb: int = 0
    clock: bool = False
    tells_arguments: bool = True
    compile_signs: Mapping[str, str] = field(default_factory=dict)
    run_signs: Mapping[str, str] = field(default_factory=dict)


@cache
def driver(name: str) -> str:
    """Return the text of a driver."""
    return files("executor.sandbox.languages").joinpath("drivers", name).read_text("utf-8")


def work(program: Program) -> dict[str, str]:
    """Return the helper files of a program as files that its body may read."""
    return {f"work/{name}": text for name, text in program.files.items()}
