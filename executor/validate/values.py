"""Draw values of a type, the same ones every time: Hypothesis strategies, drawn on the host."""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htn.contract import MOST_PARTS, Type

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_WIDEST = 1_000_000
_MOST_ITEMS = 12
_MOST_KEYS = 5
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def draw(types: dict[str, Type], count: int, seed: int) -> list[dict[str, Any]]:
    """Return up to `count` rows, each with a value for every name, the simplest ones first.

    The same types, count and seed give the same rows. There are fewer where the types allow fewer, and none where a
    type has no value (at least 2 and at most 1) or only ones too large to draw: a row has at most `MOST_PARTS` parts.
    """
    spare = MOST_PARTS - sum(type_.smallest for type_ in types.values())
    if spare < 0 or any(type_.contradiction() for type_ in types.values()):
        return []
    room = {name: type_.smallest + spare // len(types) for name, type_ in types.items()}
    import hypothesis  # noqa: PLC0415  # a third of a second to import; only validation needs it
    from hypothesis import HealthCheck, Phase, strategies  # noqa: PLC0415

    from executor.validate.provider import BACKEND  # noqa: PLC0415  # it imports Hypothesis

    # Hypothesis caches character tables in a folder; the working directory is not ours to write to.
    hypothesis.configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / f"htn-draw-{os.getuid()}")
    rows: dict[str, dict[str, Any]] = {}  # by their text: two equal rows are one piece of evidence
    settings = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
        backend=BACKEND,
    )

    @settings
    @hypothesis.seed(seed)
    @hypothesis.given(
        strategies.fixed_dictionaries({name: strategy(type_, room[name]) for name, type_ in types.items()})
    )
    def collect(row: dict[str, Any]) -> None:
        rows.setdefault(repr(row), row)

    try:
        collect()
    except (hypothesis.errors.InvalidArgument, hypothesis.errors.Unsatisfiable):
        return []
    return list(rows.values())


def strategy(type_: Type, room: int = MOST_PARTS) -> "SearchStrategy[Any]":
    """Return the strategy that draws values of a type with about `room` parts at most, and never fewer than it asks."""
    from hypothesis import strategies as st  # noqa: PLC0415  # see draw

    if type_.nullable and replace(type_, nullable=False).smallest > room:
        return st.none()
    values = st.sampled_from(type_.choices) if type_.choices else _by_kind(type_, room)
    return st.one_of(st.none(), values) if type_.nullable else values


def _by_kind(type_: Type, room: int) -> "SearchStrategy[Any]":
    from hypothesis import strategies as st  # noqa: PLC0415  # see draw

    low, high = _bounds(type_)
    lowest, highest = int(-(-low // 1)), int(high // 1)
    match type_.kind:
        case "string":
            letters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
            return st.text(letters, max_size=min(20, max(1, room)))
        case "integer":
            return st.integers(lowest, highest)
        case "number":
            floats = st.floats(low, high, allow_nan=False, allow_infinity=False)
            return st.one_of(st.integers(lowest, highest), floats) if lowest <= highest else floats
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            most = _most(type_, room, type_.least_items, _MOST_ITEMS)
            return st.lists(_item(type_, room, most), min_size=type_.least_items, max_size=most)
        case "object":
            if type_.fields:
                spare = max(0, room - type_.smallest) // len(type_.fields)
                return st.fixed_dictionaries({name: strategy(t, t.smallest + spare) for name, t in type_.fields})
            most = _most(type_, room, 0, _MOST_KEYS)
            keys = st.text(_LETTERS, min_size=1, max_size=8)
            return st.dictionaries(keys, _item(type_, room, most), max_size=most)
    return _atoms()


def _most(type_: Type, room: int, least: int, more: int) -> int:
    """Return how many items to draw at most: `more` than it must have, where there is room for them."""
    each = type_.item.smallest if type_.item else 1
    spare = max(0, (room - 1 - least * each) // each)
    most = least + min(more, spare)
    return most if type_.most_items is None else min(most, max(type_.most_items, least))


def _item(type_: Type, room: int, most: int) -> "SearchStrategy[Any]":
    if type_.item is None:
        return _atoms()
    return strategy(type_.item, max(type_.item.smallest, (room - 1) // max(1, most)))


def _bounds(type_: Type) -> tuple[float, float]:
    """Return the least and the most to draw; a side that the type leaves open lies well beyond the other."""
    low, high = type_.minimum, type_.maximum
    if low is None:
        low = -_WIDEST if high is None else min(-_WIDEST, max(2 * high, -sys.float_info.max))
    if high is None:
        high = max(_WIDEST, min(2 * low, sys.float_info.max))
    return low, high


def _atoms() -> "SearchStrategy[Any]":
    from hypothesis import strategies as st  # noqa: PLC0415  # see draw

    return st.one_of(st.integers(-_WIDEST, _WIDEST), st.text(_LETTERS, max_size=8), st.booleans())
