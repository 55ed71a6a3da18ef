"""A state that takes down what is read and written."""

from collections.abc import Callable
from inspect import isfunction
from typing import Any

import pytest

from htn.observe import EVERYTHING, Observer
from htn.state import State


def world() -> State:
    return State(loc={"alice": "home", "bob": "park"}, cargo={"van": ["box"]}, day=3)


def seen(function: Callable[[Any], Any]) -> tuple[set[str], set[str]]:
    observer = Observer(world())
    function(observer.state)
    observer.settle()
    reads = {str(place) for place in observer.notes.reads if not place.is_existence}
    return reads, set(map(str, observer.notes.writes))


def replace(state: Any) -> None:
    state.loc = {"carol": "home"}


def merge(state: Any) -> None:
    state.loc |= {"carol": "home"}


def set_day(state: Any) -> None:
    state.day = 4


def next_day(state: Any) -> None:
    state.day += 1


def move(state: Any) -> None:
    state.loc["alice"] = "park"


def move_and_look(state: Any) -> None:
    state.loc["alice"] = "park"
    assert state.loc["alice"] == "park"


def swap(state: Any) -> None:
    state.loc["alice"], state.loc["bob"] = state.loc["bob"], state.loc["alice"]


def leave(state: Any) -> None:
    del state.loc["alice"]


def forget(state: Any) -> None:
    del state.day


def look_into_the_van(state: Any) -> None:
    assert state.cargo["van"] == ["box"]


def load(state: Any) -> None:
    state.cargo["van"].append("bag")


def load_and_unload(state: Any) -> None:
    state.cargo["van"].append("bag")
    state.cargo["van"].remove("bag")


def load_all(state: Any) -> None:
    for things in state.cargo.values():
        things.append("bag")


@pytest.mark.parametrize(
    ("function", "reads", "writes"),
    [
        (lambda state: state.loc["alice"], {"loc[alice]"}, set()),
        (lambda state: state.loc.get("carol"), {"loc[carol]"}, set()),
        (lambda state: "carol" in state.loc, {"loc[carol]"}, set()),
        (lambda state: state.look_up("loc", "bob"), {"loc[bob]"}, set()),
        (lambda state: state.loc, set(), set()),
        (lambda state: list(state.loc), {"loc"}, set()),
        (lambda state: len(state.loc), {"loc"}, set()),
        (lambda state: bool(state.loc), {"loc"}, set()),
        (lambda state: dict(state.loc), {"loc"}, set()),
        (lambda state: {**state.loc}, {"loc"}, set()),
        (lambda state: state.loc == {}, {"loc"}, set()),
        (lambda state: sorted(state.loc.items()), {"loc"}, set()),
        (lambda state: state.loc | {}, {"loc"}, set()),
        (lambda state: {} | state.loc, {"loc"}, set()),
        (lambda state: state.day, {"day"}, set()),
        (lambda state: "week" in state, set(), set()),
        (lambda state: hasattr(state, "week"), set(), set()),
        (list, {"the whole state"}, set()),
        (lambda state: state.copy(), {"the whole state"}, set()),
        (lambda state: state == State(), {"the whole state"}, set()),
        (lambda state: state.loc.setdefault("alice", "park"), {"loc[alice]"}, set()),
        (lambda state: state.loc.setdefault("carol", "park"), {"loc[carol]"}, {"loc[carol]"}),
        (lambda state: state.loc.pop("alice"), {"loc[alice]"}, {"loc[alice]"}),
        (lambda state: state.loc.pop("carol", None), {"loc[carol]"}, set()),
        (lambda state: state.loc.update(alice="park"), set(), {"loc[alice]"}),
        (lambda state: state.loc.clear(), {"loc"}, {"loc[alice]", "loc[bob]"}),
        (lambda state: state.loc.popitem(), {"loc"}, {"loc[bob]"}),
        (set_day, set(), {"day"}),
        (next_day, {"day"}, {"day"}),
        (forget, set(), {"day"}),
        (replace, set(), {"loc"}),
        (merge, {"loc"}, {"loc", "loc[carol]"}),
        (move, set(), {"loc[alice]"}),
        (move_and_look, set(), {"loc[alice]"}),
        (swap, {"loc[alice]", "loc[bob]"}, {"loc[alice]", "loc[bob]"}),
        (leave, {"loc[alice]"}, {"loc[alice]"}),
        (look_into_the_van, {"cargo[van]"}, set()),
        (load, {"cargo[van]"}, {"cargo[van]"}),
        (load_and_unload, {"cargo[van]"}, set()),
        (load_all, {"cargo"}, {"cargo[van]"}),
    ],
)  # fmt: skip
def test_it_takes_down(function: Callable[[Any], Any], reads: set[str], writes: set[str]) -> None:
    assert seen(function) == (reads, writes)


@pytest.mark.parametrize(
    "function", [move, set_day, next_day, forget, replace, merge, swap, leave, load, load_all, look_into_the_van]
)
def test_what_functions_do_through_it_is_what_they_do_to_a_state(function: Callable[[Any], Any]) -> None:
    observer, plain = Observer(world()), world()
    function(observer.state)
    function(plain)
    observer.settle()
    plain.mark()
    assert observer.inner == plain
    assert observer.state == plain
    assert observer.state == observer.state


def test_errors_are_those_of_a_state() -> None:
    state: Any = Observer(world()).state
    with pytest.raises(AttributeError, match="the state has no variable 'week'"):
        _ = state.week
    with pytest.raises(KeyError):
        _ = state.loc["carol"]


def test_that_a_variable_is_there_is_read_whenever_it_is_used() -> None:
    observer = Observer(world())
    _ = observer.state.loc
    assert [str(place) for place in observer.notes.reads] == ["whether there is a variable loc"]


def test_whatever_else_a_state_can_do_reads_all_of_it_and_gives_what_the_state_gives() -> None:
    own = {"__init__", "__getattr__", "__setattr__", "__delattr__", "__contains__", "__eq__", "look_up", "mark", "undo"}
    others = {name for name, member in vars(State).items() if isfunction(member)} - own
    assert {"copy", "to_json", "__iter__", "__repr__", "changes_since", "fingerprint"} <= others
    for name in others - {
        "changes_since",
        "delta",
        "redo",
        "_touched_since",
        "_put",
        "_take_back",
        "surely_differs_from",
    }:
        observer = Observer(world())
        given, expected = getattr(observer.state, name)(), getattr(observer.inner, name)()
        if name != "__iter__":
            assert given == expected
        assert list(observer.notes.reads) == [EVERYTHING]
