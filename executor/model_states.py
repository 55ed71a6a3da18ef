"""How models and their servers are doing, over all processes with the same library: for people, and for metrics.

healthy    its server answered when somebody looked last, and calls come out well
degraded   it answers, but calls fail: its breaker is about to open or half open, it asked to wait, or fewer than
           four of five of the latest calls came out well
offline    its server did not answer, or its breaker is open
unused     it was asked before, and no setting names it
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any, Literal

from executor.model import KINDS, MILLION, Spender, digest_of, price_of
from executor.routing import Routing
from executor.settings import ModelPlace, Settings
from executor.store import BreakerState, Store, Tally
from htn.errors import UsageError, did_you_mean

Health = Literal["healthy", "degraded", "offline", "unused"]
_FEW_CALLS = 5
_GOOD_SHARE = 0.8


@dataclass(frozen=True)
class ModelStats:
    """How one model has done. Rates and seconds are None where it was never asked; `recent` is of its last 100 calls.

    `cost` is in the currency of the prices. `last_used` is in seconds since 1970.
    """

    calls: int
    failed: int
    success_rate: float | None
    recent_success_rate: float | None
    mean_seconds: float | None
    recent_median_seconds: float | None
    recent_p95_seconds: float | None
    prompt_tokens: int
    answer_tokens: int
    cost: float
    calls_today: int
    tokens_today: int
    cost_today: float
    last_used: float | None


@dataclass(frozen=True)
class ModelState:
    """One model: what it is asked for, whether its server is to be asked, and how it has done.

    `breaker` is closed, half-open, open or resting, for another `seconds`; `failures` of its server came in a row, and
    `why` is what was wrong last. `price` is IN/OUT for a million tokens, None where nobody has said it.
    """

    model: str
    provider: str
    address: str
    asked_for: tuple[str, ...]
    health: Health
    breaker: str
    seconds: float
    failures: int
    why: str
    price: str | None
    stats: ModelStats

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return asdict(self)


def model_states(settings: Settings, store: Store) -> tuple[ModelState, ...]:
    """Return the models that settings name, in the order in which they are asked, then those that were asked before.

    A server at which nobody has looked for a while is looked at; no model is asked anything.
    """
    routing = Routing(settings, lambda: store, lambda: Spender("nobody"))
    tallies = {tally.name: tally for tally in store.tallies().all()}
    states = []
    for place in settings.every_place:
        asker = routing.asker(place)
        asker.reachable()
        server = store.breakers(settings.breaker_times).state(digest_of(place.provider, asker.url))
        tally = tallies.pop(place.spec, None)
        states.append(_state(settings, store, place, asker.url, server, tally))
    return (*states, *(_unused(store, tally) for tally in tallies.values()))


def reset(settings: Settings, store: Store, name: str) -> tuple[str, ...]:
    """Forget the failures of a provider, or of the server of one model, so that it is asked at once; return its models.

    UsageError for what no setting names.
    """
    routing = Routing(settings, lambda: store, lambda: Spender("nobody"))
    places = [place for place in settings.every_place if name in (place.provider, place.spec)]
    if not places:
        known = [word for place in settings.every_place for word in (place.provider, place.spec)]
        raise UsageError(
            f"no model of {name} is set", hints=did_you_mean(name, known) or ("htn models lists those that are",)
        )
    for place in places:
        store.breakers(settings.breaker_times).reset(digest_of(place.provider, routing.asker(place).url))
    return tuple(place.spec for place in places)


def _state(
    settings: Settings, store: Store, place: ModelPlace, url: str, server: BreakerState, tally: Tally | None
) -> ModelState:
    stats = _stats(store, place.spec, tally)
    price = price_of(settings.price_list, place.spec, url)
    return ModelState(
        model=place.spec,
        provider=place.provider,
        address=url,
        asked_for=_asked_for(settings, place),
        health=_health(server, stats),
        breaker=server.state,
        seconds=server.seconds,
        failures=server.failures,
        why=server.why or ("" if server.answers else server.unanswered),
        price=None if price is None else f"{price.prompt}/{price.answer}",
        stats=stats,
    )


def _unused(store: Store, tally: Tally) -> ModelState:
    provider = tally.name.partition(":")[0]
    stats = _stats(store, tally.name, tally)
    return ModelState(tally.name, provider, "", (), "unused", "closed", 0.0, 0, "", None, stats)


def _health(server: BreakerState, stats: ModelStats) -> Health:
    if server.state == "open" or (server.looked is not None and not server.answers):
        return "offline"
    share = stats.recent_success_rate
    poor = share is not None and stats.calls >= _FEW_CALLS and share < _GOOD_SHARE
    return "degraded" if server.state != "closed" or server.failures or poor else "healthy"


def _asked_for(settings: Settings, place: ModelPlace) -> tuple[str, ...]:
    """Return the kinds of work for which a model is asked first, and as what else."""
    kinds = tuple(kind for kind in KINDS if (settings.places_for(kind) or settings.usual_places)[0] == place)
    others = [
        *(["further opinions"] if place in settings.more_places else []),
        *(["standing in"] if _stands_in(settings, place) else []),
    ]
    return (*kinds, *others)


def _stands_in(settings: Settings, place: ModelPlace) -> bool:
    return any(place in (settings.places_for(kind) or settings.usual_places)[1:] for kind in KINDS)


def _stats(store: Store, model: str, tally: Tally | None) -> ModelStats:
    day = datetime.now(UTC).date().isoformat()
    today = store.budgets().used(f"model:{day}:{digest_of(model)}")
    latest = tally.latest if tally else ()
    seconds = [ms / 1000 for _, ms in latest]
    calls = tally.calls if tally else 0
    return ModelStats(
        calls=calls,
        failed=calls - tally.well if tally else 0,
        success_rate=tally.well / calls if tally and calls else None,
        recent_success_rate=sum(well for well, _ in latest) / len(latest) if latest else None,
        mean_seconds=tally.ms / calls / 1000 if tally and calls else None,
        recent_median_seconds=_quantile(seconds, 50),
        recent_p95_seconds=_quantile(seconds, 95),
        prompt_tokens=tally.prompt_tokens if tally else 0,
        answer_tokens=tally.answer_tokens if tally else 0,
        cost=(tally.cost if tally else 0) / MILLION,
        calls_today=today["calls"],
        tokens_today=today["tokens"],
        cost_today=today["cost"] / MILLION,
        last_used=tally.last / 1000 if tally and tally.last else None,
    )


def _quantile(seconds: Sequence[float], percent: int) -> float | None:
    """Return the value below which so many of a hundred are; None of nothing."""
    if len(seconds) < 2:
        return seconds[0] if seconds else None
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]
