"""The local level: it says what it is, and holds back mistakes."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from executor.sandbox import JSON, Outcome, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.local import WARNING
from tests.sandbox.processes import running, until

ONE = Program("def body(): return 1", "body")


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def local(said: list[str]) -> Iterator[Sandbox]:
    with open_sandbox(kind="local", on_progress=said.append) as opened:
        yield opened


def call(sandbox: Sandbox, code: str, *, seconds: float = 5, **arguments: JSON) -> Outcome:
    return sandbox.call(Program(dedent(code), "body"), arguments, limits=SandboxLimits(seconds=seconds))


def test_each_call_says_that_there_is_no_sandbox(local: Sandbox, said: list[str]) -> None:
    said.clear()
    assert local.call(ONE, {}).level == "local"
    asyncio.run(local.acall(ONE, {}))
    assert said == [WARNING, WARNING]


def test_without_a_listener_it_says_so_on_standard_error() -> None:
    code = (
        "from executor.sandbox import Program, open_sandbox\n"
        "with open_sandbox(kind='local') as s: print(s.call(Program('def body(): return 1', 'body'), {}).value)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "1\n"
    assert done.stderr == f"warning: {WARNING}\n"


def test_it_does_not_claim_to_hold_anything(local: Sandbox) -> None:
    assert "no sandbox" in local.description
    assert any("malice" in each for each in local.does_not_cover)


def test_a_call_has_an_empty_folder_that_is_removed_and_no_environment(local: Sandbox) -> None:
    code = """
        import os
        def body():
            open("left", "w").write("x")
            return [os.getcwd(), os.listdir(), sorted(os.environ)]
    """
    outcome = call(local, code)
    assert isinstance(outcome.value, list)
    folder, inside, names = outcome.value
    assert inside == ["left"]
    assert not Path(str(folder)).exists()
    assert "HOME" not in names and "PATH" not in names


def test_what_a_call_starts_ends_with_it(local: Sandbox) -> None:
    code = "import subprocess, sys\ndef body(): return subprocess.Popen([sys.executable, '-c', 'input()']).pid"
    outcome = call(local, code)
    started = outcome.value
    assert isinstance(started, int)
    until(lambda: not running(started))


def test_a_process_that_holds_the_pipes_does_not_hold_the_call_up(local: Sandbox) -> None:
    code = """
        import os, time
        def body():
            if os.fork() == 0:
                os.setsid()
                time.sleep(3)
                os._exit(0)
            return "done"
    """
    assert call(local, code, seconds=60).value == "done"


def test_a_body_is_ended_when_its_caller_does_not_wait(local: Sandbox) -> None:
    async def give_up() -> None:
        sleep = Program("import time\ndef body(): time.sleep(600)", "body")
        await asyncio.wait_for(local.acall(sleep, {}, limits=SandboxLimits(seconds=600)), 0.3)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert local.call(ONE, {}).value == 1


def test_auto_never_takes_it(tmp_path: Path) -> None:
    with open_sandbox() as chosen:
        assert chosen.level != "local"
