"""Do two versions of a program behave the same? Both are run on the same inputs, and everything that they do compared.

    compared                        how
    the result                      equal as JSON: 1 is neither true nor 1.0
    what is printed                 equal, on either stream
    a failure                       the same kind (the category, and the exception's name); its words may differ
    the arguments after a call      equal, for functions

A script is run with its inputs as variables. A program that defines functions is also compared function by function;
one whose name or parameters changed is a difference. Both versions run with the same hash seed, one of two.

What this does NOT do: prove anything about other inputs. Agreement where both only fail shows little, so a version has
to agree on `LEAST` inputs that give a result, or on the only input there is.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.body import shortened
from executor.code.executing import Bench
from executor.code.forms import Difference, Equivalence
from executor.code.inputs import inputs_for
from executor.code.shapes import read_names, shapes_of_function, shapes_of_script
from executor.code.tree import Function, Tree
from executor.sandbox import Category, Outcome

LEAST = 3
_SEEDS = (0, 1)
_SHOWN = 300


@dataclass(frozen=True)
class Subject:
    """A part of a program that can be run by itself: the script (no entry point), or a function."""

    entry_point: str
    inputs: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return self.entry_point or "the script"


@dataclass
class Observed:
    """What comparing has seen: how many inputs were tried, on which the original had a value, how many were mended."""

    runs: int = 0
    mended: int = 0
    valued: list[tuple[Subject, Mapping[str, Any]]] = field(default_factory=list)


def subjects_of(code: str, language: str, given: Sequence[Mapping[str, Any]] = ()) -> tuple[Subject, ...]:
    """Return what of a program can be run, each with its inputs.

    A Python program that does something at its top level is a script; its public functions are subjects of their own.
    """
    if language != "python":
        return (Subject("", inputs_for({}, given)),)
    tree = Tree(code)
    does = [node for node in tree.module.body if not _only_defines(node)]
    found = []
    if does:
        shapes = shapes_of_script(tree, read_names(tree))
        found.append(Subject("", inputs_for(shapes, [_only(shapes, row) for row in given])))
    for function in functions_of(tree):
        shapes = shapes_of_function(function)
        rows = [row for row in given if set(row) == set(shapes)] if not does else []
        found.append(Subject(function.name, inputs_for(shapes, rows, count=12 if does else 24)))
    return tuple(found)


def functions_of(tree: Tree) -> list[Function]:
    """Return the functions of a program that can be called by name, with every argument named."""
    return [
        node
        for node in tree.module.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and _is_callable(node)
    ]


def compare(
    original: str,
    version: str,
    language: str,
    bench: Bench,
    given: Sequence[Mapping[str, Any]] = (),
    *,
    may_mend: bool = False,
) -> tuple[Equivalence, Observed]:
    """Return whether a version behaves as the original on the inputs that are given and drawn, and what was seen.

    With `may_mend` the version may do what it likes where the original fails.
    """
    subjects, observed = subjects_of(original, language, given), Observed()
    if missing := _missing(version, language, subjects):
        return _differs(observed, missing), observed
    for subject in subjects:
        for at, row in enumerate(subject.inputs):
            seed = _SEEDS[at % len(_SEEDS)]
            one, other = (
                bench.run(code, language, row, entry_point=subject.entry_point, hash_seed=seed)
                for code in (original, version)
            )
            observed.runs += 1
            observed.mended += not one.ok and other.ok
            if one.ok:
                observed.valued.append((subject, row))
            if (one.ok or not may_mend) and (what := _difference(one, other)):
                found = Difference(
                    subject=subject.name, input=dict(row), what=what, original=_shown(one), version=_shown(other)
                )
                return _differs(observed, found), observed
    return _agreed(observed, subjects), observed


def _agreed(observed: Observed, subjects: Sequence[Subject]) -> Equivalence:
    runs, valued = observed.runs, len(observed.valued)
    alone = all(len(subject.inputs) == 1 for subject in subjects)
    enough = bool(subjects) and (valued >= LEAST or (alone and valued == runs))
    if enough:
        reason = f"the same on every input that was tried ({runs}, of which {valued} gave a result)"
    elif not subjects:
        reason = "there is nothing that can be run by itself"
    else:
        reason = f"only {valued} of {runs} inputs gave a result: too few to say that they behave the same"
    return Equivalence(same=enough, inputs=runs, with_value=valued, reason=reason)


def _differs(observed: Observed, found: Difference) -> Equivalence:
    reason = f"{found.subject} differs in {found.what}"
    return Equivalence(
        same=False, inputs=observed.runs, with_value=len(observed.valued), reason=reason, counterexample=found
    )


def _missing(version: str, language: str, subjects: Sequence[Subject]) -> Difference | None:
    """Return the first function that the version does not have, or has with other parameters."""
    if language != "python":
        return None
    there = {f.name: set(shapes_of_function(f)) for f in functions_of(Tree(version))}
    for subject in subjects:
        wanted = set(subject.inputs[0]) if subject.entry_point and subject.inputs else None
        if wanted is not None and there.get(subject.entry_point) != wanted:
            has = "no such function" if subject.entry_point not in there else "other parameters"
            return Difference(subject=subject.name, input={}, what="its form", original="defined", version=has)
    return None


def _difference(one: Outcome, other: Outcome) -> str:
    """Return in what two outcomes differ, or nothing."""
    if one.ok != other.ok or _failure(one) != _failure(other):
        return "whether and how it fails"
    if one.ok and _text(one.value) != _text(other.value):
        return "the result"
    if (one.stdout, one.stderr) != (other.stdout, other.stderr):
        return "what it prints"
    if one.arguments is not None and _text(one.arguments) != _text(other.arguments):
        return "its arguments after the call"
    return ""


def _failure(outcome: Outcome) -> tuple[Category, str] | None:
    if outcome.problem is None:
        return None
    named = outcome.problem.message.partition(":")[0] if outcome.problem.category == Category.RUNTIME else ""
    return outcome.problem.category, named


def _shown(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return shortened(outcome.problem.message, _SHOWN)
    printed = f"; printed {outcome.stdout!r}" if outcome.stdout else ""
    return shortened(f"{_text(outcome.value)}{printed}", _SHOWN)


def _text(value: Any) -> str:
    """Return the one text of a JSON value; the order of an object's keys does not matter."""
    return json.dumps(value, sort_keys=True, default=dict)


def _only(shapes: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a given context that the script reads."""
    return {name: value for name, value in row.items() if name in shapes}


def _only_defines(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _is_callable(node: ast.FunctionDef) -> bool:
    spec = node.args
    return not (spec.posonlyargs or spec.vararg or spec.kwarg or node.decorator_list)
