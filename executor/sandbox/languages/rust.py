"""Rust 2021 with its standard library: compiled once into an executable that holds all that it needs.

The entry point is a function that is not generic. Parameters may be booleans, numbers, texts, `char`,
`Vec`, `Option`, `HashMap` and `BTreeMap` with texts as keys, tuples, references to these, slices, and
`crate::driver::Json`. `Err` is a failure. Other types are read where the body implements
`crate::driver::FromJson`, and returned where it implements `crate::driver::ToJson`.
"""

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits

_CALLER = """#[path = "driver.rs"] mod driver;
#[path = "body.rs"] mod body;
fn main() { body::call_of_the_driver(); }
"""
_ENTRY = "\n#[doc(hidden)] pub fn call_of_the_driver() {{ crate::driver::run({entry}); }}\n"


def _compile(program: Program) -> Job:
    helpers = {name: text for name, text in program.files.items() if name.endswith(".rs")}
    return Job(
        way="compile",
        commands=(
            (
                "rustc", "--edition", "2021", "-C", "opt-level=1", "-C", "target-feature=+crt-static",
                "-C", "strip=symbols", "-C", "linker=gcc", "-C", "codegen-units=4", "--cap-lints", "allow",
                "--color", "never", "-o", "{folder}/made", "{folder}/caller.rs",
            ),
        ),
        made="made",
        files={
            "body.rs": program.code + _ENTRY.format(entry=program.entry_point),
            "caller.rs": _CALLER,
            "driver.rs": driver("driver.rs"),
            **helpers,
        },
        file_mb=256,
    )  # fmt: skip


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(
        way="start",
        command=("body",),
        executable=artefact,
        files=work(program),
        environment={"RUST_BACKTRACE": "0"},
        data_mb=limits.memory_mb,
    )


RUST = Language(
    "rust",
    ("rs",),
    _start,
    _compile,
    tells_arguments=False,
    runs_alone=True,
    compile_signs={r"can't find crate|unresolved import|use of undeclared crate": "import"},
    run_signs={
        r"memory allocation of \d+ bytes failed": "memory",
        r"has overflowed its stack|panicked at": "runtime",
    },
)
