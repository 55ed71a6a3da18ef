"""One job in every kind of sandbox: the first call, a warm call, calls a second with two workers.

    python benchmarks/sandbox.py                        the table
    python benchmarks/sandbox.py --json                 the same rows as one document
    python benchmarks/sandbox.py --quick                fewer calls
    python benchmarks/sandbox.py --peers-python PATH --peers-image NAME
                                                        with llm-sandbox and AutoGen, where PATH can import them

The job: JSON in, a small pure function, JSON out, right or the run fails. Rows take turns, so that what else the
machine does falls on all of them. `floor` is what no such sandbox can beat: in a container that is hardened like ours,
a Python with the same modules in memory forks, compiles the code, runs it, encodes the result, exits and is waited for;
it neither fences nor reports, and its times are taken in the container. `docker run` is one hardened container a call.
A peer needs an image that has `python`, `sh` and `timeout`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from executor.sandbox import Kind, PoolSettings, Program, SandboxLimits, engine_status, image_status, open_sandbox
from executor.sandbox.engine import connect
from executor.sandbox.hardening import Fence, hardening
from executor.sandbox.inside.zygote import USUAL_MODULES

CODE = """\
def order(items, discount):
    total = 0
    for item in items:
        total += item["price"] * item["count"]
    if total > 20:
        total -= total * discount
    return {"total": round(total, 2), "lines": sorted(item["name"] for item in items)}
"""
ARGUMENTS: dict[str, Any] = {
    "items": [{"name": f"item {n}", "price": 1.25 * n, "count": n % 3 + 1} for n in range(10)],
    "discount": 0.1,
}
PROGRAM = Program(CODE, "order")
_SCOPE: dict[str, Any] = {}
exec(compile(CODE, "<job>", "exec"), _SCOPE)  # noqa: S102 - the job above
EXPECTED = _SCOPE["order"](**ARGUMENTS)
# The job as a program of its own: the way of everything that starts an interpreter.
WHOLE = f"import json\n{CODE}\nprint(json.dumps(order(**json.loads({json.dumps(json.dumps(ARGUMENTS))}))))"

FLOOR = f"""\
import gc, json, os, sys, time
import {", ".join(USUAL_MODULES)}
code, arguments = json.loads(sys.stdin.readline())
gc.collect()
gc.freeze()
for line in sys.stdin:
    spent = []
    for _ in range(int(line)):
        started = time.perf_counter()
        child = os.fork()
        if not child:
            scope = dict()
            exec(compile(code, "<job>", "exec"), scope)
            json.dumps(scope["order"](**json.loads(arguments)))
            os._exit(0)
        os.waitpid(child, 0)
        spent.append(time.perf_counter() - started)
    print(json.dumps(spent), flush=True)
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: milliseconds, and calls a second; None where it was not measured, `note` says why."""

    name: str
    first: float | None
    p50: float | None
    p95: float | None
    throughput: float | None
    calls: int
    note: str = ""


class Way(Protocol):
    """A way to do the job."""

    def calls(self, count: int) -> list[float]:
        """Do the job so many times; return the seconds of each."""


Opened = Callable[[ExitStack], Callable[[], Way]]


class Called:
    """A way that is a function: called and checked on this side."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def calls(self, count: int) -> list[float]:
        """Time the function."""
        spent = []
        for _ in range(count):
            started = time.perf_counter()
            value = self._function()
            spent.append(time.perf_counter() - started)
            if value != EXPECTED:
                raise SystemExit(f"the job came out as {value}, not {EXPECTED}")
        return spent


class Elsewhere:
    """A way that is another process: told how many, it answers with the seconds of each."""

    def __init__(self, command: list[str], first_line: object, stack: ExitStack) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(self._end)
        self._tell(json.dumps(first_line))

    def calls(self, count: int) -> list[float]:
        """Tell it, and read what it measured."""
        self._tell(str(count))
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError("it ended")
        spent: list[float] = json.loads(line)
        return spent

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def sandboxed(kind: Kind, stack: ExitStack) -> Callable[[], Way]:
    """Return our own sandbox; its workers share one pool."""
    sandbox = stack.enter_context(open_sandbox(kind=kind, pool=PoolSettings(size=2)))

    def call() -> Any:
        outcome = sandbox.call(PROGRAM, ARGUMENTS)
        return outcome.value if outcome.ok else outcome.problem

    return lambda: Called(call)


def floor(stack: ExitStack) -> Callable[[], Way]:
    """Return the floor: each worker is a container."""

    def worker() -> Way:
        engine = connect(30)
        stack.callback(engine.client.close)
        container = engine.client.containers.create(
            image_status().reference, ["-s", "-P", "-S", "-B", "-c", FLOOR], entrypoint=["python3"],
            **hardening(SandboxLimits(), Fence()),
        )  # fmt: skip
        stack.callback(container.remove, force=True)
        command = ["docker", "start", "--attach", "--interactive", str(container.id)]
        return Elsewhere(command, [CODE, json.dumps(ARGUMENTS)], stack)

    return worker


def run_each(stack: ExitStack) -> Callable[[], Way]:
    """Return a hardened container a call."""
    engine = connect(30)
    stack.callback(engine.client.close)
    reference = image_status().reference
    # What it prints is read from its log, which our own containers do not have.
    how = {**hardening(SandboxLimits(), Fence()), "log_config": None, "stdin_open": False}

    def call() -> Any:
        container = engine.client.containers.create(reference, ["-I", "-S", "-c", WHOLE], entrypoint=["python3"], **how)
        try:
            container.start()
            container.wait()
            printed = container.logs(stderr=False)
            assert isinstance(printed, bytes)
            return json.loads(printed)
        finally:
            container.remove(force=True)

    return lambda: Called(call)


def exec_each(stack: ExitStack) -> Callable[[], Way]:
    """Return an interpreter a call in a container that runs."""
    engine = connect(30)
    stack.callback(engine.client.close)
    idle = ["-I", "-S", "-c", "import time; time.sleep(3600)"]
    container = engine.client.containers.create(
        image_status().reference, idle, entrypoint=["python3"], **hardening(SandboxLimits(), Fence())
    )
    stack.callback(container.remove, force=True)
    container.start()

    def call() -> Any:
        printed = container.exec_run(["python3", "-I", "-S", "-c", WHOLE]).output
        assert isinstance(printed, bytes)
        return json.loads(printed)

    return lambda: Called(call)


def plain(_: ExitStack) -> Callable[[], Way]:
    """Return a plain process a call, without any fence."""
    command = [getattr(sys, "_base_executable", sys.executable), "-I", "-S", "-c", WHOLE]
    return lambda: Called(lambda: json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def peer(name: str, python: str, image: str) -> Callable[[ExitStack], Callable[[], Way]]:
    """Return a peer, in a process with an interpreter of its own."""
    program = str(Path(__file__).with_name("sandbox_peers.py"))
    return lambda stack: lambda: Elsewhere([python, program, name, image], [WHOLE, EXPECTED], stack)


def measure(
    ways: dict[str, tuple[Callable[[ExitStack], Callable[[], Way]], int]], rounds: int, seconds: float
) -> list[Row]:
    """Let the ways take turns; each is given with how often it is called in a round."""
    with ExitStack() as stack:
        first: dict[str, float] = {}
        workers: dict[str, list[Way]] = {}
        notes: dict[str, str] = {}
        for name, (opened, _) in ways.items():
            try:
                started = time.perf_counter()
                new = opened(stack)
                workers[name] = [new()]
                workers[name][0].calls(1)
                first[name] = time.perf_counter() - started
                workers[name].append(new())
                workers[name][1].calls(1)
            except (OSError, ValueError) as error:
                workers.pop(name, None)
                notes[name] = f"not measured: {error}"
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, pair in workers.items():
                spent[name] += pair[0].calls(ways[name][1])
        rates = {name: throughput(pair, seconds) for name, pair in workers.items()}
    return [row(name, first.get(name), spent[name], rates.get(name), notes.get(name, "")) for name in ways]


def throughput(pair: list[Way], seconds: float) -> float:
    """Return the calls a second of two workers at once."""
    done = [0] * len(pair)
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < end:
            pair[number].calls(1)
            done[number] += 1

    started = time.perf_counter()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(pair))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def row(name: str, first: float | None, spent: list[float], rate: float | None, note: str) -> Row:
    """Return the figures of one way."""
    if not spent:
        return Row(name, None, None, None, None, 0, note)
    spent = sorted(spent)
    p95 = spent[min(len(spent) - 1, round(0.95 * len(spent)))]
    return Row(name, ms(first), ms(statistics.median(spent)), ms(p95), rate, len(spent), note)


def ms(seconds: float | None) -> float | None:
    """Return milliseconds."""
    return None if seconds is None else seconds * 1000


def figure(value: float | None, form: str) -> str:
    """Return a figure, or a dash where there is none."""
    return "–".rjust(int(form.partition(".")[0])) if value is None else format(value, form)


def ratios(rows: list[Row]) -> dict[str, float]:
    """Return what the warm call is measured by: times the floor, and times faster than a container a call."""
    medians = {each.name: each.p50 for each in rows}
    warm, least, whole = (medians.get(name) for name in ("docker, warm", "floor", "docker run, hardened"))
    if not (warm and least and whole):
        return {}
    return {"times the floor": warm / least, "times faster than docker run": whole / warm}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the rows as one document")
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    parser.add_argument("--peers-python", metavar="PATH", help="an interpreter that can import the peers")
    parser.add_argument("--peers-image", metavar="NAME", default="", help="the image that the peers use")
    given = parser.parse_args()
    rounds, seconds = (5, 1.0) if given.quick else (25, 4.0)
    ways: dict[str, tuple[Opened, int]] = {"plain python3 -I -S": (plain, 2)}
    missing = []
    if engine_status().answering:
        ways |= {
            "docker, warm": (lambda stack: sandboxed("docker", stack), 40),
            "floor": (floor, 40),
            "docker exec": (exec_each, 2),
            "docker run, hardened": (run_each, 1),
        }
    else:
        missing.append("no Docker engine answers: no containers")
    ways["lockdown, warm"] = (lambda stack: sandboxed("lockdown", stack), 40)
    if given.peers_python and given.peers_image:
        ways |= {name: (peer(name, given.peers_python, given.peers_image), 1) for name in ("llm-sandbox", "AutoGen")}
    else:
        missing.append("no peers: name an interpreter with --peers-python and an image with --peers-image")
    rows = measure(ways, rounds, seconds)
    found = ratios(rows)
    if given.json:
        print(json.dumps({"rows": [asdict(each) for each in rows], **found, "missing": missing}, indent=2))
        return
    print(f"{'':24} {'first ms':>9} {'p50 ms':>8} {'p95 ms':>8} {'calls/s, 2':>11} {'calls':>6}")
    for each in rows:
        print(
            f"{each.name:24} {figure(each.first, '9.1f')} {figure(each.p50, '8.2f')} {figure(each.p95, '8.2f')} "
            f"{figure(each.throughput, '11.1f')} {each.calls:6}  {each.note}"
        )
    for name, value in found.items():
        print(f"a warm call in docker: {value:.1f} {name}")
    for text in missing:
        print(f"not measured: {text}")


if __name__ == "__main__":
    main()
