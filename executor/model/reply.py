"""What a server sends of an answer, piece by piece, and the answer that the pieces make."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from executor.model.protocol import InvalidAnswer
from htn.errors import ServiceMissing

MOST_ANSWER = 1_000_000  # characters of an answer
_MOST_TOKENS = 2**53

End = Literal["", "whole", "cut", "refused"]


@dataclass(frozen=True)
class Piece:
    """What one event of an answer says. Tokens are 0 where it tells none; a piece with an `end` is the last of text.

    `aside` is what the model says beside the answer, and is the answer where no other comes. `refusal` is what it says
    instead of an answer, `error` what the server says of a failure.
    """

    text: str = ""
    aside: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    end: End = ""
    refusal: str = ""
    error: str = ""


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and how the server counted it. `cut` says that it ran out of room."""

    text: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool


class Failures(Protocol):
    """Says in words how an answer can fail; `Wire` does."""

    def too_long(self, text: str) -> InvalidAnswer:
        """The answer goes on for too long."""

    def refused(self, text: str) -> InvalidAnswer:
        """The model declines to answer."""

    def failed(self, told: str) -> ServiceMissing:
        """The server tells of an error in the middle of an answer."""

    def broken_off(self) -> ServiceMissing:
        """The answer has no end."""


def collected(pieces: Iterable[Piece], failures: Failures, on_text: Callable[[str], None] | None) -> Reply:
    """Return the answer that the pieces make; `on_text` hears its text while they come.

    Raises InvalidAnswer for one that is too long or a refusal, ServiceMissing for one without an end.
    """
    written: list[str] = []
    aside: list[str] = []
    refusal: list[str] = []
    size = prompt_tokens = answer_tokens = 0
    end: End = ""
    for piece in pieces:
        if piece.error:
            raise failures.failed(piece.error)
        text = sendable(piece.text)
        size += len(text) + len(piece.aside) + len(piece.refusal)
        if size > MOST_ANSWER:
            raise failures.too_long("".join(written))
        written.append(text)
        aside.append(sendable(piece.aside))
        refusal.append(sendable(piece.refusal))
        if text and on_text is not None:
            on_text(text)
        prompt_tokens = piece.prompt_tokens or prompt_tokens
        answer_tokens = piece.answer_tokens or answer_tokens
        end = piece.end or end
    whole = "".join(written) or "".join(aside)
    if end == "refused" or any(refusal):
        raise failures.refused("".join(refusal) or whole)
    if not end:
        raise failures.broken_off()
    return Reply(whole, prompt_tokens, answer_tokens, cut=end == "cut")


def sendable(text: str) -> str:
    """Return a text without halves of characters: JSON can carry them, and no terminal, file or request can."""
    return text.encode(errors="replace").decode()


def count_of(number: Any) -> int:
    """Return a count of tokens that a server tells, 0 for what is no count."""
    return number if type(number) is int and 0 <= number < _MOST_TOKENS else 0


def text_of(content: Any) -> str:
    """Return a part of a message that should be a text or is missing; TypeError for anything else."""
    if content is None:
        return ""
    if not isinstance(content, str):
        raise TypeError("a part of a message is no text")
    return content
