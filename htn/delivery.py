"""What a command may know of the step that it carries out: a key that is the same however often the step is begun.

A command whose effect must not happen twice hands the key on to the service that it uses (an order number, say): a
step that was begun, and whose process died, may be begun once more by another process. The key is that of a step of one
plan: where a run is planned anew meanwhile, because its domain has changed, say, what is left has other keys.

    @shop.command("pay", delivery="at least once")
    def pay(state, person, amount):
        bank.transfer(person, amount, key=idempotency_key())
        ...
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from htn.errors import DomainError

Delivery: TypeAlias = Literal["at most once", "at least once"]
"""What happens to a step whose process died while its command ran: nobody begins it again, or somebody does."""

_LABEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_KEY: ContextVar[str] = ContextVar("idempotency_key", default="")


def idempotency_key() -> str:
    """Return the key of the step that is being carried out; "" outside of a run."""
    return _KEY.get()


@contextmanager
def carrying_out(key: str) -> Iterator[None]:
    """Let `idempotency_key` return `key` meanwhile."""
    token = _KEY.set(key)
    try:
        yield
    finally:
        _KEY.reset(token)


def check_label(label: str) -> str:
    """Return `label` if it can say what a worker has: "gpu", "python". DomainError for any other."""
    if not _LABEL.fullmatch(label):
        raise DomainError(
            f"{label[:80]!r} cannot be the label of workers",
            hints=("a label has small letters, digits, '.', '_' and '-', at most 63",),
        )
    return label
