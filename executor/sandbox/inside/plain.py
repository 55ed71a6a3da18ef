"""Plain JSON values: what may enter a sandbox and what may leave it.

A value that JSON would change in silence is refused: sets, bytes, keys that are not strings, NaN,
infinity, lone surrogates, integers of thousands of digits, structures hundreds of levels deep.
Three changes are allowed because equality of the content survives them: a tuple becomes a list,
a subclass (Counter, OrderedDict, IntEnum, a named tuple) becomes its base, and a shared part is
copied to each place that uses it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

JSON: TypeAlias = Union[  # noqa: UP007 - a recursive alias needs names in quotes
    bool, int, float, str, Sequence["JSON"], Mapping[str, "JSON"], None
]

MAX_DEPTH = 200
MAX_DIGITS = 4000
_MAX_BITS = int(MAX_DIGITS * math.log2(10))


class NotPlainError(ValueError):
    """A value is not plain JSON; the message says which part and why."""


def as_plain(value: object, path: str = "result", depth: int = 0) -> JSON:
    """Return `value` as plain JSON, or raise `NotPlainError` naming the part that is not."""
    if depth > MAX_DEPTH:
        raise NotPlainError(f"{path[:60]}... is nested more than {MAX_DEPTH} levels deep")
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _plain_text(str.__str__(value), path)
    if isinstance(value, int):
        return _plain_integer(int.__int__(value), path)
    if isinstance(value, float):
        return _plain_float(float.__float__(value), path)
    if isinstance(value, list | tuple):
        return [as_plain(each, f"{path}[{at}]", depth + 1) for at, each in enumerate(value)]
    if isinstance(value, dict):
        return {
            _plain_key(key, path): as_plain(each, f"{path}[{key!r:.40}]", depth + 1) for key, each in dict.items(value)
        }
    raise NotPlainError(f"{path} is a {type(value).__name__}, which is not a JSON value")


def _plain_text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainError(f"{path} holds a lone surrogate, which is not text") from None
    return text


def _plain_integer(number: int, path: str) -> int:
    if number.bit_length() > _MAX_BITS:
        raise NotPlainError(f"{path} is an integer of more than {MAX_DIGITS} digits")
    return number


def _plain_float(number: float, path: str) -> float:
    if not math.isfinite(number):
        raise NotPlainError(f"{path} is {number}, which JSON cannot hold")
    return number


def _plain_key(key: object, path: str) -> str:
    if not isinstance(key, str):
        kind = type(key).__name__
        raise NotPlainError(f"{path} has the key {key!r:.40} ({kind}); JSON keys are strings")
    return _plain_text(str.__str__(key), f"a key of {path}")
