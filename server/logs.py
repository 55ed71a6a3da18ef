"""Log lines: one JSON document a line on standard error, or drawn for a person where that is a terminal.

Each line that concerns a request has its `request_id`, and one that concerns a run its `run_id`, also where the run is
carried out in another thread: work is done in the context of the request that asked for it. Nothing that a client or a
model wrote is logged, but for its ids. What is secret in settings is removed from every line, tracebacks included, in
case something else brings it; values of local variables are never written.
"""

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from executor.settings import Settings

_HIDDEN = "[secret]"


def log_to_standard_error(secrets: Iterable[str] = ()) -> None:
    """Write log lines to standard error, those of the libraries from warnings on."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    drawn: list[Any] = [_Hide(tuple(secrets))]
    if sys.stderr.isatty():
        drawn.append(structlog.dev.ConsoleRenderer())
    else:
        drawn = [structlog.processors.format_exc_info, *drawn, structlog.processors.JSONRenderer()]
    structlog.configure(processors=[*before, *drawn], logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    handler = logging.StreamHandler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[remove, *drawn], foreign_pre_chain=before))
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING


def secrets_of(settings: Settings, *others: str) -> tuple[str, ...]:
    """Return what is secret in settings, and these."""
    found = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    password = urlsplit(settings.redis_url or "").password
    return tuple({text for text in (*found, *others, password) if text})


class _Hide:
    """Takes secrets out of a line, wherever they stand in it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def __call__(self, logger: Any, method: str, event: Any) -> Any:
        return self._hidden(event)

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, _HIDDEN)
            return value
        if isinstance(value, dict):
            return {name: self._hidden(part) for name, part in value.items()}
        return [self._hidden(part) for part in value] if isinstance(value, (list, tuple)) else value
