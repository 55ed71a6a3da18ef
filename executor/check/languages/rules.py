"""What the rules of the other languages have in common: size, form, and lists of words.

These rules read tokens, not programs. They are a filter: they refuse what an honest body does not need and most of what
a hostile one would try first, and they can be talked round. The sandbox is the wall.
"""

from abc import abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from executor.check.candidate import Finding, Rule, Source
from executor.check.languages.tokens import Token, UnreadableError, meaningful, tokens

_MOST_CODE = 65_536
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Readable(Rule):
    """The code is of a reasonable size, can be divided into words, and its brackets match.

    A model's answer is sometimes prose, or code that was cut off. What cannot be divided for certain is refused,
    because a word could hide in it: a text without an end, a name with an escape in it, a line that goes on behind a
    backslash. The other rules need the words, so this one comes first and alone.

    Refused:

        function total(items) { return ev\\u0061l(items

    Instead:

        function total(items) { return items.reduce((sum, item) => sum + item, 0); }
    """

    code, name = "HTN-L001", "readable"
    fix = "answer with the whole program and nothing else"
    language = "javascript"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        if len(candidate.code) > _MOST_CODE:
            size = len(candidate.code)
            return [self.finding(f"the code has {size:,} characters; at most {_MOST_CODE:,} are allowed")]
        try:
            candidate.code.encode()
            found = tokens(candidate.code, candidate.language)
        except UnicodeEncodeError:
            return [self.finding("the code holds characters that are no text (lone surrogates)")]
        except (UnreadableError, RecursionError) as error:
            return [self.finding(f"it cannot be read: {error}", getattr(error, "line", 0))]
        return self._brackets(found)

    def _brackets(self, found: list[Token]) -> list[Finding]:
        waiting: list[str] = []
        for token in found:
            if token.kind == "mark" and token.text in _PAIRS.values():
                waiting.append(token.text)
            elif token.kind == "mark" and token.text in _PAIRS and (not waiting or waiting.pop() != _PAIRS[token.text]):
                return [self.finding(f"{token.text} closes nothing", token.line)]
        return [self.finding(f"{waiting[-1]} is not closed")] if waiting else []


class EntryPoint(Rule):
    """The function that is called is defined, under its name.

    The sandbox calls one function. Code that defines another one, or none, cannot be called.

    Refused:

        function addUp(items) { return items.length; }

    Instead:

        function total(items) { return items.length; }
    """

    code, name = "HTN-L002", "entry-point"
    fix = "define the function under the name that was asked for"
    language = "javascript"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong; nothing for a script, which has no entry point."""
        if not candidate.entry_point:
            return []
        words = meaningful(tokens(candidate.code, candidate.language))
        pairs = {(one.text, other.text) for one, other in pairwise(words)}
        name = candidate.entry_point
        defined = {
            "javascript": {("function", name), ("const", name), ("let", name), ("var", name), ("*", name)},
            "go": {("func", name)},
            "rust": {("fn", name)},
        }.get(candidate.language, {(name, "(")})
        return [] if defined & pairs else [self.finding(f"no function {name} is defined")]


class WordRule(Rule):
    """A rule over the words of one language."""

    language: ClassVar[str]

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        return self.look(tokens(candidate.code, candidate.language))

    @abstractmethod
    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong with the tokens, comments among them."""

    def refused_words(self, found: list[Token], refused: frozenset[str]) -> list[Finding]:
        """Return a finding for each word of a list."""
        return [
            self.finding(f"{token.text} is not allowed", token.line)
            for token in found
            if token.kind == "word" and token.text in refused
        ]


def members(found: list[Token], allowed: Mapping[str, frozenset[str]]) -> list[tuple[str, int]]:
    """Return what is taken from names of which only some parts may be used, as `System.exit`; and such names alone."""
    words = meaningful(found)
    wrong = []
    for at, token in enumerate(words):
        if token.kind == "word" and token.text in allowed and not (at and words[at - 1].text == "."):
            part = words[at + 2].text if at + 2 < len(words) and words[at + 1].text in (".", "::") else ""
            if part not in allowed[token.text]:
                wrong.append((f"{token.text}.{part}" if part else token.text, token.line))
    return wrong
