"""Languages other than Python: their images, how a body is compiled and called, and what is kept of a compilation."""

from collections.abc import Mapping

from executor.sandbox.languages.bash import BASH
from executor.sandbox.languages.cpp import CPP
from executor.sandbox.languages.go import GO
from executor.sandbox.languages.java import JAVA
from executor.sandbox.languages.javascript import JAVASCRIPT
from executor.sandbox.languages.job import Language
from executor.sandbox.languages.rust import RUST

__all__ = ["LANGUAGES", "LANGUAGE_NAMES", "Language", "language_named", "settable", "tells_arguments"]

# Beside Python, in the order in which they are listed.
LANGUAGES: Mapping[str, Language] = {each.name: each for each in (JAVASCRIPT, BASH, GO, JAVA, CPP, RUST)}
LANGUAGE_NAMES = ("python", *LANGUAGES)


def settable(language: str) -> tuple[str, ...]:
    """Return which of `hash_seed` and `clock` can be set for a call of a body in a language; see `Sandbox.call`."""
    if language == "python":
        return ("hash_seed", "clock")
    return ("clock",) if language in LANGUAGES and LANGUAGES[language].clock else ()


def tells_arguments(language: str) -> bool:
    """Whether an outcome tells what the arguments of a body in a language are after the call."""
    return language == "python" or (language in LANGUAGES and LANGUAGES[language].tells_arguments)


def language_named(word: str) -> str | None:
    """Return the name of the language that a word means, Python among them, or None."""
    wanted = word.strip().lower()
    if wanted in ("python", "py", "python3"):
        return "python"
    return next((name for name, each in LANGUAGES.items() if wanted == name or wanted in each.aliases), None)
