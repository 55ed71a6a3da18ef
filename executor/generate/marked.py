"""Texts from outside as parts of a prompt: data that stands between marks which it cannot forge."""

import re

from executor.told import shortened
from htn.errors import visible

# Between the letters of a mark may stand what joins or decorates letters and is not seen.
_JOINERS = "[\u200c\u200d\u034f\u0300-\u036f\ufe00-\ufe0f]*"
# A word that ends so is none ("send data"), but what ends an escape in quoted text is no letter.
_BEFORE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbfv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\U[0-9a-f]{8}))"
_MARK = re.compile(
    rf"{_BEFORE}({_JOINERS.join('BEGIN')}|{_JOINERS.join('END')})(?:[\s_-]|{_JOINERS[:-1]})+"
    rf"{_JOINERS.join('DATA')}(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def as_part(text: str, most: int) -> str:
    """Return a part of a prompt: as data, and no longer than a model can be expected to read."""
    return as_data(shortened(text, most))


def as_data(text: str) -> str:
    """Return a text as data: it holds no mark, and nothing that is not seen but lines and tabs."""
    return _MARK.sub(r"\1_DATA", visible(text, lines=True))
