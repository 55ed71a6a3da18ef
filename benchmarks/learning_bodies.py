"""Recorded programs as bodies of operators: the same function, behind the head and the contract of an operator."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.learning_programs import Head, literal
from htn.contract import Contract, Type
from htn.domain import Domain
from htn.state import State

VARIABLE, OUTPUT = "answer", "value"
_ALLOWED = """import collections
import copy
import functools
import heapq
import itertools
import math
import re
import string
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, Dict, List, Optional, Set, Tuple, Union
"""


def operator_name(entry: str) -> str:
    """Return what the operator is called that answers a problem."""
    return f"solve_{entry}"


def contract_of(row: Mapping[str, Any], inputs: Sequence[Sequence[Any]]) -> Contract:
    """Return the contract of a problem: the types of its signature, and that the answer changes and nothing else."""
    head = Head(row)
    types = head.inputs(inputs)
    return Contract.from_json({
        "name": operator_name(row["entry_point"]),
        "description": " ".join((ast.get_docstring(head.function) or "").split())[:1500],
        "parameters": [{"name": name, "type": type_.to_json()} for name, type_ in types.items()],
        "outputs": [{"name": OUTPUT, "type": head.output.to_json()}],
        "effects": [f"{VARIABLE} = output.{OUTPUT}"],
    })  # fmt: skip


def domain_of(contract: Contract) -> Domain:
    """Return a domain that leaves one operator to be learned."""
    domain = Domain("recorded")
    domain.variable(VARIABLE, {}, "what the last problem came to")
    parameters = {p.name: p.type.to_json() for p in contract.parameters}
    domain.declare(contract.name, parameters, contract.description)

    @domain.initial_state
    def nothing() -> State:
        return State(answer=None)

    return domain


def body_of(code: str, entry: str, names: Sequence[str]) -> str:
    """Return a program as the body of an operator; its own imports give way to those that bodies may have."""
    kept = [line for line in code.splitlines() if not line.startswith(("import ", "from "))]
    given = ", ".join(names)
    return "\n".join([
        _ALLOWED,
        *kept,
        "",
        f"def {operator_name(entry)}({given}):",
        f"    result = {entry}({given})",
        f'    return {{"output": {{"{OUTPUT}": result}}, "writes": [["{VARIABLE}", None, result]]}}',
        "",
    ])  # fmt: skip


def plain_inputs(tests: Sequence[tuple[str, str]], types: Mapping[str, Type]) -> list[tuple[list[Any], Any]]:
    """Return the tests whose inputs and values are JSON and of the declared types."""
    found = []
    for text, said in tests:
        arguments, value = literal(text), literal(said)
        fits = len(arguments) == len(types) and not any(
            type_.refuse(argument, "") for type_, argument in zip(types.values(), arguments, strict=True)
        )
        if fits and is_json(arguments) and is_json(value) and (value is not None or said == "None"):
            found.append((arguments, value))
    return found


def is_json(value: Any) -> bool:
    """Whether a value is what JSON can say, without tuples and sets."""
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(part) for key, part in value.items())
    return value is None or (isinstance(value, (str, int, float, bool)) and value == value)
