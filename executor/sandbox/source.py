"""The program that is sent into a sandbox: one text, so that any image with a Python will do."""

import sys
from functools import cache
from importlib.resources import files

_PACKAGE = "executor.sandbox.inside"
# Each module after those that it imports.
_ANSWERING = ("plain", "clock", "helpers", "answer")
_MODULES = (
    "process", "seccomp", "landlock", "folder", "frame", *_ANSWERING, "program_calls", "tools", "program", "body",
    "zygote", "supervisor",
)  # fmt: skip

_LOAD = """\
import sys
from types import ModuleType
for name in PACKAGES:
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = []
for name, text in MODULES:
    module = sys.modules[name] = ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)
"""
_SUPERVISE = """\
sys.modules["executor.sandbox.inside.supervisor"].main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "wide")
"""

# `-I` would ignore PYTHONHASHSEED with the rest of the environment, which is ours anyway: so its
# other halves (no user packages, no folder of the script), no `site`, no compiled files.
INTERPRETER_OPTIONS = ("-s", "-P", "-S", "-B")


@cache
def runner_source() -> str:
    """Return the whole program as one text for `python3 -c`; it takes the level and a process."""
    return _loading(_MODULES) + _SUPERVISE


@cache
def answering_source() -> str:
    """Return the part of it that answers a request, as a text that makes the function `answer_to`."""
    return f"{_loading(_ANSWERING)}answer_to = sys.modules[{_PACKAGE!r} + '.answer'].answer_to\n"


@cache
def local_command() -> tuple[str, ...]:
    """Return the options and arguments of the interpreter that becomes the runner of the local level."""
    loading = _loading((*_ANSWERING, "frame", "alone"))
    alone = f"alone = sys.modules[{_PACKAGE!r} + '.alone']\n"
    # The text of one call is the text of this process again but for its last line.
    program = f"{loading}{alone}LOADING = {loading + alone!r}\n"
    again = f"(sys.executable, *{INTERPRETER_OPTIONS!r}, '-c', LOADING + 'alone.run(int(sys.argv[1]))')"
    return (*INTERPRETER_OPTIONS, "-c", f"{program}alone.serve({again})\n")


def _loading(modules: tuple[str, ...]) -> str:
    folder = files(_PACKAGE)
    texts = [(f"{_PACKAGE}.{name}", folder.joinpath(f"{name}.py").read_text("utf-8")) for name in modules]
    packages = ["executor", "executor.sandbox", _PACKAGE]
    return f"PACKAGES = {packages!r}\nMODULES = {texts!r}\n{_LOAD}"


def runner_command(level: str, host: int, profile: str = "strict") -> tuple[str, ...]:
    """Return the options and arguments of the interpreter that becomes the supervisor."""
    return (*INTERPRETER_OPTIONS, "-c", runner_source(), level, str(host), profile)


def base_interpreter() -> str:
    """Return the interpreter behind a virtual environment, or this one."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)
