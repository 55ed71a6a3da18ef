"""What an operator is looked for by: a name, the types of its parameters, and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from htn.contract import Contract
from htn.domain import Domain
from htn.failure import Gap

_DEEPEST = 4


@dataclass(frozen=True)
class Wanted:
    """What is wanted. `types` are None where nobody knows what it takes, "any" for a parameter that may be anything."""

    text: str
    name: str = ""
    types: tuple[str, ...] | None = None

    @classmethod
    def of_contract(cls, contract: Contract) -> "Wanted":
        """Return what is like this contract."""
        types = tuple(type_word(p.type.to_json()) for p in contract.parameters)
        return cls(text_of(contract.to_json()), contract.name, types)

    @classmethod
    def of_gap(cls, domain: Domain, gap: Gap) -> "Wanted":
        """Return what would close a gap: as the domain declares it, or only by its name and the number of arguments."""
        name = str(gap.task[0])
        operator = domain.operators.get(name)
        if operator and operator.contract:
            return cls.of_contract(operator.contract)
        parameters = operator.parameters if operator else ()
        types = tuple(type_word(p.type.to_json()) for p in parameters) or ("any",) * len(gap.task[1:])
        text = [name, *(p.name for p in parameters), *(p.description for p in parameters)]
        return cls("\n".join([*text, operator.description if operator else ""]), name, types)


def type_word(schema: object, depth: int = 0) -> str:
    """Return which kind of values a JSON Schema means, without limits, units and choices: "list of number"."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return "any"
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = next((part for part in kind if part != "null"), "any")
    if kind == "array":
        return f"list of {type_word(schema.get('items'), depth + 1)}"
    return str(kind)[:20]


def text_of(contract: Mapping[str, Any]) -> str:
    """Return the text that a contract in JSON is found by, its name in front.

    Its description counts as a whole, so lines in it that say when it is of use do. Whatever is not as it should be is
    left out: what comes from the store is checked when it is suggested.
    """
    rows = [contract.get("name"), contract.get("description")]
    for part in ("parameters", "reads", "outputs"):
        for row in _rows(contract.get(part)):
            if isinstance(row, Mapping):
                rows += [row.get("name"), row.get("from"), row.get("description")]
    for part in ("preconditions", "effects", "ensures"):
        rows += _rows(contract.get(part))
    return "\n".join(row for row in rows if isinstance(row, str))


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
