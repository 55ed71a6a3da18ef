"""Situations satisfy the preconditions, or break one, whatever the contract; the same seed makes the same ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.validate.situations import CannotBeMade, Situation, applicable, place, refused
from executor.validate.values import draw
from htn.contract import MOST_PARTS, Contract, Lookup, Scope, Type, parse_term, refuse
from htn.contract.parse import Names
from htn.domain import StateVariable
from htn.state import State
from htn.unknown import Unknown
from tests.executor.shop import bare, contract

VARIABLES = {
    "table": StateVariable("table", Type.from_json({"type": "array", "items": {"type": "number"}})),
    "stock": StateVariable("stock", Type.from_json({"type": "integer"})),
}
_names = st.sampled_from(["text", "count", "share", "flag", "many"])
_types = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "flag": {"type": "boolean"},
    "many": {"type": "array", "items": {"type": "integer"}},
}
_conditions = [
    "text in table", "text not in table", "text in stock", "count > 3", "count <= share", "share != 0",
    "stock[text] >= count", "stock[text] < 0", "count in many", "count not in many", "len(many) > 1", 'text != "x"',
    "flag == true", "flag != true", 'text == "tea"', "count in table[text]", "text in group[text]",
    "many in table", "many in stock", "group[text][0] > 2", "count in text", "day[text] == 1", "flag in day",
    "share == count", "min(many) < max(many)", "count in day", "many == table[text]",
]  # fmt: skip
_reads = {
    "values": {"name": "values", "from": "table[text]", "type": {"type": "array", "items": {"type": "number"}}},
    "left": {"name": "left", "from": "stock[text]", "type": {"type": "integer", "minimum": 1}},
    "part": {"name": "part", "from": 'group[text]["part"]', "type": {"type": "string"}},
    "first": {"name": "first", "from": "group[text][count]"},
    "odd": {"name": "odd", "from": "day[text]", "type": {"type": "integer"}},
}


@st.composite
def contracts(draw_from: st.DrawFn) -> Contract:
    """Any contract over these parameters: many of them cannot be satisfied, and some make no sense."""
    conditions = draw_from(st.lists(st.sampled_from(_conditions), max_size=3, unique=True))
    reads = draw_from(st.lists(st.sampled_from(list(_reads)), max_size=2, unique=True))
    return bare(
        "f",
        parameters=[{"name": name, "type": type_} for name, type_ in _types.items()],
        reads=[_reads[name] for name in reads],
        preconditions=conditions,
        effects=["total[text] = count"],
    )


REST = (0.5, True, [1])
BASES = [
    Situation(State(), ("tea", 1, *REST)),
    Situation(State(stock={"tea": 3}, table={"tea": [1.0]}, day=3), ("tea", 1, *REST)),
    Situation(State(day=3, group={"tea": {"part": "x"}}), ("tea", 1, *REST)),
    Situation(State(group={"tea": ("a", "b")}, stock={"tea": 2}), ("tea", 1, *REST)),
    Situation(State(table={"tea": Unknown("what is in it")}, day=Unknown("the day")), (Unknown("a"), 1, *REST)),
    Situation(State(table={"tea": [Unknown("a")]}, group={"tea": {"part": Unknown("b")}}), ("tea", 1, *REST)),
]
seeds = st.lists(st.sampled_from(BASES), max_size=2).map(tuple)


@given(contracts(), seeds)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_every_situation_that_is_made_the_contract_applies(promise: Contract, bases: tuple[Situation, ...]) -> None:
    for situation in applicable(promise, VARIABLES, bases, count=8):
        assert refuse(promise, situation.state, situation.arguments) is None


@given(contracts(), seeds)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_refused_situation_breaks_the_precondition_that_it_is_for(
    promise: Contract, bases: tuple[Situation, ...]
) -> None:
    good = applicable(promise, VARIABLES, bases, count=4)
    for condition, situation in refused(promise, VARIABLES, good):
        assert condition in promise.preconditions
        assert refuse(promise, situation.state, situation.arguments) is not None


def test_making_refused_situations_leaves_the_good_ones_as_they_are() -> None:
    promise = contract(preconditions=["order in cart", "len(amounts) < 4"])
    good = applicable(promise, {}, (), count=5)
    before = [(s.state.copy(), s.arguments) for s in good]
    assert refused(promise, {}, good)
    assert [(s.state, s.arguments) for s in good] == before


SATISFIABLE = {
    "an entry of a variable": ["text in table"],
    "an absent entry": ["text not in stock"],
    "a bound": ["stock[text] >= 100"],
    "two bounds": ["stock[text] > 3", "stock[text] != 4"],
    "a member of a list": ["count in many"],
    "a text": ['text == "tea"'],
    "not a member of a list": ["count not in many"],
    "a member of what stands in a variable": ["count in table[text]"],
}


@pytest.mark.parametrize("conditions", SATISFIABLE.values(), ids=SATISFIABLE)
def test_ordinary_preconditions_are_brought_about(conditions: list[str]) -> None:
    promise = bare("f", parameters=[{"name": n, "type": t} for n, t in _types.items()], preconditions=conditions)
    assert len(applicable(promise, VARIABLES, (), count=10)) == 10
    good = applicable(promise, VARIABLES, (), count=1)
    assert [c for c, _ in refused(promise, VARIABLES, good)] == list(promise.preconditions)


def orders(**schema: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "order", "type": schema}]}


def amounts(source: str, **schema: Any) -> dict[str, Any]:
    return {"reads": [{"name": "amounts", "from": source, "type": schema}]}


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "a contradiction": {"preconditions": ["len(amounts) > 3", "len(amounts) < 2"]},
    "at least 5 and at most 1": orders(type="number", minimum=5, maximum=1),
    "no integer between": orders(type="integer", minimum=0.2, maximum=0.8),
    "a choice of another type": orders(type="integer", enum=["red"]),
    "more items than can be drawn": amounts("cart[order]", type="array", minItems=900_000),
    "a read of a part of what must not be there": amounts("cart[order][0]") | {"preconditions": ["order not in cart"]},
}


@pytest.mark.parametrize("parts", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_made_is_left_out_and_never_weakened(parts: dict[str, Any]) -> None:
    assert applicable(contract(**parts), {}, (), count=5) == []


def test_a_place_that_is_one_plain_value_has_no_entries() -> None:
    term = parse_term("day[1]", Names(()))
    assert isinstance(term, Lookup)
    with pytest.raises(CannotBeMade, match="one plain value"):
        place(term, 1, Scope(State(day=3), {}))


def test_a_users_example_is_varied_and_not_only_repeated() -> None:
    base = Situation(State(cart={"tea": [1.0]}, note={"a": "b"}), ("tea",))
    found = applicable(contract(), {}, [base], count=10)
    assert any("note" in s.state and s.arguments == ("tea",) for s in found)
    assert any("note" not in s.state for s in found)
    assert len({repr(s.state.cart) for s in found}) > 5


TYPES: list[dict[str, Any]] = [
    {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}, {},
    {"type": ["number", "null"]}, {"enum": ["red", "green"]}, {"type": "integer", "minimum": 7},
    {"type": "integer", "maximum": -3_000_000}, {"type": "number", "minimum": 3e9},
    {"type": "number", "maximum": -3e9},
    {"type": "number", "minimum": 0.1, "maximum": 0.2}, {"type": "number", "minimum": 5e-324, "maximum": 1e-320},
    {"type": "number", "minimum": -1.7e308, "maximum": 1.7e308}, {"type": "integer", "minimum": 10**30},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
    {"type": "array", "minItems": 30},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", TYPES, ids=[json.dumps(t) for t in TYPES])
def test_values_are_drawn_of_the_type(schema: dict[str, Any]) -> None:
    type_ = Type.from_json(schema)
    rows = draw({"value": type_}, 20, seed=1)
    assert rows
    assert [row for row in rows if type_.refuse(row["value"])] == []
    assert len({repr(row) for row in rows}) == len(rows)


def test_an_open_range_is_used_widely() -> None:
    rows = draw({"value": Type.from_json({"type": "integer", "maximum": -3_000_000})}, 20, seed=0)
    assert len(rows) > 15


MADE = """
import json, sys
from pathlib import Path
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
    import words
from executor.validate.situations import Situation, applicable
from htn.state import State
from tests.executor.shop import contract
base = Situation(State(cart={"tea": [1.0]}), ("tea",))
typed = {"order": "string", "count": "number"}
promise = contract(parameters=[{"name": name, "type": {"type": type_}} for name, type_ in typed.items()])
made = applicable(promise, {}, [base], count=60, seed=7)
print(json.dumps([[s.state.to_json(), s.arguments] for s in made]))
"""


def made(hash_seed: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MADE, *arguments],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_same_seed_makes_the_same_situations_in_another_process() -> None:
    assert made("1") == made("2")
    assert len(json.loads(made("3"))) == 60


def test_what_else_a_process_has_loaded_changes_no_situation(tmp_path: Path) -> None:
    lines = [f"N{n} = {n * 7919 + 5}\nT{n} = 'word {n}'\nF{n} = {n}.625\n" for n in range(40)]
    (tmp_path / "words.py").write_text("".join(lines))
    assert made("1", str(tmp_path)) == made("1")


def test_another_seed_makes_others() -> None:
    one, other = (draw({"n": Type.from_json({"type": "number"})}, 10, seed=seed) for seed in (0, 1))
    assert one != other


LARGE: list[dict[str, Any]] = [
    {"type": "array", "items": {"type": "number"}, "minItems": MOST_PARTS - 1},
    {"type": "array", "items": {"type": "string"}, "minItems": MOST_PARTS - 1},
    {"type": "array", "minItems": 15, "items": {"type": "array", "items": {"type": "number"}, "minItems": 25}},
    {"type": "object", "properties": {f"f{n}": {"type": "array", "items": {"type": "string"}} for n in range(64)}},
    {"type": ["array", "null"], "minItems": 1_000_000},
]


@pytest.mark.parametrize("schema", LARGE, ids=[json.dumps(t)[:70] for t in LARGE])
def test_values_that_just_fit_are_drawn(schema: dict[str, Any]) -> None:
    type_ = Type.from_json(schema)
    rows = draw({"value": type_}, 5, seed=1)
    assert rows
    assert [row for row in rows if type_.refuse(row["value"])] == []


def parts_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(parts_of, inner))


def nested(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested(depth - 1)} if depth else {"type": "object"}


@pytest.mark.parametrize("schema", [*LARGE, nested(7)], ids=[*map(str, range(len(LARGE))), "nested"])
def test_a_row_that_is_drawn_has_no_more_parts_than_can_be_tried(schema: dict[str, Any]) -> None:
    rows = draw({"value": Type.from_json(schema)}, 10, seed=2)
    assert max(parts_of(row["value"]) for row in rows) <= 2 * MOST_PARTS


def test_many_inputs_share_the_room() -> None:
    type_ = Type.from_json({"type": "array", "items": {"type": "array", "items": {"type": "string"}}})
    assert len(draw({f"p{n}": type_ for n in range(32)}, 5, seed=0)) == 5


TOO_LARGE: list[dict[str, Any]] = [
    {"type": "array", "minItems": 1000, "items": {"type": "array", "minItems": 1000}},
    {"type": "array", "minItems": 1_000_000},
    {"type": "array", "minItems": MOST_PARTS},
]


@pytest.mark.parametrize("schema", TOO_LARGE)
def test_what_is_too_large_is_not_even_begun(schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.validate.values.strategy", lambda *_: pytest.fail("it was begun"))
    assert draw({"value": Type.from_json(schema)}, 5, seed=0) == []
