"""What happens when a sandbox itself is hurt: the call says so, and the next call works."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.sandbox import Kind, Outcome, PoolSettings, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.container import DockerSandbox
from executor.sandbox.engine import connect
from executor.sandbox.inside.supervisor import empty_folders
from executor.sandbox.pool import MOST_NEEDS
from htn.errors import UsageError
from tests.sandbox.processes import PATIENCE, below, parent_of, running, serving, settled, started, until

ONE = Program("def body(): return 1", "body")
SLEEP = Program("import time\ndef body():\n    print('asleep')\n    time.sleep(60)", "body")


def during(sandbox: Sandbox, act: Callable[[], object], *, seconds: float = 30.0) -> Outcome:
    """Do something to a sandbox while a body sleeps in it; return what came of the call."""
    outcomes: list[Outcome] = []
    limits = SandboxLimits(seconds=seconds)
    caller = threading.Thread(target=lambda: outcomes.append(sandbox.call(SLEEP, {}, limits=limits)))
    caller.start()
    time.sleep(0.5)
    act()
    caller.join(PATIENCE)
    assert outcomes, "the call did not end"
    return outcomes[0]


@pytest.fixture
def hurt(own_sandbox: Sandbox, level: Kind) -> Callable[[str], None]:
    """Kill or freeze what serves the sandbox, from outside."""
    own_sandbox.call(ONE, {})
    if isinstance(own_sandbox, DockerSandbox):
        docker = pytest.importorskip("docker")
        container = docker.from_env().containers.get(own_sandbox.containers()[0])
        return {"kill": container.kill, "freeze": container.pause}.__getitem__
    numbers = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
    mine = [each for each in below(os.getpid()) if parent_of(str(each)) == os.getpid()]
    supervisor = max(mine, key=started)
    return lambda how: lambda: os.kill(supervisor, numbers[how])  # type: ignore[return-value]


def test_killed_within_a_call_it_says_so_and_the_next_call_works(
    own_sandbox: Sandbox, hurt: Callable[[str], Callable[[], None]]
) -> None:
    outcome = during(own_sandbox, hurt("kill"))
    assert outcome.problem is not None
    assert outcome.problem.category == "environment"
    assert "went away" in outcome.problem.message
    assert own_sandbox.call(ONE, {}).value == 1


def test_killed_between_calls_nobody_notices(own_sandbox: Sandbox, hurt: Callable[[str], Callable[[], None]]) -> None:
    hurt("kill")()
    time.sleep(0.5)
    assert own_sandbox.call(ONE, {}).value == 1


def test_frozen_within_a_call_the_hosts_deadline_replaces_it(
    own_sandbox: Sandbox, hurt: Callable[[str], Callable[[], None]]
) -> None:
    outcome = during(own_sandbox, hurt("freeze"), seconds=1.0)
    assert outcome.problem is not None
    assert outcome.problem.category == "timeout"
    assert "replaced" in outcome.problem.message
    assert own_sandbox.call(ONE, {}).value == 1


def test_a_timed_out_body_is_not_running_afterwards(own_sandbox: Sandbox) -> None:
    own_sandbox.call(ONE, {})
    before = settled()
    own_sandbox.call(SLEEP, {}, limits=SandboxLimits(seconds=0.3))
    after = settled()
    assert len(after) == len(before)
    assert len(before - after) == (own_sandbox.level == "lockdown")
    assert own_sandbox.call(ONE, {}).value == 1


def youngest_in(container: str) -> int:
    """Return the process of a container that has no children: the child that waits for the next call."""
    client = connect(30).client
    try:
        rows = client.containers.get(container).top(ps_args="-o pid,ppid")["Processes"]
    finally:
        client.close()
    parents = {parent for _, parent in rows}
    (youngest,) = [process for process, _ in rows if process not in parents]
    return int(youngest)


def test_a_body_runs_locked_without_capabilities(own_sandbox: Sandbox) -> None:
    own_sandbox.call(ONE, {})
    if isinstance(own_sandbox, DockerSandbox):
        body = youngest_in(own_sandbox.containers()[0])
    else:
        before = settled()
        own_sandbox.call(ONE, {})
        (body,) = settled() - before  # it waits for the next call
    status = ""

    def look_from_outside() -> None:
        nonlocal status
        status = Path(f"/proc/{body}/status").read_text()

    during(own_sandbox, look_from_outside, seconds=1.0)
    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {facts[f"Cap{kind}"].strip("0") for kind in ("Inh", "Prm", "Eff", "Amb")} == {""}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


@pytest.mark.usefixtures("needs_landlock")
def test_a_supervisor_is_replaced_after_many_calls() -> None:
    others = below(os.getpid())
    with open_sandbox(kind="lockdown", pool=PoolSettings(calls=20, spares=0)) as sandbox:
        sandbox.call(ONE, {})
        first = serving() - others
        for _ in range(18):
            sandbox.call(ONE, {})
        assert serving() - others == first
        sandbox.call(ONE, {})
        assert sandbox.call(ONE, {}).value == 1
        assert not serving() & first


def test_an_interrupted_call_does_not_spoil_the_next(own_sandbox: Sandbox) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    own_sandbox.call(ONE, {})
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            own_sandbox.call(SLEEP, {})
    finally:
        signal.signal(signal.SIGALRM, before)
    assert own_sandbox.call(ONE, {}).value == 1


def test_a_sandbox_outlives_the_thread_that_opened_it(level: Kind) -> None:
    opened: list[Sandbox] = []

    def open_and_call() -> None:
        opened.append(open_sandbox(kind=level, pool=PoolSettings(spares=0)))
        opened[0].call(ONE, {})

    thread = threading.Thread(target=open_and_call)
    thread.start()
    thread.join()
    with opened[0] as sandbox:
        time.sleep(0.2)
        before = serving()
        assert sandbox.call(ONE, {}).value == 1
        assert serving() == before


def test_several_threads_may_call_one_sandbox(own_sandbox: Sandbox) -> None:
    echo = Program("def body(n): return n", "body")
    values: dict[int, object] = {}

    def call(number: int) -> None:
        values[number] = own_sandbox.call(echo, {"n": number}).value

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == {number: number for number in range(8)}


def test_a_forked_process_gets_a_supervisor_of_its_own(own_sandbox: Sandbox) -> None:
    echo = Program("def body(n): return n", "body")
    own_sandbox.call(ONE, {})
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with own_sandbox:
                status = 0 if own_sandbox.call(echo, {"n": "child"}).value == "child" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert own_sandbox.call(echo, {"n": "parent"}).value == "parent"


def test_only_a_few_hash_seeds_are_kept_warm(own_sandbox: Sandbox) -> None:
    seeds = range(MOST_NEEDS + 1)
    order = Program("def body(): return list({str(n) for n in range(50)})", "body")
    first = [own_sandbox.call(order, {}, hash_seed=seed).value for seed in seeds]
    if isinstance(own_sandbox, DockerSandbox):
        assert len(own_sandbox.containers()) == MOST_NEEDS
    assert own_sandbox.call(order, {}, hash_seed=0).value == first[0]
    assert len({str(each) for each in first}) == len(first)


def test_a_closed_sandbox_leaves_no_process_and_refuses_calls(level: Kind) -> None:
    before = below(os.getpid())
    sandbox = open_sandbox(kind=level)
    sandbox.call(ONE, {})
    sandbox.close()
    sandbox.close()
    assert settled() == before
    with pytest.raises(UsageError, match="closed"):
        sandbox.call(ONE, {})


@pytest.mark.parametrize("busy", [False, True])
def test_kill_9_of_our_process_leaves_nothing(level: Kind, busy: bool) -> None:
    owner = Owner(level, busy=busy)
    processes = below(owner.process.pid)
    containers = owner.containers
    owner.process.kill()
    owner.process.wait()
    if level == "docker":
        docker = pytest.importorskip("docker")
        client = docker.from_env()
        assert containers
        with open_sandbox(kind=level):
            left = {each.id for each in client.containers.list(all=True, ignore_removed=True)}
        assert not left & set(containers)
    else:
        assert len(processes) >= 2 + busy
        until(lambda: not any(running(process) for process in processes))


class Owner:
    """Another process that has a sandbox, idle or within a call."""

    def __init__(self, level: Kind, *, busy: bool) -> None:
        code = f"""
import time
from executor.sandbox import Program, SandboxLimits, open_sandbox
limits = SandboxLimits(seconds=60)
with open_sandbox(kind={level!r}, limits=limits) as sandbox:
    sandbox.call(Program("def body(): return 1", "body"), dict())
    print(*getattr(sandbox, "containers", tuple)(), flush=True)
    if {busy}:
        sandbox.call(Program({SLEEP.code!r}, "body"), dict())
    time.sleep(60)
"""
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        self.containers = self.process.stdout.readline().split()
        time.sleep(0.5)


def test_emptying_folders_says_when_something_cannot_be_removed(tmp_path: Path) -> None:
    folder = tmp_path / "shallow"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "file").write_text("x")
    (folder / "link").symlink_to("/etc")
    assert empty_folders((str(folder), str(tmp_path / "missing")))
    assert list(folder.iterdir()) == []
    assert Path("/etc/passwd").exists()


def test_emptying_folders_gives_up_on_a_tree_that_is_too_deep(tmp_path: Path) -> None:
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):  # the whole path would be too long to name
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    clean = empty_folders((str(tmp_path),))
    assert clean == (not list(tmp_path.iterdir()))
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
