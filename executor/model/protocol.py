"""What the rest of the program knows about language models: ask for an answer of a given form.

Rules that every model keeps:

- one `ask` puts one question; it may take several calls when the answer has not the asked form;
- every request that goes out is one `Call` in `calls`, failed ones too, and nothing else is.
  "model calls: 3" is `len(model.calls)`;
- the budget is asked before a request goes out;
- an error never contains a key;
- many threads may ask one model at once.

Where answers are kept (see executor.model.kept), a question that was answered before, by another
model object with the same settings, costs no call. Independent samples stay independent: one that
is put again to the same object is asked again, and so is one with another sample, seed or variant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from htn.errors import HtnError, ServiceMissing, UsageError

T = TypeVar("T", bound=BaseModel)

MOST_SHOWN = 300


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """One question as its asker puts it: the words, what they are for, and which sample it is.

    `sample`, `seed` and `variant` keep independent answers to the same words apart.
    """

    messages: tuple[Message, ...]
    purpose: str
    sample: int = 0
    seed: int = 0
    variant: str = ""

    def __post_init__(self) -> None:
        if not self.messages:
            raise UsageError("a question to a model needs at least one message")
        if not self.purpose:
            raise UsageError("a question to a model needs a purpose")


@dataclass(frozen=True)
class Call:
    """One request that went out to a model, and what became of it.

    `attempt` counts from 1 within one question. `ok` says that an answer came and had the asked
    form; otherwise `problem` says what was wrong. Tokens are 0 where the server did not tell.
    `cached` says that no request went out, because the answer was kept from earlier: such a call
    is told with its answer, and is none of the `calls` of a model.
    """

    provider: str
    model: str
    purpose: str
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    attempt: int
    ok: bool
    problem: str
    sample: int
    seed: int
    prompt_variant: str
    cached: bool = False


@dataclass(frozen=True)
class Answer(Generic[T]):
    """An answer that has the asked form: as a value, as the model wrote it, and its last call."""

    value: T
    text: str
    call: Call


@dataclass(frozen=True)
class Question(Generic[T]):
    """One of several questions that are put together; see `Model.ask`."""

    messages: Sequence[Message]
    out: type[T]
    purpose: str
    sample: int = 0
    seed: int = 0
    variant: str = ""
    force_regenerate: bool = False


@dataclass(frozen=True)
class ModelStatus:
    """What `htn doctor` can say about a model without asking it anything.

    `service` is who runs it, such as Ollama. `present` says that it can be asked as far as is known: a server that
    does not tell which models it has (`models` is empty then) may still lack it.
    """

    name: str
    address: str
    answers: bool
    version: str | None
    models: tuple[str, ...]
    present: bool
    hints: tuple[str, ...]
    service: str = "Ollama"


class InvalidAnswer(ServiceMissing):
    """A model answered, also when asked again, but not in the form it was asked for."""

    code = "answer"

    def __init__(self, message: str, *, text: str, where: str | None = None, hints: Sequence[str] = ()) -> None:
        super().__init__(message, where=where, hints=hints)
        self.text = text


class Model(Protocol):
    """A language model that gives answers of a given form."""

    @property
    def name(self) -> str:
        """Which model this is, as "provider:name"."""

    @property
    def calls(self) -> Sequence[Call]:
        """Every request that went out, oldest first."""

    def ask(
        self,
        messages: Sequence[Message],
        out: type[T],
        *,
        purpose: str,
        sample: int = 0,
        seed: int = 0,
        variant: str = "",
        on_text: Callable[[str], None] | None = None,
        force_regenerate: bool = False,
    ) -> Answer[T]:
        """Return an answer of the form `out`; `on_text` hears the text as it is written.

        With `force_regenerate` an answer that is kept from earlier is not used.

        Raises LimitReached when the budget is used up or the question too long, InvalidAnswer when
        the answers have another form, and ServiceMissing when no answer comes.
        """

    def ask_all(self, questions: Sequence[Question[T]]) -> list[Answer[T] | HtnError]:
        """Put independent questions, several at once; return the answers in the order of the questions.

        Where one has no answer, its error stands in its place. When the budget is used up midway, what came is kept.
        """

    def renewed(self) -> "Model":
        """Return this model for whoever wants no earlier answer; budget and calls are those of this one."""

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""


def printable(text: str, most: int = MOST_SHOWN) -> str:
    """Return the beginning of a foreign text on one line, control characters escaped."""
    start = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:most]
    )
    return f"{start}…" if len(text) > most else start
