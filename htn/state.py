"""What is true at one moment of a plan: named state variables, and a journal that can take back any change.

A state variable is a mapping (`state.loc["alice"] == "home"`) or one plain value (`state.day == 3`). Every
change is written to the journal with what was there before; `undo` plays the journal back. Applying and
undoing an action therefore cost what the action changed, whatever the size of the state.

A list, set or dict inside a variable can be changed where it lies (`state.cargo["van"].append("box")`). Such
a value is copied when it is first read and compared when the action ends, so that this change is journaled
too. The copy is what the reader gets, and the state keeps it only when it was changed; so what a method holds
on to stays as it was read, whatever happens to the state. What is written into a variable is copied, so no two
variables share a part.

Not covered: an operator that keeps a list, set or dict and changes it after it has returned; and the order of
iteration, where a key that is deleted and then restored comes last.
"""

import keyword
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from htn.errors import NeedsValue, UsageError
from htn.unknown import Unknown
from htn.values import ATOMS, from_json, has_marked_key, hashable, is_atom, own_copy, show, to_json

_ABSENT: Any = object()
_Change: TypeAlias = tuple[dict[Any, Any], Any, Any]


class _Journal:
    """The changes since the state was made, oldest first, and the values whose parts may have changed.

    The first `hashed` changes are part of the running hash; later ones are added when somebody asks for it, so a
    search that never asks pays nothing.
    """

    __slots__ = ("changes", "hash", "hashed", "log", "watched")

    def __init__(self) -> None:
        self.changes: list[_Change] = []
        self.log = self.changes.append
        self.watched: dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any, Any]] = {}
        self.hash = 0
        self.hashed = 0

    def settle(self) -> None:
        """Journal what was changed in place since the last call."""
        for holder, key, value, before in self.watched.values():
            if _same(value, before):
                dict.__setitem__(holder, key, before)
            else:
                self.changes.append((holder, key, before))
        self.watched.clear()

    def bring_hash_up_to_date(self) -> None:
        """Add the changes that are not part of the running hash yet; XOR, so their order does not matter."""
        later: dict[tuple[int, Any], Any] = {}
        inside: dict[int, int] = {}  # by variable: what the changes inside it, seen so far, add up to
        total = 0
        for holder, key, before in reversed(self.changes[self.hashed :]):
            after = later.get((id(holder), key), _ABSENT)
            if (id(holder), key) not in later:
                after = dict.get(holder, key, _ABSENT)
            step = _place_hash(holder, key, before) ^ _place_hash(holder, key, after)
            if isinstance(holder, Variable):
                inside[id(holder)] = inside.get(id(holder), 0) ^ step
            else:
                step ^= inside.pop(id(after), 0) ^ inside.pop(id(before), 0)
            later[id(holder), key] = before
            total ^= step
        self.hash ^= total
        self.hashed = len(self.changes)


def _place_hash(holder: dict[Any, Any], key: Any, value: Any) -> int:
    """Return the hash of one place of a state; a variable is all its places together."""
    if value is _ABSENT:
        return 0
    if isinstance(holder, Variable):
        return hash((holder._name, key, type(key), _frozen(value)))
    if not isinstance(value, Variable):
        return hash((key, None, type(None), _frozen(value)))
    total = 0
    for inner, part in dict.items(value):
        total ^= _place_hash(value, inner, part)
    return total


def _frozen(value: Any) -> Any:
    """Return something hashable that is equal for values that are the same, type and order included."""
    kind = type(value)
    if kind is Unknown:
        return id(value)
    if kind is list or kind is tuple:
        return kind, tuple(map(_frozen, value))
    if kind is dict:
        return kind, tuple((_frozen(key), _frozen(part)) for key, part in value.items())
    if kind is set or kind is frozenset:
        return kind, frozenset(map(_frozen, value))
    return kind, value


def _same(value: Any, before: Any) -> bool:
    """Say whether nothing was changed in a value: True for 1, or another order of keys, is a change too."""
    kind = type(value)
    if value is before or kind is not type(before):
        return value is before
    if kind is list or kind is tuple:
        return len(value) == len(before) and all(map(_same, value, before))
    if kind is dict:
        return len(value) == len(before) and all(map(_same, value.items(), before.items()))
    return not _differs(value, before)


def _differs(value: object, before: object) -> bool:
    try:
        return value != before
    except NeedsValue:
        return True


class Variable(dict[Any, Any]):
    """A state variable: a dict that journals each change. Values without parts are read at a dict's own speed."""

    __slots__ = ("_journal", "_log", "_name")
    _journal: _Journal
    _log: Callable[[_Change], None]
    _name: str

    def __setitem__(self, key: Any, value: Any) -> None:
        # The one line that a search spends most of its time in: a bound method saves three look-ups.
        if key is None:
            raise _no_key(self._name)
        if type(value) not in ATOMS:
            value = own_copy(value, f"state.{self._name}[{show(key)}]")
            if not is_atom(value):
                self.__class__ = _WatchedVariable
        self._log((self, key, dict.get(self, key, _ABSENT)))
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._journal.changes.append((self, key, dict.__getitem__(self, key)))
        dict.__delitem__(self, key)

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove a key and return its value."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        """Remove and return the last pair."""
        if not self:
            raise KeyError(f"state.{self._name} is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove every key."""
        for key in list(self):
            del self[key]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, after setting it to `default` when it is absent."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *pairs: Any, **named: Any) -> None:
        """Set many keys."""
        for key, value in dict(*pairs, **named).items():
            self[key] = value

    def __ior__(self, other: Any) -> "Variable":  # type: ignore[misc]  # returns itself, as dict does
        self.update(other)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy belongs to no state, so it is a plain dict.
        return dict, (dict(dict.items(self)),)


class _WatchedVariable(Variable):
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
        if key not in self:
            return default
        return self[key]

    def __iter__(self) -> Iterator[Any]:
        # Overridden so that dict(variable) and variable | other read each value through __getitem__.
        return dict.__iter__(self)

    def values(self) -> Any:
        return [self[key] for key in self]

    def items(self) -> Any:
        return [(key, self[key]) for key in self]

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

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


class State:
    """The state variables at one moment. `State({"loc": {"alice": "home"}, "day": 3})`."""

    __slots__ = ("__dict__", "__weakref__", "_journal")
    _journal: _Journal

    def __init__(self, variables: Mapping[str, object] | None = None, /, **more: object) -> None:
        object.__setattr__(self, "_journal", _Journal())
        for name, value in {**(variables or {}), **more}.items():
            setattr(self, name, value)
        self._journal.changes.clear()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.isidentifier() or name.startswith("_") or keyword.iskeyword(name):
            raise UsageError(f"{name[:60]!r} cannot name a state variable: use a plain identifier")
        if hasattr(State, name):
            raise UsageError(
                f"{name!r} cannot name a state variable: state.{name} is what every state has",
                hints=(f"use another name, such as {name}_",),
            )
        if isinstance(value, dict):
            value = _variable(self._journal, name, value)
        elif not is_atom(value):
            raise UsageError(
                f"state.{name} cannot be a bare {type(value).__name__}",
                hints=(f"make it an entry of a mapping, such as state.{name}['all']",),
            )
        variables = self.__dict__
        self._journal.changes.append((variables, name, variables.get(name, _ABSENT)))
        variables[name] = value

    def __delattr__(self, name: str) -> None:
        variables = self.__dict__
        if name not in variables:
            raise AttributeError(f"the state has no variable {name!r}")
        self._journal.changes.append((variables, name, variables.pop(name)))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the state has no variable {name!r}; it has {', '.join(self) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # a state changes, so it is no key

    def __repr__(self) -> str:
        return f"State({self.__dict__!r})"

    def mark(self) -> int:
        """Return a point that `undo` can go back to."""
        if self._journal.watched:
            self._journal.settle()
        return len(self._journal.changes)

    def undo(self, mark: int) -> None:
        """Take back every change since `mark`, newest first."""
        journal = self._journal
        if journal.watched:
            journal.settle()
        changes = journal.changes
        while len(changes) > mark:
            holder, key, before = changes.pop()
            if len(changes) < journal.hashed:
                after = dict.get(holder, key, _ABSENT)
                journal.hash ^= _place_hash(holder, key, after) ^ _place_hash(holder, key, before)
                journal.hashed = len(changes)
            if before is _ABSENT:
                dict.pop(holder, key, None)
            else:
                dict.__setitem__(holder, key, before)

    def fingerprint(self) -> int:
        """Return the running hash: equal for equal states that came from this state, and for hardly any others.

        It is the XOR of the hashes of the places that differ from the state as it was made; it costs what changed
        since it was last asked for. It is valid within this process.
        """
        journal = self._journal
        if journal.watched:
            journal.settle()
        if journal.hashed < len(journal.changes):
            journal.bring_hash_up_to_date()
        return journal.hash

    def changes_since(self, mark: int) -> dict[tuple[str, Any], Any]:
        """Return what differs from the state at `mark`.

        Maps (variable, key) to the value it has here, or to `State.ABSENT` where it is gone; the key of a
        variable that is one plain value is None.
        """
        before = self._touched_since(mark)
        return {at: after for at, was in before.items() if _differs(after := self.look_up(*at), was)}

    def _touched_since(self, mark: int) -> dict[tuple[str, Any], Any]:
        """Return what every place that was written since `mark` held then."""
        self._journal.settle()
        first: dict[tuple[int, Any], _Change] = {}
        for change in self._journal.changes[mark:]:
            first.setdefault((id(change[0]), change[1]), change)
        replaced = {key: was for holder, key, was in first.values() if holder is self.__dict__}
        before: dict[tuple[str, Any], Any] = {}
        for holder, key, was in first.values():
            # A variable that was made and replaced after `mark` held nothing then.
            name = holder._name if isinstance(holder, Variable) else ""
            if name and holder is replaced.get(name, self.__dict__.get(name)):
                before[name, key] = was
        for name, was in replaced.items():
            for key, value in _places(was):
                before.setdefault((name, key), value)
            for key, _ in _places(self.__dict__.get(name, _ABSENT)):
                before.setdefault((name, key), _ABSENT)
        return before

    ABSENT = _ABSENT

    def look_up(self, variable: str, key: Any = None) -> Any:
        """Return what is at a variable and key, or `State.ABSENT`. Without a key: the plain value."""
        held = self.__dict__.get(variable, _ABSENT)
        if isinstance(held, Variable):
            return _ABSENT if key is None else held.get(key, _ABSENT)
        return held if key is None else _ABSENT

    def copy(self) -> "State":
        """Return a state with the same values and an empty journal."""
        return State(self.__dict__)

    def __reduce__(self) -> tuple[Any, ...]:
        return State, (dict(self.__dict__),)

    def to_json(self) -> dict[str, object]:
        """Return the state as JSON: a variable is an object, or a list of pairs where keys are not texts."""
        return {name: _variable_to_json(name, value) for name, value in self.__dict__.items()}

    @classmethod
    def from_json(cls, data: object) -> "State":
        """Return the state that `to_json` wrote: an object or a list of [key, value] pairs is a mapping."""
        if not isinstance(data, dict):
            raise UsageError("a state is a JSON object: its keys name state variables")
        return cls({str(name): _variable_from_json(str(name), value) for name, value in data.items()})


def _no_key(name: str) -> UsageError:
    return UsageError(f"None cannot be a key of state.{name}", hints=("use a text, such as 'nobody'",))


def _places(held: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values of a variable; a plain value has the key None."""
    if isinstance(held, Variable):
        return list(dict.items(held))
    return [] if held is _ABSENT else [(None, held)]


def _variable(journal: _Journal, name: str, pairs: Mapping[Any, Any]) -> Variable:
    where = f"state.{name}"
    items = dict.items(pairs) if isinstance(pairs, Variable) else pairs.items()
    values = {key: own_copy(value, where) for key, value in items}
    if None in values:
        raise _no_key(name)
    variable = (Variable if all(map(is_atom, values.values())) else _WatchedVariable)(values)
    variable._journal, variable._log, variable._name = journal, journal.log, name
    return variable


def _variable_to_json(name: str, value: object) -> object:
    where = f"state.{name}"
    if not isinstance(value, Variable):
        return to_json(value, where)
    pairs = [(to_json(key, where), to_json(part, where)) for key, part in dict.items(value)]
    if all(isinstance(key, str) for key, _ in pairs) and not has_marked_key(value):
        return dict(pairs)
    return [[_bare(key), part] for key, part in pairs]


def _bare(key: Any) -> Any:
    # In a list of pairs a key that is a list can only be a tuple, so people need not write the mark.
    return key["$tuple"] if isinstance(key, dict) and key.keys() == {"$tuple"} else key


def _variable_from_json(name: str, data: object) -> object:
    where = f"state.{name}"
    if not isinstance(data, list):
        return from_json(data, where)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in data):
        raise UsageError(
            f"{where} is a list, but not of [key, value] pairs",
            hints=(f'write {{"{name}": {{"key": value}}}} or {{"{name}": [[["a", "b"], value]]}}',),
        )
    try:
        return {hashable(from_json(key, where)): from_json(value, where) for key, value in data}
    except (TypeError, NeedsValue) as error:
        raise UsageError(f"{where} has a key that cannot be one: {error}") from error
