"""What candidates failed at before, and so what the next one is likely to fail at: named in its prompt beforehand.

A lesson is a pattern: the cause of a failure with everything taken out that differs from one time to the next (values,
keys, line numbers), so that the same mistake is counted as one. It is kept for the domain in which it was met, with the
words of the contracts for which it was.

- What was noted under a category comes back whatever the category is: there is no second list of them to read by.
- Everything in a lesson comes from outside: it is cut off, without control characters, and on one line.
- `likely` ranks by how often and by how many of the contract's words the lesson was met with; what other domains have
  met in this language counts half.

What this does not do: find out why. It says what was seen, and in which words.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.check import rules_for
from executor.store import Store, StoredLesson
from executor.validate import Evidence
from executor.words import words_in
from htn.errors import HIDDEN

_MOST_PATTERN = 160
_MOST_ADVICE = 300
_MOST_NAME = 60
_MOST_READ = 4_000  # characters of a cause
_MOST_WORDS = 60  # of one contract
_OTHER_DOMAINS = 20
_ELSEWHERE = 0.5
_OVERLAP = 4.0  # a lesson that was met with every word of a contract weighs as much as five that were met with none

# In this order, on the first line of a cause: what to take out, and what to leave in its place.
_PATTERN = tuple(
    (re.compile(pattern), left)
    for pattern, left in (
        (r"^HTN-\w+ ", ""),
        (r"^line \d+: ", ""),
        (r";.*", ""),  # what follows says what to do
        (r" does not hold:.*", " does not hold"),
        (r" = .*", ""),
        (r"'[^']*'|\"[^\"]*\"", "…"),
        (r"\[[^\]]*\]", "[…]"),
        (r"(?<![A-Za-z_])[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?", "N"),
        (r"\s+", " "),
    )
)
# What a raised exception is called in a lesson, and what helps against it.
_RAISED = {
    "KeyError": ("KeyError on an absent key", "test whether a key is there before it is used"),
    "IndexError": ("IndexError on a list that is too short", "handle lists of no item and of one item"),
    "ZeroDivisionError": ("division by zero", "handle a count and a sum of zero"),
    "RecursionError": ("it recurses too deeply", "write a loop instead"),
}
# By the category that a rung gives, or else by its name. A static rule has an advice of its own.
_ADVICE = {
    "syntax": "answer with code that can be compiled, and nothing else",
    "import": "use only the modules that are allowed",
    "runtime": "handle this case before it raises",
    "timeout": "bound every loop, and choose a way that does less",
    "memory": "keep no more than the result needs",
    "output": "print nothing, and return only what the contract declares",
    "killed": "leave the process alone: compute and return",
    "protocol": "return plain values: text, numbers, lists, records",
    "contract": "write exactly the places that the effects declare, with the values that they declare",
    "precondition": "write preconditions and types for which an input can be made",
    "determinism, purity": "depend on nothing but the arguments: no clock, no dice, no order of a set",
    "given examples": "work the user's examples through before writing the code",
}


class _About(BaseModel):
    """What makes a lesson that lesson, as it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    category: str
    pattern: str


@dataclass(frozen=True)
class Lesson:
    """Something that candidates failed at. `seen` is ms since 1970, `words` those of the contracts it was met with."""

    domain: str
    language: str
    category: str
    pattern: str
    advice: str
    count: int
    seen: int
    words: Mapping[str, int] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The lesson on one line, as a part of a prompt."""
        times = "once" if self.count == 1 else f"{self.count} times"
        return f"{self.pattern} ({self.category}, {times}){self.advice and ': ' + self.advice}"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        at = datetime.fromtimestamp(self.seen / 1000, UTC).isoformat(timespec="seconds")
        return {
            "domain": self.domain, "language": self.language, "category": self.category, "pattern": self.pattern,
            "advice": self.advice, "count": self.count, "last_seen": at,
        }  # fmt: skip


class Lessons:
    """The lessons of one store. What one process notes, another sees."""

    def __init__(self, store: Store) -> None:
        self._stored = store.lessons()

    def note(
        self, domain: str, language: str, category: str, cause: str, advice: str, *, contract_text: str = ""
    ) -> int:
        """Keep that a candidate failed; return how often it was so, with this one.

        `contract_text` is what the candidate was to keep, in words. UsageError for a domain that is no name.
        """
        about = _About(language=_language(language), category=_category(category), pattern=pattern_of(cause))
        text = json.dumps(about.model_dump(), sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        words = _words(contract_text)
        return self._stored.note(domain, name, text, _plain(advice, _MOST_ADVICE), words)

    def likely(self, domain: str, language: str, contract_text: str, most: int = 5) -> list[str]:
        """Return what is most likely to go wrong with a body for this contract, the likeliest first, a line each."""
        asked, wanted = frozenset(_words(contract_text)), _language(language)
        found: dict[tuple[str, str], tuple[float, Lesson]] = {}
        for lesson in self._near(domain):
            weight = _weight(lesson, asked) * (1.0 if lesson.domain == domain else _ELSEWHERE)
            about = lesson.category, lesson.pattern
            if lesson.language == wanted and weight > found.get(about, (0.0, lesson))[0]:
                found[about] = weight, lesson
        ranked = sorted(found.values(), key=lambda each: (-each[0], each[1].pattern, each[1].category))
        return [lesson.line for _, lesson in ranked[:most]]

    def listed(self, domain: str | None = None) -> list[Lesson]:
        """Return the lessons of a domain, or of all, by domain; the one that was noted most often in front."""
        domains = sorted(self._stored.domains()) if domain is None else [domain]
        return [
            lesson
            for each in domains
            for lesson in sorted(self._of(each), key=lambda known: (-known.count, -known.seen, known.pattern))
        ]

    def forget(self, domain: str) -> int:
        """Forget the lessons of a domain; return how many there were."""
        return self._stored.forget(domain)

    def _near(self, domain: str) -> Iterator[Lesson]:
        yield from self._of(domain)
        others = [each for each in self._stored.domains() if each != domain]
        for other in others[:_OTHER_DOMAINS]:
            yield from self._of(other)

    def _of(self, domain: str) -> Iterator[Lesson]:
        for stored in self._stored.read(domain):
            if lesson := _read(domain, stored):
                yield lesson


def cause_of(evidence: Evidence, language: str = "python") -> tuple[str, str, str]:
    """Return category, cause and advice of what a rung found wrong with a body, as `Lessons.note` takes them."""
    if broken := evidence.data.get("rules"):
        fixes = {rule.name: rule.fix for rule in rules_for(language)}
        return broken[0], evidence.detail, fixes.get(broken[0], "")
    category = str(evidence.data.get("category") or evidence.name)
    cause = evidence.detail.removeprefix(f"{category}: ")
    if evidence.counterexample and evidence.counterexample.expected:
        cause += f" in {evidence.counterexample.expected}"
    known = _RAISED.get(cause.partition(":")[0].strip())
    if category == "runtime" and known:
        return category, *known
    return category, cause, _ADVICE.get(category, "")


def pattern_of(cause: str) -> str:
    """Return the first line of a cause without what differs from one time to the next."""
    text = next(iter(cause[:_MOST_READ].strip().splitlines()), "")
    for pattern, left in _PATTERN:
        text = pattern.sub(left, text)
    return _plain(text, _MOST_PATTERN) or "it failed without a word"


def _read(domain: str, stored: StoredLesson) -> Lesson | None:
    """Return a lesson as it was noted, or None for what nobody here has written."""
    try:
        about = _About.model_validate_json(stored.about)
    except ValidationError:
        return None
    about = _About(
        language=_language(about.language),
        category=_category(about.category),
        pattern=_plain(about.pattern, _MOST_PATTERN),
    )
    advice = _plain(stored.advice, _MOST_ADVICE)
    return Lesson(domain, **about.model_dump(), advice=advice, count=stored.count, seen=stored.seen, words=stored.words)


def _weight(lesson: Lesson, asked: Iterable[str]) -> float:
    words = list(asked)
    overlap = sum(word in lesson.words for word in words) / len(words) if words else 0.0
    return (1 + log(max(1, lesson.count))) * (1 + _OVERLAP * overlap)


def _words(contract_text: str) -> list[str]:
    return list(dict.fromkeys(words_in(contract_text)))[:_MOST_WORDS]


def _language(text: str) -> str:
    return _plain(text.lower(), _MOST_NAME) or "python"


def _category(text: str) -> str:
    return _plain(text.lower(), _MOST_NAME) or "other"


def _plain(text: str, most: int) -> str:
    """Return a text from outside on one line, without what a terminal would obey, and cut off."""
    return " ".join(HIDDEN.sub(" ", text[: 2 * most]).split())[:most].strip()
