"""What a state variable may hold, and how it is written as JSON and back without losing anything.

A value is None, a boolean, a number, a text, or a list, tuple, set, frozenset or dict of values; while
planning it may also be an `Unknown`. JSON has neither tuples nor sets nor keys that are not texts, so these
are written as an object with one marked key:

    ("home", "park")        {"$tuple": ["home", "park"]}
    {1, 2}, frozenset(...)  {"$set": [1, 2]}, {"$frozenset": [...]}
    {("a", 1): 2}           {"$map": [[{"$tuple": ["a", 1]}, 2]]}
    Unknown("the mean")     {"$unknown": "the mean"}

A dict whose own keys look like such a mark is written as `$map`, so that reading gives back what was written.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

from htn.errors import NeedsValue, UsageError
from htn.unknown import Unknown

ATOMS = frozenset({str, int, float, bool, type(None), Unknown})
WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_MARKS = frozenset({"$tuple", "$set", "$frozenset", "$map", "$unknown"})
_BARE = re.compile(r"[^\s,()\[\]{}'\";]+")


def is_atom(value: object) -> bool:
    """Say whether the value has no parts that could change."""
    kind = type(value)
    return kind in ATOMS or (kind in (tuple, frozenset) and all(map(is_atom, value)))  # type: ignore[call-overload]


def own_copy(value: object, where: str) -> object:
    """Return a copy that shares no changeable part with `value`. UsageError names `where` when it is unusable."""
    try:
        return _copied(value, where)
    except RecursionError:
        raise _too_deep(where) from None


def _copied(value: Any, where: str) -> Any:
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind in (list, tuple, set, frozenset):
        if ATOMS.issuperset(map(type, value)):
            return kind(value)
        return kind(_copied(part, where) for part in value)
    if isinstance(value, dict):
        return {_copied(key, where): _copied(part, where) for key, part in value.items()}
    raise UsageError(
        f"{where} cannot hold a value of type {kind.__name__}",
        hints=("use texts, numbers, booleans, None, lists, tuples, sets and dicts of these",),
    )


def to_json(value: object, where: str = "this value") -> object:
    """Return the JSON form of a value."""
    try:
        return _written(value, where)
    except RecursionError:
        raise _too_deep(where) from None


def _too_deep(where: str) -> UsageError:
    return UsageError(f"{where} is nested too deeply")


def _written(value: object, where: str) -> object:
    kind = type(value)
    if kind is float and not isfinite(value):  # type: ignore[arg-type]  # a float, by the test before
        raise UsageError(f"{where} holds {value}, which JSON cannot write")
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, Unknown):
        return {"$unknown": value.description}
    if isinstance(value, list):
        return [_written(part, where) for part in value]
    if isinstance(value, tuple):
        return {"$tuple": [_written(part, where) for part in value]}
    if isinstance(value, (set, frozenset)):
        mark = "$set" if isinstance(value, set) else "$frozenset"
        return {mark: sorted((_written(part, where) for part in value), key=repr)}
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and not has_marked_key(value):
            return {key: _written(part, where) for key, part in value.items()}
        return {"$map": [[_written(key, where), _written(part, where)] for key, part in value.items()]}
    raise UsageError(f"{where} holds a {kind.__name__}, which has no JSON form")


def has_marked_key(value: Mapping[Any, Any]) -> bool:
    """Say whether a dict would be taken for one of the marks if it were written as an object."""
    return len(value) == 1 and not _MARKS.isdisjoint(value)


def from_json(data: object, where: str = "this value") -> object:
    """Return the value that `to_json` wrote as `data`. UsageError when it is something else."""
    try:
        return _read(data, where)
    except RecursionError:
        raise _too_deep(where) from None


def _read(data: object, where: str) -> object:
    if isinstance(data, list):
        return [_read(part, where) for part in data]
    if not isinstance(data, dict):
        if data is None or type(data) in (str, int, bool) or (type(data) is float and isfinite(data)):
            return data
        raise UsageError(f"{where} is not JSON: {data!r:.60}")
    if has_marked_key(data):
        (mark, parts), *_ = data.items()
        return _unmark(mark, parts, where)
    return {key: _read(part, where) for key, part in data.items()}


def _unmark(mark: str, parts: object, where: str) -> object:
    if mark == "$unknown":
        if isinstance(parts, str):
            return Unknown(parts)
        raise UsageError(f"{where}: {mark} needs a text")
    if not isinstance(parts, list):
        raise UsageError(f"{where}: {mark} needs a list")
    build: dict[str, Callable[[list[object]], object]] = {
        "$tuple": tuple, "$set": set, "$frozenset": frozenset, "$map": _pairs,
    }  # fmt: skip
    try:
        return build[mark]([_read(part, where) for part in parts])
    except (TypeError, ValueError, NeedsValue) as error:
        raise UsageError(f"{where}: {mark} is malformed: {error}") from error


def _pairs(parts: list[object]) -> dict[object, object]:
    if not all(isinstance(part, list) for part in parts):
        raise ValueError("it is a list of [key, value] pairs")
    return dict(part for part in parts)  # type: ignore[misc]  # a part that is no pair raises, and is reported


def plain(value: object) -> object:
    """Return the value as programs in other languages see it: tuples and sets become lists."""
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(part) for part in value), key=repr)
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    return value


def hashable(value: object) -> object:
    """Return a key as state variables use it: lists, as JSON knows them, become tuples."""
    return tuple(hashable(part) for part in value) if isinstance(value, (list, tuple)) else value


_MAX_BITS = 8192  # Python refuses to write much larger numbers


def show(value: object, width: int = 60) -> str:
    """Return a value as a person reads it and types it in a task, cut to `width` characters."""
    if isinstance(value, Unknown):
        text = f"<{value.description}>"
    elif isinstance(value, str):
        text = value if _stands_bare(value) else repr(value)
    elif isinstance(value, tuple):
        text = "(" + _shown(value, width) + ")"
    elif isinstance(value, list):
        text = "[" + _shown(value, width) + "]"
    elif isinstance(value, (set, frozenset)) and value:
        text = "{" + ", ".join(sorted(show(part, width) for part in value)) + "}"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{show(key, width)}: {show(part, width)}" for key, part in value.items()) + "}"
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        text = f"a number of {value.bit_length():,} bits"
    else:
        text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def _shown(parts: Iterable[object], width: int) -> str:
    return ", ".join(show(part, width) for part in parts)


def _stands_bare(text: str) -> bool:
    """Say whether a text needs no quotes: it is one printable word that no one takes for something else."""
    return bool(_BARE.fullmatch(text)) and text.isprintable() and text not in WORDS and not NUMBER.fullmatch(text)


def writable(value: Any) -> Any:
    """Return a value in which each number that JSON has no form for stands as a text: "NaN", "Infinity", "0x…"."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  # only NaN is not
    if type(value) is int and not is_short(value):
        return hex(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(writable(part) for part in value)
    if isinstance(value, dict):
        return {writable(key): writable(part) for key, part in value.items()}
    return value


def is_short(number: int) -> bool:
    """Say whether Python would write out a whole number; it takes a time that grows with the square of its length."""
    return number.bit_length() <= 10_000
