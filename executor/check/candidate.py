"""A body that a model proposes for a contract, and what the rules find in it."""

import ast
import hashlib
import symtable
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

from htn.contract import Contract

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Candidate:
    """Code that is to keep a contract. Nothing is known about it yet."""

    contract: Contract
    code: str
    language: str = "python"

    @property
    def entry_point(self) -> str:
        """The function that is called: the operator's own name."""
        return self.contract.name

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the function is called with, by name: the parameters, then what it reads."""
        return (*(p.name for p in self.contract.parameters), *(r.name for r in self.contract.reads))

    @property
    def hash(self) -> str:
        """SHA-256 of the code, in hexadecimal."""
        return hashlib.sha256(self.code.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def tree(self) -> ast.Module:
        """The code as a tree. SyntaxError when it has none."""
        return _read(lambda: ast.parse(self.code))

    @cached_property
    def scopes(self) -> symtable.SymbolTable:
        """Which name belongs to which scope. SyntaxError when the code cannot be compiled."""
        return _read(lambda: symtable.symtable(self.code, "<body>", "exec"))


def _read(parse: Callable[[], _Read]) -> _Read:
    try:
        with warnings.catch_warnings(action="ignore"):  # an unknown escape is the code's affair, not ours
            return parse()
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be parsed: {error}") from error


@dataclass(frozen=True)
class Finding:
    """Something that a rule objects to, said so that the writer of the code can mend it."""

    rule: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class Rule(Protocol):
    """One thing that is checked; the docstring says what, why, and how to mend it."""

    name: str

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong; nothing when all is well."""
