"""Values that the host can hold and that a body in some language cannot be given without changing them."""

from collections.abc import Iterator, Mapping
from typing import Any

_LARGEST_WHOLE = 2**53 - 1


def cannot_be_given(language: str, arguments: Mapping[str, Any]) -> str:
    """Return which argument a body in a language cannot be given, and why, or nothing.

    A number of JavaScript holds whole numbers of 53 bits; a text of Bash cannot hold the character NUL.
    """
    for name, value in arguments.items():
        for part in _parts(value):
            if language == "javascript" and type(part) is int and abs(part) > _LARGEST_WHOLE:
                return f"{name} holds a whole number of more than 53 bits, which JavaScript would change"
            if language == "bash" and value is part and isinstance(part, str) and "\0" in part:
                return f"{name} holds a NUL character, which a text of Bash cannot hold"
    return ""


def _parts(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Mapping):
            waiting += part.values()
        elif isinstance(part, (list, tuple)):
            waiting += part
