"""The strict reader: an answer from a sandbox is hostile text until it is read.

Refused: what is not UTF-8, what is not JSON, NaN and infinity (also as `1e999`), integers of more
than 4,000 digits, structures more than 200 levels deep, lone surrogates, a key that occurs twice.
The size is capped before anything arrives here. Nothing that is read is ever executed.
"""

import json
import math
from typing import Any, NoReturn

from executor.sandbox.inside.plain import JSON, MAX_DEPTH, MAX_DIGITS


class RefusedError(ValueError):
    """An answer is not acceptable; the message says why."""


def read_strictly(raw: bytes) -> JSON:
    """Return the JSON value that `raw` holds, or raise `RefusedError`."""
    try:
        value: JSON = json.loads(
            raw.decode("utf-8"),
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise RefusedError("the answer is not UTF-8 text") from None
    except RecursionError:
        raise RefusedError(f"the answer is nested more than {MAX_DEPTH} levels deep") from None
    except json.JSONDecodeError as error:
        raise RefusedError(f"the answer is not JSON: {error.msg}") from None
    _walk(value)
    return value


def _constant(text: str) -> NoReturn:
    raise RefusedError(f"the answer holds {text}, which JSON cannot hold")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise RefusedError(f"the answer holds an integer of more than {MAX_DIGITS} digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise RefusedError("the answer holds a number that is larger than any float")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RefusedError("the answer holds an object with the same key twice")
    return found


def _walk(value: JSON) -> None:
    """Check depth and text level by level: no recursion, so depth costs nothing."""
    layer: list[Any] = [value]
    for _ in range(MAX_DEPTH + 3):
        deeper: list[Any] = []
        for each in layer:
            if isinstance(each, str):
                _text(each)
            elif isinstance(each, dict):
                for key in each:
                    _text(key)
                deeper += each.values()
            elif isinstance(each, list):
                deeper += each
        if not deeper:
            return
        layer = deeper
    raise RefusedError(f"the answer is nested more than {MAX_DEPTH} levels deep")


def _text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RefusedError("the answer holds a lone surrogate, which is not text") from None
