"""What a run may cost before anything is sent: its plan, what of it needs no model, and what closing its gaps takes.

The most is what the limits and the number of calls allow: a gap takes as many calls as its bodies and their evidence
need, which nobody knows before. The least is the contract, where the domain declares none, and one body.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from executor.model import MILLION, Asker, Spender, Worst, money, price_of
from executor.routing import Routing
from executor.settings import Settings
from executor.store import Store
from htn.domain import Domain
from htn.failure import Failure, Gap
from htn.plan import Plan

# Prompts are held to less by their templates (executor.generate.prompt), but for what a server adds.
MOST_PROMPT = 16_384


@dataclass(frozen=True)
class GapPrice:
    """What is known of a gap: its task, the tokens of the first question about it, about, and the fewest calls."""

    task: str
    first_question_tokens: int
    least_calls: int


@dataclass(frozen=True)
class Estimate:
    """What a run may cost at most. `cost` is in millionths, None where the price of `unpriced` was never said.

    `gaps` are those of what is planned so far, the one first that would be closed first; others may show behind them.
    `learns` says whether settings allow to close them.
    """

    result: Plan | Failure
    gaps: tuple[GapPrice, ...]
    calls: int
    tokens: int
    cost: int | None
    models: tuple[str, ...]
    unpriced: tuple[str, ...]
    learns: bool

    @property
    def plan(self) -> Plan | None:
        """The plan, or its first stage, where there is one without closing a gap."""
        stage = self.result.stage if isinstance(self.result, Failure) else None
        return stage.plan if stage else self.result if isinstance(self.result, Plan) else None

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        plan = self.plan
        return {
            "dry_run": True,
            "plan": plan.to_json() if plan else None,
            "known_steps": [{"action": str(a), "version": a.version} for a in plan.actions] if plan else [],
            "gaps": [asdict(gap) for gap in self.gaps],
            "learns": self.learns,
            "models": list(self.models),
            "most": {
                "calls": self.calls,
                "tokens": self.tokens,
                "cost": None if self.cost is None else self.cost / MILLION,
            },
            "unpriced": list(self.unpriced),
        }

    def lines(self) -> list[str]:
        """Return it as a person reads it, without the plan."""
        if self.plan:
            steps = len(self.plan.actions)
            return [f"{steps} known step{'' if steps == 1 else 's'}: no model is asked, and nothing is paid"]
        rows = [
            f"gap {gap.task}: about {round(gap.first_question_tokens, -2):,} tokens for the first question, at least "
            f"{gap.least_calls} call{'' if gap.least_calls == 1 else 's'}"
            for gap in self.gaps
        ]
        if not self.learns:
            return [*rows, "gaps are not closed, as settings say: --learn auto"]
        cost = (
            f"no price is set for {', '.join(self.unpriced)}" if self.cost is None else f"{money(self.cost)} in money"
        )
        return [
            *rows,
            f"at most {self.calls} calls, {self.tokens:,} tokens, {cost}; {', '.join(self.models)}",
            "steps that are known need no model",
        ]


def estimate(
    result: Plan | Failure,
    domain: Domain,
    settings: Settings,
    store: Callable[[], Store],
    question: Callable[[Gap], int],
) -> Estimate:
    """Return what carrying out a result of planning may cost; `question` says how long the first question would be."""
    gaps = () if isinstance(result, Plan) or result.stage else result.gaps
    learns = settings.learn != "never"
    if not gaps or not learns:
        return Estimate(result, _prices(gaps, domain, question), 0, 0, 0, (), (), learns)
    routing = Routing(settings, store, lambda: Spender("nobody"))
    askers = [routing.asker(place) for place in settings.every_place]
    worst = {asker.name: _worst(settings, asker) for asker in askers}
    prices = {asker.name: price_of(settings.price_list, asker.name, asker.url) for asker in askers}
    unpriced = tuple(name for name, price in prices.items() if price is None)
    costs = [price.of(worst[name].prompt, worst[name].answer) for name, price in prices.items() if price]
    most, calls = settings.allowance(""), _smallest(settings.max_calls, settings.daily_calls)
    tokens = calls * max(each.tokens for each in worst.values())
    return Estimate(
        result,
        _prices(gaps, domain, question),
        calls,
        _smallest(tokens, most.run.tokens, most.day.tokens),
        None if unpriced else _smallest(calls * max(costs), most.run.cost, most.day.cost),
        tuple(worst),
        unpriced,
        learns,
    )


def _worst(settings: Settings, asker: Asker) -> Worst:
    """Return the most tokens of any call of a model."""
    if asker.name.startswith("ollama:"):
        return Worst(min(MOST_PROMPT, settings.num_ctx), settings.num_ctx)
    return Worst(MOST_PROMPT, settings.answer_tokens)


def _prices(gaps: Sequence[Gap], domain: Domain, question: Callable[[Gap], int]) -> tuple[GapPrice, ...]:
    return tuple(GapPrice(str(gap), question(gap), _least_calls(domain, gap)) for gap in gaps)


def _least_calls(domain: Domain, gap: Gap) -> int:
    operator = domain.operators.get(str(gap.task[0]))
    return 1 if operator is not None and operator.contract is not None else 2


def _smallest(first: int, *others: int | None) -> int:
    return min([first, *(other for other in others if other is not None)])
