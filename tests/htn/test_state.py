"""What a state refuses, how it is copied, and its JSON form."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htn import Domain, find_plan
from htn.errors import DomainError, NeedsValue, UsageError
from htn.state import State
from htn.unknown import Unknown
from tests.htn.strategies import exact, states

NAMES_OF_EVERY_STATE = ["mark", "undo", "copy", "to_json", "from_json", "changes_since", "look_up", "ABSENT"]
UNUSABLE_NAMES = ["__class__", "_journal", "x; import os", "", "a b", "1st", "class", "lambda"]


def everything(state: State) -> Any:
    return exact({name: dict(held) if isinstance(held, dict) else held for name, held in vars(state).items()})


@given(states)
def test_a_state_written_as_json_is_read_back_to_the_last_detail(variables: dict[str, Any]) -> None:
    state = State(variables)
    assert everything(State.from_json(json.loads(json.dumps(state.to_json())))) == everything(state)


@given(states)
def test_a_copy_holds_the_same_and_shares_nothing(variables: dict[str, Any]) -> None:
    state = State(variables)
    before = everything(state)
    other = state.copy()
    assert everything(other) == before
    for name in list(other):
        if isinstance(held := getattr(other, name), dict):
            for value in held.values():
                if isinstance(value, list):
                    value.append("more")
            held["another"] = 1
    assert everything(state) == before


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))],
    ids=["copy", "deep", "pickle"],
)
def test_pythons_own_ways_to_copy_a_state_give_an_independent_one(duplicate: Any) -> None:
    state = State(cargo={"van": ["box"]}, day=3)
    other = duplicate(state)
    other.cargo["van"].append("crate")
    other.cargo["ship"] = []
    assert (state, other) == (
        State(cargo={"van": ["box"]}, day=3),
        State(cargo={"van": ["box", "crate"], "ship": []}, day=3),
    )


def test_a_copied_variable_is_a_dict_that_the_state_does_not_see() -> None:
    state = State(loc={"alice": "home"})
    mark = state.mark()
    elsewhere = copy.copy(state.loc)
    elsewhere["alice"] = "park"
    assert state.changes_since(mark) == {}


@pytest.mark.parametrize("name", NAMES_OF_EVERY_STATE)
def test_a_variable_cannot_hide_what_every_state_has(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' cannot name a state variable"):
        State.from_json({name: {"a": 1}})


@pytest.mark.parametrize("name", UNUSABLE_NAMES)
def test_a_variable_needs_a_name_that_can_be_written_after_a_dot(name: str) -> None:
    with pytest.raises(UsageError, match="use a plain identifier"):
        State.from_json({name: {"a": 1}})


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "a state is a JSON object"),
        ("loc", "a state is a JSON object"),
        (None, "a state is a JSON object"),
        ({"v": [1, 2]}, r"not of \[key, value\] pairs"),
        ({"v": [["a", 1, 2]]}, r"not of \[key, value\] pairs"),
        ({"v": [[{"a": 1}, 2]]}, "key that cannot be one"),
        ({"v": [[{"$unknown": "who"}, 2]]}, "key that cannot be one"),
        ({"v": [[None, 2]]}, "None cannot be a key"),
        ({"v": {"$set": ["a"]}}, "cannot be a bare set"),
        ({"v": {"$tuple": [["a"]]}}, "cannot be a bare tuple"),
        ({"v": {"k": {"$set": [["a"]]}}}, "malformed"),
        ({"v": {"k": {"$set": [{"$unknown": "who"}]}}}, "malformed"),
        ({"v": {"k": {"$set": 5}}}, "needs a list"),
        ({"v": {"k": {"$map": ["ab", "cd"]}}}, "malformed"),
        ({"v": {"k": {"$map": [[1]]}}}, "malformed"),
        ({"v": {"k": {"$unknown": [1]}}}, "needs a text"),
        ({"v": {"k": float("nan")}}, "not JSON"),
        ({"v": {"k": float("inf")}}, "not JSON"),
        ({"v": {"k": deep(2000)}}, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_state_is_a_usage_error_that_says_what_is_wrong(data: object, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        State.from_json(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("$tuple"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$set", "$map", "$tuple", "$frozenset", "$unknown", "a"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["loc", "mark", "_x"]) | st.text(max_size=3), json_values, max_size=2))
def test_any_json_is_a_state_or_a_usage_error(data: dict[str, Any]) -> None:
    try:
        state = State.from_json(data)
    except UsageError:
        return
    assert exact(State.from_json(state.to_json()).to_json()) == exact(state.to_json())


class Thing:
    """Something that is no value."""


@pytest.mark.parametrize("value", [Thing(), [Thing()], {"a": (Thing(),)}, {Thing(): 1}, b"bytes", deep(2000)])
def test_a_variable_refuses_what_it_could_not_write_down(value: Any) -> None:
    state = State(held={})
    with pytest.raises(UsageError, match=r"state\.held\[alice\]"):
        state.held["alice"] = value


@pytest.mark.parametrize("value", [[1], {1}, ("a", [1])])
def test_a_plain_variable_has_no_parts_that_could_change(value: Any) -> None:
    with pytest.raises(UsageError, match="cannot be a bare"):
        State(day=value)


def test_none_is_no_key_because_it_names_the_whole_variable() -> None:
    state = State(loc={})
    with pytest.raises(UsageError, match=r"None cannot be a key of state\.loc"):
        state.loc[None] = "home"


@pytest.mark.parametrize(("name", "hint"), [("lok", "did you mean loc?"), ("wind", "the state has loc, day")])
def test_a_function_that_reads_a_variable_that_is_not_there_is_told_with_those_that_are(name: str, hint: str) -> None:
    domain = Domain("typing_error")

    @domain.operator
    def look(state: State) -> State:
        getattr(state, name)
        return state

    with pytest.raises(DomainError) as told:
        find_plan(domain, State(loc={}, day=3), [("look",)])
    assert told.value.hints == (hint,)


def test_a_variable_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(AttributeError, match="the state has no variable 'week'"):
        del State(day=3).week


def test_an_empty_variable_has_no_last_pair() -> None:
    with pytest.raises(KeyError):
        State(loc={}).loc.popitem()


def test_a_place_is_looked_up_by_variable_and_key() -> None:
    state = State(loc={"alice": "home"}, day=3)
    found = [state.look_up(*at) for at in [("loc", "alice"), ("loc", "bob"), ("day", None), ("day", "x"), ("no", "x")]]
    assert found == ["home", State.ABSENT, 3, State.ABSENT, State.ABSENT]


def test_a_replaced_variable_counts_as_changed_where_its_entries_differ() -> None:
    state = State(loc={"alice": "home", "bob": "park"})
    mark = state.mark()
    state.loc["alice"] = "station"
    state.loc = {"alice": "station", "carol": "home"}
    assert state.changes_since(mark) == {
        ("loc", "alice"): "station", ("loc", "bob"): State.ABSENT, ("loc", "carol"): "home",
    }  # fmt: skip


def test_what_is_changed_in_a_variable_after_another_took_its_place_is_no_part_of_the_hash() -> None:
    state, same = State(cargo={}), State(cargo={})
    once = state.cargo.setdefault("van", [])
    once.append("box")
    state.cargo = {}
    state.mark()
    once.append("late")
    assert state.fingerprint() == same.fingerprint()


def test_a_key_that_is_inserted_again_after_a_deletion_was_undone_stands_last() -> None:
    state = State(day={})
    state.day = {}
    state.day.update({"a": 1, "b": 2, "c": 3})
    mark = state.mark()
    state.day["d"] = 4
    del state.day["a"]
    delta = state.delta(mark)
    state.undo(mark)
    state.redo(delta)
    assert list(state.day) == ["b", "c", "d"]


def test_an_unknown_is_stored_and_undone_without_being_looked_into() -> None:
    state = State(mean={"wind": 3.5}, notes={"wind": [1]})
    mark = state.mark()
    state.mean["wind"] = Unknown("the mean")
    state.notes["wind"].append(Unknown("a note"))
    assert set(state.changes_since(mark)) == {("mean", "wind"), ("notes", "wind")}
    state.undo(mark)
    assert state == State(mean={"wind": 3.5}, notes={"wind": [1]})


def test_an_unknown_cannot_be_a_key() -> None:
    state = State(mean={})
    mark = state.mark()
    with pytest.raises(NeedsValue):
        state.mean[Unknown("which")] = 1
    assert state.mark() == mark
