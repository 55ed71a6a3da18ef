"""Go: compiled once into an executable that holds all that it needs.

The body is a file of the package main, with or without that line; a function `main` in it is not
called. An argument is decoded by `encoding/json` into the type of the parameter in its place. An
error as the last result is a failure.
"""

import re

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits

_PACKAGE = re.compile(r"^[ \t]*package[ \t]+\w+", re.MULTILINE)
_MAIN = re.compile(r"^func[ \t]+main[ \t]*\([ \t]*\)", re.MULTILINE)
_CALLER = """package main
import "htndriver"
func main() {{ htndriver.Run({entry}) }}
"""


def _compile(program: Program) -> Job:
    place = "path/src/call"
    # The lines of a body keep their numbers.
    code = program.code if _PACKAGE.search(program.code) else f"package main;{program.code}"
    code = _PACKAGE.sub("package main", code, count=1)
    code = _MAIN.sub("func mainOfTheBody()", code, count=1)
    return Job(
        way="compile",
        commands=(("go", "build", "-ldflags=-s -w", "-o", "{folder}/made", "."),),
        place=place,
        made="made",
        files={
            f"{place}/body.go": code,
            f"{place}/main_of_the_call.go": _CALLER.format(entry=program.entry_point),
            "path/src/htndriver/driver.go": driver("driver.go"),
            **{f"{place}/{name}": text for name, text in program.files.items() if name.endswith(".go")},
        },
        environment={
            "GOPATH": "{folder}/path",
            "GOCACHE": "{folder}/cache",
            "GO111MODULE": "off",
            "CGO_ENABLED": "0",
            "GOFLAGS": "-p=2",
        },
        file_mb=256,
    )


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(
        way="start",
        command=("body",),
        executable=artefact,
        files=work(program),
        environment={"GOMAXPROCS": "1", "GOMEMLIMIT": f"{limits.memory_mb * 9 // 10}MiB"},
        data_mb=limits.memory_mb,
    )


GO = Language(
    "go",
    ("golang",),
    _start,
    _compile,
    runs_alone=True,
    compile_signs={r"cannot find package|is not in GOROOT|no required module|is not in std": "import"},
    run_signs={
        r"out of memory|cannot allocate memory": "memory",
        r"stack exceeds|stack overflow|^panic: |^fatal error: ": "runtime",
    },
)
