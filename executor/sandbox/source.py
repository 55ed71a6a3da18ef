"""The program that is sent into a sandbox: one text, so that any image with a Python will do."""

import sys
from functools import cache
from importlib.resources import files

_PACKAGE = "executor.sandbox.inside"
# Each module after those that it imports.
_MODULES = (
    "plain",
    "process",
    "seccomp",
    "landlock",
    "clock",
    "helpers",
    "program_calls",
    "tools",
    "program",
    "body",
    "zygote",
    "supervisor",
)

_START = """\
import sys
from types import ModuleType
for name in PACKAGES:
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = []
for name, text in MODULES:
    module = sys.modules[name] = ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)
sys.modules["executor.sandbox.inside.supervisor"].main(sys.argv[1], int(sys.argv[2]))
"""

# `-I` would ignore PYTHONHASHSEED with the rest of the environment, which is ours anyway: so its
# other halves (no user packages, no folder of the script), no `site`, no compiled files.
INTERPRETER_OPTIONS = ("-s", "-P", "-S", "-B")


@cache
def runner_source() -> str:
    """Return the whole program as one text for `python3 -c`; it takes the level and a process."""
    folder = files(_PACKAGE)
    texts = [(f"{_PACKAGE}.{name}", folder.joinpath(f"{name}.py").read_text("utf-8")) for name in _MODULES]
    packages = ["executor", "executor.sandbox", _PACKAGE]
    return f"PACKAGES = {packages!r}\nMODULES = {texts!r}\n{_START}"


def runner_command(level: str, host: int) -> tuple[str, ...]:
    """Return the options and arguments of the interpreter that becomes the supervisor."""
    return (*INTERPRETER_OPTIONS, "-c", runner_source(), level, str(host))


def base_interpreter() -> str:
    """Return the interpreter behind a virtual environment, or this one."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)
