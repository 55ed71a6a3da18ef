"""Which language a body is to be written in, or is written in.

    the code has a fence or a first line that names one     that one: it is what the code is
    the request names one as the language to use            that one: "in Go", "to Rust", "using bash"
    the request names one in another way                    the first: "a JavaScript function", "Go code"
    the request holds a fence that names one                that one
    nothing is named                                        python

A word that means other things as well (go, rust, node, shell) counts only where it stands as a
language: after such a preposition, or before a word for code. "not in Python" names nothing.
"""

import re
from collections.abc import Iterator

from executor.sandbox.languages import language_named

DEFAULT = "python"

_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[ \t]*(?:\{?\.?)([A-Za-z+#]+)", re.MULTILINE)
_FIRST_LINE = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(?:\S*/)?([a-z]+)[\d.]*\b")
_CLEAR = r"python3?|javascript|ecmascript|node\.?js|java|bash|golang|c\+\+|cpp"
_UNCLEAR = r"js|node|py|go|rust|shell|sh"
_CODE_WORD = r"functions?|programs?|code|scripts?|body|bodies|methods?|snippets?|implementation|version|solution|module"
_NAMED = re.compile(
    rf"(?P<not>\b(?:not|no|without|never|instead\s+of|rather\s+than|from)\s+)?"
    rf"(?:\b(?P<use>in|into|to|using|use|with|as)\s+(?:plain\s+|pure\s+|idiomatic\s+|modern\s+)?)?"
    rf"(?<![\w+#./-])(?P<name>{_CLEAR}|{_UNCLEAR})(?![\w+#/-]|\.\w)"
    rf"(?=(?P<code>\s+(?:{_CODE_WORD})\b)?)",
    re.IGNORECASE,
)
_CLEAR_NAME = re.compile(rf"(?:{_CLEAR})\Z", re.IGNORECASE)
# "go to", "with go" and "rust as" are ordinary English: an unclear word counts after these only.
_SURE = ("in", "into", "using")


def detect_language(request: str, code: str | None = None) -> str:
    """Return the name of the language that a request asks for, or that its code is written in.

    The names are those of `Program.language`.
    """
    found = _written_in(code) if code else None
    return found or _asked_for(request) or _fenced(request) or DEFAULT


def _written_in(code: str) -> str | None:
    first = _FIRST_LINE.match(code.lstrip())
    return _fenced(code) or (language_named(first[1]) if first else None)


def _fenced(text: str) -> str | None:
    return next((name for word in _FENCE.findall(text) if (name := language_named(word))), None)


def _asked_for(request: str) -> str | None:
    words = list(_mentions(request))
    return next((name for name, use in words if use), words[0][0] if words else None)


def _mentions(request: str) -> Iterator[tuple[str, bool]]:
    """Name each language that the request mentions, and whether it says to use it."""
    for found in _NAMED.finditer(request):
        clear, use = bool(_CLEAR_NAME.match(found["name"])), (found["use"] or "").lower()
        if found["not"] or not (
            clear or found["code"] or use in _SURE or (use == "to" and found["name"][:1].isupper())
        ):
            continue
        name = language_named(found["name"].replace(".", ""))
        if name:
            yield name, bool(use)
