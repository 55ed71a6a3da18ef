"""Do two versions of a program behave the same? Both are run on the same inputs, and everything that they do compared.

    compared                        how
    the result                      equal as JSON: 1 is neither true nor 1.0
    what is printed                 equal, on either stream
    a failure                       the same kind (the category, and the exception's name); its words may differ
    the arguments after a call      equal, for functions

A script is run with its inputs as variables. A program that defines functions is also compared function by function;
one whose name or parameters changed is a difference. Both versions run with the same hash seed, one of two. Where the
original runs out of time or memory nothing is compared: a version may well be quicker.

What this does NOT do: prove anything about other inputs. Agreement where both only fail shows little, so a version has
to agree on `LEAST` inputs that give a result, or on the only input there is.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from executor.code.executing import Bench, has_scripts
from executor.code.forms import Difference, Equivalence
from executor.code.inputs import inputs_for
from executor.code.shapes import read_names, shapes_of_function, shapes_of_script
from executor.code.tree import Tree
from executor.sandbox import Category, Outcome
from executor.told import shortened

LEAST = 3
_SEEDS = (0, 1)
_SHOWN = 300
# Together, for one version; what is left out then is not counted as tried.
_MOST_SECONDS = 30.0
_EXHAUSTED = (Category.TIMEOUT, Category.MEMORY, Category.ENVIRONMENT)


@dataclass(frozen=True)
class Subject:
    """A part of a program that can be run by itself: the script (no entry point), or a function."""

    entry_point: str
    inputs: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return self.entry_point or "the script"


@dataclass(frozen=True)
class Seen:
    """One run of the original: on what, and what came of it."""

    subject: Subject
    row: Mapping[str, Any]
    seed: int
    outcome: Outcome

    @property
    def exhausted(self) -> bool:
        """Whether time, memory or the sandbox ended it, so that it says nothing about what the code does."""
        return self.outcome.problem is not None and self.outcome.problem.category in _EXHAUSTED


@dataclass(frozen=True)
class Compared:
    """What comparing has shown, and on how many inputs the version has a result where the original fails."""

    equivalence: Equivalence
    mended: int = 0


def observe(
    code: str, language: str, bench: Bench, given: Sequence[Mapping[str, Any]] = (), *, entry_point: str = ""
) -> tuple[Seen, ...]:
    """Run a program on the inputs that are given and on drawn ones, and return what it did on each.

    `entry_point` is the function to call in a language that has no scripts.
    """
    seen: list[Seen] = []
    for subject in subjects_of(code, language, given, entry_point):
        for at, row in enumerate(subject.inputs):
            if sum(each.outcome.seconds for each in seen) > _MOST_SECONDS:
                return tuple(seen)
            seed = _SEEDS[at % len(_SEEDS)]
            outcome = bench.run(code, language, row, entry_point=subject.entry_point, hash_seed=seed)
            seen.append(Seen(subject, row, seed, outcome))
    return tuple(seen)


def compare(seen: Sequence[Seen], version: str, language: str, bench: Bench, *, may_mend: bool = False) -> Compared:
    """Return whether a version does what the original was seen to do.

    With `may_mend` it may do what it likes where the original fails.
    """
    if missing := _missing(version, language, seen):
        return Compared(_differs(0, 0, missing))
    valued = tried = mended = 0
    for each in seen:
        if each.exhausted:
            continue
        entry_point = each.subject.entry_point
        other = bench.run(version, language, each.row, entry_point=entry_point, hash_seed=each.seed)
        tried, valued = tried + 1, valued + each.outcome.ok
        mended += not each.outcome.ok and other.ok
        if (each.outcome.ok or not may_mend) and (what := _difference(each.outcome, other)):
            found = Difference(
                subject=each.subject.name,
                input=dict(each.row),
                what=what,
                original=_shown(each.outcome),
                version=_shown(other),
            )
            return Compared(_differs(tried, valued, found), mended)
    return Compared(_agreed(tried, valued, seen), mended)


def subjects_of(
    code: str, language: str, given: Sequence[Mapping[str, Any]] = (), entry_point: str = ""
) -> tuple[Subject, ...]:
    """Return what of a program can be run, each with its inputs.

    A Python program that does something at its top level is a script; its public functions are subjects of their own.
    Of other languages only the given inputs say what an input looks like.
    """
    if language != "python":
        runs = has_scripts(language) or bool(entry_point)
        return (Subject("" if has_scripts(language) else entry_point, inputs_for({}, given)),) if runs else ()
    tree = Tree(code)
    does = not all(map(_only_defines, tree.module.body))
    found = []
    if does:
        shapes = shapes_of_script(tree, read_names(tree))
        rows = [{name: value for name, value in row.items() if name in shapes} for row in given]
        found.append(Subject("", inputs_for(shapes, rows)))
    for function in functions_of(tree):
        shapes = shapes_of_function(function)
        rows = [] if does else [dict(row) for row in given if set(row) == set(shapes)]
        found.append(Subject(function.name, inputs_for(shapes, rows, count=12 if does else 24)))
    return tuple(found)


def functions_of(tree: Tree) -> list[ast.FunctionDef]:
    """Return the functions of a program that can be called by name, with every argument named."""
    return [
        node
        for node in tree.module.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and _is_callable(node)
    ]


def _agreed(tried: int, valued: int, seen: Sequence[Seen]) -> Equivalence:
    alone = all(len(each.subject.inputs) == 1 for each in seen)
    enough = bool(tried) and (valued >= LEAST or (alone and valued == len(seen)))
    if enough:
        reason = f"the same on every input that was tried ({tried}, of which {valued} gave a result)"
    elif not seen:
        reason = "there is nothing that can be run by itself"
    else:
        reason = f"only {valued} of {len(seen)} inputs gave a result: too few to say that they behave the same"
    return Equivalence(same=enough, inputs=tried, with_value=valued, reason=reason)


def _differs(tried: int, valued: int, found: Difference) -> Equivalence:
    reason = f"{found.subject} differs in {found.what}"
    return Equivalence(same=False, inputs=tried, with_value=valued, reason=reason, counterexample=found)


def _missing(version: str, language: str, seen: Sequence[Seen]) -> Difference | None:
    """Return the first function that the version does not have, or has with other parameters."""
    if language != "python":
        return None
    there = {each.name: set(shapes_of_function(each)) for each in functions_of(Tree(version))}
    for each in seen:
        name = each.subject.entry_point
        if name and there.get(name) != set(each.row):
            has = "no such function" if name not in there else "other parameters"
            return Difference(subject=name, input={}, what="its form", original="defined", version=has)
    return None


def _difference(one: Outcome, other: Outcome) -> str:
    """Return in what two outcomes differ, or nothing."""
    if _failure(one) != _failure(other):
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


def _only_defines(node: ast.stmt) -> bool:
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return isinstance(node, defines) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_callable(node: ast.FunctionDef) -> bool:
    spec = node.args
    return not (spec.posonlyargs or spec.vararg or spec.kwarg or node.decorator_list)
