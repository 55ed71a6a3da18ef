"""JavaScript on node: the body is run as it is.

A function is called with the arguments in their order; a promise is awaited. A script may await
too, has its context values as variables, and leaves its value in `result`. `require` finds node's
own modules and the helper files. An argument that is an integer of more than 53 bits is refused,
because a number of JavaScript would change it.
"""

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(
        way="start",
        command=(
            "node", f"--max-old-space-size={limits.memory_mb}", "--max-semi-space-size=8", "--single-threaded-gc",
            "--no-addons", "--disable-proto=delete", "{folder}/driver.js",
        ),
        files={"driver.js": driver("driver.js"), "body.js": program.code, **work(program)},
        environment={"UV_THREADPOOL_SIZE": "1", "NODE_NO_WARNINGS": "1", "NO_COLOR": "1"},
    )  # fmt: skip


JAVASCRIPT = Language(
    "javascript",
    ("js", "node", "nodejs", "ecmascript"),
    _start,
    forms=("function", "script"),
    overhead_mb=96,
    clock=True,
    run_signs={
        r"heap out of memory|Allocation failed|Zone Allocation failed|out of memory": "memory",
        r"Maximum call stack size exceeded|stack overflow": "runtime",
    },
)
