"""A Python program as a tree in which each part knows what it stands in: for complexity, suggestions and rewrites."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from executor.check import Script

Loop = ast.For | ast.AsyncFor | ast.While
Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
MOST_NODES = 6_000  # about 800 lines
LOOPS = (ast.For, ast.AsyncFor, ast.While)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_BY_NAME = frozenset({
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "frozenset", "int", "isinstance", "len", "list", "max",
    "min", "print", "range", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip",
})  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """A program that can be parsed. Raises `SyntaxError` when its tree is asked for and there is none."""

    code: str

    @cached_property
    def module(self) -> ast.Module:
        """The whole program."""
        return Script(self.code).tree

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every part, from the outside to the inside."""
        return tuple(ast.walk(self.module))

    @property
    def is_large(self) -> bool:
        """Whether it has too many parts for questions whose time grows with the square of their number."""
        return len(self.nodes) > MOST_NODES

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a part stands in, from the inside to the outside."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def scope(self, node: ast.AST) -> ast.AST:
        """Return the function, class or module whose names a part uses."""
        return next((each for each in self.around(node) if isinstance(each, _SCOPES)), self.module)

    def own(self, scope: ast.AST) -> Iterator[ast.AST]:
        """Yield the parts of a scope without those of the functions and classes in it."""
        waiting = list(ast.iter_child_nodes(scope))
        while waiting:
            node = waiting.pop(0)
            yield node
            if not isinstance(node, _SCOPES):
                waiting += ast.iter_child_nodes(node)

    def loop(self, node: ast.AST) -> Loop | None:
        """Return the innermost loop whose body a part is run in again and again, within its own function."""
        inside = node
        for each in self.around(node):
            if isinstance(each, _SCOPES):
                return None
            if isinstance(each, LOOPS) and _repeated(each, inside):
                return each
            inside = each
        return None

    def loops(self) -> Iterator[Loop]:
        """Yield every loop that is a statement."""
        yield from (node for node in self.nodes if isinstance(node, LOOPS))

    def functions(self) -> Iterator[Function]:
        """Yield every function that has a name."""
        yield from (node for node in self.nodes if isinstance(node, FUNCTIONS))

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Yield every row of statements that are run one after the other."""
        for node in self.nodes:
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    yield block


def _repeated(loop: Loop, part: ast.AST) -> bool:
    """Whether a part of a loop is run each time round: what is iterated over is not, nor is what follows the loop."""
    if isinstance(loop, ast.While):
        return part not in loop.orelse
    return part in loop.body


def name_of(node: ast.AST | None) -> str:
    """Return the name that an expression is, or nothing."""
    return node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST) -> str:
    """Return the name of the function or method that is called, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func)


def names_in(node: ast.AST) -> set[str]:
    """Return the names that are read somewhere in a part."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def stored(node: ast.AST) -> set[str]:
    """Return the names that are given a value somewhere in a part."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}
    return found | {each.name for each in ast.walk(node) if isinstance(each, ast.ExceptHandler) and each.name}


def may_change(node: ast.AST) -> set[str]:
    """Return the names whose values may be others after a part has run: assigned, or handed to what may change them."""
    found = stored(node)
    for each in ast.walk(node):
        if isinstance(each, (ast.Subscript, ast.Attribute)) and not isinstance(each.ctx, ast.Load):
            found |= names_in(each.value)
        elif isinstance(each, ast.Call):
            if isinstance(each.func, ast.Attribute):
                found |= names_in(each.func.value)
            if not (isinstance(each.func, ast.Name) and each.func.id in _BY_NAME):
                for argument in (*each.args, *(keyword.value for keyword in each.keywords)):
                    found |= _handed(argument)
    return found


def _handed(argument: ast.AST) -> set[str]:
    """Return the names whose values themselves are in what is handed over, and not something computed from them."""
    if isinstance(argument, ast.Name):
        return {argument.id}
    if isinstance(argument, (ast.Attribute, ast.Subscript, ast.Starred)):
        return names_in(argument.value)
    if isinstance(argument, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.IfExp)):
        return set().union(*map(_handed, ast.iter_child_nodes(argument)))
    return set()
