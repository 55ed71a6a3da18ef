"""What is true at one moment of a plan: named state variables, and a journal that can take back any change.

A state variable is a mapping (`state.loc["alice"] == "home"`) or one plain value (`state.day == 3`). Every
change is written to the journal with what was there before; `undo` plays the journal back. Applying and
undoing an action therefore cost what the action changed, whatever the size of the state.

A list, set or dict inside a variable can be changed where it lies (`state.cargo["van"].append("box")`). Such
a value is copied when it is first read and compared when the action ends, so that this change is journaled
too. The copy is what the reader gets, and the state keeps it only when it was changed; so what a method holds
on to stays as it was read, whatever happens to the state. What is written into a variable is copied, so no two
variables share a part.

Not covered: an operator that keeps a list, set or dict and changes it after it has returned.
"""

import keyword
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from htn.errors import NeedsValue, UsageError
from htn.values import from_json, has_marked_key, hashable, is_atom, own_copy, to_json
from htn.variables import ABSENT, Change, Journal, Variable, WatchedVariable, held, no_key, place_hash, same


class _Journaled:
    """Keeps the journal apart from the attributes of a state, which are its variables and nothing else."""

    __slots__ = ("_journal",)
    _journal: Journal


class State(_Journaled):
    """The state variables at one moment. `State({"loc": {"alice": "home"}, "day": 3})`.

    Functions read variables more often than anything else, so a variable is a plain attribute: no `__getattr__`, and
    no look at `__dict__` while planning, because either one costs every later read a third more.
    """

    def __init__(self, variables: Mapping[str, object] | None = None, /, **more: object) -> None:
        object.__setattr__(self, "_journal", Journal())
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
        self._journal.changes.append((self, name, getattr(self, name, ABSENT)))
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"the state has no variable {name!r}")
        self._journal.changes.append((self, name, getattr(self, name)))
        object.__delattr__(self, name)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say to type checkers that the names of variables are free."""

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not hasattr(State, name) and hasattr(self, name)

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
        fresh = max(mark, journal.hashed)
        self._take_back(changes[fresh:])
        del changes[fresh:]
        while len(changes) > mark:
            holder, key, before = change = changes.pop()
            if holder is self or getattr(self, holder._name, ABSENT) is holder:
                journal.hash ^= place_hash(holder, key, held(holder, key)) ^ place_hash(holder, key, before)
            self._take_back([change])
            journal.hashed = len(changes)

    def _take_back(self, changes: list[Change]) -> None:
        put = dict.__setitem__
        for holder, key, before in reversed(changes):
            if holder is self:
                self._put(key, before)
            elif before is not ABSENT and key in holder:
                put(holder, key, before)
            else:
                holder.take_back(key, before)

    def _put(self, name: str, value: Any) -> None:
        """Let a variable be what it was or will be; this is for undo and redo and is not journaled."""
        if value is not ABSENT:
            object.__setattr__(self, name, value)
        elif getattr(self, name, ABSENT) is not ABSENT:
            object.__delattr__(self, name)

    def delta(self, mark: int) -> list[Change]:
        """Return what `redo` needs to do again, from the state at `mark`, all that was changed since."""
        self._journal.settle()
        later: dict[tuple[int, Any], Any] = {}
        made: list[Change] = []
        for holder, key, before in reversed(self._journal.changes[mark:]):
            here = (id(holder), key)
            made.append((holder, key, later[here] if here in later else held(holder, key)))
            later[here] = before
        return made[::-1]

    def redo(self, delta: list[Change]) -> None:
        """Make again the changes that `delta` returned, in the state that it started from."""
        for holder, key, after in delta:
            before = held(holder, key)
            self._journal.log((holder, key, before))
            if holder is self:
                self._put(key, after)
            else:
                holder.make_again(key, before, after)

    def surely_differs_from(self, mark: int) -> bool:
        """Say that a place is not as it was at `mark`, by one quick look; False says nothing."""
        if self.mark() == mark:
            return False
        holder, key, before = self._journal.changes[mark]
        return (holder is self or getattr(self, holder._name, ABSENT) is holder) and not same(held(holder, key), before)

    def fingerprint(self) -> int:
        """Return the running hash: equal for equal states that came from this state, and for hardly any others.

        It is the XOR of the hashes of the places that differ from the state as it was made; it costs what changed
        since it was last asked for. It is valid within this process.
        """
        journal = self._journal
        if journal.watched:
            journal.settle()
        if journal.hashed < len(journal.changes):
            journal.bring_hash_up_to_date(self)
        return journal.hash

    def changes_since(self, mark: int) -> dict[tuple[str, Any], Any]:
        """Return what differs from the state at `mark`.

        Maps (variable, key) to the value it has here, or to `State.ABSENT` where it is gone; the key of a
        variable that is one plain value is None.
        """
        before = self._touched_since(mark)
        return {at: after for at, was in before.items() if not same(after := self.look_up(*at), was)}

    def _touched_since(self, mark: int) -> dict[tuple[str, Any], Any]:
        """Return what every place that was written since `mark` held then."""
        self._journal.settle()
        first: dict[tuple[int, Any], Change] = {}
        for change in self._journal.changes[mark:]:
            first.setdefault((id(change[0]), change[1]), change)
        replaced = {key: was for holder, key, was in first.values() if holder is self}
        before: dict[tuple[str, Any], Any] = {}
        for holder, key, was in first.values():
            # A variable that was made and replaced after `mark` held nothing then.
            name = holder._name if isinstance(holder, Variable) else ""
            if name and holder is replaced.get(name, getattr(self, name, ABSENT)):
                before[name, key] = was
        for name, was in replaced.items():
            for key, value in _places(was):
                before.setdefault((name, key), value)
            for key, _ in _places(getattr(self, name, ABSENT)):
                before.setdefault((name, key), ABSENT)
        return before

    ABSENT = ABSENT

    def look_up(self, variable: str, key: Any = None) -> Any:
        """Return what is at a variable and key, or `State.ABSENT`. Without a key: the plain value."""
        found = ABSENT if hasattr(State, variable) else getattr(self, variable, ABSENT)
        if isinstance(found, Variable):
            return ABSENT if key is None else found.get(key, ABSENT)
        return found if key is None else ABSENT

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


def _places(found: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values of a variable; a plain value has the key None."""
    if isinstance(found, Variable):
        return [(key, dict.__getitem__(found, key)) for key in found]
    return [] if found is ABSENT else [(None, found)]


def _variable(journal: Journal, name: str, pairs: Mapping[Any, Any]) -> Variable:
    where = f"state.{name}"
    items = _places(pairs) if isinstance(pairs, Variable) else pairs.items()
    values = {key: own_copy(value, where) for key, value in items}
    if None in values:
        raise no_key(name)
    kind = Variable if all(map(is_atom, values.values())) else WatchedVariable
    return kind(values, journal, name)


def _variable_to_json(name: str, value: object) -> object:
    where = f"state.{name}"
    if not isinstance(value, Variable):
        return to_json(value, where)
    pairs = [(to_json(key, where), to_json(part, where)) for key, part in _places(value)]
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
