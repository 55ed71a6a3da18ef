"""What a search has tried before, so that it is not tried again.

A pair of state and agenda that comes again, on the way itself (a loop) or after it was found to be a dead end, leads
nowhere new; it is given up unless less was paid for it this time. Only hashes are kept.

Remembering costs time, so it begins only when there is reason for it: when the search has met some dead ends, or
seems to run in a circle, which is the same task with the same rest again in what may be the same state, looked for at
growing distances (Brent, 1980). And it ends where it is no use: when of the first look-ups hardly one found anything,
until there are many more dead ends.
"""

from __future__ import annotations

from typing import Any

from htn.errors import NeedsValue
from htn.search.agenda import Agenda, Hasher
from htn.search.problem import Journaled

_FIRST_DEAD_ENDS = 64
# Worth its price when one look-up in so many finds something; judged after so many look-ups.
_WORTH_IT, _TRIALS = 50, 500
_NOWHERE = object()


class Memory:
    """The memory of one search; with `off` it never remembers anything."""

    def __init__(self, state: Journaled, *, off: bool = False) -> None:
        self._state, self._off = state, off
        self._hasher: Hasher | None = None
        self._paid: dict[tuple[int, int], float] = {}
        self._dead_ends = self._looked_up = self._repeats = 0
        self._begin_at = _FIRST_DEAD_ENDS
        # The task and the rest that a circle would come back to, how long the tree was there, and at how many
        # expansions to ask in any case.
        self.circle: tuple[Any, Any] = ((), _NOWHERE)
        self._circle_from = self._circle_mark = 0
        self.ask_at = 0

    def is_repeated(self, agenda: Agenda, expansions: int, length: int, cost: float) -> bool:
        """Say whether the same was left to do in the same state before, for no more; and remember that it is now.

        `length` is that of the tree. Need not be asked before `ask_at` expansions, unless `circle` comes again.
        """
        if self._off or agenda is None:
            return False
        if self._hasher is None:
            item, _, rest = agenda
            is_circle = rest is self.circle[1] and same(item, self.circle[0])
            if not is_circle or self._state.surely_differs_from(self._circle_mark):
                if expansions >= self.ask_at:
                    self.circle, self._circle_from, self.ask_at = (item, rest), length, 2 * expansions
                    self._circle_mark = self._state.mark()
                return False
            self._begin()
        assert self._hasher is not None  # it is made by _begin
        key = self._state.fingerprint(), self._hasher.of(agenda)
        paid = self._paid.get(key)
        self._looked_up += 1
        if paid is not None and paid <= cost:
            self._repeats += 1
            return True
        self._paid[key] = cost
        if self._looked_up == _TRIALS and self._repeats * _WORTH_IT < _TRIALS:
            self._hasher, self._paid = None, {}
            self.circle, self._circle_from, self.ask_at = ((), _NOWHERE), 0, expansions
            self._begin_at = 8 * max(self._dead_ends, _FIRST_DEAD_ENDS)
        return False

    def count_dead_end(self) -> None:
        """Note that the search met a dead end."""
        self._dead_ends += 1
        if self._dead_ends == self._begin_at:
            self._begin()

    def went_back(self, length: int) -> None:
        """Note that the search went back to where its tree had this length; a circle would have to begin anew."""
        if length < self._circle_from:
            self.circle, self._circle_from = ((), _NOWHERE), 0

    def _begin(self) -> None:
        if self._hasher is None:
            self._hasher, self.ask_at = Hasher(), 0
            self._looked_up = self._repeats = 0


def same(one: Any, other: Any) -> bool:
    """Say whether two tasks are equal; what is not known is not the same."""
    try:
        return bool(one == other)
    except NeedsValue:
        return False
