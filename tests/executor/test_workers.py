"""Three workers and two drivers, each a process of its own, some of which are killed: nothing is lost or done twice."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from executor.agent import Agent
from executor.crew import workers_alive
from executor.load import load_domain, load_state
from executor.run import Logged
from executor.runs import Runs
from executor.settings import Settings
from executor.store import Store, open_store
from htn.state import State
from tests.executor.mill import write_mill
from tests.executor.mortal import Mortal

HERE = Path(__file__).resolve().parent.parent.parent
STEPS = 60


class Processes:
    """Processes of `htn`, each in a group of its own, so that it can be killed with all that belongs to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        log = self._folder / f"{words[0]}{len(self._all)}.log"
        environment = {**os.environ, "PYTHONPATH": str(HERE), "MILL_SECONDS": "0.05"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", *words], cwd=HERE, env=environment, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        self._all.append(process)
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        for process in self._all:
            self.kill(process)

    def told(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in self._folder.glob("*.log"))


@pytest.fixture
def server(folder: Path) -> Iterator[Mortal]:
    (folder / "redis").mkdir()
    mortal = Mortal(folder / "redis")
    mortal.start()
    yield mortal
    mortal.kill()


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    (folder / "logs").mkdir()
    made = Processes(folder / "logs")
    yield made
    made.kill_all()


def until(what: Callable[[], bool], processes: Processes, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    for _ in range(int(seconds / 0.1)):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not come to that\n{processes.told()}")


def finished(store: Store, run: str) -> Counter[str]:
    events = [Logged.read(*row) for row in store.runs().events(run)]
    return Counter(str(event.data["step"]) for event in events if event.kind == "finish")


def alone(file: Path, folder: Path, seed: int) -> State:
    domain = load_domain(str(file))
    state = load_state(domain, None)
    with Agent(Settings.load(data_dir=folder / "alone")) as agent:
        agent.run(domain, [("mill", STEPS, seed)], state)
    return state


def test_killed_workers_drivers_and_servers_lose_nothing_and_nothing_is_done_twice(
    folder: Path, server: Mortal, processes: Processes
) -> None:
    file = write_mill(folder)
    where = ("--redis-url", server.url)
    with open_store(redis_url=server.url, data_dir=folder) as store:
        workers = [processes.start("worker", *where) for _ in range(3)]
        until(lambda: len(workers_alive(store.workers())) == 3, processes)
        drivers = {
            run: processes.start(
                "run", str(file), f"mill({STEPS}, {seed})", "--distributed", "--run-id", run, "--quiet", *where
            )
            for run, seed in (("a", 1), ("b", 2))
        }
        until(lambda: all(len(finished(store, run)) >= 5 for run in "ab"), processes)
        processes.kill(workers[0])
        processes.kill(drivers["b"])
        until(lambda: len(finished(store, "a")) >= 20, processes)
        server.kill()
        server.start()

        runs = Runs(store)
        until(lambda: all(runs.show(run).state == "done" for run in "ab"), processes, 90)
        assert drivers["a"].wait(30) == 0
        for run, seed in (("a", 1), ("b", 2)):
            assert finished(store, run) == Counter(f"1.{at + 1}" for at in range(STEPS))
            assert runs.state(run) == alone(file, folder, seed)
        with redis.Redis.from_url(server.url) as client:
            until(lambda: client.llen("htn_celery:python") == 0, processes)  # what was sent twice is taken and left
        for worker in workers[1:]:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(30) for worker in workers[1:]] == [0, 0]
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        left = {str(key) for key in client.keys("htn:*")} | {str(key) for key in client.keys("workflow_*")}
        known = {"htn:runs", "htn:workers", *(f"htn:run:{run}{part}" for run in "ab" for part in ("", ":events"))}
        assert left <= known
        assert client.llen("htn_celery:python") == 0
    assert not _still_there(workers[1:])


def _still_there(workers: list["subprocess.Popen[bytes]"]) -> list[int]:
    """Return the groups of which a process is left."""
    left = []
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, 0)
            left.append(worker.pid)
    return left
