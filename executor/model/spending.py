"""How much may be asked of models: limits of a run, of a day, of a model, and what stands in the way of a call.

Before a call its worst case is held in every account that it concerns (see `executor.store.budgets`), and after it what
it took is counted. A call that may not fit is not made: LimitReached, which says how to go on.

The worst case is a bound: a prompt has no more tokens than bytes, beside a few that a server puts around messages; the
answer no more than the server is told to write; the time ends with the call. What this does NOT hold: a server that
writes or counts more than it was told to. What it tells is counted all the same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from executor.model.prices import Price, money
from htn.errors import LimitReached, UsageError

AROUND = 512  # tokens around the messages of a prompt, which servers add


@dataclass(frozen=True)
class Limits:
    """The most of each thing that may be used; None for no limit. `cost` is in millionths of the currency."""

    calls: int | None = None
    tokens: int | None = None
    cost: int | None = None
    ms: int | None = None

    def given(self) -> dict[str, int]:
        """Return the limits that there are."""
        return {kind: most for kind, most in asdict(self).items() if most is not None}


@dataclass(frozen=True)
class Allowance:
    """All limits that hold for one model."""

    run: Limits = field(default_factory=Limits)
    day: Limits = field(default_factory=Limits)
    model: Limits = field(default_factory=Limits)

    @property
    def bounded(self) -> bool:
        """Whether tokens or money are limited, so that an answer needs a bound."""
        return any(limits.tokens is not None or limits.cost is not None for limits in (self.run, self.day, self.model))

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return any(limits.given() for limits in (self.run, self.day, self.model))


@dataclass(frozen=True)
class Spender:
    """What calls are counted for: a run by its id. `resumes` says that it can be gone on with by this id."""

    id: str
    resumes: bool = False


@dataclass(frozen=True)
class Worst:
    """The most tokens that one call can take."""

    prompt: int
    answer: int

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt + self.answer


class Held(Protocol):
    """What came of a wish to hold a worst case; `executor.store.Held` is one."""

    @property
    def fits(self) -> str:
        """Whether it is held: yes, later, never."""

    @property
    def mark(self) -> str:
        """The name of what is held."""

    @property
    def ms(self) -> int:
        """The time that was granted."""

    @property
    def account(self) -> str:
        """Where there is no room."""

    @property
    def kind(self) -> str:
        """Of what there is none."""

    @property
    def used(self) -> int:
        """What is counted there."""


class Ledger(Protocol):
    """Where what models used is counted, for all processes; `executor.store.Budgets` is one."""

    def hold(self, accounts: Mapping[str, Mapping[str, int]], worst: Mapping[str, int], *, lifetime: float) -> Held:
        """Hold a worst case in all accounts, or say why not."""

    def settle(self, accounts: list[str], mark: str, used: Mapping[str, int]) -> None:
        """Count what was used instead of what was held."""


class ModelLimit(LimitReached):
    """The limit of one model is reached; another one may be asked."""


def no_room(
    held: Held, limits: Limits, worst: Mapping[str, int], spender: Spender, model: str, purpose: str
) -> LimitReached:
    """Return the error for a call that does not fit into an account."""
    scope, kind = held.account.partition(":")[0], held.kind
    most = limits.given()[kind]
    whose = {"run": "this run" if spender.resumes else "this command", "day": "today"}.get(scope, f"{model} today")
    raises = ModelLimit if scope == "model" else LimitReached
    left = most - held.used
    short = f"of the budget of {_amount(kind, most)} for {whose} {_amount(kind, left)} are left, and a call may take "
    return raises(
        f"{short}{_amount(kind, worst[kind])}"
        if left > 0
        else f"the budget of {_amount(kind, most)} for {whose} is used up",
        where=f"the call for {purpose}",
        hints=_ways_on(scope, kind, spender, model),
    )


def price_unknown(model: str) -> UsageError:
    """Return the error for a model whose price nobody has said, where money is limited."""
    return UsageError(
        f"money is limited, and nobody has said what {model} costs",
        hints=(f'say it, for a million tokens in and out: HTN_PRICES=\'{{"{model}": "2.5/10"}}\'',),
    )


def worst_of(worst: Worst, price: Price | None, ms: int) -> dict[str, int]:
    """Return the worst case as it is held."""
    cost = price.of(worst.prompt, worst.answer) if price else 0
    return {"calls": 1, "tokens": worst.tokens, "cost": cost, "ms": ms}


def _amount(kind: str, number: int) -> str:
    if kind == "cost":
        return f"{money(number)} in money"
    if kind == "ms":
        return f"{number / 1000:g} s"
    return f"{number:,} {'model calls' if kind == 'calls' else kind}"


def _ways_on(scope: str, kind: str, spender: Spender, model: str) -> tuple[str, ...]:
    if scope == "run":
        name = {"tokens": "max_tokens", "cost": "max_cost", "ms": "max_model_seconds"}.get(kind, "max_calls")
        flag = f"--{name.replace('_', '-')}"
        go_on = (f"go on where it stopped: htn resume {spender.id} {flag} N",) if spender.resumes else ()
        return (*go_on, f"allow more: {flag}, or HTN_{name.upper()}")
    go_on = (f"or go on tomorrow (UTC): htn resume {spender.id}",) if spender.resumes else ()
    if scope == "day":
        return (f"allow more: HTN_DAILY_{'TOKENS' if kind == 'tokens' else kind.upper()}", *go_on)
    return (
        f"allow more for {model}: HTN_MODEL_LIMITS",
        "or have another model asked then: HTN_FALLBACK_MODELS",
        *go_on,
    )
