"""What an agent does, as counts, log lines and spans, beside whoever listens to it anyway.

It is told where the agent is made, in the context of the run: its ids, and the span that steps and calls belong to.
"""

from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from executor.agent import Listener
from executor.learn import LearnEvent
from executor.model import Call
from executor.run import Event
from server.metrics import Metrics
from server.traces import Traces

_log = structlog.get_logger("htn.run")
_TOLD = frozenset({"finish", "fail", "retry"})


def observed(listener: Listener, metrics: Metrics, traces: Traces) -> Listener:
    """Return a listener that hears what `listener` does, and counts, logs and traces it."""
    context = copy_context()  # steps may run, and models be asked, in other threads
    log = _log.bind(**structlog.contextvars.get_contextvars())

    def past(name: str, seconds: float, *, well: bool, **about: Any) -> None:
        context.copy().run(partial(traces.past, name, seconds, well=well, **about))

    def step(event: Event) -> None:
        code = event.trouble.code if event.trouble else None
        if event.kind in _TOLD:
            metrics.steps.labels(event.kind).inc()
            metrics.stage_seconds.labels("step").observe(event.seconds)
            past("step", event.seconds, well=event.kind == "finish", step=event.step + 1, kind=event.kind, code=code)
            more = {"code": code} if code else {}
            log.info("step", step=event.step + 1, kind=event.kind, milliseconds=round(1000 * event.seconds, 1), **more)
        if code:
            metrics.errors.labels(code).inc()
        listener.step(event)

    def learning(event: LearnEvent) -> None:
        if event.kind == "done":
            metrics.stage_seconds.labels(event.stage).observe(event.seconds)
            past(event.stage, event.seconds, well=event.ok)
            log.info("learning", stage=event.stage, ok=event.ok, milliseconds=round(1000 * event.seconds, 1))
        listener.learning(event)

    def call(made: Call) -> None:
        metrics.stage_seconds.labels("model").observe(made.seconds)
        tokens = {"prompt_tokens": made.prompt_tokens, "answer_tokens": made.answer_tokens}
        past("model call", made.seconds, well=made.ok, model=f"{made.provider}:{made.model}", **tokens)
        log.info("model call", model=made.model, ok=made.ok, milliseconds=round(1000 * made.seconds, 1), **tokens)
        listener.call(made)

    return replace(listener, step=step, learning=learning, call=call)
