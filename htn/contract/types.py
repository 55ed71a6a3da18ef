"""What values a parameter, a state variable or an output may have.

A `Type` is written as JSON Schema (the part of it that is needed here) and read in one line:

    {"type": "array", "items": {"type": "number"}, "minItems": 1}     list of number (at least 1)
    {"enum": ["red", "green"]}                                        "red" or "green"
    {"type": "number", "unit": "°C", "minimum": -90}                  number in °C (at least -90)

`unit` is ours; JSON Schema lets a schema carry further keys. It says what a number counts. Nothing is converted: where
two numbers both say what they count, one takes the other's place only if they say the same.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from htn.errors import UsageError
from htn.unknown import Unknown

_KINDS = {
    "string": "text", "number": "number", "integer": "integer", "boolean": "boolean",
    "array": "list", "object": "record", "null": "null",
}  # fmt: skip
_KEYS = frozenset({
    "type", "enum", "items", "minItems", "maxItems", "minimum", "maximum", "properties",
    "required", "additionalProperties", "description", "unit",
})  # fmt: skip
_MAX_DEPTH = 8
_MAX_FIELDS = 64
_MAX_UNIT = 40
# A value of more parts is not made to try a contract on: every body would have to be run on 25 of them.
MOST_PARTS = 400
_MAX_NUMBER = sys.float_info.max


@dataclass(frozen=True)
class Type:
    """The values that are allowed. `kind` is a JSON Schema type, or "any"."""

    kind: str = "any"
    nullable: bool = False
    choices: tuple[object, ...] = ()
    item: "Type | None" = None
    fields: tuple[tuple[str, "Type"], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    least_items: int = 0
    most_items: int | None = None
    unit: str = ""

    @classmethod
    def from_json(cls, schema: object, where: str = "type", depth: int = 0) -> "Type":
        """Return the type that a JSON Schema describes. UsageError says what cannot be used."""
        if schema is True:
            return cls()
        if not isinstance(schema, Mapping):
            raise UsageError(f"{where} must be a JSON Schema object, not {schema!r:.60}")
        if depth > _MAX_DEPTH:
            raise UsageError(f"{where} is nested more than {_MAX_DEPTH} levels deep")
        if unknown := sorted(set(schema) - _KEYS, key=str):
            raise UsageError(
                f"{where} uses {unknown[0]!r:.60}, which is not supported",
                hints=(f"supported: {', '.join(sorted(_KEYS))}",),
            )
        kind, nullable = _kind(schema, where)
        return cls(
            kind=kind,
            nullable=nullable,
            choices=_choices(schema, where),
            item=_item(schema, kind, where, depth),
            fields=_fields(schema, where, depth),
            minimum=_number(schema, "minimum", where),
            maximum=_number(schema, "maximum", where),
            least_items=_count(schema, "minItems", where) or 0,
            most_items=_count(schema, "maxItems", where),
            unit=_unit(schema, kind, where),
        )

    def to_json(self) -> dict[str, object]:
        """Return the type as JSON Schema."""
        schema: dict[str, object] = {}
        if self.kind != "any":
            schema["type"] = [self.kind, "null"] if self.nullable else self.kind
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.item is not None:
            schema["items" if self.kind == "array" else "additionalProperties"] = self.item.to_json()
        if self.fields:
            schema["properties"] = {name: part.to_json() for name, part in self.fields}
            schema["required"] = [name for name, _ in self.fields]
        for key, value in (
            ("minimum", self.minimum), ("maximum", self.maximum), ("minItems", self.least_items or None),
            ("maxItems", self.most_items), ("unit", self.unit or None),
        ):  # fmt: skip
            if value is not None:
                schema[key] = value
        return schema

    def refuse(self, value: object, name: str = "value") -> str | None:
        """Return why `value` is not of this type, naming the part that is wrong, or None when it is."""
        if isinstance(value, Unknown) or (value is None and self.nullable):
            return None  # what only execution can know is checked when it is known
        if self.choices and not any(_equal(value, choice) for choice in self.choices):
            return f"{name} is {_brief(value)}, not one of {', '.join(map(repr, self.choices))}"
        if not _is(value, self.kind):
            return f"{name} is {_brief(value)}, not {self}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._refuse_number(value, name)
        if isinstance(value, (list, tuple)):
            return self._refuse_list(value, name)
        return self._refuse_record(value, name) if isinstance(value, Mapping) else None

    def _refuse_number(self, value: float, name: str) -> str | None:
        if self.minimum is not None and value < self.minimum:
            return f"{name} is {value}, less than {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"{name} is {value}, more than {self.maximum:g}"
        return None

    def _refuse_list(self, value: list[object] | tuple[object, ...], name: str) -> str | None:
        if len(value) < self.least_items:
            return f"{name} has {len(value)} items, fewer than {self.least_items}"
        if self.most_items is not None and len(value) > self.most_items:
            return f"{name} has {len(value)} items, more than {self.most_items}"
        if self.item is None:
            return None
        found = (self.item.refuse(part, f"{name}[{at}]") for at, part in enumerate(value))
        return next((why for why in found if why), None)

    def _refuse_record(self, value: Mapping[object, object], name: str) -> str | None:
        declared = dict(self.fields)
        if declared:
            for field, part in self.fields:
                if field not in value:
                    return f"{name} has no {field!r}"
                if why := part.refuse(value[field], f'{name}["{field}"]'):
                    return why
            extra = sorted(str(key) for key in value if key not in declared)
            return f"{name} has {extra[0]!r}, which was not declared" if extra else None
        if self.item is None:
            return None
        found = (self.item.refuse(part, f'{name}["{key}"]') for key, part in value.items())
        return next((why for why in found if why), None)

    @property
    def smallest(self) -> int:
        """How many parts the smallest value of this type has, the value itself among them."""
        if self.nullable or self.choices:
            return 1
        if self.kind == "array" and self.least_items:
            return 1 + self.least_items * (self.item.smallest if self.item else 1)
        return 1 + sum(part.smallest for _, part in self.fields)

    def contradiction(self, name: str = "value") -> str | None:
        """Return why nothing, or less than is said, is of this type, naming the part; None when all is well."""
        unlimited = replace(self, choices=())
        if wrong := next((why for choice in self.choices if (why := unlimited.refuse(choice, "it"))), None):
            return f"{name} has a choice that is none: {wrong}"
        if self.minimum is not None and self.maximum is not None and _empty(self.kind, self.minimum, self.maximum):
            return f"{name} is {self.minimum:g} at least and {self.maximum:g} at most: there is no such {self.kind}"
        if self.most_items is not None and self.least_items > self.most_items:
            return f"{name} has {self.least_items} items at least and {self.most_items} at most"
        inner = [(f"{name}.{field}", part) for field, part in self.fields]
        inner += [(f"{name}[]", self.item)] if self.item else []
        return next((why for where, part in inner if (why := part.contradiction(where))), None)

    def takes(self, other: "Type") -> bool:
        """Say whether values of the type `other` may stand where this type is asked for. Bounds are not looked at."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if other.choices:
            return all(self.refuse(choice) is None for choice in other.choices)
        if self.kind == "any" or other.kind == "any":
            return True
        if other.nullable and not (self.nullable or self.kind == "null"):
            return False
        if other.kind == "null" and self.nullable:
            return True
        if self.kind != other.kind:
            return (self.kind, other.kind) == ("number", "integer")
        mine, its = dict(self.fields), dict(other.fields)
        if mine and its:
            return mine.keys() == its.keys() and all(mine[name].takes(its[name]) for name in mine)
        return self.item is None or other.item is None or self.item.takes(other.item)

    def __str__(self) -> str:
        text = self._text()
        limits = [
            f"{word} {bound:g}"
            for word, bound in (
                (
                    "at least",
                    self.minimum if self.minimum is not None else self.least_items or None,
                ),
                ("at most", self.maximum if self.maximum is not None else self.most_items),
            )
            if bound is not None
        ]
        if self.unit:
            text += f" in {self.unit}"
        if limits:
            text += f" ({', '.join(limits)})"
        return f"{text} or null" if self.nullable else text

    def _text(self) -> str:
        if self.choices:
            return " or ".join(f'"{c}"' if isinstance(c, str) else repr(c) for c in self.choices)
        if self.kind == "array":
            return f"list of {self.item}" if self.item else "list"
        if self.kind == "object" and self.fields:
            return "record {" + ", ".join(f"{name}: {part}" for name, part in self.fields) + "}"
        if self.kind == "object" and self.item:
            return f"map of text to {self.item}"
        return _KINDS.get(self.kind, "anything")


ANY = Type()


def _empty(kind: str, low: float, high: float) -> bool:
    return low > high or (kind == "integer" and -(-low // 1) > high // 1)


def _equal(value: object, choice: object) -> bool:
    # As in JSON, true is not 1.
    return isinstance(value, bool) == isinstance(choice, bool) and value == choice


def _is(value: object, kind: str) -> bool:
    if kind == "any":
        return True
    if kind == "number":
        return type(value) is int or (isinstance(value, float) and isfinite(value))
    python: Any = {
        "string": str, "integer": int, "boolean": bool, "array": (list, tuple),
        "object": Mapping, "null": type(None),
    }[kind]  # fmt: skip
    return isinstance(value, python) and (kind == "boolean" or not isinstance(value, bool))


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _kind(schema: Mapping[str, object], where: str) -> tuple[str, bool]:
    named = schema.get("type", "any")
    kinds = [named] if isinstance(named, str) else list(named) if isinstance(named, (list, tuple)) else []
    nullable = "null" in kinds and len(kinds) == 2
    if nullable:
        kinds.remove("null")
    if len(kinds) != 1 or kinds[0] not in (*_KINDS, "any"):
        raise UsageError(f"{where} has type {named!r:.60}", hints=(f"use one of {', '.join(_KINDS)}",))
    return str(kinds[0]), nullable


def _unit(schema: Mapping[str, object], kind: str, where: str) -> str:
    unit = schema.get("unit", "")
    if not isinstance(unit, str) or len(unit) > _MAX_UNIT or not unit.isprintable():
        raise UsageError(f"{where}: unit must be a text of one line, at most {_MAX_UNIT} characters: {unit!r:.60}")
    if unit and kind not in ("number", "integer", "any"):
        raise UsageError(f"{where}: {kind} has no unit", hints=("a unit says what a number counts",))
    return unit.strip()


def _choices(schema: Mapping[str, object], where: str) -> tuple[object, ...]:
    choices = schema.get("enum", ())
    plain = isinstance(choices, (list, tuple)) and all(map(_is_choice, choices))
    if not plain or ("enum" in schema and not choices):
        raise UsageError(f"{where}: enum must be a list of texts, finite numbers or booleans")
    return tuple(choices)  # type: ignore[arg-type]  # a list or tuple, by the test above


def _is_choice(value: object) -> bool:
    return value is None or type(value) in (str, int, bool) or (type(value) is float and isfinite(value))


def _item(schema: Mapping[str, object], kind: str, where: str, depth: int) -> Type | None:
    key = {"array": "items", "object": "additionalProperties"}.get(kind)
    inner = schema.get(key) if key else None
    if inner is None or isinstance(inner, bool):
        return None
    return Type.from_json(inner, f"{where}.{key}", depth + 1)


def _fields(schema: Mapping[str, object], where: str, depth: int) -> tuple[tuple[str, Type], ...]:
    fields = schema.get("properties", {})
    if not isinstance(fields, Mapping) or len(fields) > _MAX_FIELDS:
        raise UsageError(f"{where}: properties must be an object with at most {_MAX_FIELDS} fields")
    required = schema.get("required", list(fields))
    if not isinstance(required, (list, tuple)) or sorted(map(str, required)) != sorted(map(str, fields)):
        raise UsageError(f"{where}: every property is required here; allow null where it may be missing")
    return tuple((str(name), Type.from_json(part, f"{where}.{name}", depth + 1)) for name, part in fields.items())


def _number(schema: Mapping[str, object], key: str, where: str) -> float | None:
    value = schema.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not abs(value) <= _MAX_NUMBER:  # type: ignore[arg-type]  # a number, by the test
        raise UsageError(f"{where}: {key} must be a number, not {value!r:.60}")
    return value  # type: ignore[return-value]  # a number, by the test above


def _count(schema: Mapping[str, object], key: str, where: str) -> int | None:
    value = schema.get(key)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= 1_000_000:
        raise UsageError(f"{where}: {key} must be a whole number from 0 to 1,000,000")
    return value
