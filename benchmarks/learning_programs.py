"""Recorded programs and tests of language models, and what the programs come to: what benchmarks/learning.py judges.

The data is published elsewhere: problems of HumanEval+ (evalplus/humanevalplus_release), programs and tests that models
wrote for them (microsoft/CodeT, FloridSleeves/LLMDebugger, YerbaPage/MGDebugger, noahshinn/reflexion,
huangd1999/AgentCoder). A program runs in the sandbox on all inputs in one call: those of the tests, those that are made
from them, and those of the oracle, which alone knows what is right and which no rule sees.
"""

import ast
import gzip
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from executor.check import Candidate
from executor.normal import normal_form
from executor.sandbox import Program, Sandbox, SandboxLimits
from executor.validate.agreement import Answer, Assertion, Sample
from executor.validate.values import draw
from executor.validate.vary import variations
from htn.contract import Contract, Parameter, Type

WEAK = "codegen-16b"
FUZZED = 100
_MADE = 900
_DRAWN = 60
_LIMITS = SandboxLimits(seconds=60, memory_mb=256)
_DRIVER = """
def _run_all(inputs):
    import ast, hashlib, signal
    class Late(BaseException):
        pass
    def late(*_):
        raise Late
    signal.signal(signal.SIGPROF, late)
    found, spent = [], 0
    for text in inputs:
        if spent >= 4:
            found.append("?")
            continue
        try:
            arguments = ast.literal_eval(text)
            signal.setitimer(signal.ITIMER_PROF, 1.0)
            try:
                said = repr(ENTRY(*arguments))
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            found.append(said if len(said) < 20000 else "#" + hashlib.sha256(said.encode()).hexdigest())
        except Late:
            spent += 1
            found.append("!timeout")
        except BaseException as error:
            found.append("!" + type(error).__name__)
    return found
"""


@dataclass(frozen=True)
class Written:
    """A program, and what it comes to on the inputs of the tests and the made ones, and on those of the oracle."""

    model: str
    text: str
    code: str
    answers: Mapping[str, str]
    right: bool


@dataclass(frozen=True)
class Problem:
    """A problem with the programs and tests that were written for it."""

    task: str
    programs: Sequence[Written]
    tests: Mapping[str, Mapping[int, Sequence[tuple[str, str]]]]
    """By writer and suite: the input and the value that is said to come of it, both as Python literals."""
    made: Mapping[str, Sequence[str]]
    """By writer: further inputs, made from those of its tests."""
    _known: dict[Any, Any] = field(default_factory=dict, compare=False)

    def sample(self, number: int, inputs: Sequence[str], fuzzed: Sequence[str]) -> Sample:
        """Return a program as the ladder sees it."""
        program = self.programs[number]
        asserted = [answer_of(program.answers[i]) or Answer(failure="timeout") for i in inputs]
        return Sample(
            str(number), program.model, program.text, asserted, [answer_of(program.answers[i]) for i in fuzzed]
        )

    def suites(self, drawn: Sequence[tuple[str, int]]) -> tuple[list[str], list[Assertion]]:
        """Return the inputs of some suites, and what these assert."""
        rows = [(writer, number, *test) for writer, number in drawn for test in self.tests[writer][number]]
        inputs = list(dict.fromkeys(row[2] for row in rows))
        number_of = {text: at for at, text in enumerate(inputs)}
        return inputs, [Assertion(number_of[i], f"{w} #{n}", value_of(v), w) for w, n, i, v in rows]


def load(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of the data."""
    with gzip.open(folder / "codegen" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def problems(folder: Path, box: Sandbox, *, weak: bool) -> Iterator[Problem]:
    """Yield the problems with the programs of the weak model, or with those of the nine others, run."""
    samples, suites = load(folder, "samples"), load(folder, "test_suites")
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(
            lambda row: _problem(
                row,
                [s for s in samples if s["task_id"] == row["task_id"] and (s["model"] == WEAK) == weak],
                [s for s in suites if s["task_id"] == row["task_id"]],
                box,
            ),
            load(folder, "problems"),
        )


def _problem(row: Mapping[str, Any], samples: Sequence[Any], suites: Sequence[Any], box: Sandbox) -> Problem:
    entry = row["entry_point"]
    head = Head(row)
    tests: dict[str, dict[int, list[tuple[str, str]]]] = {}
    for suite in suites:
        rows = [(literal(t["args"]), t["expected"]) for t in suite["tests"]]
        tests.setdefault(suite["model"], {})[suite["suite"]] = [(repr(a), v) for a, v in rows if isinstance(a, list)]
    made = {writer: head.made([i for suite in given.values() for i, _ in suite]) for writer, given in tests.items()}
    inputs = list(dict.fromkeys(i for given in tests.values() for suite in given.values() for i, _ in suite))
    every = list(dict.fromkeys([*inputs, *(i for some in made.values() for i in some)]))
    allowed = {i for i, said in zip(every, run(box, head.precondition, entry, every), strict=True) if said == "True"}
    made = {w: [i for i in some if i in allowed and i not in inputs][:FUZZED] for w, some in made.items()}
    asked = list(dict.fromkeys([*(i for i in inputs if i in allowed), *(i for some in made.values() for i in some)]))
    oracle = [repr(arguments) for arguments in (*row["base_input"], *row["plus_input"])]
    truth = run(box, row["prompt"] + row["canonical_solution"], entry, oracle)
    programs = []
    for sample in samples:
        said = run(box, sample["code"], entry, [*asked, *oracle])
        answers = {i: head.typed(s) for i, s in zip(asked, said, strict=False)}
        right = all(_same(s, t, row["atol"]) for s, t in zip(said[len(asked) :], truth, strict=True))
        programs.append(Written(sample["model"], head.form(sample["code"]), sample["code"], answers, right))
    kept = {w: {n: [t for t in suite if t[0] in allowed] for n, suite in given.items()} for w, given in tests.items()}
    return Problem(row["task_id"], programs, kept, made)


class Head:
    """What the specification says of a problem's function: names, types, precondition. It holds no solution."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._prompt: str = row["prompt"]
        tree = ast.parse(f"{self._prompt}    pass\n")
        self.function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == row["entry_point"])
        signature = re.split(r'\n\s+(?:"""|\'\'\')', self._prompt[self._prompt.rindex(f"def {row['entry_point']}") :])[
            0
        ]
        before = self._prompt[: self._prompt.index(f"def {row['entry_point']}")]
        self.precondition = f"import math\n{before}{signature}\n{row['contract']}\n    return True\n"

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [argument.arg for argument in self.function.args.args]

    def form(self, code: str) -> str:
        """Return the identity of a program, as the ladder tells copies."""
        return normal_form(Candidate(self._contract, code))

    @cached_property
    def _contract(self) -> Contract:
        return Contract(self.function.name, tuple(Parameter(name) for name in self.names))

    @cached_property
    def output(self) -> Type:
        """The type of the result, as far as the signature says."""
        return Type.from_json(_annotated(self.function.returns))

    def inputs(self, rows: Sequence[Sequence[Any]]) -> dict[str, Type]:
        """Return the types of the parameters: as the signature says, else as those in the tests are."""
        return {
            argument.arg: Type.from_json(
                _annotated(argument.annotation) if argument.annotation else _seen([row[at] for row in rows])
            )
            for at, argument in enumerate(self.function.args.args)
        }

    def made(self, inputs: Sequence[str]) -> list[str]:
        """Return further inputs: variations of these, and some that are drawn from the types."""
        names = self.names
        rows = [row for text in dict.fromkeys(inputs) if len(row := literal(text) or []) == len(names)]
        if not rows:
            return []
        types = self.inputs(rows)
        largest = max(100.0, *(2 * _size(row) for row in rows))
        varied = [list(v.values()) for v in variations([dict(zip(names, r, strict=True)) for r in rows],
                                                       count=_MADE, seed=1)]  # fmt: skip
        drawn = [[row[name] for name in names] for row in draw(types, _DRAWN, 1)]
        mixed = [row for pair in zip_longest(varied, _spread(drawn, 3)) for row in pair if row is not None]
        fits = [row for row in mixed if _size(row) <= largest and _fits(row, types)]
        return list(dict.fromkeys(map(repr, fits)))

    def typed(self, said: str) -> str:
        """Return an answer, or that it breaks the type of the result."""
        value = literal(said) if said[:1] not in "!?#" else None
        broken = said[:1] not in "!?#" and self.output.refuse(_listed(value), "the result")
        return "!contract" if broken else said


def run(box: Sandbox, code: str, entry: str, inputs: Sequence[str]) -> list[str]:
    """Return what a function says for each input: its result, "!" and the name of what it raised, "?" if not tried."""
    done = box.call(
        Program(f"{code}\n{_DRIVER.replace('ENTRY', entry)}", "_run_all"), {"inputs": list(inputs)}, limits=_LIMITS
    )
    if isinstance(done.value, list) and len(done.value) == len(inputs):
        return list(map(str, done.value))
    return [f"!{done.problem.category if done.problem else 'protocol'}"] * len(inputs)


@lru_cache(200_000)
def answer_of(said: str) -> Answer | None:
    """Return what a program said as an answer; None where it was not tried."""
    if said == "?":
        return None
    return Answer(failure=said[1:]) if said[:1] == "!" else Answer(value_of(said))


def value_of(text: str) -> Any:
    """Return the value of a Python literal, tuples as they are; what is none stands for itself."""
    value = literal(text)
    return ("text", text) if value is None and text != "None" else value


def literal(text: str) -> Any:
    """Return the value of a literal, or None where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, SystemError):
        return None


def _same(said: str, truth: str, tolerance: float) -> bool:
    if said == truth:
        return True
    if said[:1] in "!?#" or truth[:1] in "!?#":
        return False
    return _near(value_of(said), value_of(truth), max(tolerance, 1e-6))


def _near(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return type(one) is type(other) and one == other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        try:
            return math.isclose(one, other, rel_tol=1e-7, abs_tol=tolerance)
        except OverflowError:
            return one == other
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(_near(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_near(one[key], other[key], tolerance) for key in one)
    return bool(one == other)


def _annotated(node: ast.expr | None) -> dict[str, Any]:
    """Return the JSON Schema of an annotation, as far as it has one."""
    if node is None:
        return {}
    name = ast.unparse(node).replace("typing.", "")
    plain = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "None": "null", "list": "array"}
    if name in plain:
        return {"type": plain[name]}
    if isinstance(node, ast.Subscript):
        base = ast.unparse(node.value).replace("typing.", "")
        if base in ("List", "list"):
            return {"type": "array", "items": _annotated(node.slice)}
        if base == "Optional" and isinstance(kind := _annotated(node.slice).get("type"), str):
            return {**_annotated(node.slice), "type": [kind, "null"]}
        if base in ("Tuple", "tuple"):
            return {"type": "array"}
    return {}


def _seen(values: Sequence[Any]) -> dict[str, Any]:
    """Return the JSON Schema that all these values have."""
    kinds = {type(value) for value in values}
    simple = {int: "integer", str: "string", bool: "boolean"}
    if len(kinds) == 1 and (kind := kinds.pop()) in simple:
        return {"type": simple[kind]}
    kinds = {type(value) for value in values}
    if kinds and kinds <= {int, float}:
        return {"type": "number"}
    if kinds == {list}:
        return {"type": "array", "items": _seen([part for value in values for part in value])}
    return {}


def _fits(row: Sequence[Any], types: Mapping[str, Type]) -> bool:
    return not any(type_.refuse(_listed(value), "") for type_, value in zip(types.values(), row, strict=True))


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, (list, tuple)) else value


def _size(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return abs(value)
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return max(map(_size, parts), default=0)


def _spread(rows: Sequence[Any], gap: int) -> Iterator[Any]:
    for row in rows:
        yield row
        yield from [None] * (gap - 1)


def shuffled(draws: random.Random, among: Sequence[Any], count: int) -> list[Any]:
    """Return some of these, drawn without putting back."""
    return draws.sample(list(among), min(count, len(among)))
