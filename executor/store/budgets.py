"""What models have used, by run, by day and by model, and what may still be used: one book for all processes.

An account is a run (`run:ID`), a day (`day:2026-01-31`) or a model on a day (`model:2026-01-31:HASH`). Four things are
counted in each: calls, tokens, cost in millionths of the currency, milliseconds.

Before a call its worst case is held in all accounts at once, or in none; after it what it really took is counted
instead. So what is counted and held together never passes a limit, however many processes ask at the same moment. What
a process held that died is counted at its worst once the time of its call is over: nobody knows what it took.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from executor.store import budget_scripts as scripts
from executor.store.connection import Connection
from executor.store.keys import Keys

KINDS = ("calls", "tokens", "cost", "ms")
FURTHER = ("prompt_tokens", "answer_tokens")
_DAY = 86_400_000
_LIFETIMES = {"run": 30 * _DAY, "day": 400 * _DAY, "model": 400 * _DAY}

Fits = Literal["yes", "later", "never"]


@dataclass(frozen=True)
class Held:
    """What came of a wish to hold a worst case.

    `fits` is "later" where it would fit once other calls, which hold so much, have come to an end. Otherwise `account`
    and `kind` say where there is no room: `used` is counted there, `held` is held by others. `ms` is the time that was
    granted, at most what was asked for; `mark` is the name of what is held.
    """

    fits: Fits
    mark: str
    ms: int = 0
    account: str = ""
    kind: str = ""
    used: int = 0
    held: int = 0


class Budgets:
    """The accounts under one prefix of one server; `Store.budgets` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def hold(self, accounts: Mapping[str, Mapping[str, int]], worst: Mapping[str, int], *, lifetime: float) -> Held:
        """Hold the worst case of one call in all accounts, each with its limits, for at most `lifetime` seconds.

        Time is granted as far as there is some: of `ms` the call gets what is left, if that is a second or all it asks.
        """
        mark = uuid.uuid4().hex
        names = list(accounts)
        limits = [str(accounts[name].get(kind, "")) for name in names for kind in KINDS]
        wanted = [str(worst.get(kind, 0)) for kind in KINDS]
        given = [mark, str(round(lifetime * 1000)), *wanted, *limits, *map(_lifetime, names)]
        code, number, kind, used, held = self._run(scripts.HOLD, names, given)
        if code == 0:
            return Held("yes", mark, ms=number)
        return Held("later" if code == 2 else "never", mark, 0, names[number - 1], KINDS[kind - 1], used, held)

    def settle(self, accounts: Sequence[str], mark: str, used: Mapping[str, int]) -> None:
        """Count what a call really took instead of what was held for it; nothing, for one that never went out.

        What lapsed meanwhile stays counted at its worst.
        """
        took = [str(used.get(kind, 0)) for kind in (*KINDS, *FURTHER)]
        self._run(scripts.SETTLE, accounts, [mark, *took, *map(_lifetime, accounts)])

    def used(self, account: str) -> dict[str, int]:
        """Return what is counted in an account, and as `held_calls` how many calls are under way."""
        spent, held = self._keys.spent(account), self._keys.held(account)
        found = self._connection.run(lambda client, again: client.hgetall(spent))
        under_way = self._connection.run(lambda client, again: client.hlen(held))
        counted = {kind: int(found.get(kind, 0)) for kind in (*KINDS, *FURTHER)}
        return counted | {"held_calls": int(under_way)}

    def _run(self, script: str, accounts: Sequence[str], given: Sequence[str]) -> list[int]:
        keys = [key for name in accounts for key in (self._keys.spent(name), self._keys.held(name))]
        found = self._connection.run(lambda client, again: client.register_script(script)(keys, list(given)))
        return [int(each) for each in found]


def _lifetime(account: str) -> str:
    return str(_LIFETIMES[account.partition(":")[0]])
