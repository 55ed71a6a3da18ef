"""The parts of a precondition or an effect, as data, and what they are worth in a state.

    file                     a parameter, or a value that the contract reads
    table[file]["wind"]      a state variable at a key, and an entry of what is there
    output.mean              what the body returned
    3, "text", true          a constant
    len(values), abs(x)      one of the functions in `FUNCTIONS`, nothing else

A term that is worth nothing in a state (a key that is absent) raises `Undefined`; one that only execution can
know gives an `Unknown`, and using it raises `NeedsValue`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from htn.state import State
from htn.unknown import Unknown
from htn.values import hashable, show

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
}


class Undefined(Exception):
    """A term is worth nothing in this state; the text says which part is missing."""


@dataclass(frozen=True)
class Scope:
    """Where terms are worth something: a state, the arguments, what was read, and what the body returned."""

    state: State
    arguments: Mapping[str, Any]
    reads: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Constant:
    """The same value everywhere."""

    value: Any

    def __str__(self) -> str:
        # JSON's words, so that the text reads the same in any language.
        words = {None: "null", True: "true", False: "false"}
        if isinstance(self.value, str):
            return json.dumps(self.value, ensure_ascii=False)
        return words[self.value] if self.value is None or isinstance(self.value, bool) else repr(self.value)

    def worth(self, scope: Scope) -> Any:  # every term is asked the same way
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Argument:
    """What a parameter is bound to."""

    name: str

    def __str__(self) -> str:
        return self.name

    def worth(self, scope: Scope) -> Any:
        """Return the argument."""
        return scope.arguments[self.name]


@dataclass(frozen=True)
class Read:
    """A value that the contract reads from the state, by the name that the contract gives it."""

    name: str

    def __str__(self) -> str:
        return self.name

    def worth(self, scope: Scope) -> Any:
        """Return the value that was read."""
        if self.name not in scope.reads:
            raise Undefined(f"{self.name} was not read")
        return scope.reads[self.name]


@dataclass(frozen=True)
class Output:
    """What the body returned under a name."""

    name: str

    def __str__(self) -> str:
        return f"output.{self.name}"

    def worth(self, scope: Scope) -> Any:
        """Return the output; before the body has run, an `Unknown`."""
        if scope.outputs is None:
            return Unknown(str(self))
        if self.name not in scope.outputs:
            raise Undefined(f"the body returned no {self.name!r}")
        return scope.outputs[self.name]


@dataclass(frozen=True)
class Lookup:
    """A state variable at a key, or the whole variable."""

    variable: str
    key: tuple["Term", ...] = ()

    def __str__(self) -> str:
        return f"{self.variable}[{', '.join(map(str, self.key))}]" if self.key else self.variable

    def at(self, scope: Scope) -> tuple[str, Any]:
        """Return the place in the state that this names: the variable and the key, or None for the whole."""
        if not self.key:
            return self.variable, None
        parts = tuple(_known_key(part.worth(scope), part) for part in self.key)
        return self.variable, parts[0] if len(parts) == 1 else parts

    def worth(self, scope: Scope) -> Any:
        """Return what the state holds there."""
        variable, key = self.at(scope)
        if key is None:
            if variable not in scope.state:
                raise Undefined(f"the state has no variable {variable}")
            return getattr(scope.state, variable)
        value = scope.state.look_up(variable, key)
        if value is State.ABSENT:
            raise Undefined(f"{variable} has no entry for {show(key)}")
        return value


@dataclass(frozen=True)
class Entry:
    """An entry of a list or map."""

    of: "Term"
    key: "Term"

    def __str__(self) -> str:
        return f"{self.of}[{self.key}]"

    def worth(self, scope: Scope) -> Any:
        """Return the entry."""
        holder, key = self.of.worth(scope), self.key.worth(scope)
        try:
            return holder[key]
        except (KeyError, IndexError, TypeError) as error:
            raise Undefined(f"{self.of} has no entry {show(key)}") from error


@dataclass(frozen=True)
class Applied:
    """A function of `FUNCTIONS` applied to terms."""

    function: str
    to: tuple["Term", ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.to))})"

    def worth(self, scope: Scope) -> Any:
        """Return the function's value."""
        values = [term.worth(scope) for term in self.to]
        try:
            return FUNCTIONS[self.function](*values)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise Undefined(f"{self} has no value: {error}") from error


Term: TypeAlias = Constant | Argument | Read | Output | Lookup | Entry | Applied


def _known_key(value: Any, term: Term) -> Any:
    if isinstance(value, Unknown):
        value == None  # noqa: B015, E711  # asking an Unknown anything raises NeedsValue, with its own words
    if value is None:
        raise Undefined(f"{term} is null, which cannot be a key")
    key = hashable(value)
    try:
        hash(key)
    except TypeError as error:
        raise Undefined(f"{term} is {show(value)}, which cannot be a key") from error
    return key
