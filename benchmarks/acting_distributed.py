"""What it costs that steps are carried out by workers: next to Celery alone, on the same graph and the same server.

    python benchmarks/acting_distributed.py             the table
    python benchmarks/acting_distributed.py --json      the same rows as one document

A random graph of steps, each of which waits for up to three of the forty before it, is carried out by two workers, each
a process with one step at a time; at most 32 steps are under way. A Redis server of its own keeps an append-only file
that it writes to disk each second (`appendonly yes`, `appendfsync everysec`); it is the store and Celery's broker.

    celery      Celery alone, with the settings that runs have: the same transport sends each step when those before it
                are done, and a worker that has done a step tells so (RPUSH). Nothing is claimed, committed or kept
    run         a distributed run: claims, commits with the changes of the state, and a log; from the plan's first
                line in the log to the run's last. Quick steps are sent several in a message, as Celery alone is not

A step of no work takes nothing, so what it takes is overhead. With steps of 5 ms, efficiency is the time that two
workers would need at least (all the work by two, or the longest chain) of the time that was needed.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from executor.agent import Agent, Listener  # noqa: E402 - the folder above has the program
from executor.crew import workers_alive  # noqa: E402
from executor.load import load_domain, load_state  # noqa: E402
from executor.run import Logged  # noqa: E402
from executor.schedule import Schedule  # noqa: E402
from executor.settings import Settings  # noqa: E402
from executor.store import open_store  # noqa: E402
from executor.store.binary import find_program  # noqa: E402
from executor.transport.celery_app import celery_transport, make_app, serve  # noqa: E402

STEPS, WORKERS, WIDTH, SEED = 1_000, 2, 32, 7
DONE = "bench_done"
PREFIX = "bench"

GRAPH = f'''
"""A random graph of steps."""

import os
import random
import time

from htn.domain import Domain
from htn.state import State

graph = Domain("graph")
SECONDS = float(os.environ.get("GRAPH_SECONDS", "0"))


def parents(step):
    chance = random.Random(f"{SEED} {{step}}")
    return chance.sample(range(max(0, step - 40), step), k=min(step, chance.choice([0, 1, 1, 2, 2, 3])))


@graph.initial_state
def nothing_yet():
    return State(value={{}})


@graph.operator
def step(state, number):
    for parent in parents(number):
        state.value[parent]
    state.value[number] = 1
    return state


if SECONDS:
    @graph.command("step", delivery="at least once")
    def slowly(state, number):
        time.sleep(SECONDS)
        return step(state, number)


@graph.method("all")
def all_of_it(state, steps):
    return [("step", number) for number in range(steps)]
'''


@dataclass(frozen=True)
class Row:
    """A line of the table. `overhead_ms` is per step; `efficiency` of the least time that the workers would need."""

    what: str
    steps: int
    work_ms: float
    seconds: float
    overhead_ms: float
    efficiency: float


def parents(step: int) -> list[int]:
    """Return those that a step waits for; as the domain's file has it."""
    chance = random.Random(f"{SEED} {step}")
    return chance.sample(range(max(0, step - 40), step), k=min(step, chance.choice([0, 1, 1, 2, 2, 3])))


def row(what: str, steps: int, work: float, seconds: float) -> Row:
    """Return a line of the table."""
    depth: list[int] = []
    for step in range(steps):
        depth.append(1 + max((depth[parent] for parent in parents(step)), default=0))
    least = max(steps * work / WORKERS, max(depth) * work)
    return Row(what, steps, work * 1000, seconds, (seconds - least) / steps * 1000, least / seconds)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a Redis server that keeps an append-only file, written to disk each second."""
    folder.mkdir()
    socket = folder / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(socket), "--appendonly", "yes", "--appendfsync", "everysec",
             "--save", "", "--dir", str(folder)]  # fmt: skip
    process = subprocess.Popen([str(find_program()), *words], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.02)
    try:
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def processes(words: list[str], count: int, **environment: str) -> Iterator[None]:
    """Run some processes meanwhile."""
    started = [
        subprocess.Popen(
            words,
            env={**os.environ, "PYTHONPATH": str(HERE), **environment},
            cwd=HERE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def celery_alone(url: str, steps: int, work: float) -> Row:
    """Carry the graph out over Celery, with nothing but the order of its steps."""
    client = redis.Redis.from_url(url, socket_timeout=60)
    client.flushall()
    transport = celery_transport(url, PREFIX)
    words = [sys.executable, __file__, "--bare-worker", url, "--work", str(work)]
    with processes(words, WORKERS):
        for _ in range(WORKERS):  # one each: both are there
            assert client.blpop(["bench_ready"], timeout=30)
        schedule, flying = Schedule([parents(step) for step in range(steps)]), 0
        started = time.perf_counter()
        while schedule.left:
            while flying < WIDTH and (step := schedule.next()) is not None:
                transport.dispatch("graph", [str(step)], "python")
                flying += 1
            found = client.blpop([DONE], timeout=30)
            assert found, "a step was lost"
            schedule.done(int(found[1]))
            flying -= 1
        seconds = time.perf_counter() - started
    client.close()
    return row("celery", steps, work, seconds)


def bare_worker(url: str, work: float) -> None:
    """Take steps and tell that they are done."""
    clients: list[redis.Redis] = []

    def carry_out(run_id: str, step: str) -> None:
        if not clients:
            clients.append(redis.Redis.from_url(url))
        if work:
            time.sleep(work)
        clients[0].rpush(DONE, step)

    def ready() -> None:
        redis.Redis.from_url(url).rpush("bench_ready", "1")

    serve(
        make_app(url, PREFIX), carry_out, name=f"bare{os.getpid()}", labels=["python"], concurrency=1,
        on_ready=ready, on_leaving=lambda: None, on_end=lambda: None,
    )  # fmt: skip


def distributed_run(url: str, folder: Path, steps: int, work: float) -> Row:
    """Carry the graph out as a run."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
    file = folder / "graph.py"
    file.write_text(GRAPH, encoding="utf-8")
    words = [sys.executable, "-m", "cli", "worker", "--redis-url", url, "--no-adopt"]
    with ExitStack() as stack:
        stack.enter_context(processes(words, WORKERS, GRAPH_SECONDS=str(work)))
        store = stack.enter_context(open_store(redis_url=url, data_dir=folder))
        while len(workers_alive(store.workers())) < WORKERS:
            time.sleep(0.1)
        settings = Settings.load(redis_url=url, data_dir=folder, distributed=True, parallel=WIDTH)
        agent = stack.enter_context(Agent(settings, Listener()))
        domain = load_domain(str(file))
        for warm in (10, steps):  # the first few make the workers open what they need
            name = f"run{warm}"
            report = agent.run(domain, [("all", warm)], load_state(domain, None), run_id=name)
            assert report.run is not None and report.run.done and len(report.run.steps) == warm
        events = [Logged.read(*each) for each in store.runs().events(name)]
        planned = next(event for event in events if event.kind == "planned")
        return row("run", steps, work, events[-1].at - planned.at)


def measure(steps: int) -> list[Row]:
    """Return the rows: without work, and with 5 ms a step."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="htn-") as name:
        folder = Path(name)
        with server(folder / "redis") as url:
            for work in (0.0, 0.005):
                rows.append(celery_alone(url, steps, work))
                rows.append(distributed_run(url, folder, steps, work))
    return rows


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bare-worker", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=float, default=0.0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.bare_worker:
        bare_worker(chosen.bare_worker, chosen.work)
        return
    rows = measure(chosen.steps)
    if chosen.json:
        json.dump([asdict(each) for each in rows], sys.stdout, indent=2)
        print()
        return
    print("| what | steps | work, ms | seconds | overhead per step, ms | efficiency |\n|---|---|---|---|---|---|")
    for each in rows:
        efficiency = f"{each.efficiency:.0%}" if each.work_ms else ""
        print(
            f"| {each.what} | {each.steps:,} | {each.work_ms:g} | {each.seconds:.2f} | {each.overhead_ms:.2f} |"
            f" {efficiency} |"
        )
    print(f"\na run takes {rows[1].overhead_ms / rows[0].overhead_ms:.2f} times the overhead of Celery alone")


if __name__ == "__main__":
    main()
