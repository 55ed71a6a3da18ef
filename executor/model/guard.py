"""What stands between a question and a model: the breaker of its server, and the budgets of all who ask.

The rules:

1. A call passes the breaker first, then its worst case is held; only then it goes out. What came of it is told to both.
2. A failure of the server counts against it: nobody there, no end, an error of its own (5xx), a wish for fewer requests
   (429). A refusal of the request (400, 401, 404) and an answer of another form do not: it is there and works.
3. What is not known to have cost less is counted at its worst: a call that broke off, or was interrupted.
4. Where the store does not answer, a call goes out uncounted, which is said once; unless there is a limit: then not.
"""

import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from threading import Lock
from typing import Protocol, TypeVar

from executor.model.prices import Price
from executor.model.protocol import InvalidAnswer
from executor.model.reply import Reply
from executor.model.spending import Allowance, Held, Ledger, Limits, Spender, Worst, no_room, price_unknown, worst_of
from executor.model.wire import RefusedError
from htn.errors import HtnError, ServiceMissing

R = TypeVar("R")

_PATIENT = (408, 425, 429)  # not the request is wrong, but its moment
_LOOK_SECONDS = 10.0
_POLL_SECONDS = (0.05, 1.0)
_QUIET_SECONDS = 5.0
_SLACK_SECONDS = 60.0  # beyond the time of a call, for whoever settles it


class Breakers(Protocol):
    """Which servers are to be asked; `executor.store.Breakers` is one."""

    def admit(self, server: str, mark: str, *, probe_seconds: float) -> tuple[str, float]:
        """Say whether a call may go out, and else for how many seconds none may."""

    def failed(self, server: str, mark: str, *, asked: float = 0.0, why: str = "") -> None:
        """Count a failure of a call."""

    def worked(self, server: str, mark: str) -> None:
        """Say that a call was answered."""

    def leave(self, server: str, mark: str) -> None:
        """Say that a call says nothing about the server."""

    def look_is_due(self, server: str, *, seconds: float) -> bool:
        """Say whether to look if a server answers."""

    def seen(self, server: str, *, answers: bool, why: str = "") -> None:
        """Keep what a look has shown."""

    def reachable(self, server: str) -> bool:
        """Say whether a server answered when somebody looked last."""


class Tallies(Protocol):
    """How models have done; `executor.store.Tallies` is one."""

    def add(
        self,
        digest: str,
        name: str,
        mark: str,
        *,
        well: bool,
        ms: int,
        cost: int,
        prompt_tokens: int,
        answer_tokens: int,
    ) -> object:
        """Count one call."""


@dataclass(frozen=True)
class Books:
    """What all processes write together about models."""

    ledger: Ledger
    breakers: Breakers
    tallies: Tallies


class LeftAlone(ServiceMissing):
    """A server is not asked for another `seconds`; `rests` says that it asked for that itself."""

    def __init__(self, message: str, *, seconds: float, rests: bool, hints: tuple[str, ...]) -> None:
        super().__init__(message, hints=hints)
        self.seconds = seconds
        self.rests = rests


def digest_of(*parts: str) -> str:
    """Return the name in the store of a model or a server."""
    return sha256(" ".join(parts).encode(errors="replace")).hexdigest()


@dataclass
class Guard:
    """The guard of one model, "provider:name", whose server is at `url`. Many threads may pass it at once."""

    model: str
    url: str
    books: Callable[[], Books]
    timeout: float
    price: Price | None = None
    allowance: Allowance = field(default_factory=Allowance)
    spender: Callable[[], Spender] = lambda: Spender("nobody")
    on_trouble: Callable[[str], None] = lambda text: None
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    sleep: Callable[[float], None] = time.sleep
    _said: bool = False
    _quiet_until: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def server(self) -> str:
        """The name of the server in the store."""
        return digest_of(self.model.partition(":")[0], self.url)

    @property
    def _lasts(self) -> float:
        """The most seconds between letting a call out and its end: it may wait for its turn as long as it may take."""
        return 2 * self.timeout + _SLACK_SECONDS

    def enter(self, purpose: str, worst: Worst) -> "Passage":
        """Let a call out: LeftAlone where its server is left alone, LimitReached where a budget is too small."""
        passage = Passage(self, worst)
        self._admit(passage.mark)
        try:
            self._hold(passage, purpose)
        except BaseException:
            self.leave(passage.mark)
            raise
        return passage

    def leave(self, mark: str) -> None:
        """Let another call be the probe: this one says nothing about the server."""
        self.tried(lambda: self.books().breakers.leave(self.server, mark))

    def reachable(self, look: Callable[[], str]) -> bool:
        """Say whether the server answered when somebody looked last; `look` says why it does not, or nothing."""
        return self.tried(lambda: self._reachable(look)) is not False

    def tried(self, work: Callable[[], R]) -> R | None:
        """Do something with the books; where the store does not answer, say so once and go on.

        It is not tried again for a while then: each try may take as long as a connection does.
        """
        if time.monotonic() < self._quiet_until:
            return None
        try:
            return work()
        except ServiceMissing as error:
            with self._lock:
                told, self._said = self._said, True
                self._quiet_until = time.monotonic() + _QUIET_SECONDS
            if not told:
                self.on_trouble(f"what models do is not counted: {error.message}")
            return None

    def _reachable(self, look: Callable[[], str]) -> bool:
        breakers = self.books().breakers
        if breakers.look_is_due(self.server, seconds=_LOOK_SECONDS):
            why = look()
            breakers.seen(self.server, answers=not why, why=why)
            return not why
        return breakers.reachable(self.server)

    def _admit(self, mark: str) -> None:
        found = self.tried(lambda: self.books().breakers.admit(self.server, mark, probe_seconds=self._lasts))
        if found is None or found[0] in ("passes", "probes"):
            return
        how, seconds = found
        provider = self.model.partition(":")[0]
        if how == "rests":
            message, hints = f"asked to wait another {seconds:.0f} s", ("ask more slowly: HTN_REQUESTS_PER_MINUTE",)
        else:
            wait = "until one call has shown that it works again" if how == "probed" else f"for another {seconds:.0f} s"
            message = f"failed several times in a row and is left alone {wait}"
            hints = (f"see why: htn models; have it asked at once: htn models reset {provider}",)
        other = "have another model asked then: HTN_FALLBACK_MODELS"
        raise LeftAlone(
            f"the model server at {self.url} {message}", seconds=seconds, rests=how == "rests", hints=(*hints, other)
        )

    def _hold(self, passage: "Passage", purpose: str) -> None:
        spender, day = self.spender(), self.today().isoformat()
        limits = {
            f"run:{spender.id}": self.allowance.run,
            f"day:{day}": self.allowance.day,
            f"model:{day}:{digest_of(self.model)}": self.allowance.model,
        }
        if self.price is None and any(each.cost is not None for each in limits.values()):
            raise price_unknown(self.model)
        worst = worst_of(passage.worst, self.price, math.ceil(self.timeout * 1000))
        waited, pause = 0.0, _POLL_SECONDS[0]
        while (held := self._held(limits, worst)) is not None:
            if held.fits == "yes":
                passage.hold(list(limits), held)
                return
            if held.fits == "never" or waited >= self.timeout + _SLACK_SECONDS:
                raise no_room(held, limits[held.account], worst, spender, self.model, purpose)
            self.sleep(pause)  # other calls hold it; what they do not use is free when they end
            waited, pause = waited + pause, min(_POLL_SECONDS[1], pause * 2)

    def _held(self, limits: dict[str, Limits], worst: dict[str, int]) -> Held | None:
        accounts = {account: each.given() for account, each in limits.items()}

        def hold() -> Held:
            return self.books().ledger.hold(accounts, worst, lifetime=self._lasts)

        return hold() if self.allowance.limited else self.tried(hold)


class Passage:
    """One call on its way: what is held for it, and whom to tell what came of it. It is ended once."""

    def __init__(self, guard: Guard, worst: Worst) -> None:
        self.mark = uuid.uuid4().hex
        self.worst = worst
        self.seconds = guard.timeout
        self._guard = guard
        self._accounts: list[str] = []
        self._held = ""

    def hold(self, accounts: list[str], held: Held) -> None:
        """Take note of what is held for this call; its time may be shorter than was asked."""
        self._accounts, self._held = accounts, held.mark
        self.seconds = held.ms / 1000

    def unsent(self) -> None:
        """Say that no request went out, for a reason of our own."""
        self._settle({})
        self._guard.leave(self.mark)

    def nobody_there(self, error: HtnError) -> None:
        """Say that no request went out, because nobody is there who would take it."""
        self._settle({})
        self._tell(error)

    def answered(self, reply: Reply, seconds: float, *, well: bool) -> None:
        """Say that an answer came; `well` says that it has the asked form."""
        prompt = reply.prompt_tokens or self.worst.prompt
        answer = reply.answer_tokens or min(self.worst.answer, len(reply.text.encode(errors="replace")))
        self._count(seconds, prompt, answer, well=well)
        self._tell(None)

    def failed(self, error: BaseException, seconds: float) -> None:
        """Say that a request went out, and no answer came of it that could be read."""
        refusal = _refusal(error)
        refused = refusal is not None and refusal.status > 0  # before anything was worked on, not in the middle of it
        prompt, answer = (0, 0) if refused else (self.worst.prompt, self.worst.answer)
        self._count(seconds, prompt, answer, well=False)
        if isinstance(error, HtnError):
            self._tell(error)
        else:
            self._guard.leave(self.mark)  # an interrupt says nothing about the server

    def _count(self, seconds: float, prompt: int, answer: int, *, well: bool) -> None:
        guard, ms = self._guard, math.ceil(seconds * 1000)
        cost = guard.price.of(prompt, answer) if guard.price else 0
        told = {"prompt_tokens": prompt, "answer_tokens": answer}
        self._settle({"calls": 1, "tokens": prompt + answer, "cost": cost, "ms": ms, **told})
        digest = digest_of(guard.model)
        guard.tried(
            lambda: guard.books().tallies.add(digest, guard.model, self.mark, well=well, ms=ms, cost=cost, **told)
        )

    def _settle(self, used: dict[str, int]) -> None:
        if self._held:
            self._guard.tried(lambda: self._guard.books().ledger.settle(self._accounts, self._held, used))

    def _tell(self, error: HtnError | None) -> None:
        server = self._guard.server

        def tell() -> None:
            breakers = self._guard.books().breakers
            if error is None or not _is_failure(error):
                breakers.worked(server, self.mark)
            else:
                breakers.failed(server, self.mark, asked=_asked(error), why=error.message)

        self._guard.tried(tell)


def _refusal(error: BaseException) -> RefusedError | None:
    """Return the refusal that an error is or comes from."""
    found = error if isinstance(error, RefusedError) else error.__cause__
    return found if isinstance(found, RefusedError) else None


def _is_failure(error: HtnError) -> bool:
    """Say whether an error speaks against the server, and not against the question."""
    refusal = _refusal(error)
    if refusal is not None:
        return refusal.status < 0 or refusal.status >= 500 or refusal.status in _PATIENT
    return isinstance(error, ServiceMissing) and not isinstance(error, InvalidAnswer)


def _asked(error: HtnError) -> float:
    refusal = _refusal(error)
    return refusal.retry_after if refusal else 0.0
