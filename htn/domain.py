"""What is known: operators, methods, commands, and how a task is looked up. A value that is passed around.

    travel = Domain("travel")

    @travel.operator
    def walk(state, person, start, end):
        if state.loc[person] == start:
            state.loc[person] = end
            return state

    @travel.method("travel")
    def on_foot(state, person, start, end):
        if state.dist[start, end] <= 2:
            return [("walk", person, start, end)]

An operator changes the state and returns it; a method returns the subtasks of its task, or yields several such
lists, which are tried in order. Returning None (or False) means "does not apply" (Pyhop's manner; Nau, 2013).
A command carries an action out in the world; an operator without a command is its own command.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, overload

from htn.aim import Aim
from htn.arity import Amount, Arity, amount
from htn.contract import Contract, Evaluate, Parameter, Type, check_name, model_of
from htn.decision import Decision
from htn.delivery import Delivery, check_label
from htn.errors import DomainError, UsageError, did_you_mean
from htn.example import Example, StateVariable
from htn.levels import Level, Mode, worded
from htn.network import Task, show_task
from htn.state import State
from htn.values import plain

__all__ = [
    "Amount",
    "Arity",
    "Domain",
    "Example",
    "Method",
    "Operator",
    "StateVariable",
    "amount",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operator:
    """A primitive task. `apply` is None when nobody knows how to do it: that is a gap."""

    name: str
    arity: Arity
    apply: Callable[..., Any] | None
    description: str = ""
    contract: Contract | None = None
    parameters: tuple[Parameter, ...] = ()
    version: str | None = None
    cost: Amount = 1.0
    duration: Amount = 1.0

    @property
    def is_learned(self) -> bool:
        """Whether this came out of a library."""
        return self.version is not None


@dataclass(frozen=True)
class Method:
    """A way to do a compound task."""

    name: str
    task: str
    arity: Arity
    decompose: Callable[..., Any]
    description: str = ""


@dataclass
class Domain:
    """Operators, methods and commands that belong together. Declaring adds to it; planning only reads it."""

    name: str
    operators: dict[str, Operator] = field(default_factory=dict)
    goal_methods: dict[str, tuple[Method, ...]] = field(default_factory=dict)
    multigoal_methods: tuple[Method, ...] = ()
    methods: dict[str, tuple[Method, ...]] = field(default_factory=dict)
    commands: dict[str, Callable[..., Any]] = field(default_factory=dict)
    variables: dict[str, StateVariable] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    results: tuple[str, ...] = ()
    aims: dict[str, Aim] = field(default_factory=dict)
    make_state: Callable[[], State] | None = None
    source: str = ""
    """What a person types to mean this domain: its name, or the path of its file."""
    repeatable: frozenset[str] = frozenset()
    """The operators whose command may be carried out again after it raised."""
    at_least_once: frozenset[str] = frozenset()
    """The operators whose command may be carried out again when nobody knows whether it was."""
    labels: dict[str, str] = field(default_factory=dict)
    """What a worker must have that carries an operator out, where that is anything special."""
    decisions: tuple[Decision, ...] = ()
    level: Level | None = None
    mode: Mode | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "a domain's name")
        self.source = self.source or self.name

    @overload
    def operator(self, function: _Function) -> _Function: ...

    @overload
    def operator(
        self, function: None = None, *, cost: Amount = 1.0, duration: Amount = 1.0, label: str = ""
    ) -> Callable[[_Function], _Function]: ...

    def operator(
        self, function: _Function | None = None, *, cost: Amount = 1.0, duration: Amount = 1.0, label: str = ""
    ) -> _Function | Callable[[_Function], _Function]:
        """Declare a primitive task: the function's name, its parameters after the state, its docstring.

        `cost` and `duration` are numbers, or functions of the state before the action and its arguments. `label` names
        what a worker must have that carries it out ("gpu", say).
        """

        def declared(function: _Function) -> _Function:
            name = function.__name__
            self._refuse_double(name)
            text = inspect.getdoc(function) or ""
            self.operators[name] = Operator(name, Arity.of(function), function, text, cost=cost, duration=duration)
            self._labelled(name, label)
            return function

        return declared if function is None else declared(function)

    def declare(
        self, name: str, parameters: Mapping[str, Any], description: str, contract: Contract | None = None
    ) -> None:
        """Declare a primitive task that nobody has written: its typed parameters and what it should do.

        `parameters` maps a name to a JSON Schema, or to "string", "number", "integer" or "boolean".
        """
        self._refuse_double(check_name(name, f"the domain {self.name}"))
        typed = tuple(Parameter(p, _type(schema, f"{name}.{p}")) for p, schema in parameters.items())
        arity = Arity(tuple(parameters), len(typed))
        self.operators[name] = Operator(name, arity, None, inspect.cleandoc(description), contract, typed)

    def task(
        self,
        name: str,
        parameters: Mapping[str, Any],
        description: str,
        *,
        goal: str | Sequence[str],
        operator: str | None = None,
    ) -> None:
        """Declare what a task is for: what has to hold when it has been done, in the language of contracts.

        Where none of its methods applies, the goal does not hold, and nothing says that it cannot be reached, there is
        a gap: an `operator` (by default "achieve_" and the task's name) that can be learned. It is one more way to do
        the task, and is tried after its methods. `goal` is a condition or several: "loc[box] == place".
        """
        operator = operator or f"achieve_{name}"
        conditions = (goal,) if isinstance(goal, str) else tuple(goal)
        if name in self.operators or name in self.aims:
            raise DomainError(f"{self.name} has {'a goal of' if name in self.aims else 'an operator'} {name} already")
        aim = Aim.of(check_name(name, f"the domain {self.name}"), operator, tuple(parameters), conditions)
        self.declare(operator, parameters, f"{inspect.cleandoc(description)}\nAfterwards: {' and '.join(conditions)}")
        self.aims[name] = aim
        if name not in self.goal_methods:
            self.methods.setdefault(name, ())

    def method(self, task: str) -> Callable[[_Function], _Function]:
        """Declare a way to do `task`. Methods are tried in the order in which they are declared."""

        def declared(function: _Function) -> _Function:
            if task in self.operators:
                raise DomainError(f"{task} is an operator of {self.name}, so it cannot have a method")
            if task in self.goal_methods:
                raise DomainError(f"{task} is a goal of {self.name}, so it cannot be a task too")
            self.methods[task] = self._with_method(self.methods.get(task, ()), task, function)
            return function

        return declared

    def goal_method(self, variable: str) -> Callable[[_Function], _Function]:
        """Declare a way to give the state variable `variable` a value; the function gets the key and the value.

        The goal `(variable, key, value)` is a task. It needs nothing where it holds; after its method it must.
        """

        def declared(function: _Function) -> _Function:
            if self.knows(variable) and variable not in self.goal_methods:
                raise DomainError(f"{variable} is a task of {self.name}, so it cannot be a goal too")
            known = self.goal_methods.get(variable, ())
            method = self._with_method(known, variable, function)
            if not method[-1].arity.accepts(2):
                raise DomainError(f"{method[-1].name} must take the state, a key and a value, as goal methods do")
            self.goal_methods[variable] = method
            return function

        return declared

    def multigoal_method(self, function: _Function) -> _Function:
        """Declare a way to reach several values at once; the function gets the `Multigoal`."""
        self.multigoal_methods = self._with_method(self.multigoal_methods, "a multigoal", function)
        if not self.multigoal_methods[-1].arity.accepts(1):
            raise DomainError(f"{function.__name__} must take the state and a Multigoal, as multigoal methods do")
        return function

    def _with_method(self, known: tuple[Method, ...], task: str, function: Callable[..., Any]) -> tuple[Method, ...]:
        name = function.__name__
        if any(method.name == name for method in known):
            raise DomainError(f"{task} has a method {name} already", where=f"domain {self.name}")
        method = Method(name, task, Arity.of(function), function, inspect.getdoc(function) or "")
        if known and not any(method.arity.shares_a_count_with(other.arity) for other in known):
            raise DomainError(
                f"the method {name} takes ({method.arity}), but {task} has methods that take ({known[0].arity})",
                where=f"domain {self.name}",
                hints=("the methods of a task take the same arguments",),
            )
        return (*known, method)

    def command(
        self, operator: str, *, retry: bool = False, delivery: Delivery | None = None, label: str = ""
    ) -> Callable[[_Function], _Function]:
        """Declare what carries `operator` out in the world; it gets the run's state and changes it.

        `retry` says that it does no harm when it is carried out once more after it has raised: only then it is.
        `delivery` says what happens where the process died meanwhile, so that nobody knows whether it was carried out:
        "at least once" lets it be carried out again (see `idempotency_key`), "at most once" asks a person. Without it,
        a command with `retry` is carried out at least once, any other at most once. `label` names what a worker must
        have that carries it out ("gpu", say).
        """
        if retry and delivery == "at most once":
            raise DomainError(f"the command of {operator} cannot be tried again and be carried out at most once")
        if delivery not in (None, "at most once", "at least once"):
            raise DomainError(f"{operator}: delivery is 'at most once' or 'at least once', not {delivery!r}")

        def declared(function: _Function) -> _Function:
            if operator not in self.operators:
                raise DomainError(
                    f"{operator} has a command but is no operator of {self.name}",
                    hints=did_you_mean(operator, list(self.operators)),
                )
            self.commands[operator] = function
            self.repeatable = self.repeatable - {operator} | ({operator} if retry else set())
            again = retry or delivery == "at least once"
            self.at_least_once = self.at_least_once - {operator} | ({operator} if again else set())
            self._labelled(operator, label)
            return function

        return declared

    def _labelled(self, operator: str, label: str) -> None:
        if label:
            self.labels = {**self.labels, operator: check_label(label)}

    def variable(self, name: str, schema: Any = None, description: str = "") -> None:
        """Declare a state variable: the type of its values (a JSON Schema) and what they mean."""
        check_name(name, f"the domain {self.name}")
        self.variables[name] = StateVariable(name, _type(schema or {}, name), description)

    def example(self, operator: str, *arguments: Any, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
        """Add an example: whoever writes `operator` has to get it right."""
        self.examples += (Example(operator, arguments, given, then),)

    def result(self, *variables: str) -> None:
        """Say which state variables a run is carried out for; without, every change is its result."""
        self.results += variables

    def decision(self, task: str, question: str, *, about: Sequence[str] = ()) -> None:
        """Say that it is worth asking which method of `task` to take, where several apply (see `htn.decision`).

        `about` names the state variables that matter for it. Without anybody to ask, the declared order holds.
        """
        self.decisions = (*self.decisions, Decision(task, inspect.cleandoc(question), tuple(about)))

    def acting(self, *, level: str | None = None, mode: str | None = None) -> None:
        """Say how this domain is acted in unless whoever starts a run says otherwise (see `htn.levels`)."""
        self.level, self.mode = worded(Level, level) or self.level, worded(Mode, mode) or self.mode

    def initial_state(self, function: Callable[[], State]) -> Callable[[], State]:
        """Declare the function that makes the state in which planning starts unless one is given."""
        self.make_state = function
        return function

    def examples_of(self, operator: str) -> tuple[Example, ...]:
        """Return the examples of an operator."""
        return tuple(example for example in self.examples if example.operator == operator)

    def extended_by(self, learned: Iterable[Operator]) -> "Domain":
        """Return this domain with further operators. A written one is never replaced by a learned one."""
        written = {name for name, o in self.operators.items() if o.apply and not o.is_learned}
        added = {o.name: o for o in learned if o.name not in self.methods and o.name not in written}
        extended = replace(self, operators={**self.operators, **added})
        for aim in self.aims.values():
            if aim.operator in added and added[aim.operator].apply is not None:
                extended._add_last_resort(aim)
        return extended

    def _add_last_resort(self, aim: Aim) -> None:
        """Let a learned operator be the last way to do the task whose goal it is for, where it reaches that goal."""
        operator = self.operators[aim.operator]
        assert operator.apply is not None  # it was learned
        held = replace(operator, apply=aim.held_to(operator.apply))

        def decompose(state: State, *arguments: Any) -> list[Task]:
            return [(aim.operator, *arguments)]

        resort = Method(aim.operator, aim.task, operator.arity, decompose, operator.description)
        table = "goal_methods" if aim.task in self.goal_methods else "methods"
        known: dict[str, tuple[Method, ...]] = getattr(self, table)
        ways = tuple(method for method in known[aim.task] if method.name != resort.name)
        self.operators = {**self.operators, aim.operator: held}
        setattr(self, table, {**known, aim.task: (*ways, resort)})

    def evaluated_by(self, evaluate: Evaluate) -> "Domain":
        """Return this domain with `evaluate` asked, while planning, what the bodies of learned operators return.

        Where it does not say, or says what breaks the contract, the outputs are unknown until execution.
        """
        operators = dict(self.operators)
        for name, operator in self.operators.items():
            if operator.version is not None and operator.contract is not None and operator.contract.outputs:
                apply = model_of(operator.contract, partial(evaluate, operator.version, operator.contract))
                aims = [aim for aim in self.aims.values() if aim.operator == name]
                operators[name] = replace(operator, apply=aims[0].held_to(apply) if aims else apply)
        return replace(self, operators=operators)

    def knows(self, head: str) -> bool:
        """Say whether some operator or method is called `head`."""
        return head in self.operators or head in self.methods or head in self.goal_methods

    def check_typed(self, task: Task) -> None:
        """Check a task that a person typed. UsageError with did-you-mean when nobody knows it or its arity."""
        head, count = task[0], len(task) - 1
        known = self.heads()
        if not self.knows(head):
            raise UsageError(
                f"the domain {self.name} has no task {head}",
                hints=did_you_mean(head, known) or (f"it has {', '.join(sorted(known)) or 'no tasks'}",),
            )
        ways = self.methods.get(head) or self.goal_methods.get(head, ())
        primitive = self.operators.get(self.aims[head].operator if head in self.aims and not ways else head)
        forms = [primitive.arity] if primitive else [method.arity for method in ways]
        if not any(arity.accepts(count) for arity in forms):
            usages = sorted({f"{head}({arity})" for arity in forms})
            raise UsageError(
                f"{show_task(task)} has {count} argument{'' if count == 1 else 's'}",
                hints=(f"write {' or '.join(usages)}",),
            )

    def heads(self) -> list[str]:
        """Return the names of all tasks that somebody knows or has declared."""
        return [*self.operators, *self.methods, *self.goal_methods]

    def check(self, state: State | None = None) -> None:
        """Check what declarations say of each other: whether every example is one of a declared operator.

        They may stand in any order in a file, so this is asked when the domain is first used. `state` is where
        planning starts; its variables are known as the declared ones are. DomainError names the first mistake.
        """
        for example in self.examples:
            if why := self._mistaken(example, {*self.variables, *(state or ())}):
                message, hints = why
                raise DomainError(message, where=f"the domain {self.name}", hints=hints)
        for decision in self.decisions:
            if decision.task not in self.methods:
                message = f"there is a decision about {decision.task}, which has no methods"
                raise DomainError(
                    message, where=f"the domain {self.name}", hints=did_you_mean(decision.task, list(self.methods))
                )

    def _mistaken(self, example: Example, variables: set[str]) -> tuple[str, tuple[str, ...]] | None:
        name, count = example.operator, len(example.arguments)
        operator = self.operators.get(name)
        if operator is None:
            return f"there is an example of {name}, which is no operator", did_you_mean(name, list(self.operators))
        if not operator.arity.accepts(count):
            return f"an example of {name} has {count} arguments", (f"it takes ({operator.arity})",)
        for parameter, argument in zip(operator.parameters, example.arguments, strict=False):
            if why := parameter.type.refuse(plain(argument), parameter.name):
                return f"in an example of {name}, {why}", (f"{name} is declared with {parameter}",)
        for said in (example.given, example.then):
            for variable, value in said.items():
                if variables and variable not in variables:
                    message = f"an example of {name} names {variable}, which is no state variable"
                    return message, did_you_mean(variable, sorted(variables))
                if why := self._misplaced(variable, value):
                    return f"in an example of {name}, {why}", ()
        example.to_json()  # UsageError for what cannot be told
        return None

    def _misplaced(self, variable: str, value: Any) -> str | None:
        """Return why a variable cannot hold this, as one value or as its entries by key."""
        declared = self.variables.get(variable, StateVariable(variable)).type
        if value is State.ABSENT or declared.refuse(plain(value)) is None:
            return None
        parts = value.items() if isinstance(value, Mapping) else [(None, value)]
        found = (
            declared.refuse(plain(part), variable if key is None else f"{variable}[{key}]")
            for key, part in parts
            if part is not State.ABSENT
        )
        return next((why for why in found if why), None)

    def _refuse_double(self, name: str) -> None:
        if name in self.operators:
            raise DomainError(f"{self.name} has an operator {name} already")
        if name in self.methods or name in self.goal_methods:
            raise DomainError(f"{name} is a task with methods in {self.name}, so it cannot be an operator")


def _type(schema: Any, where: str) -> Type:
    return Type.from_json({"type": schema} if isinstance(schema, str) else schema, where)
