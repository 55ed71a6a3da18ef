"""The example of a request for code: which variables it makes, and whether a result is the one that was expected.

An input becomes the items of an n8n Code node: `items` is a list of objects, each with its data under `json`.

    input_example                      items
    {"value": 5}                       [{"json": {"value": 5}}]
    [{"value": 5}, {"value": 6}]       [{"json": {"value": 5}}, {"json": {"value": 6}}]
    {"items": [{"json": ...}, ...]}    as it is; so is [{"json": ...}, ...]
    5                                  [{"json": {"value": 5}}]

A result is the expected one when it is equal to it, or when it is what `result` alone names: for {"result": 10} the
values 10 and {"result": 10} are the same, and so is [{"json": {"result": 10}}], as a Code node returns it. A number
and its nearest fraction are the same: 10 and 10.0.
"""

from collections.abc import Mapping
from typing import Any

from executor.code.executing import has_scripts


def context_of(example: Any, language: str) -> dict[str, Any]:
    """Return the variables of a script, or the arguments of a function, for an example input."""
    if not has_scripts(language):
        return dict(example) if isinstance(example, Mapping) else {"value": example}
    if isinstance(example, Mapping) and set(example) == {"items"} and _are_items(example["items"]):
        return dict(example)
    if _are_items(example):
        return {"items": example}
    rows = example if isinstance(example, list) and example and all(isinstance(r, Mapping) for r in example) else None
    if rows is not None:
        return {"items": [{"json": row} for row in rows]}
    return {"items": [{"json": example if isinstance(example, Mapping) else {"value": example}}]}


def is_expected(result: Any, expected: Any) -> bool:
    """Whether a result is the expected one."""
    readings = [result, {"result": result}]
    if _are_items(result):
        rows = [row["json"] for row in result]
        readings += [rows, *(rows if len(rows) == 1 else [])]
    return any(same(reading, expected) for reading in readings)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _are_items(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(row, Mapping) and isinstance(row.get("json"), Mapping) for row in value)
