"""Looking operators up in libraries of different sizes: it must not matter how many others there are.

    python benchmarks/library.py                          the table
    python benchmarks/library.py --json                   the same rows as one document
    python benchmarks/library.py --sizes 1000 1000000     other sizes

An embedded server in a folder of its own is filled with entries through a pipeline, each as `Library.admit` writes it,
all in one domain. Then operators are looked up at random, one after the other:

    current     which version of a name plans use
    usable      what a plan does: the operators that a domain with three gaps uses, read, checked and made
    snapshot    for comparison: reading the whole domain, which no plan does (once)

Milliseconds as this process sees them; the 50th and the 99th percentile.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import redis

from executor.entry import Entry, Provenance, declaration
from executor.library import Library
from executor.store import open_store
from executor.store.keys import Keys
from htn.domain import Domain

GAPS = 3
CHUNK = 1_000
ORIGIN = Provenance(task="t", model="m", prompts="p", calls=2, repairs=0, created="2026-01-01", seconds={})


@dataclass(frozen=True)
class Row:
    """One line of the table. Milliseconds; `lookups` is how many were made."""

    entries: int
    what: str
    lookups: int
    p50: float
    p99: float


def name_of(number: int) -> str:
    """Return the name of the operator with this number."""
    return f"operator_{number}"


def domain_with(numbers: list[int]) -> Domain:
    """Return the domain, as it declares these operators."""
    domain = Domain("shop")
    for number in numbers:
        domain.declare(name_of(number), {"order": "string"}, f"Add up what order {number} costs.")
    return domain


def entry_of(number: int) -> Entry:
    """Return an entry of the size that a small operator has."""
    name = name_of(number)
    contract = {
        "name": name, "description": f"Add up what order {number} costs.",
        "parameters": [{"name": "order", "type": {"type": "string"}}],
        "reads": [{"name": "amounts", "from": "cart[order]", "type": {"type": "array", "items": {"type": "number"}}}],
        "outputs": [{"name": "total", "type": {"type": "number"}}],
        "preconditions": ["order in cart"], "effects": ["total[order] = output.total"],
        "ensures": ["output.total == sum(amounts)"],
    }  # fmt: skip
    body = (
        f"def {name}(order, amounts):\n    total = sum(amounts)\n"
        '    return {"output": {"total": total}, "writes": [["total", order, total]]}\n'
    )
    return Entry(
        domain="shop", name=name, contract=contract, code=body, language="python",
        declared=declaration(domain_with([number]), name), examples=[], provenance=ORIGIN,
    )  # fmt: skip


def fill(client: redis.Redis, size: int) -> None:
    """Write entries as the store keeps them, many in one round trip."""
    keys = Keys()
    for start in range(0, size, CHUNK):
        with client.pipeline(transaction=False) as pipeline:
            for number in range(start, min(start + CHUNK, size)):
                entry = entry_of(number)
                version = entry.version
                pipeline.hset(keys.entry(version), mapping={"document": entry.canonical(), "trust": "trusted"})
                pipeline.rpush(keys.versions("shop", entry.name), version)
                pipeline.hset(keys.current("shop"), entry.name, version)
            pipeline.sadd(keys.domains(), "shop")
            pipeline.execute()


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def row(size: int, what: str, took: list[float]) -> Row:
    """Return the percentiles of some times."""
    took = sorted(took)
    return Row(size, what, len(took), took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)])


def measure(size: int, lookups: int, *, snapshot: bool) -> list[Row]:
    """Fill a library and look operators up in it."""
    drawn = random.Random(size)  # which ones are looked up
    with (
        tempfile.TemporaryDirectory(prefix="htn-") as folder,
        open_store(redis_url=None, data_dir=Path(folder)) as store,
    ):
        with redis.Redis.from_url(f"unix://{Path(folder) / 'store' / 'redis.sock'}") as client:
            fill(client, size)
        library = Library(store)
        chosen = [drawn.randrange(size) for _ in range(lookups)]
        domains = [domain_with(drawn.sample(range(size), GAPS)) for _ in range(lookups)]
        assert len(library.usable(domains[0]).operators) == GAPS  # else nothing is measured
        rows = [
            row(size, "current", [timed(partial(library.current, "shop", name_of(n))) for n in chosen]),
            row(size, "usable", [timed(partial(library.usable, d)) for d in domains]),
        ]
        if snapshot:
            rows.append(row(size, "snapshot", [timed(lambda: store.snapshot("shop"))]))
        return rows


def main() -> None:
    """Measure each size and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--lookups", type=int, default=2_000)
    parser.add_argument("--no-snapshot", action="store_true", help="leave the reading of the whole domain out")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = [each for size in chosen.sizes for each in measure(size, chosen.lookups, snapshot=not chosen.no_snapshot)]
    if chosen.json:
        json.dump([asdict(each) for each in rows], sys.stdout, indent=2)
        print()
        return
    print("| entries | what | lookups | p50, ms | p99, ms |\n|---|---|---|---|---|")
    for each in rows:
        print(f"| {each.entries:,} | {each.what} | {each.lookups:,} | {each.p50:.2f} | {each.p99:.2f} |")


if __name__ == "__main__":
    main()
