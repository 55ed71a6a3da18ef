"""State variables that journal each change, and the running hash that the journal gives.

A journal entry is `(holder, key, what was there before)`; the holder is a variable, or the state itself when a whole
variable was made, replaced or removed. `htn.state` says what the rules are.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from htn.errors import NeedsValue, UsageError
from htn.itemwise import ItemwiseDict
from htn.unknown import Unknown
from htn.values import ATOMS, is_atom, own_copy, show

ABSENT: Any = object()
Change: TypeAlias = tuple[Any, Any, Any]


class Journal:
    """The changes since the state was made, oldest first, and the values whose parts may have changed.

    The first `hashed` changes are part of the running hash; later ones are added when somebody asks for it, so a
    search that never asks pays nothing.
    """

    __slots__ = ("changes", "hash", "hashed", "log", "watched")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.log = self.changes.append
        self.watched: dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any, Any]] = {}
        self.hash = 0
        self.hashed = 0

    def settle(self) -> None:
        """Journal what was changed in place since the last call."""
        for holder, key, value, before in self.watched.values():
            if same(value, before):
                dict.__setitem__(holder, key, before)
            else:
                self.changes.append((holder, key, before))
        self.watched.clear()

    def bring_hash_up_to_date(self, state: Any) -> None:
        """Add the changes that are not part of the running hash yet; XOR, so their order does not matter.

        What was changed in a variable after another had taken its place is no part of the state.
        """
        later: dict[tuple[int, Any], Any] = {}
        inside: dict[int, int] = {}  # by variable: what the changes inside it, seen so far, add up to
        total = 0
        for holder, key, before in reversed(self.changes[self.hashed :]):
            after = later[id(holder), key] if (id(holder), key) in later else held(holder, key)
            step = place_hash(holder, key, before) ^ place_hash(holder, key, after)
            later[id(holder), key] = before
            if isinstance(holder, Variable):
                inside[id(holder)] = inside.get(id(holder), 0) ^ step
                place = (id(state), holder._name)
                if (later[place] if place in later else held(state, holder._name)) is not holder:
                    continue
            else:
                step ^= inside.get(id(after), 0) ^ inside.get(id(before), 0)
            total ^= step
        self.hash ^= total
        self.hashed = len(self.changes)


def held(holder: Any, key: Any) -> Any:
    """Return what lies at a place of the journal: a key of a variable, or the name of a variable of a state."""
    return dict.get(holder, key, ABSENT) if isinstance(holder, Variable) else getattr(holder, key, ABSENT)


def place_hash(holder: Any, key: Any, value: Any) -> int:
    """Return the hash of one place of a state; a variable is all its places together."""
    if value is ABSENT:
        return 0
    if isinstance(holder, Variable):
        return hash((holder._name, frozen(key), frozen(value)))
    if not isinstance(value, Variable):
        return hash((key, None, frozen(value)))
    total = hash((key, "a mapping"))  # also when there is nothing in it
    for inner, part in dict.items(value):
        total ^= place_hash(value, inner, part)
    return total


def frozen(value: Any) -> Any:
    """Return something hashable that is equal for values that are the same, type and order included."""
    kind = type(value)
    if kind is Unknown:
        return id(value)
    if kind is list or kind is tuple:
        return kind, tuple(map(frozen, value))
    if kind is dict:
        return kind, tuple((frozen(key), frozen(part)) for key, part in value.items())
    if kind is set or kind is frozenset:
        return kind, frozenset(map(frozen, value))
    return kind, value, value == -1  # Python gives -1 the hash of -2


def same(value: Any, before: Any) -> bool:
    """Say whether nothing was changed in a value: True for 1, or another order of keys, is a change too."""
    kind = type(value)
    if value is before or kind is not type(before):
        return value is before
    if kind is list or kind is tuple:
        return len(value) == len(before) and all(map(same, value, before))
    if kind is dict:
        return len(value) == len(before) and all(map(same, value.items(), before.items()))
    return not differs(value, before)


def differs(value: object, before: object) -> bool:
    """Say whether two values are not equal; what is not known differs."""
    try:
        return value != before
    except NeedsValue:
        return True


class Variable(ItemwiseDict):
    """A state variable: a dict that journals each change. Values without parts are read at a dict's own speed.

    To iterate is to go over what is there at the beginning, so that a method that yields may wait while the search
    goes on. A dict puts a key that is deleted and comes back last; from the first deletion on each key carries the
    numbers of its insertions, and after an undo the keys are put in order when somebody looks.
    """

    __slots__ = ("_disordered", "_insertions", "_journal", "_log", "_name", "_numbers")
    _journal: Journal
    _log: Callable[[Change], None]
    _name: str
    _numbers: dict[Any, list[int]] | None
    _insertions: int
    _disordered: bool

    def __init__(self, values: Mapping[Any, Any], journal: Journal, name: str) -> None:
        super().__init__(values)
        self._journal, self._log, self._name = journal, journal.log, name
        self._numbers, self._insertions, self._disordered = None, 0, False

    def __setitem__(self, key: Any, value: Any) -> None:
        # The one line that a search spends most of its time in: a bound method saves three look-ups.
        if key is None:
            raise no_key(self._name)
        if type(value) not in ATOMS:
            value = own_copy(value, f"state.{self._name}[{show(key)}]")
            if not is_atom(value):
                self.__class__ = WatchedVariable
        before = dict.get(self, key, ABSENT)
        self._log((self, key, before))
        dict.__setitem__(self, key, value)
        if before is ABSENT and self._numbers is not None:
            self.number(key)

    def __delitem__(self, key: Any) -> None:
        before = dict.__getitem__(self, key)
        self.number_all()
        self._log((self, key, before))
        dict.__delitem__(self, key)

    def number_all(self) -> None:
        """Number the keys in their order, before one is deleted for the first time."""
        if self._numbers is None:
            self._numbers = {key: [at] for at, key in enumerate(self._keys())}
            self._insertions = len(self._numbers)

    def number(self, key: Any) -> None:
        """Number a key that was inserted."""
        if self._numbers is not None:
            self._insertions += 1
            self._numbers.setdefault(key, []).append(self._insertions)

    def take_back(self, key: Any, before: Any) -> None:
        """Undo one change: make a key hold what it held before, where it stood before."""
        if before is ABSENT:
            dict.pop(self, key, None)
            if self._numbers is not None:
                self._numbers[key].pop()
            return
        self._disordered = self._disordered or key not in self
        dict.__setitem__(self, key, before)

    def make_again(self, key: Any, before: Any, after: Any) -> None:
        """Redo one change that was journaled anew: make a key hold what it held after it."""
        if after is ABSENT:
            self.number_all()
            dict.pop(self, key, None)
            return
        if before is ABSENT:
            self.number(key)
        dict.__setitem__(self, key, after)

    def _keys(self) -> list[Any]:
        if self._disordered and self._numbers is not None:
            numbers = self._numbers
            pairs = sorted(dict.items(self), key=lambda pair: numbers[pair[0]][-1])
            dict.clear(self)
            dict.update(self, pairs)
            self._disordered = False
        return list(dict.keys(self))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys())

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._keys()[::-1])

    def keys(self) -> Any:
        """Return the keys as they are now."""
        return dict.fromkeys(self._keys()).keys()

    def items(self) -> Any:
        """Return the pairs of key and value as they are now."""
        return {key: self[key] for key in self._keys()}.items()

    def values(self) -> Any:
        """Return the values as they are now."""
        return {key: self[key] for key in self._keys()}.values()

    def copy(self) -> dict[Any, Any]:
        """Return a plain dict with the same pairs."""
        return dict(self.items())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy belongs to no state, so it is a plain dict.
        self._keys()
        return dict, (dict(dict.items(self)),)


class WatchedVariable(Variable):
    """A variable that holds lists, sets or dicts: each one that is read may be changed where it lies."""

    __slots__ = ()

    def _watch(self, key: Any, value: Any) -> Any:
        if is_atom(value) or (id(self), key) in self._journal.watched:
            return value
        handed_out = own_copy(value, f"state.{self._name}")
        self._journal.watched[id(self), key] = (self, key, handed_out, value)
        dict.__setitem__(self, key, handed_out)
        return handed_out

    def __getitem__(self, key: Any) -> Any:
        return self._watch(key, dict.__getitem__(self, key))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        if key not in self:
            return default
        return self[key]

    def _unwatch(self, key: Any) -> None:
        # A value that is replaced must be journaled as it was before it was changed in place.
        watched = self._journal.watched.pop((id(self), key), None)
        if watched:
            dict.__setitem__(self, key, watched[3])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._unwatch(key)
        Variable.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._unwatch(key)
        Variable.__delitem__(self, key)


def no_key(name: str) -> UsageError:
    """Return the error for None as a key."""
    return UsageError(f"None cannot be a key of state.{name}", hints=("use a text, such as 'nobody'",))
