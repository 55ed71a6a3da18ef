"""Values of a state as a client gets them: JSON that every client reads, and no more of it than it can use.

A value that is too large is described instead of sent. Numbers that JSON has no form for stand as texts, and so do
halves of characters, which could not be sent at all.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from htn.errors import HtnError
from htn.values import to_json

_MOST_BITS = 1_000


class Budget:
    """How many characters of values an answer still may hold."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, value: object, most: int) -> Any:
        """Return a value as JSON if it has at most `most` characters and there is room for it, else what it is."""
        try:
            written = _plain(to_json(_writable(value)))
        except (HtnError, RecursionError):
            return f"a {type(value).__name__} that has no form in JSON"
        room = min(most, self._left)
        left = _less(written, room)
        if left < 0:
            return f"a {type(value).__name__} that is too large to show"
        self._left -= room - left
        return written


def _writable(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if type(value) is int and value.bit_length() > _MOST_BITS:
        return hex(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(map(_writable, value))
    return {_writable(k): _writable(v) for k, v in value.items()} if isinstance(value, dict) else value


def _plain(written: Any) -> Any:
    if isinstance(written, str):
        return written.encode("utf-8", "backslashreplace").decode()
    if isinstance(written, list):
        return [_plain(part) for part in written]
    return {_plain(key): _plain(part) for key, part in written.items()} if isinstance(written, dict) else written


def _less(written: Any, room: int) -> int:
    """Return how much of `room` is left beside a value; below 0 where it does not fit, and then it looks no further."""
    if room < 0:
        return room
    if isinstance(written, Mapping):
        for key, part in written.items():
            room = _less(part, room - len(key) - 4)
            if room < 0:
                return room
        return room - 2
    if isinstance(written, list):
        for part in written:
            room = _less(part, room - 2)
            if room < 0:
                return room
        return room - 2
    return room - (len(written) + 2 if isinstance(written, str) else 24 if written is not None else 4)
