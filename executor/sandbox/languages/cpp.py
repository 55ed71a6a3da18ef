"""C++20 with nlohmann's JSON: compiled once into an executable that holds all that it needs.

The entry point is a function that is neither overloaded nor a template, `name` or `space::name`; a
`main` in the body is not called. Parameters may be booleans, numbers, texts, vectors, maps with
texts as keys, pairs, optional values, JSON itself, and types for which the body says how they are
read (NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE).
"""

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits

_CALLER = """#define main main_of_the_body
#include "body.cpp"
#undef main
#include "driver.hpp"
int main() {{ return htn_driver::run(&{entry}); }}
"""


def _compile(program: Program) -> Job:
    helpers = {name: text for name, text in program.files.items() if name.endswith((".h", ".hpp", ".hh"))}
    return Job(
        way="compile",
        commands=(
            (
                "g++", "-std=c++20", "-O1", "-static", "-s", "-pipe", "-fmax-errors=5", "-fdiagnostics-color=never",
                "-o", "{folder}/made", "{folder}/caller.cpp",
            ),
        ),
        made="made",
        files={
            "body.cpp": program.code,
            "caller.cpp": _CALLER.format(entry=program.entry_point),
            "driver.hpp": driver("driver.hpp"),
            **helpers,
        },
        file_mb=256,
    )  # fmt: skip


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(way="start", command=("body",), executable=artefact, files=work(program), data_mb=limits.memory_mb)


CPP = Language(
    "c++",
    ("cpp", "cxx", "cc"),
    _start,
    _compile,
    runs_alone=True,
    compile_signs={r"fatal error: \S+: No such file": "import"},
    run_signs={r"std::bad_alloc": "memory", r"terminate called": "runtime"},
)
