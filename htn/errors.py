"""The one family of exceptions. Expected failure (no plan, a rejected candidate) is data, not an exception.

    HtnError                    what happened, where, and what to do next
    ├── UsageError       2      what a person typed, wrote or configured cannot be used
    │   └── DomainError  2      a domain's own code breaks a rule of the domain language
    ├── NeedsValue       3      planning would have to know a value that only execution can know
    ├── ExecutionError   4      a step of a run failed
    │   └── ContractViolated 4  a body did something other than its contract says
    ├── GapOpen          5      nobody knows how to do a step, and it was not learned
    ├── LimitReached     6      a budget or limit stopped the work
    └── ServiceMissing   7      Redis, Docker, an image or a model does not answer

The number is the exit code of the command line. Each error carries a short `code` for programs, a
message that says what happened, an optional `where`, and hints that say what to do next.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import ClassVar


class HtnError(Exception):
    """Something that a person can act on. `str(error)` is the message without the hints."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hints: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hints = tuple(hints)

    def explain(self) -> str:
        """Return the error as a person reads it: one line of what, one of where, the hints."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.where:
            lines.append(f"  in {self.where}")
        lines += [f"hint: {hint}" for hint in self.hints]
        return "\n".join(lines)


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
