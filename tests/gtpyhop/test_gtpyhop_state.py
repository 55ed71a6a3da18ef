"""The state that the search works on: what functions do to it is what they would do to a deep copy."""

import copy
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import htn.gtpyhop as gtpyhop
from htn.gtpyhop import State
from htn.gtpyhop.engine import Engine


class Colour(Enum):
    RED = 1


class Robot:
    def __init__(self) -> None:
        self.cargo: list[str] = []

    def __repr__(self) -> str:
        return f"Robot({self.cargo})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Robot) and self.cargo == other.cargo

    __hash__ = None  # type: ignore[assignment]  # it changes


def everything() -> State:
    return State(
        "s",
        loc={"a": "home", "b": "park"},
        day=1,
        colour=Colour.RED,
        items=["x"],
        seen={"x"},
        stock={"van": ["box"], "cellar": {"wine": 3}},
        found=defaultdict(list),
        count=Counter("ab"),
        queue=deque("ab"),
        robot=Robot(),
        empty={},
    )


def _set(name: str, value: Any) -> Callable[[State], None]:
    return lambda state: setattr(state, name, copy.deepcopy(value))


def _drop(state: State) -> None:
    if hasattr(state, "day"):
        del state.day


def _through_vars(state: State) -> None:
    vars(state)["loc"] = {**vars(state).get("loc", {}), "c": "shop"}


def _after_writing(state: State) -> None:
    mine: list[int] = []
    state.stock["new"] = mine
    mine.append(1)
    other: list[int] = []
    state.items = other
    other.append(2)


def _shared(state: State) -> None:
    state.stock["twin"] = state.stock["van"]
    state.stock["van"] = list(state.stock["van"])


def _copied(state: State) -> None:
    state.loc = state.loc.copy()
    state.loc["copied"] = 1


def _inside(state: State) -> None:
    if isinstance(state.stock.get("cellar"), dict):
        state.stock["cellar"]["beer"] = state.stock["cellar"].get("beer", 0) + 1


def _unite_with_a_list(state: State) -> None:
    state.seen |= ["u"]


def _take_a_set_over(state: State) -> None:
    state.seen2 = state.seen.copy()
    state.seen2.add("two")


DEEDS: dict[str, Callable[[State], Any]] = {
    "set a place": lambda s: s.loc.update(a="shop"),
    "set a place to what it is": lambda s: s.loc.update(b=s.loc.get("b", "park")),
    "delete a place": lambda s: s.loc.pop("a", None),
    "delete the last place": lambda s: s.loc.popitem() if s.loc else None,
    "merge": lambda s: s.loc.__ior__({"d": 4}),
    "clear": lambda s: s.loc.clear(),
    "count a day": lambda s: setattr(s, "day", getattr(s, "day", 0) + 1),
    "drop a variable": _drop,
    "change the kind of a variable": _set("day", {"was": 1}),
    "empty a variable": _set("loc", {}),
    "assign a dict": _set("loc", {"b": "park", "a": ["list"]}),
    "assign a dict in another order": _set("loc", {"z": 1, "a": "home"}),
    "assign a list": _set("items", ["x"]),
    "assign a set": _set("loc2", {1, 2}),
    "assign a defaultdict": _set("loc", defaultdict(list, {"b": ["park"]})),
    "append to what may be absent": lambda s: s.loc["nowhere"].append(1),
    "assign a dict again": _set("found", {"k": [1]}),
    "append": lambda s: s.items.append("y"),
    "only read": lambda s: (list(s.items), s.stock["van"][:], len(s.queue), s.robot.cargo),
    "add": lambda s: s.seen.add("z"),
    "add many": lambda s: s.seen.update(["a", "x"], {"b"}),
    "discard": lambda s: s.seen.discard("x"),
    "remove": lambda s: s.seen.remove("z"),
    "empty a set": lambda s: s.seen.clear(),
    "unite": lambda s: s.seen.__ior__({"u", "x"}),
    "unite with a list": _unite_with_a_list,
    "subtract": lambda s: s.seen.__isub__({"x", "u"}),
    "intersect": lambda s: s.seen.__iand__({"x", "z"}),
    "differ": lambda s: s.seen.__ixor__({"x", "d"}),
    "keep the even": lambda s: s.seen.intersection_update(["x"], {"x", "z"}),
    "compute a set": lambda s: setattr(s, "seen", (s.seen - {"x"}) | {"new"}),
    "take a set over": _take_a_set_over,
    "a set becomes a list": lambda s: setattr(s, "seen", ["was a set"]),
    "a set again": _set("seen", {"x", "again"}),
    "a set of pairs": _set("seen", {("on", "a", "b")}),
    "append inside": lambda s: s.stock["van"].append("crate"),
    "set inside": _inside,
    "change every value": lambda s: [part.clear() for part in s.stock.values()],
    "use a default": lambda s: s.found["k"].append(1),
    "count": lambda s: s.count.update("b"),
    "turn": lambda s: s.queue.rotate(1),
    "load": lambda s: s.robot.cargo.append("box"),
    "through vars": _through_vars,
    "after writing": _after_writing,
    "shared": _shared,
    "copied": _copied,
    "setdefault": lambda s: s.empty.setdefault("k", []).append(1),
}


def apply(deed: str, state: State) -> None:
    try:
        DEEDS[deed](state)
    except (KeyError, AttributeError, TypeError, ValueError):
        # The deed is about something that another one took away or replaced; it may have begun.
        return


def contents(state: State) -> dict[str, Any]:
    return {name: copy.deepcopy(getattr(state, name)) for name in sorted(state.state_vars())}


@given(
    st.lists(st.sampled_from(sorted(DEEDS)), max_size=12), st.integers(0, 12), st.lists(st.sampled_from(sorted(DEEDS)))
)
def test_a_search_state_is_what_a_chain_of_deep_copies_would_be(
    deeds: list[str], back_to: int, other_deeds: list[str]
) -> None:
    given_state = everything()
    engine, chain = Engine(given_state), [everything()]
    marks, prints = [engine.mark()], [engine.fingerprint()]

    def follow(deed: str) -> None:
        chain.append(chain[-1].copy())
        apply(deed, chain[-1])
        apply(deed, engine.facade)
        marks.append(engine.mark())
        prints.append(engine.fingerprint())
        assert contents(engine.facade) == contents(chain[-1])

    for deed in deeds:
        follow(deed)
    back_to = min(back_to, len(deeds))
    engine.undo(marks[back_to])
    assert contents(engine.facade) == contents(chain[back_to])
    assert engine.fingerprint() == prints[back_to]
    del marks[back_to + 1 :]
    chain.append(chain[back_to])
    prints.append(prints[back_to])
    for deed in other_deeds:
        follow(deed)
    engine.undo(marks[0])

    assert contents(engine.facade) == contents(chain[0])
    assert given_state == everything()
    seen = [(contents(state), repr(contents(state)), print_) for state, print_ in zip(chain, prints, strict=True)]
    for one, text, print_ in seen:
        for other, other_text, other_print in seen:
            assert print_ == other_print if text == other_text else (one == other or print_ != other_print)


def test_what_is_computed_from_a_set_is_a_plain_set_and_to_go_over_one_is_to_go_over_what_was_there() -> None:
    engine = Engine(everything())
    mark, seen = engine.mark(), engine.facade.seen
    made = [seen | {1}, seen & seen, seen - {1}, seen ^ {1}, seen.copy(), copy.deepcopy(seen), copy.copy(seen)]
    assert {type(one) for one in made} == {set}
    assert repr(seen) == "{'x'}"
    assert engine.mark() == mark
    for element in seen:
        seen.discard(element)
        seen.add(element + "!")
    assert seen == {"x!"}
    assert seen.pop() == "x!"
    with pytest.raises(KeyError, match=r"state\.seen is empty"):
        seen.pop()
    with pytest.raises(KeyError):
        seen.remove("x")
    engine.undo(mark)
    assert engine.facade.seen == {"x"}


def test_a_search_that_uses_a_set_of_100000_elements_journals_what_changes_in_it_and_no_more() -> None:
    engine = Engine(State("s", facts=set(range(100_000))))
    mark = engine.mark()
    engine.facade.facts.add("one")
    engine.facade.facts.discard(5)
    assert engine.mark() == mark + 2


def test_only_looking_is_no_change() -> None:
    engine = Engine(everything())
    mark = engine.mark()
    state = engine.facade

    looked_at = [state.items, state.stock["van"], state.found["absent"], vars(state)["robot"].cargo, state.copy()]
    looked_at += [dict(state.stock), {**state.stock}, state.stock | {}, copy.deepcopy(state), repr(state)]

    assert looked_at
    assert engine.mark() == mark
    assert "absent" not in state.found


def test_a_state_with_minus_one_is_not_taken_for_one_with_minus_two() -> None:
    """Python hashes both alike."""
    engine = Engine(State("s", at={}))
    prints = set()
    for value in (-1, -2, -1.0, -2.0, (0, -1), (0, -2), True, 1):
        mark = engine.mark()
        engine.facade.at["x"] = value
        prints.add(engine.fingerprint())
        engine.undo(mark)
    assert len(prints) == 8


def test_an_action_may_return_a_changed_copy_instead_of_the_state_it_got() -> None:
    gtpyhop.Domain("copies")

    def drop(state: State, what: str) -> State:
        after = state.copy()
        after.items.remove(what)
        after.loc = {**after.loc, "dropped": what}
        del after.day
        return after

    def check(state: State) -> State | None:
        return state if state.items == [] and "day" not in vars(state) and state.loc["dropped"] == "x" else None

    gtpyhop.declare_actions(drop, check)
    before = everything()

    assert gtpyhop.find_plan(before, [("drop", "x"), ("check",)]) == [("drop", "x")]
    assert before == everything()


def test_what_a_method_hands_on_stays_as_it_saw_it() -> None:
    gtpyhop.Domain("seen")

    def add(state: State) -> State:
        state.items.append("y")
        state.loc["c"] = "shop"
        return state

    def check(state: State, items: list[str], loc: dict[str, str]) -> State | None:
        return state if items == ["x"] and "c" not in loc and state.items == ["x", "y"] else None

    gtpyhop.declare_actions(add, check)
    gtpyhop.declare_task_methods("do", lambda state: [("add",), ("check", state.items, state.loc)])
    gtpyhop.set_keep_idle_actions(True)

    assert gtpyhop.find_plan(everything(), [("do",)]) == [
        ("add",),
        ("check", ["x"], {"a": "home", "b": "park"}),
    ]


def test_functions_see_a_state() -> None:
    facade = Engine(everything()).facade
    assert isinstance(facade, State)
    assert isinstance(facade.loc, dict)
    assert facade == everything()
    assert facade.state_vars() == everything().state_vars()
    assert str(facade) == "<State s>"
    assert not hasattr(facade, "absent")
    with pytest.raises(AttributeError, match="has no variable 'absent'; it has loc, day"):
        _ = facade.absent


def test_states_are_copied_printed_and_compared_without_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    state = State("s", loc={"a": "b"})
    twin = state.copy("twin")
    assert state == twin
    twin.loc["a"] = "c"
    assert state != twin
    assert repr(state) == "State('s', loc={'a': 'b'})"
    assert state.copy().copy().__name__.count("_copy_") == 1
    state.display()
    assert capsys.readouterr().out == "State s:\n--------\n  - loc = {'a': 'b'}\n\n"
