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

from collections.abc import Callable
from math import isfinite
from typing import Any

from htn.errors import UsageError
from htn.unknown import Unknown

ATOMS = frozenset({str, int, float, bool, type(None), Unknown})
_MARKS = frozenset({"$tuple", "$set", "$frozenset", "$map", "$unknown"})


def is_atom(value: object) -> bool:
    """Say whether the value has no parts that could change."""
    return type(value) in ATOMS


def own_copy(value: object, where: str) -> object:
    """Return a copy that shares no changeable part with `value`. UsageError names `where` when it is unusable."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind in (list, tuple, set, frozenset):
        parts: Any = value
        return kind(own_copy(part, where) for part in parts)
    if isinstance(value, dict):
        return {own_copy(key, where): own_copy(part, where) for key, part in value.items()}
    raise UsageError(
        f"{where} cannot hold a value of type {kind.__name__}",
        hints=("use texts, numbers, booleans, None, lists, tuples, sets and dicts of these",),
    )


def to_json(value: object, where: str = "this value") -> object:
    """Return the JSON form of a value."""
    kind = type(value)
    if kind is float and not isfinite(value):  # type: ignore[arg-type]  # a float, by the test before
        raise UsageError(f"{where} holds {value}, which JSON cannot write")
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, Unknown):
        return {"$unknown": value.description}
    if isinstance(value, list):
        return [to_json(part, where) for part in value]
    if isinstance(value, tuple):
        return {"$tuple": [to_json(part, where) for part in value]}
    if isinstance(value, (set, frozenset)):
        mark = "$set" if isinstance(value, set) else "$frozenset"
        return {mark: sorted((to_json(part, where) for part in value), key=repr)}
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and not (len(value) == 1 and _MARKS & value.keys()):
            return {key: to_json(part, where) for key, part in value.items()}
        return {"$map": [[to_json(key, where), to_json(part, where)] for key, part in value.items()]}
    raise UsageError(f"{where} holds a {kind.__name__}, which has no JSON form")


def from_json(data: object, where: str = "this value") -> object:
    """Return the value that `to_json` wrote as `data`."""
    if isinstance(data, list):
        return [from_json(part, where) for part in data]
    if not isinstance(data, dict):
        if data is None or type(data) in (str, int, float, bool):
            return data
        raise UsageError(f"{where} is not JSON: {type(data).__name__}")
    mark = next(iter(data)) if len(data) == 1 else None
    if mark not in _MARKS:
        return {key: from_json(part, where) for key, part in data.items()}
    return _unmark(mark, data[mark], where)


def _unmark(mark: str, parts: object, where: str) -> object:
    if mark == "$unknown":
        return Unknown(str(parts))
    if not isinstance(parts, list):
        raise UsageError(f"{where}: {mark} needs a list")
    build: dict[str, Callable[[list[object]], object]] = {
        "$tuple": tuple, "$set": set, "$frozenset": frozenset, "$map": _pairs,
    }  # fmt: skip
    try:
        return build[mark]([from_json(part, where) for part in parts])
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {mark} is malformed: {error}") from error


def _pairs(parts: list[object]) -> dict[object, object]:
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


def show(value: object, width: int = 60) -> str:
    """Return a value as a person reads it, cut to `width` characters."""
    if isinstance(value, Unknown):
        text = f"<{value.description}>"
    elif isinstance(value, str) and value and not any(c in value for c in ",()[]{}'\"; \t\n"):
        text = value
    elif isinstance(value, tuple):
        text = "(" + ", ".join(show(part, width) for part in value) + ")"
    else:
        text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
