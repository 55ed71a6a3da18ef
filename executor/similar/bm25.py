"""Rank texts by the words they share with a question: BM25, over an index that grows and shrinks one text at a time.

The weight of a text is the sum over the words of the question (Robertson & Zaragoza, 2009, section 3):

    idf(w) · f / (k1 · (1 - b + b · length / mean length) + f)      idf(w) = ln(1 + (N - n + 0.5) / (n + 0.5))

with f times the word in the text, N texts, n of them with the word. The 1 in the logarithm is not theirs: without it a
word in more than half of the texts would count against them.

What this does not do: keep the texts, or know anything about the order of words.
"""

from collections import Counter
from collections.abc import Iterable
from math import log

K1 = 1.2
B = 0.75


class Bm25:
    """The words of many texts, each text under a key."""

    def __init__(self) -> None:
        self._texts: dict[str, Counter[str]] = {}
        self._lengths: dict[str, int] = {}
        self._having: dict[str, dict[str, int]] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def add(self, key: str, words: Iterable[str]) -> None:
        """Take a text in, instead of what was under its key. The work is that of its words, whatever else there is."""
        self.remove(key)
        counts = Counter(words)
        self._texts[key], self._lengths[key] = counts, counts.total()
        self._total += self._lengths[key]
        for word, count in counts.items():
            self._having.setdefault(word, {})[key] = count

    def remove(self, key: str) -> None:
        """Take a text out, if it is there."""
        counts = self._texts.pop(key, None)
        if counts is None:
            return
        self._total -= self._lengths.pop(key)
        for word in counts:
            having = self._having[word]
            del having[key]
            if not having:
                del self._having[word]

    def scores(self, words: Iterable[str]) -> dict[str, float]:
        """Return the weights of the texts that share a word with the question; a word counts once, however often asked.

        A text without any is not among them.
        """
        found: dict[str, float] = {}
        lengths, mean = self._lengths, self._mean
        for word in dict.fromkeys(words):
            having = self._having.get(word)
            if not having:
                continue
            idf = self._idf(word)
            fixed, slope = K1 * (1 - B), K1 * B / mean
            for key, count in having.items():
                weight = idf * count / (fixed + slope * lengths[key] + count)
                found[key] = found.get(key, 0.0) + weight
        return found

    def shared(self, key: str, words: Iterable[str]) -> list[str]:
        """Return the words of the question that a text has, the one that says most in front."""
        counts = self._texts.get(key, Counter())
        found = [word for word in dict.fromkeys(words) if word in counts]
        return sorted(found, key=lambda word: (-self._idf(word), word))

    @property
    def _mean(self) -> float:
        return self._total / len(self._texts) if self._total else 1.0

    def _idf(self, word: str) -> float:
        having = len(self._having[word])
        return log(1 + (len(self._texts) - having + 0.5) / (having + 0.5))
