"""Variations are small, of a kind that was seen, the same for the same seed, and cannot be stopped by an odd value."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from executor.validate.vary import planted, variations

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([math.inf, -math.inf, math.nan, 1e308, 10**400, -0.0, "", " ", "\ud800"])
)
values = st.recursive(
    atoms,
    lambda part: st.lists(part, max_size=5) | st.dictionaries(st.text(max_size=5), part, max_size=4) | st.tuples(part),
    max_leaves=12,
)
rows_of = st.lists(st.fixed_dictionaries({"a": values, "b": values}), max_size=4)


def made(rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return list(variations(rows, **{"count": 40, "seed": 3, **more}))


def kinds(value: Any) -> set[type]:
    """The types that occur in a value."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return {type(value)}.union(*map(kinds, parts))


@given(rows_of, st.lists(atoms, max_size=3), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_the_same_rows_and_seed_give_the_same_variations_of_the_same_names(
    rows: list[dict[str, Any]], seen: list[Any], seed: int
) -> None:
    found = made(rows, seed=seed, seen=seen)
    assert repr(found) == repr(made(rows, seed=seed, seen=seen))
    assert len(found) == (40 if rows else 0)
    assert all(row.keys() == {"a", "b"} for row in found)


@given(rows_of)
@settings(max_examples=200, deadline=None)
def test_a_variation_is_made_of_kinds_that_were_seen(rows: list[dict[str, Any]]) -> None:
    known = {kind for row in rows for value in row.values() for kind in kinds(value)}
    for row in made(rows):
        assert {type(value) for value in row.values()} <= known
        assert all(kinds(value) <= known for value in row.values())


@given(rows_of)
@settings(max_examples=100, deadline=None)
def test_the_rows_themselves_are_left_as_they_were(rows: list[dict[str, Any]]) -> None:
    before = repr(rows)
    made(rows)
    assert repr(rows) == before


def test_variations_of_long_values_are_no_longer_than_is_set() -> None:
    for row in made([{"text": "ab " * 5_000, "items": list(range(5_000))}], count=200):
        assert len(row["text"]) in (*range(401), 15_000)
        assert len(row["items"]) in (*range(401), 5_000)


def test_where_nothing_is_known_nothing_is_varied() -> None:
    assert made([]) == made([{}]) == made([{}, {}]) == []
    assert all(row.keys() == {"a"} for row in made([{}, {"a": 1}]))


def test_values_that_were_seen_elsewhere_are_mixed_in() -> None:
    found = made([{"a": "x", "n": 1}], seen=["rosebud", 424_242], count=400)
    assert any("rosebud" in row["a"] for row in found)
    assert any(row["n"] == 424_242 for row in found)


@given(
    rows_of,
    st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_what_is_planted_takes_the_place_of_something_of_its_kind(rows: list[dict[str, Any]], seen: list[Any]) -> None:
    for row in planted(rows, count=20, seed=1, seen=seen):
        assert row.keys() == {"a", "b"}
        assert any(repr(row[name]) != repr(old[name]) or row[name] == old[name] for old in rows for name in row)


def test_each_value_that_was_seen_gets_its_turn_and_numbers_their_neighbours() -> None:
    rows = [{"text": "a", "items": [1.0, {"n": 2}], "flag": True}]
    found = list(planted(rows, count=120, seed=1, seen=["rosebud", 50, 0.5]))
    numbers = {value for row in found for value in (row["items"][0], row["items"][1]["n"])}
    assert {50, 51, 49, 0.5} <= numbers
    assert any(row["text"] == "rosebud" for row in found)
    assert all(row["flag"] is True and isinstance(row["items"][0], float) for row in found)
    assert list(planted(rows, count=9, seed=1, seen=[])) == list(planted([], count=9, seed=1, seen=[1])) == []
