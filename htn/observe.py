"""A state that takes down what is read from it and written to it.

An `Observer` stands in front of a state and hands everything on; functions of a domain cannot tell the
difference. What it takes down are places: an entry of a state variable, a whole variable, or that there is a
variable of this name. Reading an absent entry is a read, and so is asking whether it is there. Iterating and `len`
read the whole variable. A value that is written before it is read is the reader's own, and is no read.

A list, set or dict inside a variable is read when it is handed out, and written when it was changed where it lies.

Not covered: functions that reach around the state's own methods with `dict.items(state.loc)` and the like.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any

from htn.itemwise import ItemwiseDict
from htn.replay import form
from htn.state import State
from htn.values import is_atom, show

_ALL = "*"


class _Existence:
    """The key that stands for there being a variable at all. Nobody writes it but who writes the whole variable."""


_EXISTENCE = _Existence()


@dataclass(frozen=True)
class Place:
    """An entry of a state variable, or with the key None the whole variable."""

    variable: str
    key: Any = None

    @property
    def is_existence(self) -> bool:
        """Whether this is not what a variable holds, but that there is one."""
        return self.key is _EXISTENCE

    @property
    def is_everything(self) -> bool:
        """Whether this is the whole state."""
        return self.variable == _ALL

    def __str__(self) -> str:
        if self.is_everything:
            return "the whole state"
        if self.is_existence:
            return f"whether there is a variable {self.variable}"
        return self.variable if self.key is None else f"{self.variable}[{show(self.key)}]"


EVERYTHING = Place(_ALL)


@dataclass
class Notes:
    """What was read and written, each place once, in order.

    `iterated` are the variables whose order was seen; `reshaped` those that got another key or lost one.
    """

    reads: dict[Place, None] = field(default_factory=dict)
    writes: dict[Place, None] = field(default_factory=dict)
    iterated: dict[str, None] = field(default_factory=dict)
    reshaped: dict[str, None] = field(default_factory=dict)
    handed_out: dict[Place, Any] = field(default_factory=dict)

    def read(self, variable: str, key: Any = None) -> None:
        """Note a read."""
        place, whole = Place(variable, key), Place(variable)
        if whole not in self.reads and place not in self.writes and whole not in self.writes:
            self.reads.setdefault(place)

    def write(self, variable: str, key: Any = None) -> None:
        """Note a write."""
        self.writes.setdefault(Place(variable, key))

    def hand_out(self, variable: str, key: Any, value: Any) -> None:
        """Note a value that may be changed where it lies."""
        place = Place(variable, key)
        if not is_atom(value) and place not in self.handed_out:
            self.handed_out[place] = form(value)


class Observer:
    """Looks at a state through `state`, and keeps the notes."""

    def __init__(self, inner: State) -> None:
        self.inner = inner
        self.notes = Notes()
        self.state = ObservedState(self)

    def begin(self) -> Notes:
        """Start with empty notes, and return them; they fill up until the next call."""
        self.notes = Notes()
        return self.notes

    def settle(self) -> None:
        """Note as written what was changed where it lies."""
        self.inner.mark()
        for place, before in self.notes.handed_out.items():
            now = self.inner.look_up(place.variable, place.key)
            if now is not State.ABSENT and form(now) != before:
                self.notes.write(place.variable, place.key)


class ObservedState(State):
    """A state as functions of a domain see it, all of whose uses are noted."""

    # Names that no state variable can have.
    __slots__ = ("_around", "_inner", "_observer")
    _around: dict[int, "_ObservedVariable"]
    _inner: State
    _observer: Observer

    def __init__(self, observer: Observer) -> None:  # it holds no variables of its own, so it is not made as states are
        object.__setattr__(self, "_observer", observer)
        object.__setattr__(self, "_inner", observer.inner)
        object.__setattr__(self, "_around", {})

    @property
    def _notes(self) -> Notes:
        return self._observer.notes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._inner:
            self._notes.read(name, _EXISTENCE)
            raise AttributeError(f"the state has no variable {name!r}", name=name, obj=self._inner)
        value = getattr(self._inner, name)
        if not isinstance(value, dict):
            self._notes.read(name)
            return value
        self._notes.read(name, _EXISTENCE)
        if id(value) not in self._around:
            self._around[id(value)] = _ObservedVariable(self._observer, name, value)
        return self._around[id(value)]

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)
        self._notes.write(name)

    def __delattr__(self, name: str) -> None:
        self._notes.read(name, _EXISTENCE)
        delattr(self._inner, name)
        self._notes.write(name)

    def __contains__(self, name: object) -> bool:
        self._notes.read(str(name), _EXISTENCE)
        return name in self._inner

    def look_up(self, variable: str, key: Any = None) -> Any:
        """Return what is at a variable and key, or `State.ABSENT`. Without a key: the plain value."""
        value = self._inner.look_up(variable, key)
        self._notes.read(variable, key)
        self._notes.hand_out(variable, key, value)
        return value

    def _everything(self) -> State:
        self._notes.read(_ALL)
        return self._inner

    def __eq__(self, other: object) -> bool:
        return self._everything() == (other._inner if isinstance(other, ObservedState) else other)

    __hash__ = None

    def mark(self) -> int:
        """Return a point that `undo` can go back to."""
        return self._inner.mark()

    def undo(self, mark: int) -> None:
        """Take back every change since `mark`."""
        self._inner.undo(mark)


def _looking_at_everything(name: str) -> Callable[..., Any]:
    def forward(self: ObservedState, *arguments: Any, **named: Any) -> Any:
        return getattr(self._everything(), name)(*arguments, **named)

    return forward


# Whatever else can be done with a state reads all of it.
for _name, _member in vars(State).items():
    if isfunction(_member) and _name not in vars(ObservedState):
        setattr(ObservedState, _name, _looking_at_everything(_name))


class _ObservedVariable(ItemwiseDict):
    """A state variable as an observed state hands it out. Its own dict is empty; everything is asked of the inner."""

    __slots__ = ("_inner", "_name", "_observer")

    def __init__(self, observer: Observer, name: str, inner: dict[Any, Any]) -> None:
        self._observer, self._name, self._inner = observer, name, inner

    def _read(self, key: Any) -> dict[Any, Any]:
        self._observer.notes.read(self._name, key)
        return self._inner

    def _read_all(self, *, in_order: bool = True) -> dict[Any, Any]:
        self._observer.notes.read(self._name)
        if in_order:
            self._observer.notes.iterated.setdefault(self._name)
        return self._inner

    def _write(self, key: Any, before: bool) -> None:
        self._observer.notes.write(self._name, key)
        if before != (key in self._inner):
            self._observer.notes.reshaped.setdefault(self._name)

    def _handed_out(self, key: Any, value: Any) -> Any:
        self._observer.notes.hand_out(self._name, key, value)
        return value

    def __getitem__(self, key: Any) -> Any:
        return self._handed_out(key, self._read(key)[key])

    def get(self, key: Any, default: Any = None) -> Any:
        inner = self._read(key)
        return self._handed_out(key, inner[key]) if key in inner else default

    def __contains__(self, key: object) -> bool:
        return key in self._read(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._read_all())

    def __reversed__(self) -> Iterator[Any]:
        yield from reversed(self._read_all())

    def __len__(self) -> int:
        return len(self._read_all(in_order=False))

    def keys(self) -> Any:
        return self._read_all().keys()

    def values(self) -> Any:
        return [value for _, value in self.items()]

    def items(self) -> Any:
        inner = self._read_all()
        return [(key, self._handed_out(key, inner[key])) for key in inner]

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        return self._read_all(in_order=False) == (other._inner if isinstance(other, _ObservedVariable) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # as a dict, it is no key

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __repr__(self) -> str:
        return repr(self._read_all())

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.copy(),)

    def __setitem__(self, key: Any, value: Any) -> None:
        before = key in self._inner
        self._inner[key] = value
        self._write(key, before)

    def __delitem__(self, key: Any) -> None:
        del self._read(key)[key]
        self._write(key, True)
