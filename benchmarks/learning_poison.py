"""Bodies that break their contract in subtle ways, through the whole ladder: which rung finds them, and which escape.

Each poison is made from a right program. The panel that it meets are recorded programs of models, as they are, and
recorded suites: real rungs, a real sandbox. What comes out as `trusted` has escaped.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.learning_bodies import OUTPUT, VARIABLE, body_of, contract_of, domain_of, plain_inputs
from benchmarks.learning_programs import Problem, literal, load
from executor.check import Candidate
from executor.sandbox import Sandbox, SandboxLimits
from executor.validate import ALONE, COMPARED, Body, Panel, Suite, Trial, Verdict, Written, climb, suite_of
from htn.contract import Contract

WRITER = "gpt-3.5-turbo-1106"
KINDS = ("edge", "fitted", "frame", "argument", "clock", "hash seed")
_LIMITS = SandboxLimits(seconds=2)
_OTHERS, _SUITES = 2, 3


@dataclass(frozen=True)
class Poisoned:
    """A body, what is wrong with it, the trust it came to, and the rung that was not passed."""

    task: str
    kind: str
    level: str
    rung: int | str
    detail: str


def poisoned(folder: Path, problems: Sequence[Problem], box: Sandbox, count: int) -> Iterator[Poisoned]:
    """Yield poisons of some problems, and the right body of each; only of problems whose right body is trusted."""
    rows = {row["task_id"]: row for row in load(folder, "problems")}
    taken = 0
    for problem in problems:
        if taken == count:
            return
        bench = _Bench.of(rows[problem.task], problem, box)
        if bench is None or bench.verdict(bench.right).trust() != "trusted":
            continue
        taken += 1
        yield bench.tried("none", bench.right)
        for kind in KINDS:
            for code in bench.poisons(kind):
                yield bench.tried(kind, code)


@dataclass(frozen=True)
class _Bench:
    task: str
    contract: Contract
    entry: str
    right: str
    others: tuple[Body, ...]
    suites: tuple[Suite, ...]
    inputs: Sequence[tuple[list[Any], Any]]
    box: Sandbox

    @classmethod
    def of(cls, row: Mapping[str, Any], problem: Problem, box: Sandbox) -> "_Bench | None":
        """Return the bench of a problem, or None where its values are not JSON or too few programs are right."""
        suites, chance = problem.tests[WRITER], random.Random(row["task_id"])
        texts = [t for suite in suites.values() for t in suite]
        contract = contract_of(row, [list(a) for a in map(_arguments, texts) if a])
        types = {p.name: p.type for p in contract.parameters}
        inputs = plain_inputs(texts, types)
        good = [program for program in problem.programs if program.right]
        if len(inputs) < 3 or len(good) <= _OTHERS:
            return None
        chance.shuffle(good)
        names, entry = list(types), str(row["entry_point"])
        others = tuple(Body(Candidate(contract, body_of(p.code, entry, names)), p.model) for p in good[:_OTHERS])
        variables = domain_of(contract).variables
        drawn = tuple(
            suite_of(
                contract, variables,
                [Written(dict(zip(names, a, strict=True)), {}, {OUTPUT: v}) for a, v in plain_inputs(list(s), types)],
                writer=f"{WRITER} #{n}", model=WRITER,
            )
            for n, s in list(suites.items())[:_SUITES]
        )  # fmt: skip
        right = body_of(good[_OTHERS].code, entry, names)
        return cls(problem.task, contract, entry, right, others, drawn, inputs, box)

    def verdict(self, code: str) -> Verdict:
        """Climb the whole ladder with a body."""
        candidate, variables = Candidate(self.contract, code), domain_of(self.contract).variables
        alone = climb(Trial(candidate, self.box, variables=variables, limits=_LIMITS), ladder=ALONE)
        if not alone.passed:
            return alone
        panel = Panel(
            self.contract, (Body(candidate, "poison"), *self.others), self.suites,
            lambda body, situation: Trial(body, self.box, limits=_LIMITS).observe(situation), variables=variables,
        )  # fmt: skip
        trial = Trial(candidate, self.box, variables=variables, limits=_LIMITS, panel=panel)
        return Verdict((*alone.evidence, *climb(trial, ladder=COMPARED).evidence))

    def tried(self, kind: str, code: str) -> Poisoned:
        """Return what came of a body."""
        verdict = self.verdict(code)
        stopped = verdict.failed or verdict.undecided
        rung = stopped.rung if stopped else "none"
        return Poisoned(self.task, kind, verdict.trust(), rung, stopped.detail[:200] if stopped else "")

    def poisons(self, kind: str) -> Iterator[str]:
        """Yield bodies with one fault of this kind each."""
        names = [p.name for p in self.contract.parameters]
        first, given = names[0], ", ".join(names)
        head = f"def {self.contract.name}({given}):"
        answer = f"    result = {self.entry}({given})"
        wrong = "    result = spoil(result)"
        spoil = (
            "def spoil(value):\n    if isinstance(value, bool):\n        return not value\n"
            "    if isinstance(value, (int, float)):\n        return value + 1\n"
            "    if isinstance(value, str):\n        return value + 'x'\n"
            "    if isinstance(value, list):\n        return [*value, *value[:1]] if value else [0]\n"
            "    return value\n\n"
        )
        start, end = (
            self.right.index(head),
            f'    return {{"output": {{"{OUTPUT}": result}}, "writes": [["{VARIABLE}", None, result]]}}\n',
        )
        before = self.right[:start] + spoil + head + "\n"
        if kind == "edge":
            for condition in _edges(self.inputs[0][0][0]):
                yield f"{before}{answer}\n    if {condition.format(first)}:\n    {wrong}\n{end}"
        elif kind == "fitted":
            known = [a for a, _ in self.inputs]
            yield f"{before}{answer}\n    if [{given}] not in {known!r}:\n    {wrong}\n{end}"
        elif kind == "frame":
            yield f"{before}{answer}\n" + end.replace("]]}", '], ["total", None, 1]]}')
        elif kind == "argument" and isinstance(self.inputs[0][0][0], list):
            yield f"{before}{answer}\n    {first}.append(0)\n{end}"
            yield f"{before}    {first}.sort(key=repr)\n{answer}\n{end}"
        elif kind == "clock":
            yield f"import time\n{before}{answer}\n    if time.time() % 2 < 1:\n    {wrong}\n{end}"
            yield f"import datetime\n{before}{answer}\n    if datetime.datetime.now().year > 2000:\n    {wrong}\n{end}"
        elif kind == "hash seed":
            yield f"{before}{answer}\n    if list({{'a', 'b', 'c', 'd'}})[0] > 'b':\n    {wrong}\n{end}"


def _edges(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["{} is False"]
    if isinstance(value, (int, float)):
        return ["{} == 0", "{} == 1", "{} < 0", "{} == 7"]
    if isinstance(value, str):
        return ["{0} == ''", "len({0}) == 1", "' ' in {0}", "{0} != {0}.strip()"]
    return ["len({0}) == 0", "len({0}) == 1", "len(set(map(repr, {0}))) < len({0})"]


def _arguments(test: tuple[str, str]) -> Any:
    return literal(test[0])
