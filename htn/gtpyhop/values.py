"""What a state variable may hold: anything. Which values can change where they lie, and whether one did.

GTPyhop puts no limits on the values of a state: lists, sets, objects of any class. A value is *fixed* when copying
it deeply gives the value itself (texts, numbers, enumerations, tuples of fixed values); all others can change.
What cannot be copied at all (a lock, an open file) counts as fixed: every branch of the search shares it.
"""

import marshal
from collections.abc import Collection
from copy import deepcopy
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final


class _Absent:
    """Stands for "there is nothing here"."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = _Absent()
ATOMS: Final = frozenset({
    str, int, float, bool, type(None), bytes, complex, range, type(...), type, FunctionType, BuiltinFunctionType,
})  # fmt: skip
_PLAIN_ATOMS: Final = frozenset({str, int, float, bool, type(None), bytes, complex})
_PLAIN_CONTAINERS: Final = frozenset({list, tuple, set, frozenset})


def is_fixed(value: Any) -> bool:
    """Say whether no part of a value can change."""
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind is tuple or kind is frozenset:
        return all(map(is_fixed, value))
    if isinstance(value, (list, dict, set)):
        return False
    return own_copy(value) is value


def own_copy(value: Any) -> Any:
    """Return a copy that shares no changeable part with the value; the value itself where it cannot be copied."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if (kind is list or kind is set) and ATOMS.issuperset(map(type, value)):
        return value.copy()
    try:
        if is_plain(value):
            # Its present form keeps parts that are shared within the value.
            return marshal.loads(marshal.dumps(value))  # noqa: S302  # written in the same line
        return deepcopy(value)
    except Exception:  # noqa: BLE001  # the class of a domain's own object decides what copying raises
        return value


def is_plain(value: Any) -> bool:
    """Say whether a value is made of nothing but Python's own texts, numbers and containers."""
    kind = type(value)
    if kind in _PLAIN_ATOMS:
        return True
    if kind is dict:
        return _are_plain(value) and _are_plain(value.values())
    return kind in _PLAIN_CONTAINERS and _are_plain(value)


def _are_plain(values: Collection[Any]) -> bool:
    return _PLAIN_ATOMS.issuperset(map(type, values)) or all(map(is_plain, values))


def sealed(value: Any) -> bytes | None:
    """Return bytes that are others when the value was changed, or None where there are none."""
    # The second version of the form writes the same value the same way, wherever its parts are shared.
    return marshal.dumps(value, 2) if is_plain(value) else None


def is_as_sealed(value: Any, seal: bytes | None) -> bool:
    """Say that a value was not changed since it was sealed; False when it was, or nobody knows."""
    if seal is None:
        return False
    try:
        return marshal.dumps(value, 2) == seal
    except ValueError:
        return False


def same(one: Any, other: Any) -> bool:
    """Say whether two values have the same types, parts and order; True is not 1. In doubt they differ."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in ATOMS:
        return bool(one == other)
    if kind is set or kind is frozenset:
        return bool(one == other)
    if kind is dict:
        return len(one) == len(other) and all(map(same, one.items(), other.items()))
    if kind is not list and kind is not tuple:
        return _same_object(one, other)
    if len(one) != len(other):
        return False
    if ATOMS.issuperset(map(type, one)):
        return bool(one == other) and list(map(type, one)) == list(map(type, other))
    return all(map(same, one, other))


def differs(one: Any, other: Any) -> bool:
    """Say whether two values are unequal as GTPyhop compares states, by `!=`; objects without `==` by their parts."""
    if one is other:
        return False
    if one is ABSENT or other is ABSENT:
        return True
    try:
        return bool(one != other) and not same(one, other)
    except Exception:  # noqa: BLE001  # the class of a domain's own object decides what comparing raises
        return True


def _same_object(one: Any, other: Any) -> bool:
    try:
        return same(_parts(one), _parts(other))
    except Exception:  # noqa: BLE001  # an object that cannot tell its parts counts as changed
        return False


def _parts(value: Any) -> Any:
    """Return what an object is made of, as copying and pickling see it."""
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return reduced
    made, arguments, *rest = reduced
    state, items, pairs = (*rest, None, None, None)[:3]
    return made, arguments, state, list(items or ()), list(pairs or ())


def frozen(value: Any) -> Any:
    """Return something hashable that is equal for values that are the same, and hardly ever for others."""
    kind = type(value)
    if kind is str:
        return value
    if kind in ATOMS:
        # Python hashes -1 like -2, on grids a common pair.
        return (kind, "-1") if value == -1 else (kind, value)
    if kind is list or kind is tuple:
        return kind, tuple(map(frozen, value))
    if kind is dict:
        return kind, tuple((frozen(key), frozen(part)) for key, part in value.items())
    if kind is set or kind is frozenset:
        return kind, frozenset(map(frozen, value))
    try:
        made, *parts = _parts(value)
        return kind, made, tuple(map(frozen, parts))
    except Exception:  # noqa: BLE001  # an object that cannot tell its parts is known by its identity
        return kind, id(value)
