"""Tasks: what is to be done, by name and arguments, and how a person types one.

A task is a tuple, `("travel", "alice", "home", "park")`. In text it is `travel(alice, home, park)`: words are
texts, `3` and `2.5` numbers, `true`, `false` and `null` what they are in JSON, quotes hold anything, and
`(a, b)` and `[a, b]` are a tuple and a list.
"""

import re
import sys
from math import isfinite
from typing import Any, TypeAlias

from htn.errors import UsageError
from htn.values import NUMBER, WORDS, show

Task: TypeAlias = tuple[Any, ...]

_TOKEN = re.compile(r"""\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([()\[\],])|([^\s()\[\],'"]+))""", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_MAX_TEXT = 10_000
_MAX_NESTING = 50
_MAX_NUMBER = 300


def show_task(task: Task) -> str:
    """Return a task as a person types it."""
    return f"{task[0]}({', '.join(show(argument) for argument in task[1:])})"


def parse_task(text: str) -> Task:
    """Return the task that a person typed. UsageError says what is wrong and where."""
    if len(text) > _MAX_TEXT:
        raise UsageError(f"a task of {len(text):,} characters is too long (at most {_MAX_TEXT:,})")
    tokens = _tokens(text)
    if not tokens or not tokens[0][1].isidentifier():
        raise _malformed(text, "it does not start with a name")
    head = tokens.pop(0)[1]
    if not tokens:
        return (head,)
    if tokens[0] != ("mark", "(") or tokens[-1] != ("mark", ")"):
        raise _malformed(text, "the arguments are not in ( )")
    arguments = _read(tokens, text, 0)
    if tokens:
        raise _malformed(text, f"{tokens[0][1]!r} comes after the end")
    return (head, *arguments)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise _malformed(text, f"a quote that does not end, at {text[at : at + 20]!r}")
        quoted, mark, word = found.groups()
        tokens.append(("quoted", quoted) if quoted else ("mark", mark) if mark else ("word", word))
        at = found.end()
    return tokens


def _read(tokens: list[tuple[str, str]], text: str, depth: int) -> Any:
    """Read one argument, or what is between two brackets, off the front of `tokens`."""
    if depth > _MAX_NESTING:
        raise _malformed(text, "the brackets are nested too deeply")
    if not tokens:
        raise _malformed(text, "a bracket is not closed")
    kind, token = tokens.pop(0)
    if kind == "quoted":
        return _ESCAPE.sub(_unescaped, token[1:-1])
    if kind == "word":
        return WORDS[token] if token in WORDS else _number_or_text(token, text)
    if token not in "([":
        raise _malformed(text, f"{token!r} stands where a value should be")
    closing = ")" if token == "(" else "]"
    parts: list[Any] = []
    while tokens and tokens[0] != ("mark", closing):
        if parts and tokens.pop(0) != ("mark", ","):
            raise _malformed(text, "a comma is missing between two arguments")
        parts.append(_read(tokens, text, depth + 1))
    if not tokens:
        raise _malformed(text, "a bracket is not closed")
    tokens.pop(0)
    return tuple(parts) if closing == ")" else parts


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 1:
        return _ESCAPED.get(code, found[0])
    return chr(int(code[1:], 16)) if int(code[1:], 16) <= sys.maxunicode else found[0]


def _number_or_text(word: str, text: str) -> object:
    if not NUMBER.fullmatch(word):
        return word
    if len(word) > _MAX_NUMBER or not isfinite(float(word)):
        raise _malformed(text, f"{word[:20]} is too large a number")
    return float(word) if any(c in word for c in ".eE") else int(word)


def _malformed(text: str, why: str) -> UsageError:
    return UsageError(
        f"cannot read the task {text[:60]!r}: {why}",
        hints=("write it as travel(alice, home, park); put quotes around texts with commas or spaces",),
    )
