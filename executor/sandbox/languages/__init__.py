"""Languages other than Python: their images, how a body is compiled and called, and what is kept of a compilation."""

from collections.abc import Mapping

from executor.sandbox.languages.bash import BASH
from executor.sandbox.languages.cpp import CPP
from executor.sandbox.languages.go import GO
from executor.sandbox.languages.java import JAVA
from executor.sandbox.languages.javascript import JAVASCRIPT
from executor.sandbox.languages.job import Language
from executor.sandbox.languages.rust import RUST

__all__ = ["LANGUAGES", "LANGUAGE_NAMES", "Language", "language_named"]

# Beside Python, in the order in which they are listed.
LANGUAGES: Mapping[str, Language] = {each.name: each for each in (JAVASCRIPT, BASH, GO, JAVA, CPP, RUST)}
LANGUAGE_NAMES = ("python", *LANGUAGES)


def language_named(word: str) -> str | None:
    """Return the name of the language that a word means, Python among them, or None."""
    wanted = word.strip().lower()
    if wanted in ("python", "py", "python3"):
        return "python"
    return next((name for name, each in LANGUAGES.items() if wanted == name or wanted in each.aliases), None)
