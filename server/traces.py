"""Traces by OpenTelemetry, where somebody has said where they go: request, plan, run, step, model call.

The variable OTEL_EXPORTER_OTLP_ENDPOINT, or the setting `otel_endpoint`, says so; the exporter reads its other
variables (OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and so on) itself. Without either nothing of OpenTelemetry is
imported. A request that carries `traceparent` is part of the trace of whoever asks. Spans have ids, routes and numbers,
and nothing that a client or a model wrote.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from executor.settings import Settings
from htn.errors import ServiceMissing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Traces:
    """Where spans go: nowhere, unless somebody wants traces."""

    @contextmanager
    def span(self, name: str, carrier: Mapping[str, str] | None = None, **about: Any) -> Iterator[None]:
        """Span what is done in the block; `carrier` are the headers of a request, which may name a trace."""
        yield

    def past(self, name: str, seconds: float, *, well: bool = True, **about: Any) -> None:
        """Tell of what has just ended, within the span that is open here, and has taken so long."""

    def close(self) -> None:
        """Send what is left."""


def open_traces(settings: Settings) -> Traces:
    """Return where spans go. ServiceMissing where they are wanted and the extra `otel` is not installed."""
    endpoint = settings.otel_endpoint or os.environ.get(ENDPOINT, "")
    if not endpoint:
        return Traces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ServiceMissing(
            f"traces need {error.name}, which is not installed", hints=("pip install 'htn-planner[otel]'",)
        ) from error
    own = f"{settings.otel_endpoint.rstrip('/')}/v1/traces" if settings.otel_endpoint else None
    return OtelTraces(BatchSpanProcessor(OTLPSpanExporter(own)))


class OtelTraces(Traces):
    """Spans of OpenTelemetry, handed to a processor."""

    def __init__(self, processor: Any) -> None:
        from opentelemetry import propagate, trace  # noqa: PLC0415 - an extra, and imported where it is wanted only
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

        name = os.environ.get("OTEL_SERVICE_NAME", "htn")
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("htn")
        self._extract = propagate.extract
        self._error = trace.StatusCode.ERROR

    @contextmanager
    def span(self, name: str, carrier: Mapping[str, str] | None = None, **about: Any) -> Iterator[None]:
        """Span what is done in the block."""
        context = self._extract(dict(carrier)) if carrier else None
        # What an exception says may be a client's or a model's: only its kind is told.
        with self._tracer.start_as_current_span(
            name, context, attributes=_attributes(about), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(self._error, type(error).__name__)
                raise

    def past(self, name: str, seconds: float, *, well: bool = True, **about: Any) -> None:
        """Tell of what has just ended."""
        now = time.time_ns()
        span = self._tracer.start_span(name, start_time=now - int(seconds * 1e9), attributes=_attributes(about))
        if not well:
            span.set_status(self._error)
        span.end(now)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _attributes(about: Mapping[str, Any]) -> dict[str, Any]:
    return {f"htn.{name}": value for name, value in about.items() if value is not None}
