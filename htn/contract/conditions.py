"""Preconditions, effects and promises: one comparison or one change each, as data that reads as one line.

file in table                               a condition
cash[person] >= 3
statistics[file, column] = output.summary   an effect: assign
cash[person] -= 3                           decrease (and += increase)
visited[person].add(place)                  add to a list or set (and .remove)
del loc[person]                             the entry is gone
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isclose, isfinite
from sys import float_info
from types import MappingProxyType
from typing import Any

from htn.contract.terms import Applied, Constant, Lookup, Scope, Term, Undefined
from htn.errors import NeedsValue
from htn.state import State
from htn.unknown import Unknown
from htn.values import own_copy, show

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A comparison between two terms."""

    left: Term
    comparison: str
    right: Term

    def __str__(self) -> str:
        return f"{self.left} {self.comparison} {self.right}"

    def refuse(self, scope: Scope, tolerance: float = 0.0) -> str | None:
        """Return why this does not hold, with the values, or None when it does. May raise NeedsValue.

        `tolerance` is relative: with it, numbers that differ only by rounding count as equal.
        """
        try:
            left, right = self.left.worth(scope), self.right.worth(scope)
            if COMPARISONS[self.comparison](left, right):
                return None
            if tolerance and self.comparison in ("==", "<=", ">="):
                noise = max(_noise(self.left, scope), _noise(self.right, scope))
                if close(left, right, tolerance, noise):
                    return None
        except Undefined as missing:
            return f"{self} does not hold: {missing}"
        except TypeError as error:
            return f"{self} does not hold: {error}"
        if isinstance(right, dict) and "in" in self.comparison:
            right = list(right)
        return f"{self} does not hold: {show(left)} {self.comparison} {show(right)} is false"


def close(left: Any, right: Any, tolerance: float, noise: float = 0.0) -> bool:
    """Say whether two values are equal but for rounding, in whatever they are nested.

    Integers are never rounded: two of them are equal or not. `tolerance` is relative, so it is worth nothing near zero.
    `noise` is how far apart numbers may lie whatever their size: it stays 0 unless the caller knows what they were
    computed from (see `rounding_noise`).
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        try:
            return isclose(left, right, rel_tol=tolerance, abs_tol=noise)
        except OverflowError:  # an integer beyond the floats
            return left == right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(
            close(one, other, tolerance, noise) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(close(left[key], right[key], tolerance, noise) for key in left)
    return bool(left == right)


def rounding_noise(*values: Any) -> float:
    """Return how much of a sum of all the numbers in `values` may be rounding: n·ε·Σ|x| (Higham, 1993).

    Where numbers cancel each other, what is left of such a sum has no correct digit, and no relative tolerance helps.
    """
    sizes = [size for value in values for size in _sizes(value)]
    noise = len(sizes) * float_info.epsilon * sum(sizes)
    return noise if isfinite(noise) else 0.0


def _sizes(value: Any) -> Iterator[float]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            yield abs(float(value))
        except OverflowError:  # an integer beyond the floats, which is not rounded
            return
    elif isinstance(value, Mapping):
        yield from _sizes(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _sizes(part)


def _noise(term: Term, scope: Scope) -> float:
    """Return how far off a term may be through rounding alone: a sum by its parts, a zero by all that went in."""
    if isinstance(term, Constant) and term.value == 0:
        return rounding_noise(scope.arguments, scope.reads)
    if not isinstance(term, Applied):
        return 0.0
    if term.function == "sum":
        return rounding_noise(*(part.worth(scope) for part in term.to))
    return max((_noise(part, scope) for part in term.to), default=0.0)


@dataclass(frozen=True)
class Effect:
    """A change of one place in the state. `kind` is assign, increase, decrease, add, remove or delete."""

    kind: str
    target: Lookup
    value: Term | None = None

    def __str__(self) -> str:
        form = {
            "assign": "{t} = {v}", "increase": "{t} += {v}", "decrease": "{t} -= {v}",
            "add": "{t}.add({v})", "remove": "{t}.remove({v})", "delete": "del {t}",
        }[self.kind]  # fmt: skip
        return form.format(t=self.target, v=self.value)

    def after(self, scope: Scope, changed: Mapping[tuple[str, Any], Any] = MappingProxyType({})) -> Any:
        """Return what the target holds afterwards, or `State.ABSENT`. Undefined when it cannot be told.

        `changed` is what effects before this one made of places: two that add to one place both count.
        """
        if self.value is None:
            return State.ABSENT
        try:
            value = self.value.worth(scope)
        except NeedsValue:
            value = Unknown(str(self.value))
        if self.kind == "assign":
            return own_copy(value, str(self.target))
        place = self.target.at(scope)
        before = changed[place] if place in changed else self.target.worth(scope)
        if before is State.ABSENT:
            raise Undefined(f"{self} changes what an effect before it deletes")
        if isinstance(value, Unknown) or isinstance(before, Unknown):
            return Unknown(f"{self.target} after {self}")
        try:
            return _changed(self.kind, before, value)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise Undefined(f"{self} cannot be done: {error}") from error


def _changed(kind: str, before: Any, value: Any) -> Any:
    if kind == "increase":
        return before + value
    if kind == "decrease":
        return before - value
    if isinstance(before, (set, frozenset)):
        return before | {value} if kind == "add" else before - {value}
    if not isinstance(before, (list, tuple)):
        raise TypeError(f"{show(before)} is no list and no set")
    if kind == "add":
        return type(before)([*before, value])
    at = before.index(value)
    return type(before)([*before[:at], *before[at + 1 :]])
