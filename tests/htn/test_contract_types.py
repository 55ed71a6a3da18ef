"""Types: what they accept, against a plain reading of JSON Schema."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htn.contract import Type
from htn.errors import UsageError
from htn.unknown import Unknown

PYTHON = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def allows(schema: dict[str, Any], value: Any) -> bool:
    """Say whether a JSON Schema allows a value: the rules as the standard words them, one after the other.

    Ours differ in two: 3.0 is no integer, and a type with null allows null although the enum does not name it.
    """
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if value is None and "null" in kinds and len(kinds) == 2:
        return True
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return False
    if "enum" in schema and not any(
        json.dumps(value) == json.dumps(c) or same_number(value, c) for c in schema["enum"]
    ):
        return False
    if is_kind(value, "number") and not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
        return False
    if isinstance(value, list):
        in_bounds = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        return in_bounds and all(allows(schema.get("items", {}), part) for part in value)
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        return value.keys() == fields.keys() and all(allows(fields[key], value[key]) for key in fields)
    if isinstance(value, dict):
        return all(allows(schema.get("additionalProperties", {}), part) for part in value.values())
    return True


def is_kind(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, PYTHON[kind])


def same_number(value: Any, choice: Any) -> bool:
    return is_kind(value, "number") and is_kind(choice, "number") and bool(value == choice)


small = st.integers(-2, 3) | st.sampled_from([0.5, 1.0, -1.5])
texts = st.sampled_from(["", "a", "b"])
choices = st.none() | st.booleans() | small | texts
values: st.SearchStrategy[Any] = st.recursive(
    choices, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2), max_leaves=5
)


def _kind(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([name, [name, "null"], ["null", name]])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.fixed_dictionaries(
            {"type": _kind("array")},
            optional={"items": inner, "minItems": st.integers(0, 2), "maxItems": st.integers(0, 2)},
        )
        | st.fixed_dictionaries({"type": _kind("object")}, optional={"additionalProperties": inner})
        | st.fixed_dictionaries(
            {"type": _kind("object"), "properties": st.dictionaries(texts, inner, min_size=1, max_size=2)}
        )
    )


simple: st.SearchStrategy[Any] = (
    st.just({})
    | st.fixed_dictionaries({"type": st.just("null") | st.sampled_from(["string", "boolean"]).flatmap(_kind)})
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["number", "integer"]).flatmap(_kind)},
        optional={"minimum": small, "maximum": small},
    )
    | st.fixed_dictionaries({"enum": st.lists(choices, min_size=1, max_size=3)})
    | st.fixed_dictionaries({"type": _kind("string"), "enum": st.lists(texts, min_size=1, max_size=2)})
)
schemas: st.SearchStrategy[dict[str, Any]] = st.recursive(simple, _schemas, max_leaves=3)


@given(schemas, values)
def test_a_type_accepts_what_its_schema_allows(schema: dict[str, Any], value: Any) -> None:
    why = Type.from_json(schema).refuse(value)
    assert (why is None) == allows(schema, value), why


@given(schemas)
def test_a_type_written_as_schema_is_read_back(schema: dict[str, Any]) -> None:
    type_ = Type.from_json(schema)
    assert Type.from_json(json.loads(json.dumps(type_.to_json()))) == type_


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "array", "items": {"type": "number"}, "minItems": 1}, "list of number (at least 1)"),
        ({"enum": ["red", "green"]}, '"red" or "green"'),
        ({"type": "number", "unit": "°C", "minimum": -90}, "number in °C (at least -90)"),
        ({"type": ["string", "null"]}, "text or null"),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}}, "record {a: integer, b: anything}"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "map of text to boolean"),
    ],
)
def test_a_type_reads_as_one_line(schema: dict[str, Any], text: str) -> None:
    assert str(Type.from_json(schema)) == text


def nested(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    "schema",
    [
        None, False, [], "string", 3, {"type": "float"}, {"type": 3}, {"type": []}, {"type": ["string", "number"]},
        {"type": [["string"]]}, {"$ref": "#"}, {"pattern": "a"}, {"anyOf": []}, {3: 4}, {"enum": []},
        {"enum": "ab"},
        {"enum": [[1]]}, {"enum": [{}]}, {"type": "number", "minimum": "3"}, {"type": "number", "minimum": True},
        {"type": "number", "maximum": float("nan")}, {"type": "number", "maximum": float("inf")},
        {"type": "number", "maximum": 10**400}, {"type": "array", "minItems": -1},
        {"type": "array", "minItems": 1.5},
        {"type": "array", "maxItems": 10**9}, {"type": "array", "items": 3}, {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": 3}}, {"type": "object", "properties": {"a": {}}, "required": []},
        {"type": "object", "properties": {"a": {}}, "required": [["a"]]},
        {"type": "object", "properties": {"a": {}}, "required": "a"}, nested(20),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_kept_is_a_usage_error(schema: Any) -> None:
    with pytest.raises(UsageError):
        Type.from_json(schema, "the mean")


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"type": "number"}, "three", "mean is 'three', not number"),
        ({"type": "number"}, float("nan"), "mean is nan, not number"),
        ({"type": "integer", "minimum": 3}, 2, "mean is 2, less than 3"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], "mean[1] is 1, not text"),
        ({"type": "object", "properties": {"a": {}}}, {}, "mean has no 'a'"),
        ({"type": "object", "properties": {"a": {}}}, {"a": 1, "b": 2}, "mean has 'b', which was not declared"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"a": "x"},
            "mean[\"a\"] is 'x', not integer",
        ),
        ({"enum": ["red", 1]}, "blue", "mean is 'blue', not one of 'red', 1"),
        ({"enum": ["red"]}, None, "mean is None, not one of 'red'"),
    ],
)
def test_a_refusal_names_the_part_that_is_wrong(schema: dict[str, Any], value: Any, why: str) -> None:
    assert Type.from_json(schema).refuse(value, "mean") == why


def test_a_part_that_only_execution_can_know_is_not_refused() -> None:
    type_ = Type.from_json({"type": "array", "items": {"enum": [1, 2]}})
    assert type_.refuse([1, Unknown("the second")]) is None
    assert type_.refuse([3, Unknown("the second")]) == "value[0] is 3, not one of 1, 2"


def of(**schema: Any) -> Type:
    return Type.from_json(schema)


SMALLEST: list[tuple[dict[str, Any], int]] = [
    ({"type": "number"}, 1),
    ({"type": "array"}, 1),
    ({"type": "array", "minItems": 3}, 4),
    ({"type": "array", "minItems": 3, "items": {"type": "array", "minItems": 2}}, 10),
    ({"type": ["array", "null"], "minItems": 3}, 1),
    ({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "array", "minItems": 5}}}, 8),
    ({"type": "object", "additionalProperties": {"type": "array", "minItems": 5}}, 1),
]


@pytest.mark.parametrize(("schema", "parts"), SMALLEST)
def test_the_smallest_value_of_a_type_is_counted_and_not_made(schema: dict[str, Any], parts: int) -> None:
    assert of(**schema).smallest == parts


def test_the_size_of_a_type_that_could_never_be_made_is_known_at_once() -> None:
    schema: dict[str, Any] = {"type": "number"}
    for _ in range(8):
        schema = {"type": "array", "minItems": 1_000_000, "items": schema}
    assert of(**schema).smallest > 10**48


CONTRADICTORY: list[tuple[dict[str, Any], str]] = [
    ({"type": "string", "enum": [1, 2]}, "it is 1, not text"),
    ({"type": "integer", "enum": [1, "two"]}, "it is 'two', not integer"),
    ({"type": "integer", "enum": [1, 9], "maximum": 5}, "it is 9, more than 5"),
    ({"type": "number", "minimum": 5, "maximum": 1}, "there is no such number"),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "there is no such integer"),
    ({"type": "array", "minItems": 3, "maxItems": 2}, "has 3 items at least and 2 at most"),
    ({"type": "array", "items": {"type": "string", "enum": [1]}}, "value[] has a choice"),
    ({"type": "object", "properties": {"a": {"type": "string", "enum": [1]}}}, "value.a has a choice"),
]


@pytest.mark.parametrize(("schema", "why"), CONTRADICTORY)
def test_a_type_that_contradicts_itself_says_where(schema: dict[str, Any], why: str) -> None:
    assert why in str(of(**schema).contradiction())


@pytest.mark.parametrize("schema", [{"type": "integer", "minimum": 1, "maximum": 1}, {"type": ["string", "null"]}, {}])
def test_a_type_that_has_values_does_not_contradict_itself(schema: dict[str, Any]) -> None:
    assert of(**schema).contradiction() is None


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_choice_is_a_finite_number(number: float) -> None:
    with pytest.raises(UsageError, match="finite numbers"):
        of(enum=[number])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "number", "unit": 3}, "a text of one line"),
        ({"type": "number", "unit": "x" * 41}, "a text of one line"),
        ({"type": "number", "unit": "a\nb"}, "a text of one line"),
        ({"type": "string", "unit": "km"}, "has no unit"),
    ],
)
def test_a_unit_is_a_short_text_and_stands_on_numbers(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        of(**schema)


NUMBERS = {"type": "array", "items": {"type": "number"}}
TAKES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"type": "number"}, {"type": "integer"}, True),
    ({"type": "integer"}, {"type": "number"}, False),
    ({"type": "number"}, {"type": "string"}, False),
    ({"type": "number"}, {"type": ["number", "null"]}, False),
    ({"type": ["number", "null"]}, {"type": "null"}, True),
    ({}, {"type": "string"}, True),
    ({"type": "string"}, {}, True),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}, True),
    ({"enum": ["a", "b"]}, {"enum": ["c"]}, False),
    ({"type": "number", "unit": "km"}, {"type": "number", "unit": "mile"}, False),
    ({"type": "number", "unit": "km"}, {"type": "integer", "unit": "km"}, True),
    ({"type": "number", "unit": "km"}, {"type": "number"}, True),
    ({"type": "number", "unit": "km"}, {"enum": [1, 2], "unit": "mile"}, False),
    (
        {"items": {"type": "number", "unit": "km"}, "type": "array"},
        {"items": {"type": "number", "unit": "mile"}, "type": "array"},
        False,
    ),
    (NUMBERS, {"type": "array", "items": {"type": "string"}}, False),
    (NUMBERS, {"type": "array"}, True),
    ({"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}, False),
    ({"type": "object", "properties": {"a": NUMBERS}}, {"type": "object", "properties": {"a": NUMBERS}}, True),
]


@pytest.mark.parametrize(("asked", "given", "fits"), TAKES)
def test_a_type_takes_what_can_stand_in_its_place(asked: dict[str, Any], given: dict[str, Any], fits: bool) -> None:
    assert of(**asked).takes(of(**given)) == fits
