"""A body that a model proposes for a contract, or a script that somebody sends, and what the rules find in it."""

import ast
import hashlib
import symtable
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import ClassVar

from htn.contract import Contract

_PARSING = Lock()


class Source(ABC):
    """Code of which nothing is known yet."""

    code: str
    language: str
    packages: tuple[str, ...]
    """The packages that it declares, as a sandbox takes them (`Program.dependencies`)."""

    @property
    @abstractmethod
    def entry_point(self) -> str:
        """The function that is called; empty for a script, which has none."""

    @property
    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """What the function is called with, by name."""

    @property
    def hash(self) -> str:
        """SHA-256 of the code, in hexadecimal."""
        return hashlib.sha256(self.code.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def tree(self) -> ast.Module:
        """The code as a tree. SyntaxError when it has none."""
        return self._parsed[0]

    @cached_property
    def scopes(self) -> symtable.SymbolTable:
        """Which name belongs to which scope. SyntaxError when the code cannot be compiled."""
        return self._parsed[1]

    @cached_property
    def reached(self) -> frozenset[str]:
        """The names that may mean a builtin where they are used.

        A parameter called `id` is no builtin, so this asks which scope a name belongs to. Only a function's own names
        can be relied on: in a module or class a name is the builtin until the line that assigns it has run.
        """
        return frozenset(
            symbol.get_name()
            for table in _scopes(self.scopes)
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (symbol.is_global() or table.get_type() != "function")
        )

    @cached_property
    def _parsed(self) -> tuple[ast.Module, symtable.SymbolTable]:
        # Python warns of an unknown escape while it parses, through filters that all threads share. That is the
        # code's affair and not ours; and two threads must not put the filters back in each other's place.
        with _PARSING, warnings.catch_warnings(action="ignore"):
            try:
                tree = ast.parse(self.code)
                # What the parser lets pass, a `return` outside of a function for one, only the compiler finds.
                compile(self.code, "<body>", "exec", dont_inherit=True)
                return tree, symtable.symtable(self.code, "<body>", "exec")
            except (ValueError, RecursionError, MemoryError) as error:
                raise SyntaxError(f"it cannot be parsed: {error}") from error


@dataclass(frozen=True)
class Candidate(Source):
    """Code that is to keep a contract. Nothing is known about it yet."""

    contract: Contract
    code: str
    language: str = "python"
    packages: tuple[str, ...] = ()
    author: str = field(default="", compare=False)
    """The model that wrote it, as "provider:name"; "" where nobody has said so. The same code is the same candidate."""

    @property
    def entry_point(self) -> str:
        """The function that is called: the operator's own name."""
        return self.contract.name

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the function is called with, by name: the parameters, then what it reads."""
        return (*(p.name for p in self.contract.parameters), *(r.name for r in self.contract.reads))


@dataclass(frozen=True)
class Script(Source):
    """Code that is run from its first line to its last, and has no contract."""

    code: str
    language: str = "python"
    packages: tuple[str, ...] = ()

    @property
    def entry_point(self) -> str:
        """None: a script is not called."""
        return ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """None: a script finds its values in variables."""
        return ()


def _scopes(top: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    waiting = [top]
    while waiting:
        yield waiting[-1]
        waiting += waiting.pop().get_children()


@dataclass(frozen=True)
class Finding:
    """Something that a rule objects to, said so that the writer of the code can mend it.

    `code` is the rule's, and never changes; `fix` says what to do instead.
    """

    rule: str
    message: str
    line: int = 0
    code: str = ""
    fix: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message

    def explain(self) -> str:
        """Return the finding as a person reads it: the code, where, what, and what to do instead."""
        return f"{self.code} {self}; {self.fix}"


class Rule(ABC):
    """One thing that is checked. Its docstring is its page in the documents: what, why, an example, what to do.

    `code` never changes and is never given to another rule, `name` is one word for people, `fix` a short order.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    fix: ClassVar[str]

    @abstractmethod
    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong; nothing when all is well."""

    def finding(self, message: str, line: int = 0) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.name, message, line, self.code, self.fix)
