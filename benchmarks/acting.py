"""What it costs to carry out steps durably, how soon another process takes over, and whether anything is ever lost.

    python benchmarks/acting.py                        all parts but the kills
    python benchmarks/acting.py --part overhead        one part: overhead, events, takeover, distributed, kills
    python benchmarks/acting.py --part kills --rounds 200
    python benchmarks/acting.py --json                 the same rows as one document

    overhead     a run of 1,000 steps of no work in one process, on an embedded server that writes to disk before it
                 answers (appendfsync always): CPU of this process and wall time a step, and the writes that the server
                 did for it. Next to it the same plan with nothing written down (a journal in memory), which is the
                 limit, and a bare round trip of the same server that writes one value
    events       appending to a log, reading it back, and folding it into a run; events a second
    takeover     a driver is killed with SIGKILL in the middle of a run whose steps take 20 ms; seconds until another
                 process that waits for it begins the next step, with the lease of 6 seconds that is the default
    distributed  a run of 1,000 steps of no work, and a graph of 1,000 steps of 5 ms, carried out by two workers, next
                 to the engine alone on the same graph; see acting_distributed.py
    kills        rounds of a run of 100 steps whose driver, sandbox and server are killed at random; see
                 tests/executor/kills

Times are of this machine in one run; what counts are the ratios.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from executor.actor import Actor  # noqa: E402 - the folder above has the program
from executor.agent import Agent  # noqa: E402
from executor.driving import RunTaken  # noqa: E402
from executor.durable import read_events, read_view  # noqa: E402
from executor.sandbox import SandboxLimits  # noqa: E402
from executor.settings import Settings  # noqa: E402
from executor.store import Store, event_text, open_store  # noqa: E402
from htn import Domain, State, find_plan  # noqa: E402
from htn.plan import Plan  # noqa: E402

Rows = list[dict[str, Any]]
SLOW = """
import time
from htn import Domain, State

slow = Domain("slow")

@slow.operator
def wait(state, number):
    state.at["number"] = number
    return state

@slow.command("wait", delivery="at least once")
def wait_out(state, number):
    time.sleep(0.02)
    return wait(state, number)

@slow.method("all")
def each(state, count):
    return [("wait", number) for number in range(count)]

@slow.initial_state
def start():
    return State(at={"number": 0})
"""


def idle() -> Domain:
    """A domain whose steps do next to nothing."""
    domain = Domain("idle")

    @domain.operator
    def nothing(state: State, number: int) -> State:
        state.at["number"] = number
        return state

    @domain.method("all")
    def each(state: State, count: int) -> list[tuple[Any, ...]]:
        return [("nothing", number) for number in range(count)]

    return domain


@contextmanager
def folder() -> Iterator[Path]:
    """A folder with a short path: that of a socket has to be short."""
    with tempfile.TemporaryDirectory(prefix="htn-") as path:
        yield Path(path)


def scripts_of(store: Store) -> int:
    """Return how many scripts the server has run: each is one transaction, and one write to its disk."""
    told: Any = store._connection.run(lambda client, again: client.info("commandstats"))  # the benchmark counts
    return sum(row["calls"] for name, row in told.items() if name in ("cmdstat_evalsha", "cmdstat_eval"))


def overhead(steps: int) -> Rows:
    """Carry the same plan out with and without a log."""
    domain, rows = idle(), []
    state = State(at={"number": 0})
    plan = find_plan(domain, state, [("all", steps)])
    assert isinstance(plan, Plan)
    with folder() as data, Agent(Settings.load(data_dir=data, learn="never")) as agent:
        agent.store.status()
        before = scripts_of(agent.store)
        wall, cpu = time.perf_counter(), time.process_time()
        report = agent.run(domain, [("all", steps)], state.copy())
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert report.run is not None and report.run.done
        writes = scripts_of(agent.store) - before
        rows.append(_cost("durable, in one process", steps, cpu, wall, writes / steps))
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(steps):
            _write(agent.store, str(number))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        rows.append(_cost("a bare write to the same server", steps, cpu, wall, 1.0))
    actor = Actor(domain, _nothing, _nothing, SandboxLimits())
    wall, cpu = time.perf_counter(), time.process_time()
    assert actor.act(plan, state.copy()).done
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return [*rows, _cost("nothing written down", steps, cpu, wall, 0.0)]


def _write(store: Store, text: str) -> None:
    store._connection.run(lambda client, again: client.set("bare", text))


def _nothing() -> Any:
    raise AssertionError("no step needs it")


def _cost(what: str, steps: int, cpu: float, wall: float, writes: float) -> dict[str, Any]:
    return {
        "part": "overhead",
        "what": what,
        "steps": steps,
        "cpu_ms": round(cpu / steps * 1000, 3),
        "wall_ms": round(wall / steps * 1000, 3),
        "durable_writes": round(writes, 3),
    }


def events(count: int) -> Rows:
    """Append, read and fold the events of a run."""
    with folder() as data, open_store(redis_url=None, data_dir=data) as store:
        domain = idle()
        with Agent(Settings.load(data_dir=data, learn="never")) as agent:
            agent.run(domain, [("all", count // 2)], State(at={"number": 0}), run_id="many")
        logs = store.runs()
        begun = time.perf_counter()
        for number in range(count // 10):
            logs.append("many", event_text("note", number=number))
        append = (count // 10) / (time.perf_counter() - begun)
        begun = time.perf_counter()
        found = read_events(store, "many")
        read = len(found) / (time.perf_counter() - begun)
        begun = time.perf_counter()
        read_view(store, "many")
        fold = len(found) / (time.perf_counter() - begun)
    names = ("append, one at a time, each on disk", append), ("read", read), ("read and fold", fold)
    return [{"part": "events", "what": name, "a_second": round(rate)} for name, rate in names]


def takeover(rounds: int) -> Rows:
    """Kill drivers, and take over."""
    waited = []
    with folder() as data:
        domain = data / "slow.py"
        domain.write_text(SLOW)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HTN_DATA_DIR": str(data)}
        with Agent(Settings.load(data_dir=data, learn="never")) as agent:
            for number in range(rounds):
                run_id = f"run{number}"
                words = [sys.executable, "-m", "cli", "run", str(domain), "all(400)", "--run-id", run_id, "--quiet"]
                with subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as driver:
                    while agent.store.runs().record(run_id) is None:
                        time.sleep(0.05)
                    time.sleep(1.0 + 0.3 * number)
                    driver.send_signal(signal.SIGKILL)
                    killed = time.time()
                try:
                    agent.resume(run_id)
                except RunTaken as error:
                    raise AssertionError("nobody took over") from error
                found = read_events(agent.store, run_id)
                at = next(event.at for event in found if event.kind == "resume")
                waited.append(next(event.at for event in found if event.kind == "start" and event.at >= at) - killed)
    return [
        {
            "part": "takeover",
            "what": "from SIGKILL of the driver to the next step elsewhere",
            "rounds": rounds,
            "median_s": round(statistics.median(waited), 2),
            "longest_s": round(max(waited), 2),
        }
    ]


def kills(rounds: int) -> Rows:
    """Play rounds of kills."""
    from tests.executor.kills.rounds import STEPS, disturbed  # noqa: PLC0415 - it needs the tests' folder

    with folder() as data:
        came, servers = disturbed(rounds, data, seed=int(time.time()))
    wrong = [(one.run_id, one.wrong) for one in came if one.wrong]
    takeovers = [seconds for one in came for seconds in one.takeovers]
    return [
        {
            "part": "kills",
            "what": f"rounds of {STEPS} steps",
            "rounds": rounds,
            "right": rounds - len(wrong),
            "drivers_killed": sum(one.driver_kills for one in came),
            "sandboxes_killed": sum(one.sandbox_kills for one in came),
            "servers_killed": servers,
            "settled_by_traces": sum(one.settled for one in came),
            "begun_twice": sum(one.begun_twice for one in came),
            "takeover_median_s": round(statistics.median(takeovers), 2) if takeovers else None,
            "wrong": wrong,
        }
    ]


def distributed(steps: int) -> Rows:
    """Carry steps out on workers, next to the engine alone."""
    from benchmarks.acting_distributed import measure  # noqa: PLC0415 - it needs the extra

    return [{"part": "distributed", **asdict(row)} for row in measure(steps)]


def table(rows: Rows) -> Iterator[str]:
    """Give the rows as lines."""
    for row in rows:
        rest = ", ".join(f"{key} {value}" for key, value in row.items() if key not in ("part", "what"))
        yield f"{row['part']:12}  {row['what']:52}  {rest}"


def main() -> int:
    """Run the parts and print what they come to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=["overhead", "events", "takeover", "distributed", "kills"], action="append")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    found: Rows = []
    for part in given.part or ["overhead", "events", "takeover", "distributed"]:
        print(f"{part} …", file=sys.stderr)
        rows = {
            "overhead": lambda: overhead(given.steps),
            "events": lambda: events(10 * given.steps),
            "takeover": lambda: takeover(5),
            "distributed": lambda: distributed(given.steps),
            "kills": lambda: kills(given.rounds),
        }[part]()
        found += rows
        if not given.as_json:
            print("\n".join(table(rows)))
    if given.as_json:
        print(json.dumps({"rows": found}, indent=1))
    return int(any(row.get("wrong") for row in found))


if __name__ == "__main__":
    sys.exit(main())
