"""A dict whose every change goes through setting or deleting one item, where a subclass can see it."""

from typing import Any, Self


class ItemwiseDict(dict[Any, Any]):
    """The methods of a dict that change it, all made of `self[key]`, `self[key] = value` and `del self[key]`."""

    __slots__ = ()
    _name: str

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
        """Remove every key, the last one first, so that taking it back restores the order."""
        for key in reversed(list(self)):
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

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # returns itself, as dict does
        self.update(other)
        return self
