"""Settings of how much models may be asked: for a run, in a day, of one model; and what they cost."""

import re
from dataclasses import dataclass, field

from pydantic import Field, field_validator

from executor.model import MILLION, Allowance, Limits, Price, read_price
from executor.settings.names import Group, Table, names
from htn.errors import UsageError

_MOST = 10**12
_MOST_MONEY = 10**6
_PART = re.compile(r"(calls|tokens|cost|seconds|per_minute)\s*=\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class ModelRule:
    """What is allowed for one model in a day, and how often it may be asked in a minute, 0 for what holds for all."""

    limits: Limits = field(default_factory=Limits)
    per_minute: int = 0


class BudgetSettings(Group):
    """How much models may be asked. A limit that is not set is none; `max_calls` is among the settings of models."""

    max_tokens: int | None = Field(
        None, ge=0, le=_MOST, validation_alias=names("max_tokens"),
        description="the most tokens that models may take for one run, however often it is resumed, or one command",
    )  # fmt: skip
    max_cost: float | None = Field(
        None, ge=0, le=_MOST_MONEY, validation_alias=names("max_cost"),
        description="the most money that models may cost for one run or command, in the currency of prices",
    )  # fmt: skip
    max_model_seconds: float | None = Field(
        None, ge=0, le=10**8, validation_alias=names("max_model_seconds"),
        description="the most seconds that all calls of models together may take for one run or command",
    )  # fmt: skip
    daily_calls: int | None = Field(
        None, ge=0, le=_MOST, validation_alias=names("daily_calls"),
        description="the most calls of models in a day (UTC), of all processes with the same library",
    )  # fmt: skip
    daily_tokens: int | None = Field(
        None, ge=0, le=_MOST, validation_alias=names("daily_tokens"),
        description="the most tokens in a day, in the same way",
    )  # fmt: skip
    daily_cost: float | None = Field(
        None, ge=0, le=_MOST_MONEY, validation_alias=names("daily_cost"),
        description="the most money in a day, in the same way",
    )  # fmt: skip
    model_limits: Table = Field(
        default_factory=dict, validation_alias=names("model_limits"),
        description="the most of one model in a day: a table of PROVIDER:NAME = calls=N, tokens=N, cost=N, seconds=N,"
        " per_minute=N (the most requests in a minute), as JSON in the environment",
    )  # fmt: skip
    prices: Table = Field(
        default_factory=dict, validation_alias=names("prices"),
        description="what a million tokens cost: a table of PROVIDER:NAME, or PROVIDER, = IN/OUT, such as 2.5/10, as"
        " JSON in the environment; models of Ollama and of this machine cost nothing where none is set",
    )  # fmt: skip

    @field_validator("prices")
    @classmethod
    def _are_prices(cls, prices: dict[str, str]) -> dict[str, str]:
        for price in prices.values():
            try:
                read_price(price)
            except UsageError as error:
                raise ValueError(error.message) from error
        return prices

    @field_validator("model_limits")
    @classmethod
    def _are_limits(cls, limits: dict[str, str]) -> dict[str, str]:
        for text in limits.values():
            _rule(text)
        return limits

    @property
    def price_list(self) -> dict[str, Price]:
        """What is said of prices, by model or provider."""
        return {spec: read_price(text) for spec, text in self.prices.items()}

    def rule_for(self, spec: str) -> ModelRule:
        """Return what holds for one model, "provider:name"."""
        return _rule(self.model_limits.get(spec, ""))

    def allowance(self, spec: str) -> Allowance:
        """Return all limits that hold for one model, but for the number of calls of one command."""
        seconds = self.max_model_seconds
        run = Limits(
            None, self.max_tokens, _millionths(self.max_cost), None if seconds is None else int(seconds * 1000)
        )
        day = Limits(self.daily_calls, self.daily_tokens, _millionths(self.daily_cost))
        return Allowance(run, day, self.rule_for(spec).limits)


def _rule(text: str) -> ModelRule:
    """Return what is written as `calls=5, tokens=1000`; ValueError for anything else."""
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _PART.fullmatch(part)
        if not found:
            raise ValueError(f"{part!r} is no limit: write calls=N, tokens=N, cost=N, seconds=N or per_minute=N")
        given[found[1]] = float(found[2])
    limits = Limits(
        _whole(given.get("calls")),
        _whole(given.get("tokens")),
        _millionths(given.get("cost")),
        _thousandths(given.get("seconds")),
    )
    return ModelRule(limits, int(given.get("per_minute", 0)))


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _millionths(amount: float | None) -> int | None:
    return None if amount is None else int(amount * MILLION)


def _thousandths(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
