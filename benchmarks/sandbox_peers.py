"""A peer of the sandbox, run by an interpreter that has it: told how many jobs, it answers with the seconds of each.

    PYTHON benchmarks/sandbox_peers.py NAME IMAGE        started by benchmarks/sandbox.py

Each peer runs the job as it recommends to run code again and again: in one session or executor that stays open.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path


def llm_sandbox(image: str, stack: ExitStack) -> Callable[[str], str]:
    """Return a runner of llm-sandbox: one session, which stays open, and no packages to install."""
    from llm_sandbox import SandboxSession  # type: ignore[import-not-found]  # noqa: PLC0415 - one peer of several

    session = SandboxSession(lang="python", image=image, skip_environment_setup=True, workdir="/tmp")  # noqa: S108 - in the container
    session.open()
    stack.callback(session.close)

    def run(code: str) -> str:
        return str(session.run(code).stdout)

    return run


def autogen(image: str, stack: ExitStack) -> Callable[[str], str]:
    """Return a runner of AutoGen's Docker executor: one container, which stays up."""
    from autogen_core import CancellationToken  # type: ignore[import-not-found]  # noqa: PLC0415 - one peer of several
    from autogen_core.code_executor import CodeBlock  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
    from autogen_ext.code_executors.docker import (  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
        DockerCommandLineCodeExecutor,
    )

    loop = asyncio.new_event_loop()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    executor = DockerCommandLineCodeExecutor(image=image, work_dir=Path(folder))
    loop.run_until_complete(executor.start())
    stack.callback(lambda: loop.run_until_complete(executor.stop()))

    def run(code: str) -> str:
        block = CodeBlock(code=code, language="python")
        done = loop.run_until_complete(executor.execute_code_blocks([block], CancellationToken()))
        return str(done.output)

    return run


PEERS = {"llm-sandbox": llm_sandbox, "AutoGen": autogen}


def main(name: str, image: str) -> None:
    """Open the peer; then, for each line with a number, do the job so many times."""
    job, expected = json.loads(sys.stdin.readline())
    with ExitStack() as stack:
        run = PEERS[name](image, stack)
        for line in sys.stdin:
            spent = []
            for _ in range(int(line)):
                started = time.perf_counter()
                printed = run(job)
                spent.append(time.perf_counter() - started)
                if json.loads(printed) != expected:
                    raise SystemExit(f"{name} says {printed}")
            print(json.dumps(spent), flush=True)
    sys.stdout.flush()
    os._exit(0)  # AutoGen's way to hear of the loop's end does not end


if __name__ == "__main__":
    main(*sys.argv[1:])
