"""The wide profile: asyncio and tempfile work, and what it lets through leads nowhere."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from executor.sandbox import JSON, Kind, Outcome, Program, Sandbox, SandboxLimits, open_sandbox
from htn.errors import UsageError

Wide = Callable[..., Outcome]

TASKS = """
    import asyncio
    async def double(n):
        await asyncio.sleep(0)
        return 2 * n
    async def everything():
        return await asyncio.gather(*map(double, range(3)), asyncio.to_thread(sum, [1, 2]))
    def body():
        return asyncio.run(everything())
"""
FILES = """
    import os, tempfile
    def body():
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+") as file:
            file.write("text")
            file.flush()
            file.truncate(2)
            file.seek(0)
            open(f"{folder}/a", "w").close()
            os.rename(f"{folder}/a", f"{folder}/b")
            os.mkdir(f"{folder}/c")
            os.rename(f"{folder}/b", f"{folder}/c/b")
            found = [file.read(), os.listdir(folder)]
        return found + [os.listdir(tempfile.gettempdir())]
"""


@pytest.fixture(scope="module")
def wide(level: Kind) -> Iterator[Wide]:
    with open_sandbox(kind=level) as opened:

        def call(code: str, *, seconds: float = 5, profile: str = "wide", **arguments: JSON) -> Outcome:
            limits = SandboxLimits(seconds=seconds, profile=profile)  # type: ignore[arg-type]
            return opened.call(Program(dedent(code), "body"), arguments, limits=limits)

        yield call


def refused(outcome: Outcome) -> str:
    assert outcome.problem is not None, outcome.value
    return outcome.problem.message


def test_asyncio_works(wide: Wide) -> None:
    assert wide(TASKS).value == [0, 2, 4, 3]


def test_temporary_files_and_folders_work(wide: Wide) -> None:
    assert wide(FILES).value == ["te", ["c"], []]


@pytest.mark.parametrize("code", [TASKS, FILES])
def test_under_the_strict_profile_they_do_not(wide: Wide, code: str) -> None:
    assert not wide(code, profile="strict").ok


def test_what_a_call_writes_is_gone_in_the_next(wide: Wide) -> None:
    assert wide("def body(): open('/tmp/left', 'w').write('secret')").ok
    assert wide("import os\ndef body(): return os.listdir('/tmp')").value == []


def test_what_cannot_be_removed_is_gone_in_the_next_call_too(wide: Wide) -> None:
    shut = "import os\ndef body():\n    os.mkdir('/tmp/a')\n    os.mkdir('/tmp/a/b')\n    os.mkdir('/tmp/c', 0)"
    deep = "import os\ndef body():\n    for _ in range(1500):\n        os.mkdir('d')\n        os.chdir('d')"
    for code in (shut, deep):
        wide(code)
        assert wide("import os\ndef body(): return os.listdir('/tmp')").value == []


def test_the_folder_has_an_end(wide: Wide) -> None:
    files = """
        def body(size):
            for n in range(100_000):
                with open(f"/tmp/{n}", "wb") as file:
                    file.write(b"x" * size)
    """
    assert "No space left" in refused(wide(files, size=2**20))
    assert "No space left" in refused(wide(files, size=0))


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
        "socket.socketpair()[0].sendto(b'x', '/dev/log')",
        "socket.socketpair()[0].sendto(b'x', '\\0' + 'name')",
        "socket.socketpair()[0].sendmsg([b'x'])",
        "socket.socketpair()[0].bind('/tmp/socket')",
        "socket.socketpair()[0].connect('/run/docker.sock')",
        "os.symlink('/etc', '/tmp/etc')",
        "os.link('/etc/passwd', '/tmp/passwd')",
        "os.mkfifo('/tmp/pipe')",
        "os.chmod('/tmp', 0o777)",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "fcntl.ioctl(1, 0x5413, b'12345678')",
        "subprocess.run(['true'])",
    ],
)
def test_nothing_else_is_let_through(wide: Wide, attempt: str) -> None:
    outcome = wide(f"import fcntl, os, socket, subprocess\ndef body():\n    {attempt}")
    assert any(word in refused(outcome) for word in ("PermissionError", "not permitted", "Inappropriate ioctl"))


@pytest.mark.parametrize("folder", ["/var/tmp", "/usr", "/", "/dev", "/etc", "/home", "/root"])
def test_no_other_folder_can_be_written_to(wide: Wide, folder: str) -> None:
    name = f"{folder}/htn-{os.getpid()}"
    for attempt in (f"open({name!r}, 'w')", f"os.mkdir({name!r})", f"os.rename('/tmp/x', {name!r})"):
        outcome = wide(f"import os\nopen('/tmp/x', 'w').close()\ndef body():\n    {attempt}")
        assert any(word in refused(outcome) for word in ("Permission", "Read-only", "No such file", "cross-device"))
        assert not Path(name).exists()


def test_the_hosts_temporary_files_cannot_be_seen_removed_or_moved(wide: Wide) -> None:
    name = f"/tmp/htn-here-{os.getpid()}"
    Path(name).write_text("mine")
    try:
        for attempt in (f"open({name!r})", f"os.unlink({name!r})", f"os.rename({name!r}, '/tmp/x')"):
            assert "No such file" in refused(wide(f"import os\ndef body(): {attempt}"))
        assert Path(name).read_text() == "mine"
    finally:
        Path(name).unlink()


def test_a_call_that_hangs_in_a_loop_is_ended(wide: Wide) -> None:
    outcome = wide("import asyncio\ndef body(): asyncio.run(asyncio.sleep(60))", seconds=0.5)
    assert outcome.problem is not None
    assert outcome.problem.category == "timeout"


def test_a_sandbox_may_be_opened_wide(level: Kind) -> None:
    with open_sandbox(kind=level, limits=SandboxLimits(profile="wide")) as opened:
        sandbox: Sandbox = opened
        assert sandbox.call(Program(dedent(TASKS), "body"), {}).value == [0, 2, 4, 3]


def test_a_profile_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="no profile open"):
        SandboxLimits(profile="open")  # type: ignore[arg-type]
