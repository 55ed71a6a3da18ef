"""What planning over HTTP costs, whether a long search delays anybody, and what becomes of many runs at once.

    python benchmarks/service.py                        all parts, 60 seconds for each number of clients
    python benchmarks/service.py --seconds 10           the same, shorter
    python benchmarks/service.py --part load            one part: health, load, runs
    python benchmarks/service.py --json                 the same rows as one document

    health   GET /health by one client, first alone, then while a search computes until its limit of 10 seconds
    load     POST /api/v1/plans (travel: three actions) by 1, 10 and 100 clients that each ask again as soon as they
             are answered. Next to it the limit: a bare FastAPI route, served by the same server, that makes the same
             call of find_plan in its own process and checks nothing. Memory is that of the service and of its planning
             processes; the library's server, which keeps every run, is left out
    runs     1,000 runs of three steps, started at once: how many came to their end, how far the order in which they
             were begun is from the order in which they were written down, and how long they waited

The service is a process of its own (htn serve), and so is the bare route; all clients are one asyncio process over
loopback, with connections that stay open. Times are of this machine in one run; what counts are the ratios.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

Rows = list[dict[str, Any]]
PLAN = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
CLIENTS = (1, 10, 100)
TARGET = 4.0  # times the bare route, at the median, with one client
HEALTH_P99_MS = 250.0  # a search that computes takes a core; a /health that waited for it would take 10,000
SLOW = """
from htn import Domain, State

slow = Domain("slow")


@slow.initial_state
def start():
    return State(at={"me": 0})


@slow.operator
def step(state, number):
    state.at["me"] = number
    return state


@slow.method("wander")
def left(state, depth):
    return [("step", 2 * state.at["me"] + 0), ("wander", depth - 1)] if depth else None


@slow.method("wander")
def right(state, depth):
    return [("step", 2 * state.at["me"] + 1), ("wander", depth - 1)] if depth else None
"""


@dataclass
class Served:
    """A server that runs: where, how it is asked, and how much memory it has."""

    port: int
    token: str
    pid: int

    def megabytes(self) -> float:
        """Return the memory of the process and of those it has started, but for the library's server."""
        return sum(map(_resident, _tree(self.pid))) / 1024


@dataclass
class Load:
    """What clients saw: seconds of each answer, and how many answers were none of status 200."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    took: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return it as columns."""
        return {
            "a_second": round(len(self.seconds) / self.took, 1), "median_ms": _ms(self.seconds, 50),
            "p99_ms": _ms(self.seconds, 99), "answers": len(self.seconds), "errors": self.errors,
        }  # fmt: skip


class Client:
    """One connection that stays open."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._reader: asyncio.StreamReader | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._served.port)
        sent = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._served.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        self._writer.write(head.encode() + sent)
        answered = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answered, re.I)
        assert length is not None, answered
        return int(answered[9:12]), await self._reader.readexactly(int(length[1]))

    def close(self) -> None:
        """Close the connection."""
        if self._reader is not None:
            self._writer.close()


@contextmanager
def service(**settings: object) -> Iterator[Served]:
    """Start htn serve with a library of its own."""
    with tempfile.TemporaryDirectory(prefix="htn-") as folder:
        (Path(folder) / "slow.py").write_text(SLOW)
        chosen = {"data_dir": folder, "service_rate": 0, "sandbox": "lockdown", **settings}
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        environment |= {f"HTN_{name.upper()}": str(value) for name, value in chosen.items()}
        words = [sys.executable, "-m", "cli", "serve", "--port", "0", "--domain", f"{folder}/slow.py"]
        with (Path(folder) / "log").open("w+") as log:
            process = subprocess.Popen(words, env=environment, stderr=log)
            try:
                port = _port(log.name, process)
                yield Served(port, (Path(folder) / "token").read_text().strip(), process.pid)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


@contextmanager
def bare() -> Iterator[Served]:
    """Start the bare route."""
    with tempfile.TemporaryDirectory(prefix="htn-") as folder, (Path(folder) / "log").open("w+") as log:
        words = [sys.executable, __file__, "--serve-bare"]
        process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=log)
        try:
            yield Served(_port(log.name, process), "none", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def serve_bare() -> None:
    """Answer POST /api/v1/plans with nothing but the call of find_plan."""
    import socket  # noqa: PLC0415 - only this process serves

    import uvicorn  # noqa: PLC0415
    from fastapi import Body, FastAPI, Response  # noqa: PLC0415

    from domains.travel import travel  # noqa: PLC0415
    from executor.load import state_from  # noqa: PLC0415
    from htn import Plan, find_plan  # noqa: PLC0415
    from htn.network import parse_task  # noqa: PLC0415

    app = FastAPI()

    @app.post("/api/v1/plans")
    async def plan(tasks: Annotated[list[str], Body()], domain: Annotated[str, Body()]) -> Response:
        found = find_plan(travel, state_from(travel), [parse_task(task) for task in tasks])
        assert isinstance(found, Plan), domain
        return Response(json.dumps(found.to_json()), media_type="application/json")

    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"bare answers at http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, http="h11", ws="none")
        uvicorn.Server(config).run([listener])


async def hammered(served: Served, clients: int, seconds: float, ask: tuple[str, str, Any]) -> Load:
    """Have clients ask for so many seconds."""
    load, until = Load(), time.perf_counter() + seconds
    began = time.perf_counter()

    async def one() -> None:
        client = Client(served)
        while (at := time.perf_counter()) < until:
            status, _ = await client.ask(*ask)
            load.seconds.append(time.perf_counter() - at)
            load.errors += status != 200
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    load.took = time.perf_counter() - began
    return load


async def health(seconds: float) -> Rows:
    """Ask how it is, alone and beside a search that computes."""
    rows: Rows = []
    asking = ("GET", "/health", None)
    with service() as served:
        await hammered(served, 2, 1.0, ("POST", "/api/v1/plans", PLAN))
        alone = await hammered(served, 1, min(seconds, 10.0), asking)
        rows.append({"part": "health", "what": "alone", **alone.row()})
        client = Client(served)
        body = {"domain": "slow", "tasks": [["wander", 60]], "max_seconds": 10, "max_expansions": 10**9}
        search = asyncio.create_task(client.ask("POST", "/api/v1/plans", body))
        await asyncio.sleep(0.2)
        beside = await hammered(served, 1, 9.0, asking)
        ended = search.done()
        status, found = await search
        row = {"part": "health", "what": "beside a search of 10 s", **beside.row()}
        row |= {"search": json.loads(found).get("exit_code"), "longest_ms": round(1000 * max(beside.seconds), 2)}
        rows.append(row | {"wrong": beside.errors > 0 or ended or status != 200 or row["p99_ms"] > HEALTH_P99_MS})
    return rows


async def load(seconds: float) -> Rows:
    """Ask for plans, of the service and of the bare route."""
    rows: Rows = []
    asking = ("POST", "/api/v1/plans", PLAN)
    medians: dict[int, float] = {}
    places: tuple[tuple[str, Callable[[], Any]], ...] = (("bare route", bare), ("POST /api/v1/plans", service))
    for name, started in places:
        with started() as served:
            await hammered(served, 10, 2.0, asking)  # everything is loaded, and every planner runs
            for clients in CLIENTS:
                before = served.megabytes()
                found = await hammered(served, clients, seconds, asking)
                row = {"part": "load", "what": f"{name}, {clients} clients", **found.row()}
                row |= {"mb_before": round(before, 1), "mb_after": round(served.megabytes(), 1)}
                row["times_bare"] = round(row["median_ms"] / medians.setdefault(clients, row["median_ms"]), 2)
                row["wrong"] = found.errors > 0 or (clients == 1 and row["times_bare"] > TARGET)
                rows.append(row)
    return rows


async def runs(count: int) -> Rows:
    """Start many runs at once, and see what becomes of them; then once more, for what stays in memory."""
    rows: Rows = []
    with service() as served:
        await _wave(served, 20)  # everything is loaded, and every planner runs
        for name in ("at once", "once more"):
            before = served.megabytes()
            row = {"part": "runs", "what": f"{count} runs of three steps {name}", **await _wave(served, count)}
            row |= {"mb_before": round(before, 1), "mb_after": round(served.megabytes(), 1)}
            rows.append(row | {"wrong": row["refused"] > 0 or row["done"] != count})
    return rows


async def _wave(served: Served, count: int) -> dict[str, Any]:
    clients = [Client(served) for _ in range(100)]
    ids: list[str] = []
    began = time.perf_counter()

    async def start(client: Client, share: int) -> int:
        refused = 0
        for _ in range(share):
            status, body = await client.ask("POST", "/api/v1/runs", PLAN)
            refused += status != 202
            if status == 202:
                ids.append(json.loads(body)["id"])
        return refused

    shares = [count // 100 + (number < count % 100) for number in range(100)]
    refused = sum(await asyncio.gather(*map(start, clients, shares)))
    accepted = time.perf_counter() - began
    states = [await _state(clients[0], run_id) for run_id in ids]
    ended = time.perf_counter() - began
    starts = [await _begun(clients[0], run_id) for run_id in ids]
    for client in clients:
        client.close()
    return {
        "refused": refused, "done": states.count("done"), "accepted_s": round(accepted, 2), "ended_s": round(ended, 2),
        "a_second": round(len(ids) / ended, 1), **_order(starts),
    }  # fmt: skip


async def _state(client: Client, run_id: str) -> str:
    _, body = await client.ask("GET", f"/api/v1/runs/{run_id}?wait=300")
    return str(json.loads(body)["state"])


async def _begun(client: Client, run_id: str) -> tuple[float, float]:
    _, body = await client.ask("GET", f"/api/v1/runs/{run_id}/events")
    at = {event["kind"]: event["at"] for event in reversed(json.loads(body)["events"])}
    return at["created"], at["resume"]


def _order(starts: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return how far runs were begun from their turn, which is that of the time at which they were written down."""
    turns = sorted(range(len(starts)), key=lambda at: starts[at][0])
    begun = {run: place for place, run in enumerate(sorted(range(len(starts)), key=lambda at: starts[at][1]))}
    off = [abs(begun[run] - turn) for turn, run in enumerate(turns)]
    waits = [second - first for first, second in starts]
    return {
        "places_off_median": statistics.median(off), "places_off_most": max(off),
        "waited_median_s": round(statistics.median(waits), 2), "waited_longest_s": round(max(waits), 2),
    }  # fmt: skip


def _ms(seconds: Sequence[float], percent: int) -> float:
    return round(1000 * statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1], 2)


def _port(log: str, process: "subprocess.Popen[bytes]") -> int:
    """Wait until a server says where it answers."""
    while process.poll() is None:
        if found := re.search(r"answers at http://127\.0\.0\.1:(\d+)", Path(log).read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(Path(log).read_text())


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _resident(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return float(found[1]) if found and not re.match(r"Name:\s+(redis|valkey)", text) else 0.0


def table(rows: Rows) -> Iterator[str]:
    """Give the rows as lines."""
    for row in rows:
        rest = ", ".join(f"{key} {value}" for key, value in row.items() if key not in ("part", "what"))
        yield f"{row['part']:7}  {row['what']:36}  {rest}"


def main() -> int:
    """Run the parts and print what they come to. Exit with 1 where one is not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=["health", "load", "runs"], action="append")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--serve-bare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve_bare:
        serve_bare()
        return 0
    found: Rows = []
    parts = {
        "health": lambda: health(given.seconds),
        "load": lambda: load(given.seconds),
        "runs": lambda: runs(given.runs),
    }
    for part in given.part or parts:
        print(f"{part} …", file=sys.stderr)
        rows = asyncio.run(parts[part]())
        found += rows
        if not given.as_json:
            print("\n".join(table(rows)), flush=True)
    if given.as_json:
        print(json.dumps({"rows": found}, indent=1))
    return int(any(row.get("wrong") for row in found))


if __name__ == "__main__":
    sys.exit(main())
