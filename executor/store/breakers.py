"""Whether the servers of models are to be asked: a breaker and a health for each, shared by all processes.

    closed ──N failures in a row──▶ open ──its time is over──▶ half open ──the probe worked──▶ closed
                                     ▲                              │
                                     └────────the probe failed──────┘

While it is half open one call, of whichever process, passes as the probe; where the process dies with it, another may
pass once the time of the probe is over. A server that asks to wait rests: nobody passes until then, and everybody
after. The server's clock of the store counts.
"""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from executor.store import budget_scripts as scripts
from executor.store.connection import Connection
from executor.store.keys import Keys

Admission = Literal["passes", "probes", "open", "probed", "rests"]
_ADMISSIONS: tuple[Admission, ...] = ("passes", "probes", "open", "probed", "rests")
_STATES = ("closed", "half-open", "open", "resting")
_MOST_WHY = 300


@dataclass(frozen=True)
class BreakerTimes:
    """After how many failures in a row a breaker opens, for how many seconds, and how old a look may be."""

    failures: int = 5
    recovery: float = 300.0
    look: float = 60.0


@dataclass(frozen=True)
class BreakerState:
    """What is known of one server.

    `state` is closed, half-open, open or resting, for another `seconds`. `looked` says how many seconds ago somebody
    looked whether it answers, None for never; `answers` is what was seen then.
    """

    state: str
    seconds: float
    failures: int
    why: str
    looked: float | None
    answers: bool
    unanswered: str


class Breakers:
    """The breakers under one prefix of one server; `Store.breakers` makes it."""

    def __init__(self, connection: Connection, keys: Keys, times: BreakerTimes) -> None:
        self._connection = connection
        self._keys = keys
        self.times = times

    def admit(self, server: str, mark: str, *, probe_seconds: float) -> tuple[Admission, float]:
        """Say whether a call may go out, else for how many seconds none may. `mark` is the name of the call."""
        code, ms = self._run(scripts.BREAKER_ADMIT, server, (mark, _ms(probe_seconds)))
        return _ADMISSIONS[int(code)], math.ceil(int(ms)) / 1000

    def failed(self, server: str, mark: str, *, asked: float = 0.0, why: str = "") -> None:
        """Count a failure of a call. `asked` are the seconds that the server asked to wait."""
        times = (str(self.times.failures), _ms(self.times.recovery), _ms(asked))
        self._run(scripts.BREAKER_FAILED, server, (mark, *times, why[:_MOST_WHY]))

    def worked(self, server: str, mark: str) -> None:
        """Say that a call was answered."""
        self._run(scripts.BREAKER_WORKED, server, (mark,))

    def leave(self, server: str, mark: str) -> None:
        """Say that a call came to nothing that says anything about the server: another one may be the probe."""
        self._run(scripts.BREAKER_LEAVE, server, (mark,))

    def state(self, server: str) -> BreakerState:
        """Return what is known of a server."""
        code, ms, failures, why, age, answers, unanswered = self._run(scripts.BREAKER_STATE, server, ())
        looked = None if int(age) < 0 else int(age) / 1000
        return BreakerState(
            _STATES[int(code)], int(ms) / 1000, int(failures), str(why), looked, answers == "1", str(unanswered)
        )

    def look_is_due(self, server: str, *, seconds: float) -> bool:
        """Say whether this process is to look if a server answers, which takes at most so many seconds.

        That is so where nobody has looked, or been answered, for a while; of several processes one is told so.
        """
        given = (uuid.uuid4().hex, _ms(self.times.look), _ms(seconds))
        return int(self._run(scripts.HEALTH_DUE, server, given)[0]) == 1

    def seen(self, server: str, *, answers: bool, why: str = "") -> None:
        """Keep what a look has shown."""
        self._run(scripts.HEALTH_SEEN, server, ("01"[answers], why[:_MOST_WHY]))

    def reachable(self, server: str) -> bool:
        """Say whether a server answered when somebody looked last; one that nobody has looked at is taken to."""
        state = self.state(server)
        return state.looked is None or state.answers

    def reset(self, server: str) -> None:
        """Forget what is known of a server: it is asked again at once."""
        keys = (self._keys.breaker(server), self._keys.health(server))
        self._connection.run(lambda client, again: client.delete(*keys))

    def _run(self, script: str, server: str, given: Sequence[str]) -> list[Any]:
        keys = [self._keys.breaker(server), self._keys.health(server)]
        return list(self._connection.run(lambda client, again: client.register_script(script)(keys, list(given))))


def _ms(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))
