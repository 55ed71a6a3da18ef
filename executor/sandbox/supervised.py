"""A running supervisor as the host sees it, and what it must have been started with."""

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from executor.sandbox.protocol import Category, Profile, SandboxLimits
from executor.sandbox.wire import LinkLateError, LinkLostError, Wire
from htn.errors import UsageError

_CHECK = SandboxLimits(seconds=1.0, memory_mb=64)
_CHECK_GRACE = 1.0
_CHECK_BYTES = 4096


def usable_cores() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@dataclass(frozen=True)
class PoolSettings:
    """How many supervisors are kept, and for how long.

    For each need at most `size` serve at once, and `spares` (0 or 1) are started ahead. One is
    replaced after `calls` calls or `oldest_seconds`, ended when nobody wanted it for
    `idle_seconds`, and checked by a call that does nothing after `check_seconds` without one.
    """

    size: int = 0
    spares: int = 1
    calls: int = 1000
    oldest_seconds: float = 1800.0
    idle_seconds: float = 300.0
    check_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.size == 0:
            object.__setattr__(self, "size", usable_cores())
        for name, least, most in (
            ("size", 1, 256),
            ("spares", 0, 1),
            ("calls", 1, 1_000_000),
            ("oldest_seconds", 1, 86_400),
            ("idle_seconds", 0.1, 86_400),
            ("check_seconds", 0, 86_400),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(
                    f"a pool's {name} cannot be {value}",
                    hints=(f"choose a number from {least} to {most}",),
                )


@dataclass(frozen=True)
class Need:
    """What a supervisor must be started with to serve a call: these cannot change while it runs."""

    hash_seed: int = 0
    language: str = "python"
    dependencies: tuple[str, ...] = ()
    profile: Profile = "strict"
    compiles: bool = False


class Supervised(ABC):
    """A running supervisor and the wire to it."""

    def __init__(self, need: Need, wire: Wire) -> None:
        self.need = need
        self.wire = wire
        self.calls = 0
        self.born = self.idle_since = time.monotonic()

    @property
    def unused(self) -> bool:
        """Whether no body has run in it yet."""
        return self.calls == 0

    def worn(self, settings: PoolSettings) -> bool:
        """Whether it has served long enough."""
        return self.calls >= settings.calls or time.monotonic() - self.born >= settings.oldest_seconds

    def fit(self, settings: PoolSettings) -> bool:
        """Whether it may serve a call; after a while without one, it proves that with an empty call."""
        if self.worn(settings) or not self.wire.alive():
            return False
        return time.monotonic() - self.idle_since < settings.check_seconds or self._answers()

    @abstractmethod
    def cause_of_loss(self) -> tuple[Category, str]:
        """Return why the supervisor went away within a call."""

    @abstractmethod
    def stop(self) -> None:
        """End it and leave nothing behind. Never raises."""

    def _answers(self) -> bool:
        nothing: dict[str, object] = {
            "code": "",
            "entry_point": "",
            "form": "script",
            "files": {},
            "arguments": {},
            "clock": None,
        }
        try:
            reply = self.wire.exchange(
                {**nothing, "arguments": {}, "clock": None}, _CHECK, _CHECK_BYTES, grace=_CHECK_GRACE
            )
        except (LinkLateError, LinkLostError):
            return False
        return reply.clean and reply.ending == "exit" and bool(reply.answer)
