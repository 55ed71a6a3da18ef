"""Learning on recorded programs and tests of real models: what is accepted, and how much of that is right.

    python benchmarks/learning.py --data DIR                 the tables
    python benchmarks/learning.py --data DIR --json          the same rows as one document
    python benchmarks/learning.py --data DIR --parts a c     only some parts
    python benchmarks/learning.py --data DIR --draws 20      fewer draws

No language model runs: recorded programs and suites stand in for its answers.

    a  acceptance   for each level of trust the share of tasks accepted, and the share of those that is right by the
                    oracle, beside the rule "it ran" and a plain version of the ladder; by samples, suites and writers
    b  repair       recorded repair traces: right after the first pass against right after repairs
    c  poison       bodies that break their contract in subtle ways, through the whole ladder in the sandbox
    d  cost         model calls for each entry through the real client and library, and for its second use
    e  reuse        the time of a use beside a hand-written operator that runs the same code in the same sandbox

DIR holds codegen/ (problems, samples, test_suites) and repair/, as published by evalplus/humanevalplus_release,
microsoft/CodeT, FloridSleeves/LLMDebugger, YerbaPage/MGDebugger, noahshinn/reflexion and huangd1999/AgentCoder.
Programs run under lockdown, all inputs of one in one call. Intervals are of 95 %, by tasks.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.learning_cost import Cost, costs
from benchmarks.learning_poison import KINDS, Poisoned, poisoned
from benchmarks.learning_programs import WEAK, Problem, problems
from benchmarks.learning_reuse import Reuse, reuse
from benchmarks.learning_rules import Rule, Tally, difference, it_ran, measure, plain, probation, trusted
from executor.sandbox import PoolSettings, Sandbox, SandboxLimits, open_sandbox

MIDDLING, STRONG = "gpt-3.5-turbo-1106", "gpt-4"
SUITES: Mapping[str, Mapping[int, Sequence[tuple[str, int]]]] = {
    "weak": {m: [(WEAK, m)] for m in (1, 3, 5, 9)},
    "middling": {m: [(MIDDLING, m)] for m in (1, 3, 5)},
    "strong": {3: [(MIDDLING, 2), (STRONG, 1)], 5: [(MIDDLING, 4), (STRONG, 1)]},
}
COUNTS = ((1, 1), (1, 3), (3, 3), (5, 5), (9, 5))


@dataclass(frozen=True)
class Accepted:
    """A rule on many draws. `beside` is by how much it is right more often than the plain ladder on the same draws."""

    programs: str
    writers: str
    samples: int
    suites: int
    rule: str
    draws: int
    accepted: float
    right: float | None
    interval: tuple[float, float] | None
    beside: tuple[float, tuple[float, float] | None] | None


@dataclass(frozen=True)
class Repaired:
    """Programs that pass the visible tests after so many repairs, and the share that passes the hidden ones."""

    model: str
    repairs: str
    passing: int
    right: float


def accepted(found: Sequence[Problem], programs: str, draws: int) -> Iterator[Accepted]:
    """Yield the rows of one group of programs."""
    rules: dict[str, Rule] = {
        "it ran": it_ran, "probation": probation, "plain ladder": plain, "trusted": trusted(),
    }  # fmt: skip
    for writers, by_count in SUITES.items():
        for samples, count in COUNTS:
            if (suites := by_count.get(count)) is None:
                continue
            tallies = measure(found, rules, samples=samples, suites=suites, draws=draws)
            yield from (
                _row(programs, writers, samples, count, name, tally, draws, tallies["plain ladder"])
                for name, tally in tallies.items()
            )


def _row(
    programs: str, writers: str, samples: int, suites: int, rule: str, tally: Tally, draws: int, base: Tally
) -> Accepted:
    beside = difference(tally, base) if rule == "trusted" else None
    return Accepted(
        programs, writers, samples, suites, rule, draws, tally.share, tally.precision, tally.interval(), beside
    )


def repaired(folder: Path) -> Iterator[Repaired]:
    """Yield the recorded repair traces, by how many repairs it took to pass the visible tests."""
    for path in sorted((folder / "repair").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        by_repairs: dict[str, list[bool]] = {"none": [], "one or two": [], "more": []}
        for row in rows:
            if not row["is_passing"]:
                continue
            count = len(row["implementations"]) - 1
            by_repairs["none" if count == 0 else "one or two" if count <= 2 else "more"].append(bool(row["is_solved"]))
        for repairs, solved in by_repairs.items():
            if solved:
                yield Repaired(path.name.partition(".")[0], repairs, len(solved), sum(solved) / len(solved))


def main() -> None:
    """Measure what is asked for and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with codegen/ and repair/")
    parser.add_argument("--parts", nargs="+", choices="abcde", default=list("abcde"))
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--problems", type=int, default=24, help="how many problems are poisoned")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not (chosen.data / "codegen" / "samples.jsonl.gz").is_file():
        parser.error(f"{chosen.data} has no codegen/samples.jsonl.gz: see the head of this file for what is published")
    document: dict[str, Any] = {}
    limits = SandboxLimits(seconds=60, memory_mb=256)
    with open_sandbox(kind="lockdown", pool=PoolSettings(size=2), limits=limits) as box:
        if {"a", "c", "d"} & set(chosen.parts):
            nine = list(problems(chosen.data, box, weak=False))
        if "a" in chosen.parts:
            weak = list(problems(chosen.data, box, weak=True))
            rows = [*accepted(nine, "nine models", chosen.draws), *accepted(weak, "weak model", chosen.draws)]
            document["acceptance"] = [asdict(row) for row in rows]
            _say(chosen.json, _acceptance(rows))
        if "b" in chosen.parts:
            document["repair"] = [asdict(row) for row in repaired(chosen.data)]
            _say(chosen.json, _repair([Repaired(**row) for row in document["repair"]]))
        if "c" in chosen.parts:
            document["poison"] = _poison(chosen.data, nine, box, chosen.problems, quiet=chosen.json)
        if "d" in chosen.parts:
            spent = list(costs(chosen.data, nine))
            document["cost"] = [asdict(row) for row in spent]
            _say(chosen.json, _cost(spent))
        if "e" in chosen.parts:
            used = reuse(box)
            document["reuse"] = asdict(used)
            _say(chosen.json, _reuse(used))
    if chosen.json:
        json.dump(document, sys.stdout, indent=2)
        print()


def _poison(folder: Path, nine: Sequence[Problem], box: Sandbox, count: int, *, quiet: bool) -> dict[str, Any]:
    found = list(poisoned(folder, nine, box, count))
    _say(quiet, _poisons(found))
    return {"bodies": [asdict(each) for each in found], "escapes": [asdict(e) for e in found if e.level == "trusted"]}


def _say(quiet: bool, lines: Sequence[str]) -> None:
    if not quiet:
        print("\n".join(lines), end="\n\n", flush=True)


def _percent(figure: float | None) -> str:
    return "–" if figure is None else f"{100 * figure:.1f}"


def _between(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _acceptance(rows: Sequence[Accepted]) -> list[str]:
    head = "| programs | suites by | samples, suites | rule | accepted % | right % | 95 % | beside the plain ladder |"
    said = []
    for row in rows:
        beside = "" if row.beside is None else f"{100 * row.beside[0]:+.1f} ({_between(row.beside[1])})"
        said.append(
            f"| {row.programs} | {row.writers} | {row.samples}, {row.suites} | {row.rule} | {_percent(row.accepted)} | "
            f"{_percent(row.right)} | {_between(row.interval)} | {beside} |"
        )
    return [head, "|---|---|---|---|---|---|---|---|", *said]


def _repair(rows: Sequence[Repaired]) -> list[str]:
    said = [f"| {row.model} | {row.repairs} | {row.passing} | {_percent(row.right)} |" for row in rows]
    return ["| traces | repairs | pass the visible tests | right % |", "|---|---|---|---|", *said]


def _poisons(found: Sequence[Poisoned]) -> list[str]:
    lines = ["| poison | bodies | found before trusted | at rung |", "|---|---|---|---|"]
    for kind in KINDS:
        bodies = [each for each in found if each.kind == kind]
        if bodies:
            caught = [each for each in bodies if each.level != "trusted"]
            rungs = sorted({str(each.rung) for each in caught})
            lines.append(f"| {kind} | {len(bodies)} | {_percent(len(caught) / len(bodies))} % | {', '.join(rungs)} |")
    clean = [each for each in found if each.kind == "none"]
    trusted_too = sum(each.level == "trusted" for each in clean)
    lines.append(f"| none: the right body itself | {len(clean)} | trusted: {trusted_too} | |")
    escaped = [f"escaped: {e.task}, {e.kind}" for e in found if e.level == "trusted" and e.kind != "none"]
    return [*lines, "", *(escaped or ["nothing escaped"])]


def _cost(rows: Sequence[Cost]) -> list[str]:
    lines = ["| level | entries | model calls an entry | calls for the second use |", "|---|---|---|---|"]
    for level in sorted({row.level for row in rows}):
        mine = [row for row in rows if row.level == level]
        calls, again = (sum(counts) / len(mine) for counts in ([r.calls for r in mine], [r.second for r in mine]))
        lines.append(f"| {level} | {len(mine)} | {calls:.1f} | {again:g} |")
    return lines


def _reuse(row: Reuse) -> list[str]:
    more = row.learned_ms - row.written_ms
    return [
        "| uses | learned, ms | written by hand, ms | more, ms | model calls |",
        "|---|---|---|---|---|",
        f"| {row.uses} | {row.learned_ms:.2f} | {row.written_ms:.2f} | {more:.2f} | {row.model_calls} |",
    ]


if __name__ == "__main__":
    main()
