"""Small random domains with goals, and with networks whose parts are unordered.

The task t0 uses only t1, goals and operators, t1 only goals and operators, goals only operators: all plans are finite.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from htn.domain import Domain
from htn.network import Multigoal, TaskNetwork

KEYS = ("a", "b")
VALUES = (0, 1, 2)


@dataclass(frozen=True)
class Way:
    """A method: it applies where a lamp has some value or, without one, everywhere, and gives one of some lists."""

    needs: tuple[str, int] | None
    lists: tuple[tuple[Any, ...], ...]
    as_network: bool


@dataclass(frozen=True)
class Problem:
    ways: dict[str, tuple[Way, ...]]
    start: dict[str, int]
    tasks: tuple[Any, ...]

    def variables(self) -> dict[str, Any]:
        return {"lamp": dict(self.start), "log": {"all": []}, "clock": 0}

    def namespace(self) -> SimpleNamespace:
        return SimpleNamespace(**self.variables())

    def domain(self) -> Domain:
        return make_domain(self)


def make_domain(problem: Problem) -> Domain:
    domain = Domain("networks")

    @domain.operator(cost=2, duration=lambda state, key, value: state.lamp[key] + 1)
    def put(state: Any, key: str, value: int) -> Any:
        state.lamp[key] = value
        return state

    @domain.operator
    def turn(state: Any, key: str) -> Any:
        state.lamp[key] += 1
        return state if state.lamp[key] < 3 else None

    @domain.operator
    def copy_to(state: Any, key: str, other: str) -> Any:
        state.lamp[other] = state.lamp[key]
        return state

    @domain.operator
    def write(state: Any, word: str) -> Any:
        state.log["all"].append(word)
        state.clock = state.clock + 1
        return state

    @domain.operator
    def pick(state: Any) -> Any:
        for key, value in state.lamp.items():
            if value == 0:
                state.lamp[key] = 1
                return state
        return False

    @domain.operator
    def renew(state: Any, key: str) -> Any:
        state.lamp[key] = state.lamp.pop(key)  # the key comes last
        return state

    @domain.operator
    def wait(state: Any) -> Any:
        return state

    for name, ways in problem.ways.items():
        for at, way in enumerate(ways):
            _declare(domain, name, way, f"m{at}")
    return domain


def _declare(domain: Domain, name: str, way: Way, method: str) -> None:
    def applies(state: Any) -> bool:
        return way.needs is None or state.lamp[way.needs[0]] == way.needs[1]

    def filled_in(parts: tuple[Any, ...], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(_fill(part, arguments) for part in parts)

    def yielding(state: Any, *arguments: Any) -> Iterator[Any]:
        for parts in way.lists:
            yield list(filled_in(parts, arguments)) if applies(state) else None

    def giving(state: Any, *arguments: Any) -> Any:
        if not applies(state):
            return None
        parts = filled_in(way.lists[0], arguments)
        return TaskNetwork(parts, ordered=False) if way.as_network else list(parts)

    function = yielding if len(way.lists) > 1 else giving
    function.__name__ = method
    if name == "lamp":
        domain.goal_method("lamp")(function)
    elif name == "all":
        domain.multigoal_method(function)
    else:
        domain.method(name)(function)


def _fill(part: Any, arguments: tuple[Any, ...]) -> Any:
    """Put a goal's key and value where $0 and $1 stand."""
    if isinstance(part, TaskNetwork):
        return TaskNetwork(tuple(_fill(inner, arguments) for inner in part.parts), part.ordered)
    if isinstance(part, tuple):
        return tuple(arguments[int(one[1])] if one in ("$0", "$1") else one for one in part)
    return part


keys = st.sampled_from(KEYS)
numbers = st.sampled_from(VALUES)
actions = st.one_of(
    st.tuples(st.just("put"), keys, numbers),
    st.tuples(st.just("turn"), keys),
    st.sampled_from([("copy_to", "a", "b"), ("write", "x"), ("write", "y"), ("pick",), ("wait",)]),
)
# A search that goes back puts such a key last too, so what it finds may depend on that; single plans do not.
reordering_actions = actions | st.tuples(st.just("renew"), keys)
goals = st.tuples(st.just("lamp"), keys, numbers)
multigoals = st.dictionaries(keys, numbers, min_size=1).map(lambda wanted: Multigoal.of({"lamp": wanted}))
needs = st.none() | st.tuples(keys, numbers)


def networks(tasks: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        tasks,
        lambda inner: st.builds(TaskNetwork, st.lists(inner, max_size=3).map(tuple), st.sampled_from([False, True])),
        max_leaves=4,
    )


def ways(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Way, ...]]:
    some = st.lists(parts, min_size=1, max_size=3).map(tuple)
    lists = st.lists(some | st.just(()), min_size=1, max_size=2).map(tuple)
    return st.lists(st.builds(Way, needs, lists, st.booleans()), min_size=1, max_size=2).map(tuple)


to_reach = actions | st.sampled_from([("put", "$0", "$1"), ("turn", "$0")])
to_do = st.one_of(actions, actions, goals, multigoals)

problems = st.builds(
    Problem,
    st.fixed_dictionaries({
        "t0": ways(networks(to_do | st.just(("t1",)))),
        "t1": ways(networks(to_do)),
        "lamp": ways(networks(to_reach)),
        "all": ways(networks(actions | goals)),
    }),
    st.fixed_dictionaries(dict.fromkeys(KEYS, numbers)),
    st.lists(networks(st.one_of(to_do, st.sampled_from([("t0",), ("t1",)]))) | st.just(("t0",)), min_size=1, max_size=3)
    .map(tuple),
)  # fmt: skip
