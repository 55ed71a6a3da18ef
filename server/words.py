"""A request in words becomes one new task: an operator that nobody has written, of a domain of its own.

The domain is called `intelligent`. Its state has one variable, `result`; the operator puts what it computes into
`result` under its own name. The values of the context are its arguments, in their order, and their types are those of
the parameters; a text that is a plain number is one, since forms and shells send numbers as texts.

What is learned belongs to the words: the same name with another description or other parameters is another task.

Not here: words that mean several tasks.
"""

import hashlib
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from htn.domain import Domain
from htn.errors import UsageError
from htn.network import Task
from htn.state import State
from htn.values import NUMBER

DOMAIN = "intelligent"
MOST_WORDS = 20_000  # characters; more of a request are not read (see executor.check)
_MOST_NAME = 48
_MOST_PARAMETERS = 16
_KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object"}


@dataclass(frozen=True)
class InWords:
    """A task in words: its name, what it is to do, the values that it is given, and examples of what comes out."""

    name: str
    description: str
    context: Mapping[str, Any] = field(default_factory=dict)
    examples: Sequence[tuple[Mapping[str, Any], Any]] = ()

    @property
    def operator(self) -> str:
        """The name of the operator: the task's own, where it can be one."""
        return as_name(self.name)

    @property
    def task(self) -> Task:
        """The task that is planned."""
        return (self.operator, *map(read_value, self.context.values()))

    def domain(self) -> Domain:
        """Return the domain in which nobody knows how to do the task. UsageError for a context that cannot be used."""
        if len(self.context) > _MOST_PARAMETERS:
            raise UsageError(f"a context of {len(self.context)} values is too large ({_MOST_PARAMETERS} at most)")
        made, name = Domain(DOMAIN), self.operator
        where = f'Put what it computes into result["{name}"].'
        made.variable("result", {}, "what tasks compute, each under the name of its operator")
        made.result("result")
        made.declare(
            name, {key: type_of(read_value(value)) for key, value in self.context.items()},
            f"{self.description.strip() or self.name}\n{where}",
        )  # fmt: skip
        for given, result in self.examples:
            if given.keys() != self.context.keys():
                raise UsageError(
                    f"an example gives {', '.join(given) or 'nothing'}, and the context {', '.join(self.context)}",
                    hints=("an example has a value for each name of the context",),
                )
            arguments = [read_value(given[key]) for key in self.context]
            made.example(name, *arguments, given={"result": {}}, then={"result": {name: result}})

        @made.initial_state
        def nothing_yet() -> State:
            return State(result={})

        return made


def as_name(words: str) -> str:
    """Return words as the name of an operator: letters, digits and `_`; long ones are cut and keep a mark of all."""
    plain = words if words.isascii() and words.isidentifier() else "_".join(re.findall(r"[a-z0-9]+", words.lower()))
    if not plain or not plain[0].isalpha() or keyword.iskeyword(plain):
        plain = f"task_{plain}".rstrip("_")
    if len(plain) <= _MOST_NAME and any(letter.isalpha() for letter in words):
        return plain
    return f"{plain[:_MOST_NAME].rstrip('_')}_{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:8]}"


def read_value(value: Any) -> Any:
    """Return a value of the context as the operator gets it: a text that is a plain number is one."""
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()) and len(value) < 300:
        try:
            return int(value)
        except ValueError:
            return float(value)
    return value


def type_of(value: Any) -> dict[str, Any]:
    """Return the type of a parameter that is given this value, as a JSON Schema."""
    if isinstance(value, list):
        kinds = {type_of(part).get("type") for part in value}
        kinds = {"number"} if kinds == {"integer", "number"} else kinds
        alike = kinds.pop() if len(kinds) == 1 else None
        return {"type": "array"} | ({"items": {"type": alike}} if alike and alike not in ("array", "object") else {})
    kind = _KINDS.get(type(value))
    return {"type": kind} if kind else {}
