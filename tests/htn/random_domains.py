"""Small random domains: propositions, a bag that is changed in place, operators, methods and generator methods.

The task t0 uses only t1, t2 and operators, t1 only t2 and operators, so no search goes on for ever.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from htn.domain import Domain
from htn.network import Task

PROPOSITIONS = ("p", "q", "r")
ITEMS = ("a", "b", "c")
TASKS = ("t0", "t1", "t2")
OPERATORS = ("o0", "o1", "o2")

literals: st.SearchStrategy[dict[str, bool]] = st.just({}) | st.dictionaries(
    st.sampled_from(PROPOSITIONS), st.booleans(), max_size=2
)


@dataclass(frozen=True)
class OperatorSpec:
    needs: dict[str, bool]
    makes: dict[str, bool]
    deletes: str | None
    takes: bool
    likes: str | None
    puts: str | None


@dataclass(frozen=True)
class MethodSpec:
    needs: dict[str, bool]
    alternatives: tuple[tuple[Task, ...], ...]
    each_item: bool


@dataclass(frozen=True)
class Problem:
    """What makes a domain, and where it starts: `start` holds the propositions, `bag` the items."""

    operators: dict[str, OperatorSpec]
    methods: dict[str, tuple[MethodSpec, ...]]
    start: dict[str, bool]
    bag: list[str]
    tasks: tuple[Task, ...]

    def variables(self) -> dict[str, Any]:
        return {"fact": dict(self.start), "bag": {"all": list(self.bag)}, "count": 0}


def _holds(state: Any, needs: dict[str, bool]) -> bool:
    return all(state.fact.get(name) == value for name, value in needs.items())


def _operator(name: str, spec: OperatorSpec) -> Callable[..., Any]:
    def apply(state: Any, item: str | None = None) -> Any:
        bag = state.bag["all"]
        state.count += 1  # changed before it is known whether the operator applies
        if item is not None and spec.takes:
            if item not in bag:
                return None
            bag.remove(item)
        if item is not None and spec.likes and item != spec.likes:
            return None  # only after it has taken the item
        if not _holds(state, spec.needs):
            return False
        if spec.puts:
            bag.insert(0, spec.puts)
        state.fact.update(spec.makes)
        if spec.deletes:
            state.fact.pop(spec.deletes, None)
        return state

    apply.__name__ = name
    return apply


def _method(name: str, spec: MethodSpec) -> Callable[..., Any]:
    def each(state: Any) -> Iterator[Any]:
        if not _holds(state, spec.needs):
            return
        for item in state.bag["all"]:
            for subtasks in spec.alternatives:
                yield [("o0", item), *subtasks]

    def one_of(state: Any) -> Iterator[Any]:
        for subtasks in spec.alternatives:
            yield subtasks if _holds(state, spec.needs) else None

    def one(state: Any) -> Any:
        return list(spec.alternatives[0]) if _holds(state, spec.needs) else None

    chosen = each if spec.each_item else one_of if len(spec.alternatives) > 1 else one
    chosen.__name__ = name
    return chosen


def make_domain(problem: Problem) -> Domain:
    domain = Domain("random")
    for name, operator in problem.operators.items():
        domain.operator(_operator(name, operator))
    for task, methods in problem.methods.items():
        for at, method in enumerate(methods):
            domain.method(task)(_method(f"m{at}", method))
    return domain


operator_specs = st.builds(
    OperatorSpec, literals, literals, st.none() | st.sampled_from(PROPOSITIONS), st.booleans(),
    st.none() | st.sampled_from(ITEMS), st.none() | st.sampled_from(ITEMS),
)  # fmt: skip


def _steps(known: tuple[str, ...]) -> st.SearchStrategy[tuple[Task, ...]]:
    step = st.sampled_from([(name,) for name in known])
    taking = st.sampled_from(OPERATORS).flatmap(lambda name: st.sampled_from([(name, item) for item in ITEMS]))
    return st.lists(step | taking if known[0] in OPERATORS else step, max_size=2).map(tuple)


def _methods(known: tuple[str, ...]) -> st.SearchStrategy[tuple[MethodSpec, ...]]:
    alternatives = st.lists(_steps(known), min_size=1, max_size=2).map(tuple)
    return st.lists(st.builds(MethodSpec, literals, alternatives, st.booleans()), min_size=1, max_size=2).map(tuple)


problems = st.builds(
    Problem,
    st.fixed_dictionaries(dict.fromkeys(OPERATORS, operator_specs)),
    st.fixed_dictionaries({
        "t0": _methods(("t1", "t2", *OPERATORS)),
        "t1": _methods(("t2", *OPERATORS)),
        "t2": _methods(OPERATORS),
    }),
    st.fixed_dictionaries(dict.fromkeys(PROPOSITIONS, st.booleans())),
    st.permutations(ITEMS).flatmap(lambda items: st.sampled_from([list(items[:n]) for n in range(4)])),
    st.lists(st.sampled_from([("t0",), ("t1",), ("o1",), ("o2", "a")]), min_size=1, max_size=2).map(tuple),
)  # fmt: skip
