"""A set-valued state variable while the search works on it: a set that journals each element that comes or goes.

Facts are often kept this way: `state.clear` is the set of the blocks that are clear. A set that were copied for each
reader, and compared when the action has ended, would cost its size each time.

Not covered: the order in which a set is gone through may be another one after an element has come or gone and that
was taken back.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Self

from htn.gtpyhop.values import ABSENT, ATOMS, own_copy
from htn.gtpyhop.variable import Change, Journal


class _Present:
    """Stands for "this element is in the set"."""

    def __repr__(self) -> str:
        return "PRESENT"


PRESENT: Final[Any] = _Present()


class SetVariable(set[Any]):
    """A state variable that is a set. A copy of it, or what is computed from it, is a plain set."""

    __slots__ = ("_log", "_name")
    _log: Callable[[Change], None]
    _name: str

    @classmethod
    def of(cls, journal: Journal, name: str, elements: set[Any]) -> "SetVariable":
        """Return the variable that holds the elements of a set."""
        made = cls(elements if ATOMS.issuperset(map(type, elements)) else map(own_copy, elements))
        made._log, made._name = journal.log, name
        return made

    # What the engine asks for.

    def held(self, element: Any) -> Any:
        """Return PRESENT where an element is in the set, else ABSENT."""
        return PRESENT if element in self else ABSENT

    def take_back(self, element: Any, before: Any) -> None:
        """Undo that an element came or went."""
        if before is ABSENT:
            set.discard(self, element)
        else:
            set.add(self, element)

    def become(self, elements: set[Any]) -> None:
        """Hold what a plain set holds; only what differs is journaled."""
        self.difference_update(self - elements)
        self.update(elements)

    # What functions of a domain do.

    def add(self, element: Any) -> None:
        """Put an element in."""
        if element not in self:
            element = own_copy(element)
            self._log((self, element, ABSENT))
            set.add(self, element)

    def discard(self, element: Any) -> None:
        """Take an element out, if it is in."""
        if element in self:
            self._log((self, element, PRESENT))
            set.discard(self, element)

    def remove(self, element: Any) -> None:
        """Take an element out. KeyError when it is not in."""
        if element not in self:
            raise KeyError(element)
        self.discard(element)

    def pop(self) -> Any:
        """Take some element out and return it. KeyError when there is none."""
        for element in set.__iter__(self):
            self.discard(element)
            return element
        raise KeyError(f"state.{self._name} is empty")

    def clear(self) -> None:
        """Take every element out."""
        for element in self:
            self.discard(element)

    def update(self, *others: Iterable[Any]) -> None:
        """Put the elements of others in."""
        for other in others:
            for element in list(other):
                self.add(element)

    def difference_update(self, *others: Iterable[Any]) -> None:
        """Take the elements of others out."""
        for other in others:
            for element in list(other):
                self.discard(element)

    def intersection_update(self, *others: Iterable[Any]) -> None:
        """Take out what is not in all the others."""
        self.difference_update(self - self.intersection(*others))

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        """Put in what only the other has, and take out what both have."""
        for element in set(other):
            if element in self:
                self.discard(element)
            else:
                self.add(element)

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # returns itself, as set does
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self.update(other)
        return self

    def __isub__(self, other: Any) -> Self:  # type: ignore[misc]  # as above
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self.difference_update(other)
        return self

    def __iand__(self, other: Any) -> Self:  # type: ignore[misc]  # as above
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self.intersection_update(other)
        return self

    def __ixor__(self, other: Any) -> Self:  # type: ignore[misc]  # as above
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self.symmetric_difference_update(other)
        return self

    def __iter__(self) -> Iterator[Any]:
        # Over what is there at the beginning: a method that yields may wait while the search goes on.
        return iter(list(set.__iter__(self)))

    def copy(self) -> set[Any]:
        """Return a plain set with the same elements."""
        return set(self)

    def __repr__(self) -> str:
        return repr(set(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> set[Any]:
        plain: set[Any] = own_copy(set(self))
        return plain

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # A copy belongs to no search, so it is a plain set.
        return set, (list(self),)
