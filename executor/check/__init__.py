"""Static rules over code that nobody trusts, and over requests for it. Nothing here runs any of it.

The rules are a filter: they give early advice, keep honest code honest and stop the plain attack. The sandbox is the
wall.
"""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.check.ask import check, form_rules, reach_rules, rules_for
    from executor.check.candidate import Candidate, Finding, Rule, Script, Source
    from executor.check.form import FORM_RULES
    from executor.check.languages import LANGUAGE_RULES
    from executor.check.packages import refused_packages
    from executor.check.requests import REQUEST_RULES, check_request
    from executor.check.static import STATIC_RULES
else:
    __getattr__ = later(
        __name__,
        {
            "ask": "check form_rules reach_rules rules_for",
            "candidate": "Candidate Finding Rule Script Source",
            "form": "FORM_RULES",
            "languages": "LANGUAGE_RULES",
            "packages": "refused_packages",
            "requests": "REQUEST_RULES check_request",
            "static": "STATIC_RULES",
        },
    )

__all__ = [
    "FORM_RULES",
    "LANGUAGE_RULES",
    "REQUEST_RULES",
    "STATIC_RULES",
    "Candidate",
    "Finding",
    "Rule",
    "Script",
    "Source",
    "check",
    "check_request",
    "form_rules",
    "reach_rules",
    "refused_packages",
    "rules_for",
]
