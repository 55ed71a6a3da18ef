"""Rung 1, static: a person who reads the code sees the code."""

import re

from executor.check.candidate import Finding, Rule, Source
from htn.errors import HIDDEN

_HIDDEN = re.compile(rf"(?![\n\t\r]){HIDDEN.pattern}")


class OnlyVisible(Rule):
    """The code holds no characters that hide: no control characters, and none that turn the direction of writing.

    With these an editor shows other code than the one that runs (Boucher and Anderson, Trojan Source, 2021), so a
    person who looks at a body before it is trusted would be deceived. In a text such a character can be written as an
    escape.

    Refused:

        def total(items):
            return sum(items)  # \u202e checked

    Instead:

        def total(items):
            return [item.replace("\\u202e", "") for item in items]
    """

    code, name = "HTN-S107", "visible"
    fix = "write the character as an escape, such as \\u202e, within a text"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        return [
            self.finding(f"it holds the hidden character U+{ord(found[0]):04X}", line)
            for line, text in enumerate(candidate.code.split("\n"), 1)
            for found in [_HIDDEN.search(text)]
            if found
        ]
