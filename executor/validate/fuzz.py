"""Make the inputs on which bodies that pass the same tests may still differ: drawn from the types, and varied.

Half of what is tried comes from Hypothesis' strategies for the declared types, half varies inputs that make sense (see
vary): those of tests, examples and the situation of the gap. All of it is filtered by the preconditions.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from math import isfinite
from typing import Any

from executor.check import Candidate
from executor.validate.situations import Situation, applicable, given_in, situation_of
from executor.validate.vary import planted, variations
from htn.contract import Contract, Undefined
from htn.domain import StateVariable
from htn.errors import HtnError
from htn.unknown import has_unknown

_MOST_BITS, _MOST_LETTERS = 300, 100
_TRIES = 4  # variations that are made for each one that is wanted: many break a precondition


def fuzzed(
    contract: Contract,
    variables: Mapping[str, StateVariable],
    known: Sequence[Situation],
    *,
    count: int,
    seed: int = 1,
    seen: Sequence[Any] = (),
) -> tuple[Situation, ...]:
    """Return up to `count` different situations in which the contract applies, none of them among `known`.

    `seen` are texts and numbers to mix in, such as the constants of bodies: then half of them hold one. The same
    arguments give the same situations.
    """
    rows = _complete(contract, known)
    wanted = count * _TRIES
    drawn = iter(applicable(contract, variables, known, count=count, seed=seed))
    varied = _made(contract, variables, variations(rows, count=wanted, seed=seed, seen=seen))
    fitted = _made(contract, variables, planted(rows, count=wanted, seed=seed, seen=seen))
    found: dict[str, Situation] = {}
    before = {_text(contract, situation) for situation in known}
    for batch in zip_longest(fitted, varied, fitted, drawn):
        for situation in batch:
            if situation is not None and (text := _text(contract, situation)) not in before:
                found.setdefault(text, situation)
        if len(found) >= count:
            break
    return tuple(found.values())[:count]


def constants(candidate: Candidate) -> list[Any]:
    """Return the texts and numbers that a Python body names; none of one in another language, or that has no tree."""
    if candidate.language != "python":
        return []
    try:
        nodes = list(ast.walk(candidate.tree))
    except SyntaxError:
        return []
    return [value for node in nodes for value in _named_in(node) if _is_small(value)]


def _named_in(node: ast.AST) -> list[Any]:
    match node:
        case ast.Constant(value=value):
            return [value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))):
            return [-value]
    return []


def _is_small(value: object) -> bool:
    if type(value) is int:
        return value.bit_length() <= _MOST_BITS
    if isinstance(value, str):
        # Code may hold half of a surrogate pair, which no sandbox can be given.
        return len(value) <= _MOST_LETTERS and value == value.encode(errors="ignore").decode()
    return type(value) is float and isfinite(value)


def _complete(contract: Contract, known: Sequence[Situation]) -> list[dict[str, Any]]:
    """Return what bodies are given in these situations, where all of it is known."""
    rows = []
    for situation in known:
        with suppress(HtnError, Undefined):
            rows.append(given_in(contract, situation))
    names = len(contract.parameters) + len(contract.reads)
    return [row for row in rows if len(row) == names and not any(map(has_unknown, row.values()))]


def _made(
    contract: Contract, variables: Mapping[str, StateVariable], rows: Iterable[Mapping[str, Any]]
) -> Iterator[Situation]:
    """Yield the situations in which a body is given one of these rows, as far as the contract allows them."""
    names = {p.name for p in contract.parameters}
    for row in rows:
        arguments = {name: value for name, value in row.items() if name in names}
        reads = {name: value for name, value in row.items() if name not in names}
        if (made := situation_of(contract, variables, arguments, reads)) is not None:
            yield made


def _text(contract: Contract, situation: Situation) -> str:
    try:
        return repr(given_in(contract, situation))
    except (HtnError, Undefined):
        return repr(situation)
