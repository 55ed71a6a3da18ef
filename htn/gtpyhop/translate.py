"""From a GTPyhop domain to one that the search knows, and from what its functions return to tasks and goals.

A name is looked up as an action first, then as a task, then as a goal's state variable; the search does the same.
Goals go by the search's own rules: what holds needs nothing, and after a method the goal must hold, or the search
goes back. Where goals are not verified they become tasks, whose first way is to need nothing where the goal holds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any, NamedTuple

from htn.domain import Arity, Method, Operator
from htn.domain import Domain as SearchDomain
from htn.errors import DomainError
from htn.gtpyhop.domain import Domain, Function
from htn.gtpyhop.engine import Engine
from htn.gtpyhop.things import Multigoal, State, goal_rows
from htn.gtpyhop.values import frozen, own_copy, same
from htn.network import Multigoal as SearchMultigoal
from htn.network import Part, TaskNetwork

_MULTIGOAL = "(multigoal)"
_ONE_ARGUMENT = Arity(("multigoal",), 1)


@dataclass(frozen=True)
class Goals(SearchMultigoal):
    """A multigoal as the search knows it. `source` is the object that the domain made, which its methods get."""

    source: Multigoal = field(default_factory=lambda: Multigoal("goal"), compare=False)

    @classmethod
    def made_from(cls, source: Multigoal) -> "Goals":
        """Return what a GTPyhop multigoal wants."""
        return cls(tuple(goal_rows(source)), source.__name__, source)

    def unmet(self, state: Any) -> tuple[tuple[str, Any, Any], ...]:
        """Return the first row that does not hold; whether there is one is all that the search asks."""
        for variable, pairs in vars(self.source).items():
            if variable != "__name__" and variable in state:
                bindings = getattr(state.facade, variable)
                for key, value in pairs.items():
                    if bindings.get(key) != value:
                        return ((variable, key, value),)
        return ()


class Boxed:
    """An argument without a hash, such as a list: tasks hold it as it was, and each function gets a copy of its own."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = own_copy(value)

    def __eq__(self, other: object) -> bool:
        return same(self.value, other.value) if isinstance(other, Boxed) else bool(self.value == other)

    def __hash__(self) -> int:
        return hash(frozen(self.value))

    def __repr__(self) -> str:
        return repr(self.value)


def unboxed(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments as functions get them."""
    if not arguments or Boxed not in map(type, arguments):
        return arguments
    return tuple(own_copy(one.value) if type(one) is Boxed else one for one in arguments)


def _boxed(argument: Any) -> Any:
    try:
        hash(argument)
    except TypeError:
        return Boxed(argument)
    return argument


def parts(found: Iterable[Any], *, goals_are_tasks: bool) -> list[Part]:
    """Return what a method returned, or a person asks for, as tasks and goals for the search."""
    return [_part(item, goals_are_tasks) for item in found]


def _part(item: Any, goals_are_tasks: bool) -> Any:
    if isinstance(item, Multigoal):
        return (_MULTIGOAL, item) if goals_are_tasks else Goals.made_from(item)
    if isinstance(item, (list, tuple)) and item and isinstance(item[0], str):
        return tuple(map(_boxed, item))
    if isinstance(item, (SearchMultigoal, TaskNetwork)):
        return item
    raise DomainError(
        f"{item!r:.60} is no action, task, unigoal or multigoal",
        hints=("it is a tuple that begins with the name of one, or a Multigoal",),
    )


class Applied:
    """An action for the search: it hands the facade on, and notes in the plan what changed the state."""

    def __init__(self, name: str, action: Function, keep_idle: bool) -> None:
        self._name, self._action, self._keep_idle = name, action, keep_idle
        if hasattr(action, "__code__"):
            # So that the line that refused can be told.
            self.__code__ = action.__code__

    def __call__(self, engine: Engine, *arguments: Any) -> Any:
        """Apply the action."""
        journal = engine._journal
        start, facade = len(journal.changes), engine.facade
        result = self._action(facade, *unboxed(arguments))
        if result is not facade:
            if not isinstance(result, State):
                return self._refused(engine, result, arguments)
            engine.become(result)
        if journal.watched:
            engine.mark()
        changed = engine.changed_since(start)
        if engine.trace is not None:
            engine.trace.action((self._name, *unboxed(arguments)), engine, "applied" if changed else "idempotent")
        if changed or self._keep_idle:
            engine.note((self._name, *unboxed(arguments)))
        return engine

    def _refused(self, engine: Engine, result: Any, arguments: tuple[Any, ...]) -> Any:
        if engine.trace is not None:
            well_formed = result is None or result is False
            status = "not_applicable" if well_formed else "malformed_return"
            engine.trace.action((self._name, *unboxed(arguments)), engine, status, result)
        return result


class Decomposed:
    """A method for the search: it hands the facade on, and makes tasks and goals of what comes back."""

    def __init__(self, method: Function, goals_are_tasks: bool) -> None:
        self._method, self._goals_are_tasks = method, goals_are_tasks
        if hasattr(method, "__code__"):
            self.__code__ = method.__code__

    def __call__(self, engine: Engine, *arguments: Any) -> Any:
        """Ask the method."""
        found = self._method(engine.facade, *unboxed(arguments))
        if type(found) is not list:
            if type(found) is GeneratorType:
                return (parts(one, goals_are_tasks=self._goals_are_tasks) for one in found if one is not None)
            return found
        try:
            for item in found:
                if type(item) is not tuple:
                    return parts(found, goals_are_tasks=self._goals_are_tasks)
                # Arguments without a hash may be parts of the state.
                hash(item)
        except TypeError:
            return parts(found, goals_are_tasks=self._goals_are_tasks)
        return found


class OfGoals(Decomposed):
    """A multigoal method for the search."""

    def __call__(self, engine: Engine, *arguments: Any) -> Any:
        """Ask the method; it gets the multigoal that the domain made."""
        (goals,) = arguments
        if not isinstance(goals, Multigoal):
            goals = goals.source if isinstance(goals, Goals) else Multigoal(goals.name, **_as_variables(goals))
        return super().__call__(engine, goals)


def _as_variables(goals: SearchMultigoal) -> dict[str, dict[Any, Any]]:
    variables: dict[str, dict[Any, Any]] = {}
    for name, key, value in goals.wanted:
        variables.setdefault(name, {})[key] = value
    return variables


class Committed:
    """The first of several methods that applies, and no other."""

    def __init__(self, methods: Sequence[Callable[..., Any]]) -> None:
        self._methods = methods

    def __call__(self, engine: Engine, *arguments: Any) -> Any:
        """Ask one method after the other."""
        for method in self._methods:
            found = method(engine, *arguments)
            if found is not None and found is not False:
                return found
        return None


class Unless:
    """The methods of a goal that is a task: where it holds nothing is done, and no method is asked."""

    def __init__(self, holds: Callable[..., bool], methods: Sequence[Callable[..., Any]]) -> None:
        self._holds, self._methods = holds, methods

    def __call__(self, engine: Engine, *arguments: Any) -> Iterator[Any]:
        """Yield each way in turn."""
        if self._holds(engine, *arguments):
            yield []
            return
        for method in self._methods:
            found = method(engine, *arguments)
            if found is not None and found is not False:
                yield found


class Traced:
    """Methods that are asked in turn, each answer written down; only when all have failed is the task exhausted."""

    def __init__(self, task: str | None, methods: Sequence[Callable[..., Any]], status: str) -> None:
        self._task, self._methods, self._exhausted = task, methods, status

    def __call__(self, engine: Engine, *arguments: Any) -> Iterator[Any]:
        """Yield each way in turn."""
        item, trace = self._item(arguments), engine.trace
        assert trace is not None  # what is not traced is translated otherwise
        for method in self._methods:
            found = method(engine, *arguments)
            trace.method(item, engine, found)
            if found is not None and found is not False:
                yield found
        trace.action(item, engine, self._exhausted)

    def _item(self, arguments: tuple[Any, ...]) -> Any:
        if self._task is not None:
            return (self._task, *unboxed(arguments))
        return arguments[0].source if isinstance(arguments[0], Goals) else arguments[0]


class Translation(NamedTuple):
    """How a domain is translated: whether goals are verified, methods are final, idle actions kept, steps traced."""

    verify_goals: bool = True
    committed: bool = False
    keep_idle: bool = False
    traced: bool = False

    def of(self, source: Domain) -> SearchDomain:
        """Return a GTPyhop domain as one that the search knows: the one of last time, if nothing was declared since."""
        known = source._translations.get(self)
        if known is None or known[0] != source.declared():
            known = source._translations[self] = source.copy(source.__name__).declared(), self._made(source)
        domain: SearchDomain = known[1]
        return domain

    def _made(self, source: Domain) -> SearchDomain:
        made = SearchDomain("gtpyhop", source=source.__name__)
        for name, action in source._action_dict.items():
            made.operators[name] = Operator(name, source.arity(action), Applied(name, action, self.keep_idle))
        for name, methods in source._task_method_dict.items():
            made.methods[name] = self._ways(source, name, methods, Decomposed, "task_exhausted")
        for name, methods in source._unigoal_method_dict.items():
            ways = self._ways(source, name, methods, Decomposed, "goal_exhausted")
            if self.verify_goals:
                made.goal_methods[name] = ways
            elif name not in made.methods:
                made.methods[name] = (self._unless(name, ways, _is_so(name)),)
        multigoal_ways = self._ways(source, None, source._multigoal_method_list, OfGoals, "multigoal_exhausted")
        if self.verify_goals:
            made.multigoal_methods = multigoal_ways
        else:
            made.methods[_MULTIGOAL] = (self._unless(_MULTIGOAL, multigoal_ways, _are_so),)
        return made

    def _ways(
        self, source: Domain, name: str | None, methods: Sequence[Function], kind: type[Decomposed], exhausted: str
    ) -> tuple[Method, ...]:
        task = _MULTIGOAL if name is None else name
        ways = [kind(method, not self.verify_goals) for method in methods]
        if not self.traced and not self.committed:
            return tuple(
                Method(method.__name__, task, source.arity(method), way)
                for method, way in zip(methods, ways, strict=True)
            )
        together: Callable[..., Any] = Committed(ways)
        if self.traced:
            together = Traced(name, [together] if self.committed else ways, exhausted)
        return (Method(f"the methods of {task}", task, Arity((), 0, open_ended=True), together),)

    def _unless(self, name: str, ways: tuple[Method, ...], holds: Callable[..., bool]) -> Method:
        methods = [way.decompose for way in ways]
        return Method(f"the methods of {name}", name, Arity((), 0, open_ended=True), Unless(holds, methods))


def _is_so(name: str) -> Callable[..., bool]:
    return lambda engine, key, value: name in engine and bool(engine.look_up(name, key) == value)


def _are_so(engine: Engine, multigoal: Multigoal) -> bool:
    return all(_is_so(name)(engine, key, value) for name, key, value in goal_rows(multigoal))
