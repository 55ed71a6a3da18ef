"""How a run acts: how much a model may be asked (`Level`), and what may be done about the unexpected (`Mode`).

A domain may say what suits it (`Domain.acting`). What each pair of them allows is a table of whoever acts.
"""

from enum import StrEnum
from typing import TypeVar

from htn.errors import UsageError, did_you_mean


class Level(StrEnum):
    """What a model is asked while a plan is carried out; each level has what the one before it has."""

    BASIC = "basic"
    """Nothing."""
    ADAPTIVE = "adaptive"
    """How to recover from a step that failed."""
    INTELLIGENT = "intelligent"
    """Also to decide between methods, and to read data that has another form than expected."""
    AUTONOMOUS = "autonomous"
    """Also to change what is left to do."""


class Mode(StrEnum):
    """What is done about what was not expected; each mode allows what the one before it allows."""

    STRICT = "strict"
    """The plan is followed; a step that fails ends the run."""
    ADAPTIVE = "adaptive"
    """The same tasks may be done in another way."""
    CREATIVE = "creative"
    """The tasks that are left may be others."""


_Word = TypeVar("_Word", Level, Mode)


def worded(kind: type[_Word], text: str | None) -> _Word | None:
    """Return the level or mode that a text names, or None where it says nothing. UsageError for another word."""
    if not text:
        return None
    words = [str(word) for word in kind]
    if text not in words:
        raise UsageError(
            f"{text!r:.40} is no {kind.__name__.lower()} of acting",
            hints=did_you_mean(text, words) or (f"one of: {', '.join(words)}",),
        )
    return kind(text)
