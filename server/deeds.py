"""What deeds with the library have in common: a reason, who did it, and how it is told where they cannot be done."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field

from htn.errors import UsageError
from server.forms import Asked
from server.problems import RequestError


class DeedRequest(Asked):
    """A deed with the library needs a reason, which its history keeps."""

    why: str = Field(
        min_length=1, max_length=500, pattern=r"\S", description="why; the history keeps it", examples=["tried by hand"]
    )
    who: str = Field("http", min_length=1, max_length=100, description="who does it; the history keeps it, too")


@contextmanager
def as_things_are() -> Iterator[None]:
    """Tell what cannot be done as things are from what cannot be used: what was asked for has been found before."""
    try:
        yield
    except UsageError as error:
        raise RequestError("state", error.message, hints=error.hints) from error


@contextmanager
def looked_up() -> Iterator[None]:
    """Tell that something is not there."""
    try:
        yield
    except UsageError as error:
        raise RequestError("unknown", error.message, hints=error.hints) from error
