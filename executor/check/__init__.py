"""Static rules over a candidate's code. Nothing here runs it; the sandbox is the boundary, this is early advice."""

from executor.check.candidate import Candidate, Finding
from executor.check.form import FORM_RULES
from executor.check.static import STATIC_RULES

__all__ = ["FORM_RULES", "STATIC_RULES", "Candidate", "Finding"]
