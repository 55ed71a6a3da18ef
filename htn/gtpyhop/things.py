"""What people make: states and multigoals, objects with free attributes that are state variables."""

import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any, TypeVar

from htn.gtpyhop.settings import say

_Named = TypeVar("_Named", bound="Named")
_NUMBERS = count()


class Named:
    """An object with a name, whose other attributes are state variables.

    `State("s0", loc={"alice": "home"})` is the same as making `State("s0")` and setting its `loc`.
    """

    def __init__(self, name: str, /, **variables: Any) -> None:
        vars(self)["__name__"] = name
        vars(self).update(variables)

    # These two are for type checkers: the attributes of a state are free.
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{self} has no variable {name!r}; it has {', '.join(self.state_vars()) or 'none'}")

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return f"<{_kind(self)} {self.__name__}>"

    def __repr__(self) -> str:
        return f"{_kind(self)}({', '.join([repr(self.__name__), *(f'{n}={v!r}' for n, v in _variables(self))])})"

    def state_vars(self) -> list[str]:
        """Return the names of the state variables."""
        return [name for name in vars(self) if name != "__name__"]

    def display(self, heading: str | None = None) -> None:
        """Print the state variables and their values."""
        title = f"{_kind(self) if heading is None else heading} {self.__name__}:"
        say(title)
        say("-" * len(title))
        for name, value in _variables(self):
            say(f"  - {name} = {value}")
        say("")


def _kind(thing: Named) -> str:
    return "State" if isinstance(thing, State) else type(thing).__name__


def _variables(thing: Named) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in vars(thing).items() if name != "__name__")


def copy_of(thing: _Named, kind: type[_Named], name: str | None) -> _Named:
    """Return a deep copy; without a name it gets the old one with `_copy_` and a number."""
    made = kind(name or f"{re.sub(r'_copy_[0-9]*$', '', thing.__name__)}_copy_{next(_NUMBERS)}")
    vars(made).update(deepcopy(dict(_variables(thing))))
    return made


class State(Named):
    """What is true at one moment: state variables, mostly dicts, as `state.loc["alice"] == "home"`.

    Equality compares the variables and ignores the name.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and dict(_variables(self)) == dict(_variables(other))

    __hash__ = None  # type: ignore[assignment]  # a state changes, so it is no key

    def copy(self, new_name: str | None = None) -> "State":
        """Return a deep copy; without a name it gets the old one with `_copy_` and a number."""
        return copy_of(self, State, new_name)


class Multigoal(Named):
    """Values that state variables should have at the same time, written as a state is."""

    def copy(self, new_name: str | None = None) -> "Multigoal":
        """Return a deep copy; without a name it gets the old one with `_copy_` and a number."""
        return copy_of(self, Multigoal, new_name)


def goal_rows(multigoal: Multigoal) -> Iterator[tuple[str, Any, Any]]:
    """Return the (variable, key, value) of a multigoal, in the order in which they were written."""
    for variable, pairs in _variables(multigoal):
        for key, value in pairs.items():
            yield variable, key, value


def print_state(state: Named, heading: str | None = None) -> None:
    """Print a state's or multigoal's variables and their values."""
    state.display(heading)


def get_type(thing: object) -> str:
    """Return the name of an object's class."""
    return _kind(thing) if isinstance(thing, Named) else type(thing).__name__
