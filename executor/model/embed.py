"""Vectors of texts, from an embedding model behind an Ollama server: texts that mean the same are near each other.

A server cuts a text that is longer than its model takes; the vector is then that of the beginning. The vectors are
checked: as many as texts, all of one length, of finite numbers. Embeddings are no calls of the budget.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from executor.model.endpoint import endpoint_url
from executor.model.ollama import SPEECH
from executor.model.provider import check_name
from executor.model.reply import sendable
from executor.model.wire import NoSuchModelError, NotSentError, Wire
from htn.errors import ServiceMissing, UsageError

AT_ONCE = 64  # texts in one request
MOST_TEXT = 32_000  # characters of a text; what comes after is not part of any model's context
MOST_NUMBERS = 16_384  # of one vector


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """Which model this is, as "provider:name"; vectors of two models are not comparable."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, all of one length. Raises ServiceMissing."""


class OllamaEmbedder:
    """The embedding model called `name` on the Ollama server at `endpoint`. Many threads may use it at once."""

    def __init__(self, name: str, *, endpoint: str, api_key: str | None = None, timeout: float = 300.0) -> None:
        self.name = f"ollama:{check_name(name)}"
        self._model = name
        self._wire = Wire(endpoint_url(endpoint), speech=SPEECH, api_key=api_key, timeout=timeout)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, all of one length.

        Raises ServiceMissing when the server does not answer, lacks the model, or answers with anything else.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), AT_ONCE):
            vectors += self._some([sendable(text[:MOST_TEXT]) for text in texts[start : start + AT_ONCE]])
        if len({len(vector) for vector in vectors}) > 1:
            raise self._unusable("vectors of several lengths")
        return vectors

    def _some(self, texts: list[str]) -> list[list[float]]:
        try:
            found = self._wire.post("/api/embed", {"model": self._model, "input": texts, "truncate": True})
        except NotSentError as unsent:
            raise unsent.error from unsent.__cause__
        except NoSuchModelError as error:
            raise ServiceMissing(
                f"the server at {self._wire.url} has no model {self._model!r}",
                hints=(f"get it: ollama pull {self._model}",),
            ) from error
        vectors = found.get("embeddings") if isinstance(found, dict) else None
        if not isinstance(vectors, list) or len(vectors) != len(texts):
            raise self._unusable(f"anything but {len(texts)} vectors for {len(texts)} texts")
        return [self._vector(vector) for vector in vectors]

    def _vector(self, found: Any) -> list[float]:
        if not isinstance(found, list) or not 1 <= len(found) <= MOST_NUMBERS:
            raise self._unusable(f"a vector that is no list of 1 to {MOST_NUMBERS:,} numbers")
        if not all(type(number) in (int, float) and abs(number) < math.inf for number in found):
            raise self._unusable("a vector of something else than finite numbers")
        try:
            return [float(number) for number in found]
        except OverflowError:
            raise self._unusable("a vector of something else than finite numbers") from None

    def _unusable(self, what: str) -> ServiceMissing:
        return ServiceMissing(
            f"the model server at {self._wire.url} answered with {what}",
            hints=(f"is {self._model} an embedding model?",),
        )


def open_embedder(spec: str, *, endpoint: str, api_key: str | None, timeout: float) -> OllamaEmbedder:
    """Return the embedding model that `spec` names, as "ollama:NAME" or "NAME"; nothing is sent yet."""
    provider, colon, name = spec.partition(":")
    if colon and provider in ("openai", "anthropic"):
        raise UsageError(
            f"embeddings come from Ollama only, and {spec!r} is a model of {provider}",
            hints=("name an embedding model of an Ollama server: ollama:NAME",),
        )
    model = name if provider == "ollama" and colon else spec
    return OllamaEmbedder(model, endpoint=endpoint, api_key=api_key, timeout=timeout)
