"""Bash, with coreutils, grep, sed, awk, find, diff and jq: the body is run as it is.

A function is called with the arguments as positional texts: a text as it is, any other value as
JSON. Its value is what it prints, as JSON where it is JSON, else as text without the newline at
its end; nothing is null. So a function prints notes to stderr. A script has its context values as
variables, prints to stdout, and leaves its value in `result`, read in the same way. An exit
status other than 0 is a failure; 127, a command that is not there, is of the category `import`.
"""

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(
        way="shell",
        command=("bash", "--noprofile", "--norc"),
        files={"driver.sh": driver("driver.sh"), "body.sh": program.code, **work(program)},
        data_mb=limits.memory_mb,
    )


BASH = Language(
    "bash",
    ("sh", "shell"),
    _start,
    forms=("function", "script"),
    overhead_mb=16,
    tells_arguments=False,
)
