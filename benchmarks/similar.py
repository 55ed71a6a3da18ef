"""Looking for similar operators in libraries of different sizes, and how often the words find the one that is meant.

    python benchmarks/similar.py                      the tables
    python benchmarks/similar.py --json               the same rows as one document
    python benchmarks/similar.py --sizes 1000         other sizes

An embedded server in a folder of its own is filled with made entries, all in one domain, whose descriptions are drawn
from a vocabulary of some hundred words: fewer than real ones have, so each word is in many entries, which is the worst
case for an index of words. Then, in milliseconds as this process sees them, the 50th and the 99th percentile:

    build       the first question: reads every entry and builds the index (once)
    add one     taking in one entry that was learned meanwhile, with the look that finds it
    words       a question of seven words, without types: nothing but the words can narrow it
    typed       the same question with the types of the parameters
    vectors     the same with vectors of 384 numbers, which are drawn and mean nothing: only the time counts, and that
                of the embedding model is not in it. Up to `--vectors` entries

The second table asks for forty operators (paraphrases.json), alone and among the made ones, twice: with some of the
words of their descriptions, and in other words. Questions and operators are made by hand, few, and by one author: the
table shows what words find and miss, and no more.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from array import array
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis

from executor.entry import Entry, Provenance
from executor.library import Library
from executor.similar import Finder, Wanted
from executor.store import Store, open_store
from executor.store.keys import Keys

# Forty rows: an operator's name, the types of its parameters, its description, a question in other words (`question`),
# and one that has some of its words (`near`).
PARAPHRASES = json.loads((Path(__file__).parent / "paraphrases.json").read_text(encoding="utf-8"))
CHUNK = 1_000
LENGTH = 384
ORIGIN = Provenance(task="t", model="m", prompts="p", calls=2, repairs=0, created="2026-01-01", seconds={})
VERBS = [
    "add",
    "sort",
    "count",
    "filter",
    "join",
    "split",
    "scale",
    "merge",
    "find",
    "drop",
    "rank",
    "pack",
    "move",
    "load",
    "check",
    "draw",
    "fill",
    "map",
    "trim",
    "send",
]
NOUNS = [
    "column",
    "row",
    "table",
    "file",
    "order",
    "price",
    "person",
    "shop",
    "list",
    "number",
    "text",
    "word",
    "line",
    "box",
    "parcel",
    "truck",
    "route",
    "day",
    "week",
    "hour",
    "temperature",
    "city",
    "street",
    "house",
    "room",
    "door",
    "key",
    "user",
    "account",
    "balance",
    "invoice",
    "item",
    "stock",
    "shelf",
    "color",
    "size",
    "weight",
    "length",
    "width",
    "height",
    "speed",
    "distance",
    "time",
    "date",
    "name",
    "title",
    "author",
    "book",
    "page",
    "image",
    "sound",
    "video",
    "signal",
    "sensor",
]
HOW = [
    "quickly",
    "once",
    "twice",
    "again",
    "largest",
    "smallest",
    "first",
    "last",
    "mean",
    "median",
    "total",
    "empty",
    "unique",
    "sorted",
    "reversed",
    "missing",
    "equal",
    "daily",
    "weekly",
    "monthly",
    "local",
    "remote",
    "old",
    "young",
    "left",
    "right",
    "upper",
    "lower",
    "inner",
    "outer",
]
TYPES = ("string", "number", "integer", "boolean")


@dataclass(frozen=True)
class Row:
    """One line of the first table. Milliseconds."""

    entries: int
    what: str
    questions: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Found:
    """One line of the second table: the share of the questions whose operator came first, and among the first five."""

    entries: int
    asked: str
    questions: int
    at_1: float
    at_5: float


def made(name: str, description: str, types: Sequence[str]) -> Entry:
    """Return an entry of the size that a small operator has."""
    parameters = [{"name": f"p{at}", "type": {"type": kind}} for at, kind in enumerate(types)]
    contract = {
        "name": name, "description": description, "parameters": parameters, "reads": [], "outputs": [],
        "preconditions": [], "effects": ["done = true"], "ensures": [],
    }  # fmt: skip
    arguments = ", ".join(f"p{at}" for at in range(len(types)))
    body = f'def {name}({arguments}):\n    return {{"output": {{}}, "writes": [["done", None, True]]}}\n'
    return Entry(
        domain="shop", name=name, contract=contract, code=body, language="python", examples=[], provenance=ORIGIN
    )


def by_hand() -> Iterator[Entry]:
    """Yield the operators that were made by hand."""
    for each in PARAPHRASES:
        yield made(each["name"], each["description"], each["types"].split())


def random_entry(number: int) -> Entry:
    """Return the entry with this number; it is always the same."""
    drawn = random.Random(number)  # made texts
    verb, noun, other = drawn.choice(VERBS), drawn.choice(NOUNS), drawn.choice(NOUNS)
    words = " ".join([drawn.choice(HOW), noun, drawn.choice(HOW), *drawn.sample(NOUNS, 4), drawn.choice(VERBS)])
    types = [drawn.choice(TYPES) for _ in range(drawn.randrange(1, 4))]
    return made(f"{verb}_{noun}_{number}", f"{verb} the {other} of {words}.", types)


def fill(client: redis.Redis, entries: Iterator[Entry]) -> None:
    """Write entries as the store keeps them, many in one round trip."""
    keys, waiting, moves = Keys(), True, 0
    while waiting:
        with client.pipeline(transaction=False) as pipeline:
            waiting = False
            for entry, _ in zip(entries, range(CHUNK), strict=False):
                waiting, version = True, entry.version
                pipeline.hset(keys.entry(version), mapping={"document": entry.canonical(), "trust": "trusted"})
                pipeline.rpush(keys.versions("shop", entry.name), version)
                pipeline.hset(keys.current("shop"), entry.name, version)
                moves += 1
                pipeline.zadd(keys.moves("shop"), {entry.name: moves})
            pipeline.sadd(keys.domains(), "shop")
            pipeline.execute()


def draw_vectors(client: redis.Redis, versions: Sequence[str]) -> None:
    """Write a drawn vector for each version, as the store keeps it."""
    keys, drawn = Keys(), random.Random(1)  # vectors that mean nothing
    for start in range(0, len(versions), CHUNK):
        with client.pipeline(transaction=False) as pipeline:
            for version in versions[start : start + CHUNK]:
                vector = array("f", [drawn.random() - 0.5 for _ in range(LENGTH)])
                pipeline.hset(keys.vector(version), Drawn.name, b64encode(vector.tobytes()).decode())
            pipeline.execute()


class Drawn:
    """Gives a drawn vector for any text. It is no model."""

    name = "drawn"

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text."""
        drawn = random.Random(2)  # as above
        return [[drawn.random() - 0.5 for _ in range(LENGTH)] for _ in texts]


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def row(size: int, what: str, took: list[float]) -> Row:
    """Return the percentiles of some times."""
    took = sorted(took)
    return Row(size, what, len(took), took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)])


@contextmanager
def library_of(entries: Iterator[Entry]) -> Iterator[tuple[Library, Store, redis.Redis]]:
    """A library of these entries."""
    with (
        tempfile.TemporaryDirectory(prefix="htn-") as folder,
        open_store(redis_url=None, data_dir=Path(folder)) as store,
        redis.Redis.from_url(f"unix://{Path(folder) / 'store' / 'redis.sock'}") as client,
    ):
        fill(client, entries)
        yield Library(store), store, client


def measure(size: int, questions: int, most_vectors: int) -> tuple[list[Row], list[Found]]:
    """Fill a library, ask it, and add to it."""
    drawn = random.Random(size)  # what is asked
    asked = [" ".join([drawn.choice(VERBS), *drawn.sample(NOUNS, 4), *drawn.sample(HOW, 2)]) for _ in range(questions)]
    with library_of(random_entry(number) for number in range(size)) as (library, store, client):
        finder = Finder(library, store)
        rows = [row(size, "build", [timed(finder.refresh)])]
        added = []
        for target in by_hand():
            library.admit(target, "trusted", [])
            added.append(timed(finder.refresh))
        rows.append(row(size, "add one", added))
        rows.append(row(size, "words", [timed(lambda t=text: finder.find(Wanted(t))) for text in asked]))  # type: ignore[misc]
        typed = [Wanted(text, types=("string", "number")) for text in asked]
        rows.append(row(size, "typed", [timed(lambda w=wanted: finder.find(w)) for wanted in typed]))  # type: ignore[misc]
        found = recall(finder, size)
        if size <= most_vectors:
            draw_vectors(client, list(store.bulk().changes("shop", 0).versions.values()))
            near = Finder(library, store, embedder=Drawn())
            near.find(Wanted(asked[0]))
            took = [timed(lambda t=text: near.find(Wanted(t))) for text in asked[:20]]  # type: ignore[misc]
            rows.append(row(size, "vectors", took))
        return rows, found


def recall(finder: Finder, size: int) -> list[Found]:
    """Ask for each operator that was made by hand."""
    found = []
    for asked, which in (("some of its words", "near"), ("other words", "question")):
        at_1 = at_5 = 0
        for each in PARAPHRASES:
            names = [one.name for one in finder.find(Wanted(each[which]), most=5)]
            at_1 += names[:1] == [each["name"]]
            at_5 += each["name"] in names
        count = len(PARAPHRASES)
        found.append(Found(size + count, asked, count, at_1 / count, at_5 / count))
    return found


def recall_alone() -> list[Found]:
    """Ask for each operator in other words where there are no others."""
    with library_of(by_hand()) as (library, store, _):
        return recall(Finder(library, store), 0)


def main() -> None:
    """Measure each size and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--vectors", type=int, default=10_000, help="the largest library that vectors are drawn for")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    measured = [measure(size, chosen.questions, chosen.vectors) for size in chosen.sizes]
    rows: list[Row] = [each for rows, _ in measured for each in rows]
    found = [*recall_alone(), *(each for _, rows in measured for each in rows)]
    if chosen.json:
        document: dict[str, Any] = {"times": list(map(asdict, rows)), "recall": list(map(asdict, found))}
        json.dump(document, sys.stdout, indent=2)
        print()
        return
    print("| entries | what | questions | p50, ms | p99, ms |\n|---|---|---|---|---|")
    for each in rows:
        print(f"| {each.entries:,} | {each.what} | {each.questions:,} | {each.p50:.2f} | {each.p99:.2f} |")
    print("\n| entries | asked with | questions | recall@1 | recall@5 |\n|---|---|---|---|---|")
    for one in found:
        print(f"| {one.entries:,} | {one.asked} | {one.questions} | {one.at_1:.2f} | {one.at_5:.2f} |")


if __name__ == "__main__":
    main()
