"""A value that only execution can know, such as what a measurement will say.

The planner carries an `Unknown` like any other value: it may be stored in a state variable and passed on
as an argument. It cannot be looked into: a comparison, a truth test, a hash, arithmetic on it or its text
raises `NeedsValue`, so that a plan never rests on a guess. The engine itself knows unknowns by identity.

Not covered: `isinstance` and the patterns of `match` that ask for a type; they say that it is none of any kind.
"""

from typing import Any, NoReturn

from htn.errors import NeedsValue


class Unknown:
    """A stand-in, while planning, for the value that `description` names."""

    __slots__ = ("description",)

    def __init__(self, description: str) -> None:
        self.description = description

    def __repr__(self) -> str:
        return f"Unknown({self.description!r})"

    def __copy__(self) -> "Unknown":
        return self

    def __deepcopy__(self, memo: object) -> "Unknown":
        return self

    def _refuse(self, *_: object) -> NoReturn:
        raise NeedsValue(
            f"planning needs {self.description}, which only execution can know",
            hints=("let the domain decide this by something that is known before the run",),
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __eq__(self, other: object) -> bool:
        return True if self is other else self._refuse()

    def __ne__(self, other: object) -> bool:
        return False if self is other else self._refuse()

    __hash__ = _refuse
    __bool__ = __len__ = __iter__ = __reversed__ = __contains__ = _refuse
    __getitem__ = __setitem__ = __delitem__ = __call__ = _refuse
    __str__ = __format__ = __bytes__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse
    __matmul__ = __rmatmul__ = __divmod__ = __rdivmod__ = __pow__ = __rpow__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _refuse
    __neg__ = __pos__ = __abs__ = __invert__ = _refuse
    __int__ = __float__ = __complex__ = __index__ = __round__ = __trunc__ = __floor__ = __ceil__ = _refuse


def has_unknown(value: Any) -> bool:
    """Say whether a value is an `Unknown`, or one lies somewhere in it. The value itself is not asked anything."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Unknown):
            return True
        if isinstance(one, dict):
            pending += [*dict.keys(one), *dict.values(one)]
        elif isinstance(one, (list, tuple, set, frozenset)):
            pending += one
    return False
