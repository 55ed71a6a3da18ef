"""What a better body is asked for: that it is right, that it is quicker, or that it stands more.

| focus      | asked for                           | counts as improved                                           |
|------------|-------------------------------------|--------------------------------------------------------------|
| fix_errors | the cause of the failure is mended  | it comes further up the ladder, or more trials come out      |
| optimize   | the same results in less time       | it comes as far, and a run takes more than a tenth less time  |
| robustness | unusual inputs are treated          | it comes as far, and more of the unusual inputs come out     |

What was not measured has not improved. Nothing that comes less far is an improvement, whatever else it gains.
"""

from dataclasses import dataclass
from enum import StrEnum

_LESS_TIME = 0.9


@dataclass(frozen=True, order=True)
class Reach:
    """How far a body came: the rungs that passed, then the trials that came out at the rung that failed."""

    rungs: int
    held: int = 0


@dataclass(frozen=True)
class Measured:
    """What is known of a body: how far it came, the seconds of a run, and how many unusual inputs came out."""

    reach: Reach
    seconds: float | None = None
    unusual: int | None = None


class Focus(StrEnum):
    """What a better body is asked for."""

    FIX_ERRORS = "fix_errors"
    OPTIMIZE = "optimize"
    ROBUSTNESS = "robustness"

    @property
    def request(self) -> str:
        """What the request for a better body says."""
        return _REQUESTS[self]

    def improved(self, before: Measured, after: Measured) -> bool:
        """Say whether `after` is better than `before` in what this focus asks for."""
        if self is Focus.FIX_ERRORS:
            return after.reach > before.reach
        if after.reach < before.reach:
            return False
        if self is Focus.OPTIMIZE:
            return _less(after.seconds, before.seconds, _LESS_TIME)
        return _less(before.unusual, after.unusual)


def _less(one: float | None, other: float | None, share: float = 1.0) -> bool:
    """Say whether the first is less than this share of the second; no where one of them is not known."""
    return one is not None and other is not None and one < share * other


_REQUESTS = {
    Focus.FIX_ERRORS: "Find the cause of the failure and mend it; do not write code for this one input.",
    Focus.OPTIMIZE: "Make it need less time: a better algorithm first. It must give the same results as before.",
    Focus.ROBUSTNESS: (
        "Make it treat every input that the contract allows: empty, single, repeated, negative, very large. "
        "For all other inputs it must give the same results as before, and errors must not be swallowed."
    ),
}
