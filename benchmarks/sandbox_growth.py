"""What is left behind by thousands of calls: containers, processes, descriptors, memory.

    python benchmarks/sandbox_growth.py             10,000 calls at each level, a table
    python benchmarks/sandbox_growth.py --json      the same rows as one document
    python benchmarks/sandbox_growth.py --calls 500

Calls come from two threads. Most are good; some raise, print, return much, use up their memory, are ended by their
deadline, or run once in a container of their own. Containers are replaced after 1,000 calls, so that their end is
measured too. `before` is taken after the first 500 calls: what is used for the first time has been used by then.
"""

import argparse
import gc
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from docker.errors import DockerException

from executor.sandbox import Kind, Program, Sandbox, SandboxLimits, engine_status, open_sandbox
from executor.sandbox.engine import connect
from executor.sandbox.orphans import OWNER_LABEL

GOOD = Program("def body(n): return sum(range(n))", "body")
ODD = {
    101: (Program("def body(n): return 1 / 0", "body"), SandboxLimits()),
    103: (Program("def body(n): print('x' * 50_000)", "body"), SandboxLimits()),
    107: (Program("def body(n): return ['y' * 1000] * 1000", "body"), SandboxLimits()),
    109: (Program("def body(n): return bytearray(10**9)", "body"), SandboxLimits()),
    211: (Program("import time\ndef body(n): time.sleep(60)", "body"), SandboxLimits(seconds=0.2)),
    499: (Program("def body(n): return n", "body", single_use=True), SandboxLimits()),
}


@dataclass(frozen=True)
class Use:
    """What is in use: containers and what they hold, processes below ours, and our own descriptors, threads and memory.

    Memory is in megabytes.
    """

    calls: int
    containers: int
    container_processes: int
    container_memory: float
    processes: int
    descriptors: int
    threads: int
    memory: float


def below_us() -> int:
    """Return how many processes descend from this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return len(found) - 1


def in_use(calls: int, *, docker: bool) -> Use:
    """Return what is in use now."""
    gc.collect()
    containers = processes = 0
    memory = 0.0
    if docker:
        engine = connect(30)
        mine = [
            each
            for each in engine.client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
            if each.labels[OWNER_LABEL].partition("-")[0] == str(os.getpid())
        ]
        for each in mine:
            try:
                stats: Any = each.stats(stream=False)
            except (OSError, ValueError, DockerException):
                continue  # one that was just thrown away
            processes += stats["pids_stats"].get("current", 0)
            memory += stats["memory_stats"].get("usage", 0) / 1e6
        containers = len(mine)
        engine.client.close()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Use(
        calls,
        containers,
        processes,
        round(memory, 1),
        below_us(),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
        round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
    )


def call_many(sandbox: Sandbox, first: int, last: int) -> None:
    """Make the calls with these numbers from two threads."""

    def work(numbers: range) -> None:
        for number in numbers:
            program, limits = next((ODD[each] for each in ODD if number % each == 0), (GOOD, SandboxLimits()))
            outcome = sandbox.call(program, {"n": number}, limits=limits)
            if program is GOOD and outcome.value != sum(range(number)):
                raise ValueError(f"call {number} came out as {outcome}")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, (range(start, last, 2) for start in (first, first + 1))))


def grow(kind: Kind, calls: int, hear: Callable[[Use], None]) -> list[Use]:
    """Make the calls; return what was in use before, four times on the way, and after closing."""
    docker = kind == "docker"
    rows = []

    def note(done: int) -> None:
        rows.append(in_use(done, docker=docker))
        hear(rows[-1])

    with open_sandbox(kind=kind) as sandbox:
        warm = min(500, calls // 4)
        call_many(sandbox, 1, warm)
        time.sleep(1)  # a spare that is being started
        note(warm)
        for part in range(4):
            call_many(sandbox, warm + (calls - warm) * part // 4, warm + (calls - warm) * (part + 1) // 4)
            time.sleep(1)
            note(warm + (calls - warm) * (part + 1) // 4)
    note(calls)
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the rows as one document")
    parser.add_argument("--calls", type=int, default=10_000, help="how many calls at each level")
    given = parser.parse_args()
    names = [field.name for field in fields(Use)]
    levels: list[Kind] = ["docker", "lockdown"] if engine_status().answering else ["lockdown"]
    found = {}
    for level in levels:
        if not given.json:
            print(f"{level}; the last row is after closing")
            print("  ".join(f"{name.replace('_', ' '):>{max(9, len(name))}}" for name in names))

        def show(use: Use) -> None:
            if not given.json:
                print(
                    "  ".join(f"{value:>{max(9, len(name))},}" for name, value in asdict(use).items()),
                    flush=True,
                )

        found[level] = [asdict(use) for use in grow(level, given.calls, show)]
    if given.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
