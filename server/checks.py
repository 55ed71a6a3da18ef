"""How the things that the service stands on are: looked at in the background, and told with how it went lately.

| status   | what                                                                            |
|----------|---------------------------------------------------------------------------------|
| healthy  | it answered the last time, and every other time of the last twenty              |
| degraded | it answered the last time, with a warning, or not every time                    |
| offline  | it did not answer the last time                                                 |

The whole is offline where the library is, degraded where anything else is not healthy, else healthy.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from anyio import to_thread

from executor.model import open_model
from executor.model_states import ModelState, model_states
from executor.sandbox import engine_status, image_status
from executor.settings import ModelPlace, Settings
from executor.store import Store
from htn.errors import HtnError, UsageError

Status = Literal["healthy", "degraded", "offline"]
EVERY_SECONDS = 60.0
_FRESH_SECONDS = 5.0
_PATIENCE = 5.0  # seconds that a model's server has to say that it is there
_KEPT = 20


@dataclass(frozen=True)
class Looked:
    """What one look found. `fine` is False where it answers, and something should be done."""

    answers: bool
    found: str
    hints: tuple[str, ...] = ()
    fine: bool = True


@dataclass
class Record:
    """How one thing was lately."""

    name: str
    look: Callable[[], Looked]
    needed: bool = False
    looks: deque[tuple[bool, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    last: Looked | None = None
    failures: int = 0

    def refresh(self) -> None:
        """Look again."""
        began = time.perf_counter()
        try:
            self.last = self.look()
        except HtnError as error:
            self.last = Looked(False, error.message, error.hints)
        self.looks.append((self.last.answers, time.perf_counter() - began))
        self.failures = 0 if self.last.answers else self.failures + 1

    @property
    def status(self) -> Status:
        """Its status; what was never looked at is offline."""
        if self.last is None or not self.last.answers:
            return "offline"
        return "healthy" if self.last.fine and all(ok for ok, _ in self.looks) else "degraded"

    @property
    def success_rate(self) -> float:
        """The share of the last looks that found it there."""
        return sum(ok for ok, _ in self.looks) / len(self.looks) if self.looks else 0.0

    @property
    def milliseconds(self) -> float:
        """How long it took to answer, on average of the last looks."""
        return 1000 * sum(seconds for _, seconds in self.looks) / len(self.looks) if self.looks else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        last = self.last or Looked(False, "not looked at yet")
        return {
            "status": self.status,
            "is_healthy": self.status == "healthy",
            "success_rate": round(self.success_rate, 4),
            "response_time_ms": round(1000 * self.looks[-1][1], 3) if self.looks else None,
            "consecutive_failures": self.failures,
            "found": last.found,
            "hints": list(last.hints),
        }


class Checks:
    """Looks at everything, each minute and when somebody asks."""

    def __init__(self, settings: Settings, store: Store, sandbox: Callable[[], str]) -> None:
        self.services = [
            Record("redis", lambda: _store(store), needed=True),
            Record("docker", lambda: _engine(settings)),
            Record("image", lambda: _image(settings)),
            Record("sandbox", lambda: Looked(True, sandbox())),
        ]
        self._specs = {name: place.spec for name, place in places(settings)}
        self._states: dict[str, ModelState] = {}
        self._model_states = lambda: {state.model: state for state in model_states(settings, store)}
        self.providers = [Record(name, _model_look(settings, place)) for name, place in places(settings)]
        self._at = 0.0
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Look at everything again, unless that was done a moment ago."""
        async with self._lock:
            if time.monotonic() - self._at < _FRESH_SECONDS and self._at:
                return
            await asyncio.gather(*(to_thread.run_sync(each.refresh) for each in (*self.services, *self.providers)))
            with suppress(HtnError):  # then what was known stays
                self._states = await to_thread.run_sync(self._model_states)
            self._at = time.monotonic()

    async def forever(self) -> None:
        """Look each minute."""
        while True:
            await self.refresh()
            await asyncio.sleep(EVERY_SECONDS)

    @property
    def states(self) -> tuple[ModelState, ...]:
        """The models, and how they did, at the last look."""
        return tuple(self._states.values())

    @property
    def overall(self) -> Status:
        """The status of the whole."""
        if any(each.needed and each.status == "offline" for each in self.services):
            return "offline"
        everything = (*self.services, *self.providers)
        return "healthy" if all(each.status == "healthy" for each in everything) else "degraded"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {
            "success": True,
            "system_health": {
                "timestamp": now,
                "overall_status": self.overall,
                "services": {each.name: each.to_json() for each in self.services} | {"llm_provider": self._worst()},
            },
            "llm_providers": {
                "timestamp": now,
                "providers": {each.name: self._provider(each) for each in self.providers},
            },
        }

    def _provider(self, record: Record) -> dict[str, Any]:
        """Return how a provider is: its calls count where it was asked, and else how often it was found there."""
        state = self._states.get(self._specs[record.name])
        stats = state.stats if state else None
        rate = stats.recent_success_rate if stats else None
        seconds = stats.mean_seconds if stats else None
        return record.to_json() | {
            "is_available": record.status != "offline" and (state is None or state.health != "offline"),
            "success_rate": round(record.success_rate if rate is None else rate, 4),
            "average_latency_ms": round(record.milliseconds if seconds is None else 1000 * seconds, 3),
            "circuit_breaker": {
                "state": state.breaker if state else "closed", "failure_count": state.failures if state else 0,
            },
        }  # fmt: skip

    def _worst(self) -> dict[str, Any]:
        order: tuple[Status, ...] = ("offline", "degraded", "healthy")
        return min(self.providers, key=lambda each: order.index(each.status)).to_json()


def places(settings: Settings) -> Iterable[tuple[str, ModelPlace]]:
    """Return the models that are asked, each with the name that it has here: default, then more-1, more-2, …"""
    try:
        yield "default", settings.model_place
        for number, place in enumerate(settings.more_places, 1):
            yield f"more-{number}", place
    except UsageError as error:
        yield "default", ModelPlace(f"none ({error.message})", "ollama", "", None)


def _store(store: Store) -> Looked:
    status = store.status()
    fine = status.writable and status.appendonly and not status.evicting
    return Looked(True, f"{status.kind} {status.version} at {status.address}", status.hints, fine)


def _engine(settings: Settings) -> Looked:
    if settings.sandbox not in ("auto", "docker"):
        return Looked(True, f"not used: the sandbox is {settings.sandbox}")
    status = engine_status(_PATIENCE)
    found = f"engine {status.version}" if status.answering else status.why or "no engine answers"
    return Looked(status.answering, found, (status.hint,) if status.hint else ())


def _image(settings: Settings) -> Looked:
    if settings.sandbox not in ("auto", "docker") or not engine_status(_PATIENCE).answering:
        return Looked(True, f"not used: the sandbox is {settings.sandbox}, or no engine answers")
    status = image_status(settings.image, seconds=settings.docker_timeout)
    return Looked(True, f"{status.reference}: {status.how}")


def _model_look(settings: Settings, place: ModelPlace) -> Callable[[], Looked]:
    def look() -> Looked:
        model = open_model(
            place.spec, endpoint=place.endpoint, api_key=place.key, timeout=_PATIENCE, num_ctx=settings.num_ctx,
            max_calls=0,
        )  # fmt: skip
        status = model.status()
        where = f"{status.name} on {status.service} at {status.address}"
        return Looked(status.answers, where, status.hints, fine=status.present)

    return look
