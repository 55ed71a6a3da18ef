"""The ladder: a candidate in the sandbox becomes a verdict with evidence."""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.validate.agreement import Thresholds
    from executor.validate.comparing import determined
    from executor.validate.defaults import FUZZED, ORDER
    from executor.validate.evidence import Counterexample, Evidence, Verdict
    from executor.validate.ladder import ALONE, COMPARED, LADDER, alone, climb, ladder_of
    from executor.validate.panel import Body, Panel
    from executor.validate.rungs import SITUATIONS, Rung, Trial, none_made
    from executor.validate.situations import Situation, applicable
    from executor.validate.suites import USER, Suite, Written, suite_of, users_suite
else:
    __getattr__ = later(
        __name__,
        {
            "agreement": "Thresholds",
            "comparing": "determined",
            "defaults": "FUZZED ORDER",
            "evidence": "Counterexample Evidence Verdict",
            "ladder": "ALONE COMPARED LADDER alone climb ladder_of",
            "panel": "Body Panel",
            "rungs": "SITUATIONS Rung Trial none_made",
            "situations": "Situation applicable",
            "suites": "USER Suite Written suite_of users_suite",
        },
    )

__all__ = [
    "ALONE",
    "COMPARED",
    "FUZZED",
    "LADDER",
    "ORDER",
    "SITUATIONS",
    "USER",
    "Body",
    "Counterexample",
    "Evidence",
    "Panel",
    "Rung",
    "Situation",
    "Suite",
    "Thresholds",
    "Trial",
    "Verdict",
    "Written",
    "alone",
    "applicable",
    "climb",
    "determined",
    "ladder_of",
    "none_made",
    "suite_of",
    "users_suite",
]
