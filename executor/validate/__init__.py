"""The ladder: a candidate in the sandbox becomes a verdict with evidence."""

from executor.validate.evidence import Counterexample, Evidence, Verdict
from executor.validate.ladder import LADDER, climb
from executor.validate.rungs import Rung, Trial
from executor.validate.situations import Situation

__all__ = ["LADDER", "Counterexample", "Evidence", "Rung", "Situation", "Trial", "Verdict", "climb"]
