"""Fuzzed situations satisfy the contract, are none of the known ones, and are the same ones every time."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.check import Candidate
from executor.validate.fuzz import constants, fuzzed
from executor.validate.situations import Situation, given_in, situation_of
from htn.contract import Contract, refuse
from htn.state import State
from htn.unknown import Unknown
from tests.executor.shop import bare

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
AMOUNTS = {"type": "array", "items": NUMBER, "minItems": 1}
OUT = {"outputs": [{"name": "r", "type": NUMBER}]}


def named(**types: Any) -> list[dict[str, Any]]:
    return [{"name": name, "type": type_} for name, type_ in types.items()]


def read(name: str, at: str, type_: Any) -> dict[str, Any]:
    return {"name": name, "from": at, "type": type_}


# A contract, and an input that makes sense for it.
CONTRACTS: dict[str, tuple[Contract, dict[str, Any], dict[str, Any]]] = {
    "a membership": (
        bare(
            "f", parameters=named(order=TEXT), reads=[read("amounts", "cart[order]", AMOUNTS)], **OUT,
            preconditions=["order in cart"], effects=["total[order] = output.r"],
        ),
        {"order": "tea"},
        {"amounts": [2.0, 5.0]},
    ),
    "bounds": (
        bare(
            "f", parameters=named(low=WHOLE, high={"type": "integer", "maximum": 9}), **OUT,
            preconditions=["low < high", "low != 0"], effects=["total[low, high] = output.r"],
        ),
        {"low": 1, "high": 5},
        {},
    ),
    "keys of two parts": (
        bare(
            "f", parameters=named(a=TEXT, b=TEXT), reads=[read("way", "dist[a, b]", NUMBER)], **OUT,
            preconditions=["a != b"], effects=["total[a, b] = output.r"],
        ),
        {"a": "home", "b": "park"},
        {"way": 3.5},
    ),
    "a read through a read, the outer one first": (
        bare(
            "f", parameters=named(item=TEXT), **OUT, effects=["total[item] = output.r"],
            reads=[read("cost", "price[kind[item]]", NUMBER), read("sort", "kind[item]", TEXT)],
        ),
        {"item": "a"},
        {"cost": 2.5, "sort": "tea"},
    ),
    "entries, choices and null": (
        bare(
            "f", parameters=named(item=TEXT, size={"enum": ["small", "large"]}, note={"type": ["string", "null"]}),
            reads=[read("part", 'stock[item]["part"]', {"type": ["integer", "null"]})], **OUT,
            effects=["total[item] = output.r"],
        ),
        {"item": "a", "size": "small", "note": None},
        {"part": 3},
    ),
    "an effect that adds to what is there": (
        bare("f", parameters=named(item=TEXT, more=WHOLE), **OUT, effects=["stock[item] += output.r"]),
        {"item": "a", "more": 3},
        {},
    ),
}  # fmt: skip
each = pytest.mark.parametrize(("promise", "arguments", "reads"), CONTRACTS.values(), ids=CONTRACTS)


def known(promise: Contract, arguments: dict[str, Any], reads: dict[str, Any]) -> Situation:
    made = situation_of(promise, {}, arguments, reads)
    assert made is not None
    return made


def told(promise: Contract, situations: tuple[Situation, ...]) -> list[str]:
    return [repr(given_in(promise, situation)) for situation in situations]


@each
def test_a_situation_gives_a_body_exactly_what_was_asked_for(
    promise: Contract, arguments: dict[str, Any], reads: dict[str, Any]
) -> None:
    assert given_in(promise, known(promise, arguments, reads)) == arguments | reads


@each
def test_all_fuzzed_situations_satisfy_the_contract_and_no_two_are_the_same(
    promise: Contract, arguments: dict[str, Any], reads: dict[str, Any]
) -> None:
    base = known(promise, arguments, reads)
    found = fuzzed(promise, {}, [base], count=40)
    assert len(found) > 15
    assert all(refuse(promise, each.state, each.arguments) is None for each in found)
    texts = [*told(promise, found), *told(promise, (base,))]
    assert len(set(texts)) == len(texts)


@each
def test_the_same_arguments_make_the_same_situations(
    promise: Contract, arguments: dict[str, Any], reads: dict[str, Any]
) -> None:
    base = known(promise, arguments, reads)
    found = fuzzed(promise, {}, [base], count=25, seed=4, seen=["x", 7])
    assert told(promise, found) == told(promise, fuzzed(promise, {}, [base], count=25, seed=4, seen=["x", 7]))


_values = st.one_of(st.text(max_size=4), st.integers(-9, 9), st.floats(-9, 9), st.none(), st.lists(st.floats(-9, 9)))


@given(st.sampled_from(list(CONTRACTS)), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_situation_is_made_of_just_the_values_that_are_asked_for_or_not_at_all(
    name: str, data: st.DataObject
) -> None:
    promise, arguments, reads = CONTRACTS[name]
    asked = {key: data.draw(st.one_of(st.just(value), _values)) for key, value in (arguments | reads).items()}
    made = situation_of(promise, {}, {key: asked[key] for key in arguments}, {key: asked[key] for key in reads})
    if made is not None:
        assert refuse(promise, made.state, made.arguments) is None
        assert given_in(promise, made) == asked


def test_two_reads_of_one_place_cannot_be_given_different_values() -> None:
    promise = bare(
        "f", reads=[read("one", 'stock["tea"]', NUMBER), read("other", 'stock["tea"]', NUMBER)], **OUT,
        effects=['total["tea"] = output.r'],
    )  # fmt: skip
    assert situation_of(promise, {}, {}, {"one": 1.0, "other": 2.0}) is None
    assert situation_of(promise, {}, {}, {"one": 1.0, "other": 1.0}) is not None


def test_a_contract_that_is_given_nothing_has_one_input_and_so_nothing_to_fuzz() -> None:
    promise = bare("f", **OUT, effects=["total = output.r"])
    only = Situation(State(), ())
    assert fuzzed(promise, {}, [], count=9) == (only,)
    assert fuzzed(promise, {}, [only], count=9) == ()


def test_where_no_input_satisfies_the_contract_there_is_none() -> None:
    promise = bare(
        "f", parameters=named(size={"enum": [1, 2]}), **OUT, preconditions=["size > 5", "size < 3"],
        effects=["total = output.r"],
    )  # fmt: skip
    assert fuzzed(promise, {}, [], count=9) == ()


def test_situations_that_hold_what_only_execution_can_know_are_not_varied() -> None:
    promise, _, _ = CONTRACTS["a membership"]
    open_ends = [Situation(State(cart={"tea": [1.0, Unknown("a")]}), ("tea",)), Situation(State(), (Unknown("b"),))]
    for situation in fuzzed(promise, {}, open_ends, count=20):
        assert refuse(promise, situation.state, situation.arguments) is None


def body(code: str, language: str = "python") -> Candidate:
    return Candidate(bare("f"), code, language)


def test_constants_are_the_texts_and_numbers_that_a_body_names() -> None:
    code = "def f(a):\n    return {'x': 3.5, 'y': -7}.get(a, True) or None\n"
    assert constants(body(code)) == ["x", "y", 3.5, -7, 7]


@pytest.mark.parametrize(
    "constant", ["0x" + "f" * 9_000, "'" + "a" * 101 + "'", r"'\ud800'", "1e999", "3j", "b'a'", "...", "True"]
)
def test_constants_that_no_body_can_be_given_are_left_out(constant: str) -> None:
    assert constants(body(f"def f():\n    return {constant}\n")) == []


def test_a_body_that_has_no_tree_names_no_constants() -> None:
    assert constants(body("def f(:\n")) == []
    assert constants(body("function f() { return 'a' }", "javascript")) == []
