"""The index: what there is by name, by types and by words. It takes entries in and out one at a time.

How alike two operators are by their form is a number, higher for more:

| | types in order | types in another order | number of parameters | nothing |
|---|---|---|---|---|
| same name | 7 | 6 | 5 | 4 |
| another name | 3 | 2 | 1 | 0 |
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from executor.similar.bm25 import Bm25
from executor.similar.wanted import Wanted, text_of, type_word
from executor.words import words_in

SAME_NAME = 4
IN_ORDER, IN_ANOTHER_ORDER, AS_MANY, NOTHING = 3, 2, 1, 0


@dataclass(frozen=True)
class Card:
    """What the index knows of an entry."""

    version: str
    domain: str
    name: str
    types: tuple[str, ...]

    def alike(self, wanted: Wanted) -> int:
        """Return how alike the forms are (see the table above)."""
        return SAME_NAME * (self.name == wanted.name) + self._types_alike(wanted.types)

    def _types_alike(self, types: tuple[str, ...] | None) -> int:
        if types is None or len(types) != len(self.types):
            return NOTHING
        if types == self.types:
            return IN_ORDER
        return IN_ANOTHER_ORDER if sorted(types) == sorted(self.types) else AS_MANY


def read_card(domain: str, name: str, version: str, document: str) -> tuple[Card, str] | None:
    """Return what the index keeps of a stored document and the text it is found by, or None for one that is damaged.

    Only what is needed is read, and read as words: the entry as a whole is checked when it is suggested.
    """
    try:
        data = json.loads(document)
    except (ValueError, RecursionError):
        return None
    contract = data.get("contract") if isinstance(data, dict) else None
    if not isinstance(contract, dict):
        return None
    rows = contract.get("parameters", [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    types = tuple(type_word(row.get("type", {})) for row in rows)
    return Card(version, domain, name, types), text_of(contract)


class Catalogue:
    """The cards of many entries by version, and ways to them."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.words = Bm25()
        self._by: dict[tuple[str, Any], set[str]] = {}

    def add(self, card: Card, text: str) -> None:
        """Take an entry in, instead of what was under its version."""
        self.remove(card.version)
        self.cards[card.version] = card
        self.words.add(card.version, words_in(text))
        for place in _places(card.name, card.types):
            self._by.setdefault(place, set()).add(card.version)

    def remove(self, version: str) -> None:
        """Take an entry out, if it is there."""
        card = self.cards.pop(version, None)
        if card is None:
            return
        self.words.remove(version)
        for place in _places(card.name, card.types):
            self._by[place].discard(version)
            if not self._by[place]:
                del self._by[place]

    def groups(self, wanted: Wanted) -> Iterator[tuple[int, set[str]]]:
        """Yield how alike the forms are, and the versions that are just so alike, the most alike first; not those at 0.

        Nothing is computed before it is asked for.
        """
        name, *ways = _places(wanted.name, wanted.types)
        named = self._by.get(name, set())
        for alike in range(SAME_NAME + IN_ORDER, SAME_NAME - 1, -1):
            yield alike, {v for v in named if self.cards[v].alike(wanted) == alike}
        above: set[str] = named
        for alike, way in zip((IN_ORDER, IN_ANOTHER_ORDER, AS_MANY), ways, strict=False):
            found = self._by.get(way, set())
            yield alike, found - above
            above = above | found

    def by_spelling(self, name: str) -> list[str]:
        """Return all versions, the one in front whose name is spelt most like this: by the letters in threes."""
        letters = _threes(name)
        return sorted(self.cards, key=lambda v: (-_dice(letters, _threes(self.cards[v].name)), *self.place(v)))

    def place(self, version: str) -> tuple[str, str, str]:
        """Return where an entry stands among equals: by name, whichever came into the index first."""
        card = self.cards[version]
        return card.name, card.domain, version


def _places(name: str, types: tuple[str, ...] | None) -> list[tuple[str, Any]]:
    """Return under what a name and types are found, the narrowest of the types first."""
    if types is None:
        return [("name", name)]
    return [("name", name), ("types", types), ("in any order", tuple(sorted(types))), ("number", len(types))]


def _threes(name: str) -> frozenset[str]:
    padded = f"  {name.lower()[:100]} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how much two sets share: twice what is in both by what is in each (Dice, 1945)."""
    return 2 * len(one & other) / (len(one) + len(other))
