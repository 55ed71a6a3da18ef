"""What one provider of models has to say about itself; the rest of asking is the same for all (see asker)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from executor.model.protocol import ModelStatus, Request
from executor.model.reply import Reply
from executor.model.spending import AROUND, Worst
from executor.model.wire import NotSentError, RefusedError, Wire
from htn.errors import ServiceMissing, UsageError

_OWN_ERROR = 500
SEEDS = 2**31
SAMPLE_STRIDE = 1_000_003  # a prime: sample 1 of seed 0 is not sample 0 of seed 1


class LeftOutError(ServiceMissing):
    """The server did not take part of a request, which is left out from here on: the question can be put again.

    A provider raises it once for each thing that it can leave out.
    """


class Provider(Protocol):
    """One model of one provider. Many threads may use it at once."""

    @property
    def provider(self) -> str:
        """The provider's name, as in "ollama"."""

    @property
    def model(self) -> str:
        """The model's name at this provider."""

    @property
    def url(self) -> str:
        """Where its server is."""

    def options(self) -> Mapping[str, Any]:
        """Return what decides an answer beside the question: limits, temperature and the like."""

    def refuse_long(self, request: Request) -> None:
        """Raise LimitReached for a question of which the server would cut off a part in silence.

        UsageError where answers have to have a bound, and the server takes none.
        """

    def worst(self, request: Request, schema: Mapping[str, Any]) -> Worst:
        """Return the most tokens that a question and its answer can have."""

    def send(
        self,
        request: Request,
        schema: Mapping[str, Any],
        on_text: Callable[[str], None] | None,
        seconds: float | None = None,
    ) -> Reply:
        """Put one question and return the answer, whatever its form is, within `seconds`, else the usual time.

        Raises LeftOutError, NotSentError when no connection came about, InvalidAnswer for a refusal and for an answer
        without end, and ServiceMissing when no answer comes.
        """

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""

    def look(self) -> str:
        """Say why the server does not answer, or nothing where it does; costs little and asks no model."""

    def clean(self, text: str) -> str:
        """Return the beginning of a text without the key, fit to be shown to a person."""


def looked(wire: Wire, path: str) -> str:
    """Say why a server does not answer at `path`, or nothing where it does: a refusal is an answer, too."""
    try:
        wire.look(path)
    except NotSentError as unsent:
        return unsent.error.message
    except RefusedError as error:
        return error.message if error.status >= _OWN_ERROR else ""
    except ServiceMissing as error:
        return error.message
    return ""


def bytes_of(request: Request, schema: Mapping[str, Any]) -> int:
    """Return how many tokens a prompt has at most: a token is a byte or more."""
    words = sum(len(message.content.encode(errors="replace")) for message in request.messages)
    return words + len(json.dumps(schema)) + AROUND


def check_name(name: str) -> str:
    """Return the name of a model, or raise UsageError for what is none."""
    if not name or not name.isprintable() or " " in name:
        raise UsageError(f"not a name of a model: {name!r}")
    return name


def seed_of(request: Request) -> int:
    """Return the seed that a request is sent with: each sample of each seed has one of its own."""
    return (request.seed + request.sample * SAMPLE_STRIDE) % SEEDS


def title_of(schema: Mapping[str, Any]) -> str:
    """Return the name of a form, as servers take it: letters, digits, `_` and `-`, at most 64."""
    title = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in str(schema.get("title", "")))
    return title[:64] or "answer"
