"""From a text to the words that count: names taken apart, plurals made singular, the commonest words left out."""

import re
from functools import lru_cache
from itertools import islice

MOST_WORDS = 2_000  # of one text
_MOST_TEXT = 50_000  # characters
_LONGEST = 40
_WORD = re.compile(r"[^\W_]+")
# Between a small letter or digit and a capital, and before the last capital of several: `fileSize`, `HTTPError`.
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_COMMON = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do", "does", "each", "for", "from",
    "has", "have", "how", "i", "in", "into", "is", "it", "its", "me", "my", "of", "on", "or", "our", "so",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "was",
    "we", "what", "when", "where", "which", "who", "will", "with", "you", "your",
})  # fmt: skip


def words_in(text: str) -> list[str]:
    """Return the words of a text in their order, at most `MOST_WORDS`: small letters, singular, none of the commonest.

    `column_statistics` and `columnStatistics` are two words each.
    """
    found = (part for word in _WORD.findall(text[:_MOST_TEXT]) for part in _parts(word))
    return list(islice(found, MOST_WORDS))


@lru_cache(maxsize=10_000)
def _parts(word: str) -> tuple[str, ...]:
    found = (_singular(part.lower())[:_LONGEST] for part in _SEAM.split(word))
    return tuple(part for part in found if part not in _COMMON)


def _singular(word: str) -> str:
    """Return an English word without the ending of its plural (the S stemmer; Harman, 1991)."""
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
