"""Look for similar operators in a library that other processes write to.

The index is built from the documents in the store when it is first asked. Each question afterwards begins with what has
changed since: only a version that became current meanwhile is read, and the one that it replaces goes. Trust and uses
change without a new version, so they are read for what is about to be suggested; and each entry is checked as a whole
then, so one that is damaged is never suggested.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nsmallest
from itertools import chain, groupby, islice
from typing import Any

from executor.entry import TRUST, Entry
from executor.library import Library
from executor.similar.catalogue import AS_MANY, IN_ANOTHER_ORDER, IN_ORDER, SAME_NAME, Card, Catalogue, read_card
from executor.similar.suggestion import Suggestion
from executor.similar.vectors import Embedder, Vectors
from executor.similar.wanted import Wanted
from executor.store import Standing, Store
from executor.words import words_in
from htn.errors import HtnError, ServiceMissing, UsageError

_MOST_SHARED = 5
_CHUNK = 5_000
_FIRST = 50
_SAID = {
    IN_ORDER: "the same types",
    IN_ANOTHER_ORDER: "the same types in another order",
    AS_MANY: "the same number of parameters",
}


class Finder:
    """Finds what is similar in one library, for one thread."""

    def __init__(
        self,
        library: Library,
        store: Store,
        *,
        embedder: Embedder | None = None,
        on_note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._library = library
        self._store, self._bulk = store, store.bulk()
        self._vectors = Vectors(embedder, self._bulk) if embedder else None
        self._on_note = on_note
        self._catalogue = Catalogue()
        self._texts: dict[str, str] = {}  # only where there is an embedder
        self._names: dict[str, dict[str, str]] = {}  # by domain, the versions that the index holds or could not read
        self._moves: dict[str, int] = {}

    def refresh(self) -> int:
        """Bring the index up to date with the library; return how many entries were read."""
        return sum(self._refresh(domain) for domain in self._store.domains())

    def find(
        self,
        wanted: Wanted,
        *,
        most: int = 5,
        domain: str | None = None,
        least_trust: str = "quarantined",
        nearest: bool = False,
    ) -> list[Suggestion]:
        """Return at most so many operators that are like the one that is wanted, the most similar first.

        `domain` leaves out all others, `least_trust` what is trusted less; what was retired is left out by default.
        With `nearest` there is always an answer: after what is alike come those whose names are spelt most like it.
        UsageError for a level of trust that is none.
        """
        if least_trust not in TRUST:
            raise UsageError(f"{least_trust!r} is not a level of trust", hints=(f"levels: {', '.join(TRUST)}",))
        self.refresh()
        asked = words_in(wanted.text)
        words = self._catalogue.words.scores(asked)
        cosines = self._cosines(wanted)
        ranked: Iterable[str] = self._ranked(wanted, words, cosines)
        if nearest:
            ranked = chain(ranked, self._spelt(wanted.name or wanted.text))
        levels = TRUST[TRUST.index(least_trust) :]
        found: list[Suggestion] = []
        for version, standing in self._standing(ranked, most, domain):
            if len(found) >= most:
                break
            if standing.trust in levels and (entry := self._entry(version)):
                told = self._told(wanted, version, asked, cosines)
                score = cosines.get(version, 0.0) if cosines else words.get(version, 0.0)
                found.append(_suggestion(entry, standing, score, told))
        return found

    def _refresh(self, domain: str) -> int:
        names = self._names.setdefault(domain, {})
        changes = self._bulk.changes(domain, self._moves.get(domain, 0))
        for name in names.keys() - changes.versions.keys() if changes.whole else ():
            self._forget(names.pop(name))
        rows = [(name, version) for name, version in changes.versions.items() if names.get(name) != version]
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            documents = self._bulk.documents([version for _, version in part])
            for name, version in part:
                self._forget(names.pop(name, ""))
                self._take(read_card(domain, name, version, documents.get(version, "")))
                names[name] = version
        # Only when all is read: where the store goes away in between, the rest is read with the next question.
        self._moves[domain] = changes.last
        return len(rows)

    def _take(self, read: tuple[Card, str] | None) -> None:
        if read is None:
            return
        card, text = read
        self._catalogue.add(card, text)
        if self._vectors:
            self._texts[card.version] = text

    def _forget(self, version: str) -> None:
        self._catalogue.remove(version)
        self._texts.pop(version, None)
        if self._vectors:
            self._vectors.forget(version)

    def _cosines(self, wanted: Wanted) -> Mapping[str, float]:
        """Return how near the texts lie; nothing without an embedding model, or where it does not answer."""
        if self._vectors is None or not wanted.text.strip():
            return {}
        try:
            self._vectors.keep_up(self._texts)
            return self._vectors.cosines(wanted.text)
        except ServiceMissing as error:
            self._on_note(f"{error.message}, so operators are compared by their words alone")
            return {}

    def _ranked(self, wanted: Wanted, words: Mapping[str, float], cosines: Mapping[str, float]) -> Iterator[str]:
        """Yield the versions, the most similar first. Cosines that differ by less than a hundredth or so are equal."""

        def weight(version: str) -> tuple[float, float]:
            return -round(cosines.get(version, 0.0), 2), -words.get(version, 0.0)

        def weight_of_words(version: str) -> float:
            return -words[version]

        order = weight if cosines else weight_of_words
        alike_in_text = cosines.keys() | words.keys()
        formed: set[str] = set()
        for _, group in self._catalogue.groups(wanted):
            formed |= group
            yield from self._ordered(group & alike_in_text, order)
            yield from sorted(group - alike_in_text, key=self._catalogue.place)
        yield from self._ordered(alike_in_text - formed, order)

    def _ordered(self, group: set[str], weight: Callable[[str], Any]) -> Iterator[str]:
        """Yield versions by weight; equals by name, so that it does not matter in which order they came.

        Few are ever asked for: the first ones are picked out, and the others put in order only when it is their turn.
        """
        first = nsmallest(_FIRST, group, key=weight)
        if not first:
            return
        bound = weight(first[-1])  # with all that equal the last one
        found = {version for version in group if weight(version) <= bound}
        for part in (found, group - found):
            for _, equals in groupby(sorted(part, key=weight), key=weight):
                yield from sorted(equals, key=self._catalogue.place)

    def _spelt(self, name: str) -> Iterator[str]:
        yield from self._catalogue.by_spelling(name)

    def _standing(self, ranked: Iterable[str], most: int, domain: str | None) -> Iterator[tuple[str, Standing]]:
        """Yield the versions of a domain, each once, with what is thought of them: read for a few at a time."""
        cards = self._catalogue.cards
        wanted = (v for v in _once(ranked) if domain in (None, cards[v].domain))
        while part := list(islice(wanted, 2 * most)):
            standings = self._bulk.standings(part)
            yield from ((version, standings[version]) for version in part)

    def _entry(self, version: str) -> Entry | None:
        """Return an entry that is whole and is what the index took it for, or None."""
        card = self._catalogue.cards[version]
        try:
            entry = self._library.entry(version)
            entry.operator()
        except ServiceMissing:
            raise
        except HtnError:
            return None
        return entry if (entry.domain, entry.name) == (card.domain, card.name) else None

    def _told(self, wanted: Wanted, version: str, asked: list[str], cosines: Mapping[str, float]) -> str:
        alike = self._catalogue.cards[version].alike(wanted)
        shared = self._catalogue.words.shared(version, asked)
        parts = ["the same name"] if alike >= SAME_NAME else []
        parts += [_SAID[alike % SAME_NAME]] if alike % SAME_NAME else []
        parts += [f"the cosine of its text is {cosines[version]:.2f}"] if version in cosines else []
        parts += [f"shares {', '.join(shared[:_MOST_SHARED])}"] if shared else []
        return "; ".join(parts) or "nothing but the spelling of its name"


def _once(versions: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for version in versions:
        if version not in seen:
            seen.add(version)
            yield version


def _suggestion(entry: Entry, standing: Standing, score: float, why: str) -> Suggestion:
    promise = entry.promise()
    return Suggestion(
        version=entry.version, domain=entry.domain, name=entry.name, signature=promise.signature,
        trust=standing.trust, score=round(score, 4), why=why, description=promise.description, uses=standing.uses,
        created=entry.provenance.created,
    )  # fmt: skip
