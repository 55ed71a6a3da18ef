"""The ladder: a candidate in the sandbox becomes a verdict with evidence."""

from executor.validate.evidence import Counterexample, Evidence, Verdict
from executor.validate.ladder import LADDER, climb
from executor.validate.rungs import SITUATIONS, Rung, Trial, none_made
from executor.validate.situations import Situation, applicable

__all__ = [
    "LADDER",
    "SITUATIONS",
    "Counterexample",
    "Evidence",
    "Rung",
    "Situation",
    "Trial",
    "Verdict",
    "applicable",
    "climb",
    "none_made",
]
