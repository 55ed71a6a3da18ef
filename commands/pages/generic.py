"""Make a page of any document: what is short are facts, what is alike are tables, the rest are sections."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from commands.pages.blocks import Block, Heading, Points, Prose, Quoted, cell, facts, fence, table

_DEEPEST = 4
_MOST_COLUMNS = 8
_LONG = 200  # characters of a text that stands in a paragraph of its own
_TIMES = frozenset({"at", "began", "changed", "ended"})
_AS_JSON = frozenset({"contract", "given", "then", "input", "type"})


def described(document: Any, level: int = 2) -> list[Block]:
    """Return the blocks of a document."""
    if isinstance(document, Mapping):
        return _mapping(document, level)
    if isinstance(document, (list, tuple)):
        return _sequence(document, level)
    return [Prose(cell(document))]


def words(name: object) -> str:
    """Return the name of a field as words."""
    return str(name).replace("_", " ")


def value_of(value: Any, name: object = "") -> str:
    """Return a short value: a text of one word, or what is no text, as it would be written; a time as a date."""
    if name in _TIMES and isinstance(value, (int, float)) and 10**9 < value < 10**10:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    if isinstance(value, str):
        return value if " " in value or not value else Quoted(value)
    if isinstance(value, (list, tuple)) and all(_is_word(each) for each in value):
        return ", ".join(map(cell, value))
    return cell(value) if _is_scalar(value) else Quoted(json.dumps(value, ensure_ascii=False))


def _mapping(document: Mapping[Any, Any], level: int) -> list[Block]:
    known = {name: value for name, value in document.items() if value is not None and value not in ("", [], {}, ())}
    blocks = facts(*((words(name), value_of(value, name)) for name, value in known.items() if _is_fact(value)))
    for name, value in known.items():
        if _is_fact(value):
            continue
        blocks += [Heading(words(name), level), *_below(str(name), value, document, level)]
    return blocks


def _below(name: str, value: Any, document: Mapping[Any, Any], level: int) -> list[Block]:
    if isinstance(value, str):
        language = "diff" if name == "diff" else str(document.get("language", "text")) if "code" in name else ""
        return fence(value, language or "text") if language or "\n" in value else [Prose(value)]
    if name in _AS_JSON or (level >= _DEEPEST and not _is_table(value)):
        return fence(json.dumps(value, ensure_ascii=False, indent=2), "json")
    return described(value, level + 1)


def _sequence(document: Sequence[Any], level: int) -> list[Block]:
    if not document:
        return [Prose("nothing")]
    if _is_table(document):
        names = _names(document)
        return table(list(map(words, names)), [[value_of(each.get(name), name) for name in names] for each in document])
    if all(isinstance(each, Mapping) for each in document):
        blocks: list[Block] = []
        for number, each in enumerate(document, 1):
            blocks += [Heading(str(each.get("name") or number), level), *_mapping(each, level + 1)]
        return blocks
    return [Points(tuple(value_of(each) for each in document))]


def _names(rows: Sequence[Mapping[Any, Any]]) -> list[Any]:
    """Return the names of all fields that some row has, and that are not empty in all of them."""
    return list(dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, "", [], {})))


def _is_table(value: Any) -> bool:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, Mapping) for each in value):
        return False
    return len(_names(value)) <= _MOST_COLUMNS and all(_is_short(part) for each in value for part in each.values())


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _is_word(value: Any) -> bool:
    return _is_scalar(value) and " " not in str(value)


def _is_fact(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST_COLUMNS and all(_is_word(each) for each in value)
    return _is_scalar(value) and _is_short(value)


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" not in value and len(value) <= _LONG
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST_COLUMNS and all(_is_scalar(each) and _is_short(each) for each in value)
    return _is_scalar(value)
