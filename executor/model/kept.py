"""Earlier answers that are used again: what a key stands for, and which answers are kept.

A kept answer stands for a question where all of this is the same: the provider, its address, the model and its
options, the messages, the schema, the sample, the seed, the variant of the prompt, and which time it is that one
object has been asked all this: so a question that is put twice in one piece of work gets two answers, and the same
work done again gets the same two.

Only an answer that had the asked form is kept, and what is read back is checked like any answer. A store that does
not answer costs the saving, never the question: it is said once.

What this does NOT do: know whether an answer was any good. Who finds that the work came to nothing calls `forget`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar

from executor.model.protocol import Request
from executor.model.provider import Provider
from htn.errors import ServiceMissing

R = TypeVar("R")

# Changes when the same question would be kept in another form.
_FORM = 1


class Answers(Protocol):
    """Keeps texts under names of 64 hexadecimal digits. Each method may raise ServiceMissing."""

    def get(self, name: str) -> str | None:
        """Return what is kept under a name, or None."""

    def put(self, name: str, text: str) -> object:
        """Keep a text under a name, instead of what is there."""

    def spoiled(self, name: str) -> None:
        """Remove what was found under a name, because it cannot be used."""

    def remove(self, name: str) -> None:
        """Remove what is kept under a name."""


class KeptAnswers:
    """The answers that one model object uses again and keeps; `answers` opens where they are when one is wanted."""

    def __init__(self, answers: Callable[[], Answers], on_trouble: Callable[[str], None] = lambda text: None) -> None:
        self._open = answers
        self._opened: Answers | None = None
        self._opening = Lock()
        self._on_trouble = on_trouble
        self._asked: Counter[str] = Counter()
        self._used: set[str] = set()
        self._said = False
        self._lock = Lock()

    def name(self, provider: Provider, request: Request, schema: Mapping[str, Any]) -> str:
        """Return the name of the next answer to a question."""
        question = [
            [provider.provider, provider.url, provider.model, dict(provider.options())],
            [[message.role, message.content] for message in request.messages],
            dict(schema),
            [request.sample, request.seed, request.variant],
        ]
        asked = _hash(question)
        with self._lock:
            time_asked = self._asked[asked]
            self._asked[asked] += 1
        return _hash([asked, time_asked])

    def get(self, name: str) -> str | None:
        """Return the text of an answer, or None."""
        found = self._tried(lambda: self._place().get(name))
        if found is not None:
            self._note(name)
        return found

    def put(self, name: str, text: str) -> None:
        """Keep the text of an answer."""
        self._tried(lambda: self._place().put(name, text))
        self._note(name)

    def spoiled(self, name: str) -> None:
        """Remove an answer that was found and has not the asked form."""
        self._tried(lambda: self._place().spoiled(name))

    def settle(self) -> None:
        """Say that the work so far was good: `forget` leaves its answers alone."""
        with self._lock:
            self._used.clear()

    def forget(self) -> None:
        """Remove the answers used and kept since `settle`, because the work came to nothing: it may be tried anew."""
        with self._lock:
            names, self._used = self._used, set()
        for name in names:
            self._tried(partial(self._remove, name))

    def _place(self) -> Answers:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _remove(self, name: str) -> None:
        self._place().remove(name)

    def _note(self, name: str) -> None:
        with self._lock:
            self._used.add(name)

    def _tried(self, work: Callable[[], R]) -> R | None:
        try:
            return work()
        except ServiceMissing as error:
            with self._lock:
                told, self._said = self._said, True
            if not told:
                self._on_trouble(f"answers are not kept: {error.message}")
            return None


def _hash(value: object) -> str:
    # Half a character is no text: it goes into the hash as an escape, as every character beyond ASCII does.
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
