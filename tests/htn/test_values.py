"""Values: their JSON form and how a person reads them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htn.errors import UsageError
from htn.unknown import Unknown
from htn.values import from_json, own_copy, plain, show, to_json
from tests.htn.strategies import exact, keys, values

MARKS = ["$tuple", "$set", "$frozenset", "$map", "$unknown"]


@given(values)
def test_a_value_written_as_json_is_read_back_to_the_last_detail(value: Any) -> None:
    assert exact(from_json(json.loads(json.dumps(to_json(value))))) == exact(value)


@pytest.mark.parametrize("mark", MARKS)
@given(inner=values)
def test_a_dict_that_looks_like_a_mark_is_still_a_dict(mark: str, inner: Any) -> None:
    assert exact(from_json(to_json({mark: inner}))) == exact({mark: inner})


def test_the_marks_are_written_as_documented() -> None:
    written = to_json([("home", "park"), {1}, frozenset({2}), {("a", 1): 2}])
    assert written == [
        {"$tuple": ["home", "park"]},
        {"$set": [1]},
        {"$frozenset": [2]},
        {"$map": [[{"$tuple": ["a", 1]}, 2]]},
    ]


def test_an_unknown_is_read_back_as_an_unknown_of_that_description() -> None:
    read: Any = from_json(to_json({"mean": Unknown("the mean")}))
    assert isinstance(read["mean"], Unknown)
    assert read["mean"].description == "the mean"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1: [object()]}])
def test_what_json_cannot_say_is_refused_by_name(value: object) -> None:
    with pytest.raises(UsageError, match="the answer"):
        to_json(value, "the answer")


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for function in (to_json, own_copy):
        with pytest.raises(UsageError, match="nested too deeply"):
            function(endless, "the list")


def changeable_parts(value: Any) -> list[int]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else ()
    own = [id(value)] if isinstance(value, (list, dict, set)) else []
    return own + [found for part in parts for found in changeable_parts(part)]


@given(values)
def test_an_own_copy_is_the_same_and_shares_no_part_that_can_change(value: Any) -> None:
    copied = own_copy(value, "it")
    assert exact(copied) == exact(value)
    assert not set(changeable_parts(copied)) & set(changeable_parts(value))


@given(values)
def test_the_plain_form_is_what_json_can_say_without_marks(value: Any) -> None:
    read = json.loads(json.dumps(plain(value)))
    assert exact(read) == exact(plain(value))


@given(values, st.integers(2, 30))
def test_a_shown_value_keeps_to_its_width_and_its_line(value: Any, width: int) -> None:
    text = show(value, width)
    assert len(text) <= width
    assert "\n" not in text


@given(keys)
def test_keys_are_shown_on_one_printable_line(key: Any) -> None:
    assert show(key).isprintable()


def test_members_of_a_set_are_shown_in_one_order() -> None:
    words = [f"w{n}" for n in range(9)]
    assert show(set(words)) == show(frozenset(words)) == "{w0, w1, w2, w3, w4, w5, w6, w7, w8}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("home", "home"), ("3", "'3'"), ("true", "'true'"), ("None", "'None'"), ("", "''"), ("a b", "'a b'"),
        (3, "3"), (True, "True"), (("home", "3"), "(home, '3')"), (["a", ("b",)], "[a, (b)]"), (set(), "set()"),
        (Unknown("the mean"), "<the mean>"), ({"a": Unknown("b")}, "{a: <b>}"),
    ],
)  # fmt: skip
def test_a_text_is_shown_bare_unless_it_would_be_taken_for_something_else(value: object, text: str) -> None:
    assert show(value) == text
