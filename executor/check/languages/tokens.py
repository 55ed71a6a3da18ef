"""Code of the other languages as a row of tokens, so that words in comments and texts are not taken for code.

This is no parser: it knows where comments, texts and names begin and end, and nothing more. Where the languages leave
that to a parser, or let it be hidden, the code is refused instead of guessed at: a comment within a comment, a name
with an escape in it, a line that goes on behind a backslash, a slash that may be a division or a pattern.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "text", "number", "mark", "comment", "pattern", "directive"]


class UnreadableError(ValueError):
    """The code cannot be divided into tokens for certain; the message says where and why."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Token:
    """A piece of code. A text is without its quotes."""

    kind: Kind
    text: str
    line: int


_LINE, _BLOCK = r"//[^\n]*", r"/\*(?s:.*?)\*/"
_DOUBLE, _SINGLE = r'"(?:[^"\\\n]|\\.)*"', r"'(?:[^'\\\n]|\\.)*'"
_WORD, _NUMBER = r"[^\W\d][\w$]*", r"\.?\d(?:[eEpP][+-]|[\w.'])*"
_MARKS = r"\+\+|--|=>|->|::|&&|\|\||<!--|[^\s\w]"

_SYNTAX: Mapping[str, tuple[tuple[Kind, str], ...]] = {
    "javascript": (
        ("comment", f"{_LINE}|{_BLOCK}"), ("text", f"{_DOUBLE}|{_SINGLE}"), ("word", r"[#@]?[^\W\d][\w$]*|\$[\w$]*"),
        ("number", r"\.?\d(?:[eE][+-]|[\w.])*"), ("mark", _MARKS),
    ),
    "go": (
        ("comment", f"{_LINE}|{_BLOCK}"), ("text", rf"{_DOUBLE}|{_SINGLE}|`[^`]*`"), ("word", _WORD),
        ("number", _NUMBER.replace("'", "")), ("mark", _MARKS),
    ),
    "java": (
        ("comment", f"{_LINE}|{_BLOCK}"), ("text", rf'"""(?s:(?:[^\\]|\\.)*?)"""|{_DOUBLE}|{_SINGLE}'),
        ("word", rf"@?{_WORD}|\$[\w$]*"), ("number", _NUMBER.replace("'", "")), ("mark", _MARKS),
    ),
    "c++": (
        ("comment", f"{_LINE}|{_BLOCK}"), ("directive", r"(?m:^[ \t]*#[^\n]*)"),
        ("text", rf'(?:u8|[uUL])?R"(?P<fence>[^()\\\s]*)\((?s:.*?)\)(?P=fence)"|(?:u8|[uUL])?(?:{_DOUBLE}|{_SINGLE})'),
        ("number", _NUMBER), ("word", _WORD), ("mark", _MARKS),
    ),
    "rust": (
        ("comment", f"{_LINE}|{_BLOCK}"),
        ("text", r'[bc]?r(?P<fence>#*)"(?s:.*?)"(?P=fence)|[bc]?"(?s:[^"\\]|\\.)*"|' + r"b?'(?:[^'\\\n]|\\[^\n]+?)'"),
        ("word", rf"r#{_WORD}|'(?=\w)|{_WORD}"), ("number", _NUMBER.replace("'", "")), ("mark", _MARKS),
    ),
}  # fmt: skip
_AFTER_A_VALUE = re.compile(r"[\w$)\]]$|\+\+$|--$")
_BEFORE_A_PATTERN = frozenset({
    "await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return", "throw", "typeof", "void",
    "yield",
})  # fmt: skip
_PATTERN = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")


def tokens(code: str, language: str) -> list[Token]:
    """Return the tokens of some code. Raises `UnreadableError`."""
    expression = re.compile("|".join(f"(?P<k{n}>{part})" for n, (_, part) in enumerate(_SYNTAX[language])))
    kinds = [kind for kind, _ in _SYNTAX[language]]
    _refuse_hidden(code, language)
    found: list[Token] = []
    opened: list[str] = []
    closed: list[str] = []
    at, line = 0, 1
    while at < len(code):
        if code[at].isspace():
            line += code[at] == "\n"
            at += 1
            continue
        if language == "javascript" and code[at] in "/`":
            made, end = _of_javascript(code, at, line, found, closed)
        else:
            made, end = [], at
        if not made:
            match = expression.match(code, at)
            if match is None:
                raise UnreadableError(f"{code[at]!r} is no token", line)
            kind = kinds[next(n for n in range(len(kinds)) if match[f"k{n}"] is not None)]
            made, end = [Token(kind, match[0], line)], match.end()
        _look_at(made[0], language)
        _keep_brackets(made[0], found, opened, closed)
        found += made
        line += code.count("\n", at, end)
        at = end
    return found


def meaningful(found: list[Token]) -> list[Token]:
    """Return the tokens without the comments."""
    return [token for token in found if token.kind != "comment"]


def texts(found: list[Token]) -> Iterator[tuple[str, int]]:
    """Yield the texts, with their quotes, and their lines."""
    yield from ((token.text, token.line) for token in found if token.kind == "text")


def _refuse_hidden(code: str, language: str) -> None:
    if language == "java" and (at := code.find("\\u")) >= 0:
        raise UnreadableError("a \\u is read before anything else in Java: write the character itself", _line(code, at))
    if language == "c++" and (split := re.search(r"\\[ \t]*\n|\?\?/", code)):
        raise UnreadableError("a line that goes on behind a backslash is not allowed", _line(code, split.start()))
    if language == "javascript" and (hidden := re.search(r"<!--|(?m:^\s*-->)|[\u2028\u2029]", code)):
        raise UnreadableError("a comment of HTML is not allowed", _line(code, hidden.start()))


def _look_at(token: Token, language: str) -> None:
    if token.kind == "mark" and token.text in ('"', "'", "`", "\\"):
        what = (
            "a backslash stands outside of a text"
            if token.text == "\\"
            else f"a text that begins with {token.text} has no end"
        )
        raise UnreadableError(what, token.line)
    if token.kind == "comment" and language == "rust" and "/*" in token.text[2:] and token.text.startswith("/*"):
        raise UnreadableError("a comment within a comment is not allowed", token.line)
    if token.text == "/*":
        raise UnreadableError("a comment has no end", token.line)


def _keep_brackets(token: Token, before: list[Token], opened: list[str], closed: list[str]) -> None:
    """Remember which word stood before the bracket that was closed last, for `if (...) /pattern/`."""
    if token.kind == "mark" and token.text in "([{":
        opened.append(before[-1].text if before else "")
    elif token.kind == "mark" and token.text in ")]}" and opened:
        closed[:] = [opened.pop()]


def _of_javascript(code: str, at: int, line: int, before: list[Token], closed: list[str]) -> tuple[list[Token], int]:
    """Return a pattern or the tokens of a template that begin here, and where they end; none for a plain slash."""
    if code[at] == "`":
        return _template(code, at, line)
    if code.startswith(("//", "/*"), at):
        return [], at
    last = next((token for token in reversed(before) if token.kind != "comment"), None)
    if last is not None and last.text == "}":
        raise UnreadableError("a slash after } may be a division or a pattern: put brackets around it", line)
    previous = [token for token in before if token.kind != "comment"][-2:]
    is_property = len(previous) == 2 and previous[0].text in (".", "?.")
    is_value = last is not None and bool(_AFTER_A_VALUE.search(last.text) or last.kind in ("text", "pattern"))
    if last is not None and last.text == ")" and closed and closed[-1] in ("if", "while", "for", "with"):
        is_value = False
    if last is not None and last.kind == "word" and last.text in _BEFORE_A_PATTERN and not is_property:
        is_value = False
    if is_value:
        return [], at
    match = _PATTERN.match(code, at)
    if match is None:
        raise UnreadableError("a slash is neither a division nor a pattern", line)
    return [Token("pattern", match[0], line)], match.end()


def _template(code: str, at: int, line: int) -> tuple[list[Token], int]:
    """Return a template as a text and the tokens of what is computed in it."""
    made, end, start = [], at + 1, at
    while end < len(code) and code[end] != "`":
        if code[end] == "\\":
            end += 2
        elif code.startswith("${", end):
            inner, after = _computed(code, end + 2, line + code.count("\n", start, end))
            made += [Token("mark", "(", line), *inner, Token("mark", ")", line)]
            end = after
        else:
            end += 1
    if end >= len(code):
        raise UnreadableError("a text that begins with ` has no end", line)
    return [Token("text", code[at : end + 1], line), *made], end + 1


def _computed(code: str, at: int, line: int) -> tuple[list[Token], int]:
    """Return the tokens up to the } that ends a computed part of a template."""
    end = code.find("}", at)
    while end >= 0:
        part = code[at:end]
        try:
            made = tokens(part, "javascript")
        except UnreadableError:
            made = None
        if made is not None and [t.text for t in made].count("{") == [t.text for t in made].count("}"):
            return [Token(t.kind, t.text, t.line + line - 1) for t in made], end + 1
        end = code.find("}", end + 1)
    raise UnreadableError("a computed part of a text has no end", line)


def _line(code: str, at: int) -> int:
    return code.count("\n", 0, at) + 1
