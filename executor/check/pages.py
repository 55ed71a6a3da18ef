"""The page of the rules: each rule's docstring is its documentation, and `docs/rules.md` is made of all of them.

A docstring has a sentence (what), a paragraph or more (why), `Refused:` with an example, and `Instead:` with one that
passes. The tests ask the rules about both.
"""

import inspect
import re
from dataclasses import dataclass
from textwrap import dedent

from executor.check.candidate import Rule
from executor.check.form import FORM_RULES
from executor.check.languages import LANGUAGE_RULES
from executor.check.requests import REQUEST_RULES
from executor.check.static import STATIC_RULES
from htn.errors import visible

_OPENING = """\
# The static rules

What a model wrote is looked at before it runs. The rules below are a **filter**: they give the writer early advice,
keep honest code honest, and stop what is plainly hostile. They are not the wall. A program can be talked round them,
and the sandbox has to hold whatever gets past; see [what the sandboxes hold](hostile.md).

For Python the rules read the tree of the program and allow what is on their lists. For the other languages they read
its words, without comments and texts, which is a coarser filter. Each rule has a code that never changes. `htn learn`
shows the findings, and the next prompt gets them.

This page is made of the rules' own docstrings, and a test compares it with them.
"""
_TOP_LEVEL = re.compile(r"\n\n(?=def |class |@)")  # two empty lines stand there in a file
_FENCES = {"python": "python", "c++": "cpp", "request": "text", "command": "bash"}


@dataclass(frozen=True)
class Page:
    """What a rule says of itself."""

    what: str
    why: str
    refused: str
    instead: str


def page_of(rule: Rule) -> Page:
    """Return the parts of a rule's docstring. ValueError when one is missing."""
    text = inspect.cleandoc(type(rule).__doc__ or "")
    head, _, rest = text.partition("\n\nRefused:\n\n")
    refused, _, instead = rest.partition("\n\nInstead:\n\n")
    what, _, why = head.partition("\n\n")
    if not (what and why and refused and instead):
        raise ValueError(f"the docstring of {type(rule).__name__} needs: what, why, Refused: and Instead:")
    return Page(" ".join(what.split()), why, dedent(refused) + "\n", dedent(instead) + "\n")


def language_of(rule: Rule) -> str:
    """Return the language that a rule's examples are written in."""
    return str(getattr(rule, "language", "python"))


def all_rules() -> dict[str, tuple[Rule, ...]]:
    """Return every rule once, under the heading of its part of the page."""
    parts: dict[str, tuple[Rule, ...]] = {
        "Python, form": FORM_RULES,
        "Python, static": STATIC_RULES,
        "Every other language": tuple(rule for rule in LANGUAGE_RULES["go"] if language_of(rule) == "javascript"),
    }
    names = {"javascript": "JavaScript", "bash": "Bash", "go": "Go", "java": "Java", "c++": "C++", "rust": "Rust"}
    shared = {type(rule) for rules in parts.values() for rule in rules}
    for language, name in names.items():
        parts[name] = tuple(rule for rule in LANGUAGE_RULES[language] if type(rule) not in shared)
    return {**parts, "Requests and commands": REQUEST_RULES}


def rules_page() -> str:
    """Return the page as Markdown."""
    lines = [_OPENING, "| code | name | what holds |", "|---|---|---|"]
    for rules in all_rules().values():
        lines += [f"| [{r.code}](#{r.code.lower()}-{r.name}) | {r.name} | {page_of(r).what} |" for r in rules]
    for heading, rules in all_rules().items():
        lines += ["", f"## {heading}"]
        for rule in rules:
            page, fence = page_of(rule), _FENCES.get(language_of(rule), language_of(rule))
            lines += ["", f"### {rule.code} {rule.name}", "", page.what, "", page.why, "", "Refused:", ""]
            lines += [*_block(page.refused, fence), "", "Instead:", "", *_block(page.instead, fence)]
            lines += ["", f"To mend it: {rule.fix}."]
    return "\n".join(lines) + "\n"


def _block(code: str, fence: str) -> list[str]:
    spaced = _TOP_LEVEL.sub("\n\n\n", code) if fence == "python" else code
    return [f"```{fence}", visible(spaced, lines=True).rstrip("\n"), "```"]
