"""From settings to models: who is asked for what, with the budgets, the breakers and the record that all share.

Nothing is opened before it is needed: the store when a model is first asked, a model's client when it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from executor.model import (
    KINDS,
    Asker,
    Books,
    Call,
    CallBudget,
    Guard,
    KeptAnswers,
    Kind,
    Provider,
    Router,
    Spender,
    Turns,
    digest_of,
    open_model,
    price_of,
)
from executor.settings import ModelPlace, Settings
from executor.store import Store


@dataclass
class Routing:
    """Opens the models of one command or run. `spender` says for whom calls are counted, at the moment of each."""

    settings: Settings
    store: Callable[[], Store]
    spender: Callable[[], Spender]
    on_note: Callable[[str], None] = lambda text: None
    on_call: Callable[[Call], None] = lambda call: None
    opened: list[Router] = field(default_factory=list)

    def first(self) -> Router:
        """Return the models by kind of work, each with those that stand in for it."""
        orders = {kind: places for kind in KINDS if (places := self.settings.places_for(kind))}
        return self._router(self.settings.usual_places, orders)

    def further(self) -> tuple[Router, ...]:
        """Return the further models, each by itself: whoever wants another opinion is not served by a stand-in."""
        return tuple(self._router((place,), {}) for place in self.settings.more_places)

    def asker(self, place: ModelPlace) -> Asker:
        """Return one model by itself."""
        s = self.settings
        return open_model(
            place.spec,
            endpoint=place.endpoint,
            api_key=place.key,
            timeout=s.model_timeout,
            num_ctx=s.num_ctx,
            max_calls=s.max_calls,
            budget=self._budget,
            answer_tokens=s.answer_tokens,
            parallel=s.model_parallel,
            turns=self._turns(place),
            kept=self.kept if s.answer_cache else None,
            guard=lambda provider: self.guard(place, provider),
            bounded=s.allowance(place.spec).bounded,
            on_call=self.on_call,
        )

    def guard(self, place: ModelPlace, provider: Provider) -> Guard:
        """Return what stands between questions and one model."""
        return Guard(
            model=place.spec,
            url=provider.url,
            books=lambda: self._books,
            timeout=self.settings.model_timeout,
            price=price_of(self.settings.price_list, place.spec, provider.url),
            allowance=self.settings.allowance(place.spec),
            spender=self.spender,
            on_trouble=self.on_note,
        )

    @cached_property
    def kept(self) -> KeptAnswers:
        """The answers that are used again."""
        return KeptAnswers(lambda: self.store().answers(self.settings.answer_limits), self.on_note)

    @cached_property
    def _budget(self) -> CallBudget:
        return CallBudget(self.settings.max_calls)

    @cached_property
    def _books(self) -> Books:
        store = self.store()
        return Books(store.budgets(), store.breakers(self.settings.breaker_times), store.tallies())

    def _router(self, usual: Sequence[ModelPlace], orders: Mapping[Kind, Sequence[ModelPlace]]) -> Router:
        # A model that stands in several orders is one: it is asked, and its calls are counted, once.
        places = dict.fromkeys([*usual, *(place for order in orders.values() for place in order)])
        askers = {place: self.asker(place) for place in places}
        router = Router(
            [askers[place] for place in usual],
            {kind: [askers[place] for place in order] for kind, order in orders.items()},
            parallel=self.settings.model_parallel,
            patience=self.settings.model_timeout,
            on_note=self.on_note,
        )
        self.opened.append(router)
        return router

    def _turns(self, place: ModelPlace) -> Turns | None:
        """Return the turns at a server, or at a model that has a pace of its own; None where nothing limits it."""
        own = self.settings.rule_for(place.spec).per_minute
        per_minute = own or self.settings.requests_per_minute
        if not per_minute:
            return None
        name = digest_of(place.provider, place.endpoint, *([place.spec] if own else []))
        return self.store().turns(name, per_minute=per_minute)
