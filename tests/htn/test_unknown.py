"""An unknown travels anywhere and cannot be looked into."""

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from htn.errors import NeedsValue
from htn.unknown import Unknown

ONE: list[Callable[[Any], Any]] = [
    bool, len, iter, list, hash, int, float, complex, round, abs, str, bytes, "{}".format,
    math.floor, math.ceil, math.trunc, math.sqrt, operator.neg, operator.pos, operator.invert, operator.index,
    reversed, sorted, set, dict, sum, max, lambda u: {u: 1}, lambda u: u(), lambda u: u.mean,
    lambda u: f"room {u}", "%s".__mod__, lambda u: u.__setitem__(0, 1), lambda u: u.__delitem__(0),
    lambda u: "a" in u, lambda u: not u, lambda u: u[0], range,
    lambda u: [1, 2][u], lambda u: 1 in [2, u], lambda u: 1 < u < 3, lambda u: u if u else 0,
]  # fmt: skip
TWO: list[Callable[[Any, Any], Any]] = [
    operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.add, operator.sub,
    operator.mul, operator.matmul, operator.truediv, operator.floordiv, operator.mod, divmod, operator.pow,
    operator.lshift, operator.rshift, operator.and_, operator.or_, operator.xor, min, max,
    operator.iadd, operator.isub, operator.ior,
]  # fmt: skip


@pytest.mark.parametrize("use", ONE)
def test_looking_into_an_unknown_needs_its_value(use: Callable[[Any], Any]) -> None:
    with pytest.raises(NeedsValue, match="planning needs the mean"):
        use(Unknown("the mean"))


@pytest.mark.parametrize("other", [3, 2.5, None, True, ["a"], {"a"}, ("b",), Unknown("else")], ids=repr)
@pytest.mark.parametrize("use", TWO, ids=lambda use: use.__name__)
def test_an_unknown_on_either_side_of_an_operation_needs_its_value(use: Callable[[Any, Any], Any], other: Any) -> None:
    with pytest.raises(NeedsValue):
        use(Unknown("the mean"), other)
    with pytest.raises(NeedsValue):
        use(other, Unknown("the mean"))


def test_an_unknown_is_itself_wherever_it_is_carried() -> None:
    unknown = Unknown("the mean")
    carried: list[Any] = [unknown, (unknown,), {"a": unknown}]
    assert copy.copy(unknown) is unknown
    assert copy.deepcopy(carried)[1][0] is unknown
    assert unknown in carried


def test_an_unknown_says_what_it_stands_for() -> None:
    assert repr(pickle.loads(pickle.dumps(Unknown("the mean")))) == "Unknown('the mean')"
