"""From a text to the words that count: names taken apart, plurals made singular, the commonest words left out."""

import re

MOST_WORDS = 2_000  # of one text
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
    found = (_singular(part.lower()) for word in _WORD.findall(text) for part in _SEAM.split(word))
    return [word[:_LONGEST] for word in found if word not in _COMMON][:MOST_WORDS]


def _singular(word: str) -> str:
    """Return an English word without the ending of its plural (the S stemmer; Harman, 1991)."""
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
