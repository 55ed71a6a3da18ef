"""What an embedding model makes of the texts of entries: computed once for each version, and kept in the store.

Vectors are kept as 32-bit numbers under the name of the model, so another model's are never mixed in. What a model
answers, and what the store gives back, is checked: as many vectors as texts, of equal length, of numbers that are
finite and not all zero. They are kept at length 1, so a cosine is a sum of products.
"""

import binascii
from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from operator import mul
from typing import Protocol

from executor.store import Bulk
from htn.errors import ServiceMissing

_BATCH = 64  # texts in one request
_MOST_NUMBERS = 16_384
_MOST_TEXT = 4_000  # characters; what an embedding model cuts off it cuts off in silence


class Embedder(Protocol):
    """A model that turns texts into vectors, which lie near each other where the texts mean much the same."""

    @property
    def name(self) -> str:
        """Which model this is; vectors of different names are never compared."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text. ServiceMissing when no answer comes."""


class Vectors:
    """The vectors of entries by one model."""

    def __init__(self, embedder: Embedder, bulk: Bulk) -> None:
        self._embedder = embedder
        self._bulk = bulk
        self._known: dict[str, array[float]] = {}

    def keep_up(self, texts: Mapping[str, str]) -> None:
        """Have the vectors of these texts, by version: from the store, or else from the model. ServiceMissing."""
        missing = [version for version in texts if version not in self._known]
        kept = self._bulk.vectors(self._embedder.name, missing)
        self._known |= {version: vector for version, text in kept.items() if (vector := _read(text))}
        missing = [version for version in missing if version not in self._known]
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            vectors = dict(zip(part, self._embed([texts[version] for version in part]), strict=True))
            self._bulk.keep_vectors(self._embedder.name, {v: _written(vector) for v, vector in vectors.items()})
            self._known |= vectors

    def forget(self, version: str) -> None:
        """Let go of a vector here; in the store it stays."""
        self._known.pop(version, None)

    def cosines(self, text: str) -> dict[str, float]:
        """Return how near each entry lies to a text, from -1 to 1. ServiceMissing."""
        (asked,) = self._embed([text])
        # A version whose kept vector has another length was embedded by another model of this name: it has no cosine.
        return {v: sum(map(mul, asked, vector)) for v, vector in self._known.items() if len(vector) == len(asked)}

    def _embed(self, texts: list[str]) -> list["array[float]"]:
        answered = self._embedder.embed([text[:_MOST_TEXT] for text in texts])
        vectors = [_unit(numbers) for numbers in answered]
        found = [vector for vector in vectors if vector is not None]
        if len(found) != len(texts) or len({len(vector) for vector in found}) > 1:
            raise ServiceMissing(
                f"the embedding model {self._embedder.name:.80} did not answer {len(texts)} texts with as many vectors",
                hints=("is it an embedding model?",),
            )
        return found


def _unit(numbers: Sequence[float]) -> "array[float] | None":
    """Return a vector at length 1, or None for what is no vector."""
    if not 0 < len(numbers) <= _MOST_NUMBERS:
        return None
    if not all(isinstance(number, (int, float)) and isfinite(number) for number in numbers):
        return None
    largest = max(map(abs, numbers))
    if not largest:
        return None
    scaled = [number / largest for number in numbers]  # else squares of large numbers are infinite
    length = sqrt(sum(number * number for number in scaled))
    return array("f", [number / length for number in scaled])


def _written(vector: "array[float]") -> str:
    return b64encode(vector.tobytes()).decode()


def _read(text: str) -> "array[float] | None":
    vector = array("f")
    try:
        vector.frombytes(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
    return _unit(vector)
