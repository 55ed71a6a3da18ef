"""A state, changed and undone in every way, against deep copies of plain dicts."""

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from htn.state import State
from tests.htn.strategies import containers, exact, keys, mappings, members, names, plain_values, values

Model = dict[str, Any]
VERBS = (
    "set", "delete", "pop", "popitem", "update", "setdefault", "clear", "or", "change", "put elsewhere", "whole",
)  # fmt: skip


def places(model: Model) -> dict[tuple[str, Any], Any]:
    """Return every place of the model and what is there."""
    found: dict[tuple[str, Any], Any] = {}
    for name, held in model.items():
        pairs = held.items() if isinstance(held, dict) else [(None, held)]
        found |= {(name, key): value for key, value in pairs}
    return found


def difference(then: Model, here: Model) -> dict[tuple[str, Any], Any]:
    """Return what is different here, found by looking at everything."""
    before, after = places(then), places(here)
    return {
        at: after.get(at, State.ABSENT)
        for at in before.keys() | after.keys()
        if (at in before) != (at in after) or exact(before[at]) != exact(after[at])
    }


def as_model(state: State) -> Model:
    """Return what the state holds without reading it as an action would."""
    return {name: dict(dict.items(held)) if isinstance(held, dict) else held for name, held in vars(state).items()}


def comparable(model: Model) -> dict[str, Any]:
    """Return the model to the last detail, but for the order of variables and of their keys."""
    return {
        name: {key: exact(value) for key, value in held.items()} if isinstance(held, dict) else exact(held)
        for name, held in model.items()
    }


def yes(data: st.DataObject, question: str) -> bool:
    return data.draw(st.booleans(), question)


def change_in_place(data: st.DataObject, mine: Any, theirs: Any) -> None:
    """Change two equal values, or something in them, in the same way."""
    assert exact(mine) == exact(theirs)
    if isinstance(mine, (list, dict)) and mine and yes(data, "deeper"):
        at = data.draw(st.sampled_from(list(mine) if isinstance(mine, dict) else range(len(mine))), "at")
        if isinstance(mine[at], (list, dict, set)):
            change_in_place(data, mine[at], theirs[at])
            return
    if isinstance(mine, list):
        if mine and yes(data, "shorten"):
            mine.pop(0)
            theirs.pop(0)
            return
        value = data.draw(values, "value")
        mine.append(value)
        theirs.append(copy.deepcopy(value))
    elif isinstance(mine, set):
        member = data.draw(members, "member")
        mine.symmetric_difference_update({member})
        theirs.symmetric_difference_update({member})
    elif isinstance(mine, dict):
        if mine and yes(data, "to the end"):
            first = next(iter(mine))
            mine[first] = mine.pop(first)
            theirs[first] = theirs.pop(first)
            return
        key, value = data.draw(keys, "key"), data.draw(values, "value")
        mine[key] = value
        theirs[key] = copy.deepcopy(value)


class ChangesAndUndos(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = State(loc={"alice": "home"}, cargo={"van": ["box"]}, day=3)
        self.model: Model = {"loc": {"alice": "home"}, "cargo": {"van": ["box"]}, "day": 3}
        self.marks: list[tuple[int, Model]] = [(self.state.mark(), copy.deepcopy(self.model))]
        self.held: list[tuple[Any, Any]] = []
        self.hashes: dict[str, int] = {}
        self.states: dict[int, str] = {}

    @rule(data=st.data(), count=st.integers(1, 4))
    def action(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            name = data.draw(names, "variable")
            if isinstance(self.model.get(name), dict):
                self.change_mapping(data, name, self.model[name], getattr(self.state, name))
            else:
                self.replace(data, name)

    def replace(self, data: st.DataObject, name: str) -> None:
        if name in self.model and yes(data, "delete it"):
            del self.model[name]
            delattr(self.state, name)
            return
        value = data.draw(mappings | plain_values, "whole")
        self.model[name] = copy.deepcopy(value)
        setattr(self.state, name, value)

    def change_mapping(self, data: st.DataObject, name: str, mine: dict[Any, Any], theirs: Any) -> None:
        """Do one thing to a variable, and the same to its model; both must give the same."""
        key = data.draw(st.sampled_from(list(mine)) | keys if mine else keys, "key")
        value = data.draw(values | containers, "value")
        same = copy.deepcopy(value)
        match data.draw(st.sampled_from(VERBS), "verb"):
            case "set":
                theirs[key], mine[key] = value, same
            case "delete" if key in mine:
                del theirs[key], mine[key]
            case "pop":
                change_in_place(data, theirs.pop(key, None), mine.pop(key, None))
            case "popitem" if mine:
                last, taken = theirs.popitem()
                assert exact(taken) == exact(mine.pop(last))
            case "update":
                theirs.update({key: value})
                mine.update({key: same})
            case "setdefault":
                change_in_place(data, theirs.setdefault(key, value), mine.setdefault(key, same))
            case "clear":
                theirs.clear()
                mine.clear()
            case "or":
                theirs |= {key: value}
                mine |= {key: same}
            case "change":
                change_in_place(data, theirs.get(key), mine.get(key))
            case "put elsewhere" if mine:
                self.put_elsewhere(mine, theirs, key)
            case "whole":
                self.replace(data, name)

    def put_elsewhere(self, mine: dict[Any, Any], theirs: Any, key: Any) -> None:
        start = next(iter(mine))
        theirs[key] = taken = theirs[start]
        mine[key] = copy.deepcopy(mine[start])
        if isinstance(taken, list):
            taken.append("what was written is a copy, so only the place that was read changes")
            if start != key:
                mine[start] = copy.deepcopy(taken)

    @rule(name=names)
    def read_and_keep(self, name: str) -> None:
        """A method reads; it may hold on to what it read while the state goes on."""
        if isinstance(self.model.get(name), dict):
            self.held += [(value, copy.deepcopy(value)) for value in getattr(self.state, name).values()]
        self.state.mark()

    @rule()
    def mark(self) -> None:
        self.marks.append((self.state.mark(), copy.deepcopy(self.model)))

    @precondition(lambda self: len(self.marks) > 1)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.marks) - 1))
        mark, then = self.marks[at]
        del self.marks[max(at, 1) :]
        self.state.undo(mark)
        self.model = copy.deepcopy(then)

    @invariant()
    def holds_what_plain_dicts_hold(self) -> None:
        assert comparable(as_model(self.state)) == comparable(self.model)

    @invariant()
    def knows_what_changed_since_each_mark(self) -> None:
        for mark, then in self.marks:
            assert self.state.changes_since(mark) == difference(then, self.model)

    @invariant()
    def keeps_the_order_of_the_keys(self) -> None:
        for name, held in self.model.items():
            if isinstance(held, dict):
                assert list(getattr(self.state, name)) == list(held)
                assert list(getattr(self.state, name).items()) == list(held.items())

    @invariant()
    def has_the_same_hash_where_it_is_the_same_and_another_where_it_is_not(self) -> None:
        here = repr(sorted((name, sorted(map(repr, held.items())) if isinstance(held, dict) else held)
                           for name, held in comparable(self.model).items()))  # fmt: skip
        hashed = self.state.fingerprint()
        assert self.hashes.setdefault(here, hashed) == hashed
        assert self.states.setdefault(hashed, here) == here

    @invariant()
    def can_undo_and_do_again_all_since_each_mark(self) -> None:
        for mark, _ in self.marks[-1:]:
            before = comparable(as_model(self.state))
            delta = self.state.delta(mark)
            self.state.undo(mark)
            self.state.redo(delta)
            assert comparable(as_model(self.state)) == before

    @invariant()
    def leaves_alone_what_was_read(self) -> None:
        for value, as_it_was in self.held:
            assert exact(value) == exact(as_it_was)


TestChangesAndUndos = ChangesAndUndos.TestCase
TestChangesAndUndos.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
