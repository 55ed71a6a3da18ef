"""The one family of exceptions. Expected failure (no plan, a rejected candidate) is data, not an exception.

    HtnError                    what happened, where, and what to do next
    ├── UsageError       2      what a person typed, wrote or configured cannot be used
    │   └── DomainError  2      a domain's own code breaks a rule of the domain language
    ├── NeedsValue       3      planning would have to know a value that only execution can know
    ├── ExecutionError   4      a step of a run failed
    │   └── ContractViolated 4  a body did something other than its contract says
    ├── GapOpen          5      nobody knows how to do a step, and it was not learned
    │   └── ApprovalNeeded 8    it was learned, and waits for a person's approval (executor.review)
    ├── LimitReached     6      a budget or limit stopped the work
    └── ServiceMissing   7      Redis, Docker, an image or a model does not answer

The number is the exit code of the command line. Each error carries a short `code` for programs, a
message that says what happened, an optional `where`, and hints that say what to do next; `Trouble` is the same as
data. What any of it quotes from outside is made visible when it is shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

# What a terminal obeys or hides instead of showing: control characters, invisible ones, those that turn the direction
# of writing, halves of characters. The two that join letters stay: scripts and emoji need them.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_HIDDEN_IN_LINES = re.compile(rf"(?![\n\t]){HIDDEN.pattern}")


def visible(text: str, *, lines: bool = False) -> str:
    """Return a text that comes from outside as a person may be shown it: what a terminal would obey is written out.

    Everything that models, domains, files and stored entries say goes through this before it is shown. `lines` says
    that the text is meant to have lines: then newlines and tabs stay.
    """
    hidden = _HIDDEN_IN_LINES if lines else HIDDEN
    return hidden.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def told(error: BaseException) -> str:
    """Return an exception of foreign code as a person reads it: its kind and what it says, if it can say anything."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # foreign code: its __str__ may raise anything
        text = "(it cannot be written)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@dataclass(frozen=True)
class Trouble:
    """An error as data: what happened, where, what to do next, and the code and exit code of its kind."""

    code: str
    exit_code: int
    message: str
    where: str | None = None
    hints: tuple[str, ...] = ()

    def explain(self) -> str:
        """Return the error as a person reads it: what happened, where, the hints.

        A message of several lines is indented, so that none of its lines passes for a hint.
        """
        lines = [f"error[{self.code}]: {visible(self.message, lines=True)}".replace("\n", "\n  ")]
        if self.where:
            lines.append(f"  in {visible(self.where)}")
        lines += [f"hint: {visible(hint)}" for hint in self.hints]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return the error as programs read it."""
        return {
            "error": self.code,
            "message": self.message,
            "where": self.where,
            "hints": list(self.hints),
            "exit_code": self.exit_code,
        }


class HtnError(Exception):
    """Something that a person can act on. `str(error)` is the message without the hints."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hints: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hints = tuple(hints)

    @property
    def trouble(self) -> Trouble:
        """The error as data."""
        return Trouble(self.code, self.exit_code, self.message, self.where, self.hints)

    def explain(self) -> str:
        """Return the error as a person reads it: what happened, where, the hints."""
        return self.trouble.explain()


class UsageError(HtnError):
    """What a person typed, wrote or configured cannot be used."""

    code = "usage"
    exit_code = 2


class DomainError(UsageError):
    """A domain's own code breaks a rule of the domain language."""

    code = "domain"


class NeedsValue(HtnError):
    """Planning would have to know a value that only execution can know."""

    code = "needs-value"
    exit_code = 3


class ExecutionError(HtnError):
    """A step of a run failed."""

    code = "execution"
    exit_code = 4


class ContractViolated(ExecutionError):
    """A body did something other than its contract says."""

    code = "contract"


class GapOpen(HtnError):
    """Nobody knows how to do a step, and it was not learned."""

    code = "gap"
    exit_code = 5


class LimitReached(HtnError):
    """A budget or limit stopped the work."""

    code = "limit"
    exit_code = 6


class ServiceMissing(HtnError):
    """Redis, Docker, an image or a model does not answer."""

    code = "service"
    exit_code = 7


def did_you_mean(word: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return at most one hint that names the known words closest to `word`."""
    close = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return (f"did you mean {' or '.join(close)}?",) if close else ()
