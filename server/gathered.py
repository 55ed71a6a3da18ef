"""What metrics tell that is counted elsewhere: runs and the ledger of models in the store, health, the sandbox's pool.

It is read when somebody asks for metrics; what is known of models and services is of the last look (see `checks`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from executor.run import RunState
from executor.runs import Runs
from htn.errors import HtnError
from server.checks import Checks

_HEALTH = {"healthy": 1.0, "degraded": 0.5, "offline": 0.0}
_BREAKERS = ("closed", "half-open", "open", "resting")
_MOST_RUNS = 1_000


class Gathered(Collector):
    """Reads what the store, the checks and the sandbox know."""

    def __init__(self, checks: Checks, runs: Runs, warm: Callable[[], int]) -> None:
        self._checks, self._runs, self._warm = checks, runs, warm

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand, so that nothing is read when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read everything."""
        with suppress(HtnError):  # a store that is away is told by its health
            yield self._open_runs()
        yield from self._models()
        health = GaugeMetricFamily("htn_health", "1 healthy, 0.5 degraded, 0 offline, at the last look", labels=["of"])
        for each in (*self._checks.services, *self._checks.providers):
            health.add_metric([each.name], _HEALTH[each.status])
        yield health
        yield GaugeMetricFamily("htn_sandbox_warm", "Processes of the sandbox that run", self._warm())

    def _open_runs(self) -> Metric:
        rows = self._runs.list(_MOST_RUNS, only_open=True)
        states = Counter(str(row.state) for row in rows)
        told = GaugeMetricFamily("htn_open_runs", "Runs that have not ended, the latest 1,000", labels=["state"])
        for state in RunState:
            if states[state] or state in (RunState.CREATED, RunState.RUNNING, RunState.WAITING, RunState.PAUSED):
                told.add_metric([str(state)], states[state])
        told.add_metric(["lost"], sum(row.is_lost for row in rows))
        return told

    def _models(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily("htn_model_calls", "Calls, over all time", labels=["model", "outcome"])
        tokens = GaugeMetricFamily("htn_model_tokens", "Tokens, over all time", labels=["model", "kind"])
        cost = GaugeMetricFamily("htn_model_cost", "Money, in the currency of prices, over all time", labels=["model"])
        rate = GaugeMetricFamily("htn_model_success_rate", "The share of the last 100 calls", labels=["model"])
        breaker = GaugeMetricFamily("htn_breaker", "1 for the state that a breaker is in", labels=["model", "state"])
        for state in self._checks.states:
            name, stats = state.model, state.stats
            calls.add_metric([name, "answered"], stats.calls - stats.failed)
            calls.add_metric([name, "failed"], stats.failed)
            tokens.add_metric([name, "prompt"], stats.prompt_tokens)
            tokens.add_metric([name, "answer"], stats.answer_tokens)
            cost.add_metric([name], stats.cost)
            if stats.recent_success_rate is not None:
                rate.add_metric([name], stats.recent_success_rate)
            for each in _BREAKERS:
                breaker.add_metric([name, each], float(state.breaker == each))
        yield from (calls, tokens, cost, rate, breaker)
