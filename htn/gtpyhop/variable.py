"""A dict-valued state variable while the search works on it: a dict that journals each change of a place.

Values that cannot change are read and written at a dict's own speed. A value that can is copied when it is first
read; the reader gets the copy, and when the action has ended the copy is compared with what was there: when it was
changed, that is one change in the journal, and when not, the copy is kept for the next reader. What lies in the
variable between actions is changed by nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from htn.gtpyhop.values import ABSENT, ATOMS, is_as_sealed, is_fixed, own_copy, same, sealed
from htn.itemwise import ItemwiseDict

# Where something changed, and what was there before.
Change: TypeAlias = tuple[Any, Any, Any]
# A key of a variable, by the variable's identity; or the name of a variable.
Place: TypeAlias = tuple[int, Any] | str


class _Order:
    """Stands, in the journal, where a key would: what was there before is the order of the keys."""


ORDER: Final = _Order()


class Reading(NamedTuple):
    """A value that lies somewhere, the copy of it that readers get, and what seals it while it is unchanged.

    `shown` is what the readers look at where that is not the holder itself: a value that nobody has read is not there.
    """

    holder: dict[Any, Any]
    key: Any
    value: Any
    copy: Any
    seal: bytes | None
    shown: dict[str, Any] | None


# What is looked at when an action has ended: a value that was read, or something else that is to be done then.
Watching: TypeAlias = Reading | Callable[[], None]


class Journal:
    """The changes since the search began, oldest first, and the places whose values were handed out."""

    __slots__ = ("changes", "log", "readings", "watched")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.log = self.changes.append
        self.watched: dict[Place, Watching] = {}
        # Of earlier readers that changed nothing.
        self.readings: dict[Place, Reading] = {}

    def settle(self) -> None:
        """Settle what is watched, the latest first: journal what has become another value."""
        watched = self.watched
        while watched:
            place, watching = watched.popitem()
            if isinstance(watching, Reading):
                self._settle(place, watching)
            else:
                watching()

    def settle_one(self, place: Place) -> None:
        """Settle one place, if it is watched."""
        watching = self.watched.pop(place, None)
        if isinstance(watching, Reading):
            self._settle(place, watching)
        elif watching is not None:
            watching()

    def _settle(self, place: Place, reading: Reading) -> None:
        holder, key, value, copy, seal, shown = reading
        unchanged = is_as_sealed(copy, seal) or same(copy, value)
        if not unchanged:
            del self.readings[place]
            self.changes.append((holder, key, value))
        if shown is not None:
            shown.pop(key, None)
        if unchanged is (shown is None):
            dict.__setitem__(holder, key, value if unchanged else copy)

    def read(self, place: Place, holder: dict[Any, Any], key: Any, value: Any, shown: dict[str, Any] | None) -> Any:
        """Return the copy of a value that readers get, and watch what they do with it."""
        reading = self.readings.get(place)
        if reading is None or reading.value is not value:
            copy = own_copy(value)
            reading = self.readings[place] = Reading(holder, key, value, copy, sealed(copy), shown)
        self.watched[place] = reading
        return reading.copy


class Variable(ItemwiseDict):
    """A state variable whose values cannot change where they lie; one that gets another kind becomes a `Watched`."""

    __slots__ = ("_factory", "_journal", "_log", "_name")
    _journal: Journal
    _log: Callable[[Change], None]
    _name: str
    _factory: Callable[[], Any] | None

    @classmethod
    def of(cls, journal: Journal, name: str, pairs: dict[Any, Any]) -> "Variable":
        """Return the variable that holds what a dict holds; the dict's own values stay untouched."""
        if type(pairs) is dict and ATOMS.issuperset(map(type, pairs.values())):
            made, factory = Variable(pairs), None
        else:
            factory = factory_of(pairs)
            fixed = factory is None and all(map(is_fixed, dict.values(pairs)))
            made = (Variable if fixed else Watched)(dict.items(pairs))
        made._journal, made._log, made._name, made._factory = journal, journal.log, name, factory
        return made

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(value) not in ATOMS and not is_fixed(value):
            self.__class__ = Watched
            self[key] = value
            return
        self._log((self, key, dict.get(self, key, ABSENT)))
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        value = dict.__getitem__(self, key)
        last = next(reversed(self))
        if last is not key and last != key:
            self._log((self, ORDER, tuple(dict.keys(self))))
        self._log((self, key, value))
        dict.__delitem__(self, key)

    def held(self, key: Any) -> Any:
        """Return what lies at a key, or ABSENT."""
        return dict.get(self, key, ABSENT)

    def take_back(self, key: Any, before: Any) -> None:
        """Undo one change: make a key hold what it held before."""
        if key is ORDER:
            self.put_in_order(before)
        elif before is ABSENT:
            dict.pop(self, key, None)
        else:
            dict.__setitem__(self, key, before)

    def put_in_order(self, keys: tuple[Any, ...]) -> None:
        """Bring the keys, all of them, into an order; this is for taking back and is not journaled."""
        pairs = [(key, dict.__getitem__(self, key)) for key in keys]
        dict.clear(self)
        dict.update(self, pairs)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        plain: dict[Any, Any] = own_copy(self.copy())
        return plain

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # A copy belongs to no search, so it is a plain dict.
        return dict, (self.copy(),)

    def copy(self) -> dict[Any, Any]:
        """Return a plain dict with the same values."""
        return dict(self)

    def become(self, pairs: dict[Any, Any]) -> None:
        """Hold what a plain dict holds, order included; only what differs is journaled."""
        if list(self) != list(pairs)[: len(self)]:
            self.clear()
        for key, value in pairs.items():
            if not same(dict.get(self, key, ABSENT), value):
                self[key] = value


class Watched(Variable):
    """A state variable with values that can change: each one that is read is watched until the action ends."""

    __slots__ = ()

    def _watch(self, key: Any, value: Any) -> Any:
        place, journal = (id(self), key), self._journal
        if place in journal.watched or is_fixed(value):
            return value
        handed_out = journal.read(place, self, key, value, None)
        dict.__setitem__(self, key, handed_out)
        return handed_out

    def __missing__(self, key: Any) -> Any:
        """Make what a defaultdict makes; unless it is changed before the action ends, it was never there."""
        factory = self._factory
        if factory is None:
            raise KeyError(key)
        made, place, journal = factory(), (id(self), key), self._journal

        def settle() -> None:
            if same(made, factory()):
                dict.__delitem__(self, key)
            else:
                journal.changes.append((self, key, ABSENT))

        journal.watched[place] = settle
        dict.__setitem__(self, key, made)
        return made

    def _unwatch(self, key: Any) -> None:
        # A value that is replaced must be journaled as it was before it was handed out.
        self._journal.settle_one((id(self), key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if value is dict.get(self, key, ABSENT) and (id(self), key) in self._journal.watched:
            return
        self._unwatch(key)
        if isinstance(value, Variable):
            value = value.copy()
        self._log((self, key, dict.get(self, key, ABSENT)))
        dict.__setitem__(self, key, value)
        if not is_fixed(value):
            # Until the action ends it is the writer's own value, which may go on changing; then the variable's.
            self._journal.watched[id(self), key] = lambda: dict.__setitem__(self, key, own_copy(value))

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            raise KeyError(key)
        self._unwatch(key)
        Variable.__delitem__(self, key)

    def __getitem__(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in ATOMS:
            return value
        journal, place = self._journal, (id(self), key)
        reading = journal.readings.get(place)
        if reading is None or reading.value is not value:
            return self._watch(key, value)
        journal.watched[place] = reading
        dict.__setitem__(self, key, reading.copy)
        return reading.copy

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        if key not in self:
            return default
        return self[key]

    def __iter__(self) -> Iterator[Any]:
        # Overridden so that dict(variable) and {**variable} read each value through __getitem__.
        return dict.__iter__(self)

    def values(self) -> Any:
        """Return the values."""
        return [self[key] for key in self]

    def items(self) -> Any:
        """Return the keys with their values."""
        return [(key, self[key]) for key in self]

    def copy(self) -> dict[Any, Any]:
        """Return a plain dict with the same values, which are watched."""
        plain = dict(self.items())
        return plain if self._factory is None else defaultdict(self._factory, plain)

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()


def factory_of(pairs: dict[Any, Any]) -> Callable[[], Any] | None:
    """Return what makes the values of absent keys, or None."""
    if isinstance(pairs, Variable):
        return pairs._factory
    return pairs.default_factory if type(pairs) is defaultdict else None
