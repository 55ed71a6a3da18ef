"""What is counted: requests, plans, runs and their attempts. One registry for each service, none for the process.

Names follow Prometheus: `htn_..._total` only grow, `htn_..._seconds` are histograms. Labels have few values: the path
of a route is its template, and no label holds what a client wrote.
"""

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

TEXT = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The counts of one service, since it started."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._clock, self._began = clock, clock()
        self.requests = Counter(
            "htn_http_requests", "Requests that were answered", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "htn_http_request_seconds", "Until the answer began", ["route"], registry=self.registry, buckets=_SECONDS
        )
        self.plans = Counter("htn_plans", "Plans that were looked for", ["outcome"], registry=self.registry)
        self.executions = Counter("htn_executions", "Runs and code, by what became of them", ["kind", "outcome"],
                                  registry=self.registry)  # fmt: skip
        self.attempts = Counter("htn_attempts", "Bodies and codes that were tried", ["kind"], registry=self.registry)
        self.code_seconds = Histogram("htn_code_seconds", "One run of code", registry=self.registry, buckets=_SECONDS)
        self.steps = Counter("htn_steps", "Steps of runs: finish, fail, retry", ["event"], registry=self.registry)
        self.ended = Counter("htn_runs", "Runs and other long work, by how they ended", ["kind", "state"],
                             registry=self.registry)  # fmt: skip
        self.stage_seconds = Histogram(
            "htn_stage_seconds", "Of a plan, a step, a call of a model, a stage of learning", ["stage"],
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip
        self.errors = Counter("htn_errors", "Errors, by their code", ["code"], registry=self.registry)
        self.gauges: dict[str, Gauge] = {}

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a value that is read when somebody asks."""
        self.gauges[name] = gauge = Gauge(name, description, registry=self.registry)
        gauge.set_function(read)

    def executed(self, kind: str, *, ok: bool, attempts: int = 1) -> None:
        """Count something that was carried out: a run, a request in words, code."""
        self.executions.labels(kind, "done" if ok else "failed").inc()
        self.attempts.labels(kind).inc(attempts)

    @property
    def uptime(self) -> float:
        """The seconds since the service started."""
        return self._clock() - self._began

    def summary(self) -> dict[str, Any]:
        """Return the few figures that are told in JSON; what nothing was counted for is null."""
        done, failed = self._sum(self.executions, outcome="done"), self._sum(self.executions, outcome="failed")
        total = done + failed
        return {
            "total_executions": int(total),
            "success_rate": done / total if total else None,
            "average_attempts": self._sum(self.attempts) / total if total else None,
            "uptime": round(self.uptime, 3),
        }

    def average_code_milliseconds(self) -> float | None:
        """Return how long code took on average, or None where none was run."""
        found = {s.name: s.value for metric in self.code_seconds.collect() for s in metric.samples}
        count = found.get("htn_code_seconds_count", 0)
        return round(1000 * found["htn_code_seconds_sum"] / count, 3) if count else None

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    @staticmethod
    def _sum(counter: Counter, **labels: str) -> float:
        return sum(
            sample.value
            for metric in counter.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and labels.items() <= sample.labels.items()
        )
