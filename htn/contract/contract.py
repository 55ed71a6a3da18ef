"""What a learned or declared operator promises, as data: the half of it that the planner uses.

A contract names typed parameters, what the body may read of the state, what it returns, when it applies
(preconditions), what it changes (effects; nothing else changes), and relations that the results keep
(`ensures`). Its hash is its identity: candidates, tests and evidence refer to one frozen contract.
"""

import hashlib
import json
import keyword
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from htn.contract.conditions import Condition, Effect
from htn.contract.parse import Names, parse_condition, parse_effect, parse_term
from htn.contract.terms import Entry, Lookup
from htn.contract.types import Type
from htn.errors import UsageError

_MAX_LINES = 32


@dataclass(frozen=True)
class Parameter:
    """A typed argument."""

    name: str
    type: Type = field(default_factory=Type)
    description: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


@dataclass(frozen=True)
class Reading:
    """A value of the state that the body is given: `values = table[file][column]`."""

    name: str
    source: Lookup | Entry
    type: Type = field(default_factory=Type)

    def __str__(self) -> str:
        return f"{self.name} = {self.source}: {self.type}"


@dataclass(frozen=True)
class Contract:
    """A promise: when it applies, what it changes, and what its results keep."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    reads: tuple[Reading, ...] = ()
    outputs: tuple[Parameter, ...] = ()
    preconditions: tuple[Condition, ...] = ()
    effects: tuple[Effect, ...] = ()
    ensures: tuple[Condition, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        names = [*(p.name for p in self.parameters), *(r.name for r in self.reads)]
        for name in (self.name, *names, *(o.name for o in self.outputs)):
            check_name(name, f"the contract of {self.name[:40]!r}")
        outputs = [o.name for o in self.outputs]
        if double := next((n for group in (names, outputs) for n in group if group.count(n) > 1), None):
            raise UsageError(f"{self.name}: the name {double} stands for two things")

    @property
    def hash(self) -> str:
        """The contract's identity: SHA-256 of its JSON form without the description, in hexadecimal."""
        data = self.to_json()
        del data["description"]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @property
    def signature(self) -> str:
        """The name and the typed parameters, on one line."""
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    def lines(self) -> list[str]:
        """Return the contract as a person reads it, one promise a line."""
        rows = [self.signature]
        for word, parts in (
            ("reads", self.reads), ("returns", self.outputs), ("needs", self.preconditions),
            ("changes", self.effects), ("ensures", self.ensures),
        ):  # fmt: skip
            rows += [f"  {word:8}{part}" for part in parts]
        return [*rows, "  nothing else changes"]

    def to_json(self) -> dict[str, Any]:
        """Return the contract as JSON; `from_json` reads it back."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": [_parameter_json(p) for p in self.parameters],
            "reads": [{"name": r.name, "from": str(r.source), "type": r.type.to_json()} for r in self.reads],
            "outputs": [_parameter_json(p) for p in self.outputs],
            "preconditions": [str(c) for c in self.preconditions],
            "effects": [str(e) for e in self.effects],
            "ensures": [str(c) for c in self.ensures],
        }

    @classmethod
    def of(
        cls,
        name: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        reads: Mapping[str, tuple[str, Any]] | None = None,
        returns: Mapping[str, Any] | None = None,
        needs: Sequence[str] = (),
        changes: Sequence[str] = (),
        ensures: Sequence[str] = (),
        description: str = "",
    ) -> "Contract":
        """Return a contract that is written by hand, its promises in the lines in which it is read.

        A type is a JSON Schema, or "string", "number", "integer" or "boolean". `reads` maps a name to where in the
        state the value is, and its type: {"amounts": ("cart[order]", {"type": "array", "items": {"type": "number"}})}.
        UsageError names what cannot be used.
        """
        return cls.from_json(
            {
                "name": name,
                "description": description,
                "parameters": [_row(n, schema) for n, schema in (parameters or {}).items()],
                "reads": [
                    {"name": n, "from": at, "type": _schema(schema)} for n, (at, schema) in (reads or {}).items()
                ],
                "outputs": [_row(n, schema) for n, schema in (returns or {}).items()],
                "preconditions": list(needs),
                "effects": list(changes),
                "ensures": list(ensures),
            }
        )

    def to_python(self) -> str:
        """Return the contract as source that makes it again: a call of `Contract.of`.

        Names are checked identifiers, and everything else is quoted data.
        """
        rows: list[tuple[str, Any]] = [
            ("parameters", {p.name: _described(p) for p in self.parameters}),
            ("reads", {r.name: (str(r.source), r.type.to_json()) for r in self.reads}),
            ("returns", {o.name: _described(o) for o in self.outputs}),
            ("needs", [str(c) for c in self.preconditions]),
            ("changes", [str(e) for e in self.effects]),
            ("ensures", [str(c) for c in self.ensures]),
            ("description", self.description),
        ]
        lines = [f"    {self.name!r},", *(f"    {word}={value!r}," for word, value in rows if value)]
        return "\n".join(["Contract.of(", *lines, ")"])

    @classmethod
    def from_json(cls, data: Mapping[str, Any], variables: Container[str] | None = None) -> "Contract":
        """Return the contract that `data` describes. UsageError names what cannot be used.

        `variables` are the state variables that exist; None accepts any.
        """
        if not isinstance(data, Mapping):
            raise UsageError(f"a contract is an object, not {data!r:.60}")
        parameters = tuple(_parameter(p, "parameter") for p in _rows(data, "parameters"))
        outputs = tuple(_parameter(p, "output") for p in _rows(data, "outputs"))
        arguments = tuple(p.name for p in parameters)
        reads = tuple(_reading(r, Names(arguments, (), variables, ())) for r in _rows(data, "reads"))
        # Before the body has run there are no outputs, so only effects and `ensures` may name them.
        before = Names(arguments, tuple(r.name for r in reads), variables, ())
        names = replace(before, outputs=tuple(o.name for o in outputs))
        return cls(
            name=str(data.get("name", "")),
            description=str(data.get("description", ""))[:2000],
            parameters=parameters,
            reads=reads,
            outputs=outputs,
            preconditions=tuple(parse_condition(_text(c), before) for c in _rows(data, "preconditions")),
            effects=tuple(parse_effect(_text(e), names) for e in _rows(data, "effects")),
            ensures=tuple(parse_condition(_text(c), names) for c in _rows(data, "ensures")),
        )


def check_name(name: object, where: str) -> str:
    """Return the name when it is a plain identifier that may stand in code; UsageError otherwise."""
    text = name if isinstance(name, str) else ""
    plain = text.isascii() and text.isidentifier() and len(text) <= 64
    if not plain or keyword.iskeyword(text) or text.startswith("_"):
        raise UsageError(
            f"{str(name)[:40]!r} in {where} is not a usable name",
            hints=("use letters, digits and _, starting with a letter; no Python keyword",),
        )
    return text


def _rows(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    rows = data.get(key, [])
    if not isinstance(rows, (list, tuple)) or len(rows) > _MAX_LINES:
        raise UsageError(f"{key} must be a list of at most {_MAX_LINES}")
    return rows


def _text(row: object) -> str:
    if not isinstance(row, str):
        raise UsageError(f"a condition or effect is a text, not {row!r:.60}")
    return row


def _parameter(row: object, what: str) -> Parameter:
    if not isinstance(row, Mapping):
        raise UsageError(f"a {what} is an object with name and type, not {row!r:.60}")
    name = check_name(row.get("name"), f"a {what}")
    return Parameter(name, Type.from_json(row.get("type", {}), name), str(row.get("description", ""))[:300])


def _schema(schema: object) -> object:
    return {"type": schema} if isinstance(schema, str) else schema


def _row(name: str, schema: object) -> dict[str, Any]:
    """Return a parameter that was written by hand as JSON; what its schema says in words describes the parameter."""
    described = schema.get("description", "") if isinstance(schema, Mapping) else ""
    return {"name": name, "type": _schema(schema), "description": described}


def _described(parameter: Parameter) -> dict[str, Any]:
    said = {"description": parameter.description} if parameter.description else {}
    return {**parameter.type.to_json(), **said}


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    data: dict[str, Any] = {"name": parameter.name, "type": parameter.type.to_json()}
    return data | ({"description": parameter.description} if parameter.description else {})


def _reading(row: object, names: Names) -> Reading:
    if not isinstance(row, Mapping):
        raise UsageError(f"a read is an object with name, from and type, not {row!r:.60}")
    name = check_name(row.get("name"), "a read")
    source = parse_term(_text(row.get("from")), names)
    if not isinstance(source, (Lookup, Entry)):
        raise UsageError(f"{name} reads {source}, which is not in the state: write variable[key]")
    return Reading(name, source, Type.from_json(row.get("type", {}), name))
