"""The inputs on which code is tried: the ones that were given, and others drawn by Hypothesis from what they look like.

The first rows are given ones, then come drawn ones, the simplest first; the same code gives the same inputs each time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from executor.code.shapes import Shape, shape_of_value
from executor.validate.values import draw
from htn.contract import Type
from htn.errors import UsageError
from htn.values import to_json

INPUTS = 24
# What a value is taken for of which the code says nothing: one guess after the other.
_GUESSES = ("integer", "string", "array", "number")


def inputs_for(
    shapes: Mapping[str, Shape], given: Sequence[Mapping[str, Any]] = (), *, count: int = INPUTS
) -> tuple[dict[str, Any], ...]:
    """Return inputs for values of these shapes, the given ones first; one empty input where there are no names."""
    if not shapes and not given:
        return ({},)
    known = {**shapes, **{name: shape_of_value(value) for row in given for name, value in row.items()}}
    unknown = any(not shape.kind for shape in known.values())
    guesses = _GUESSES if unknown else _GUESSES[:1]
    rows: list[dict[str, Any]] = [dict(row) for row in given]
    for seed, guess in enumerate(guesses):
        for narrow in (False, True):
            rows += _drawn(known, guess, max(1, count // (2 * len(guesses))), seed, narrow=narrow)
    distinct: list[dict[str, Any]] = []
    for row in rows:
        if repr(row) not in map(repr, distinct):
            distinct.append(row)
    return tuple(distinct[: count + len(given)])


def _drawn(shapes: Mapping[str, Shape], guess: str, count: int, seed: int, *, narrow: bool) -> list[dict[str, Any]]:
    if not shapes:
        return []
    try:
        types = {name: Type.from_json(shape.schema(guess, narrow=narrow)) for name, shape in shapes.items()}
    except UsageError:
        return []
    # In the order of the names: a function of another language takes its arguments in their order.
    return [{name: to_json(row[name]) for name in shapes} for row in draw(types, count, seed)]
