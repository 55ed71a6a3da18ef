"""What calls cost. Amounts of money are whole millionths of whatever currency the prices are in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from executor.model.endpoint import is_loopback
from htn.errors import UsageError

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """What a million tokens cost, of the prompt and of the answer."""

    prompt: Decimal = Decimal(0)
    answer: Decimal = Decimal(0)

    def of(self, prompt_tokens: int, answer_tokens: int) -> int:
        """Return what a call costs in millionths, rounded up."""
        # So much for a million tokens is so many millionths for one.
        return math.ceil(prompt_tokens * self.prompt + answer_tokens * self.answer)


FREE = Price()


def read_price(text: str) -> Price:
    """Return a price that is written as IN/OUT, such as 2.5/10; UsageError for anything else."""
    parts = text.split("/")
    try:
        prompt, answer = (Decimal(part.strip()) for part in parts)
    except (InvalidOperation, ValueError):
        raise _no_price(text) from None
    if not all(amount.is_finite() and 0 <= amount <= MILLION for amount in (prompt, answer)):
        raise _no_price(text)
    return Price(prompt, answer)


def price_of(prices: Mapping[str, Price], spec: str, url: str) -> Price | None:
    """Return the price of a model, "provider:name", whose server is at `url`; None where nobody has said it.

    What is said of the model goes before what is said of its provider. A model on this machine, or on an Ollama
    server, costs nothing where nothing is said.
    """
    provider = spec.partition(":")[0]
    said = prices.get(spec) or prices.get(provider)
    return said or (FREE if provider == "ollama" or is_loopback(url) else None)


def money(millionths: int) -> str:
    """Return an amount of money as a person reads it."""
    text = f"{millionths / MILLION:,.6f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _no_price(text: str) -> UsageError:
    return UsageError(f"{text!r} is no price: write what a million tokens cost as IN/OUT, such as 2.5/10")
