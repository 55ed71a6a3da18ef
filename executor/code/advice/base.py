"""What a suggestion's rule is, and what many of them ask of a program."""

import ast
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import ClassVar

from executor.code.forms import Suggestion
from executor.code.tree import FUNCTIONS, LOOPS, Loop, Tree, called, name_of, stored

_OTHER_GIVERS = (ast.For, ast.AsyncFor, ast.comprehension, ast.NamedExpr, ast.withitem)


class Advice(ABC):
    """One thing that could be better. Its docstring is its page: what, why, an example, what to write instead.

    `type` is the suggestion's name and never changes; `weight` is what one of them takes from the quality score.
    """

    type: ClassVar[str]
    weight: ClassVar[int] = 4

    @abstractmethod
    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the suggestions for a program; none where all is well, or where it cannot be told."""

    def at(self, node: ast.AST, message: str) -> Suggestion:
        """Return a suggestion for the line on which a part begins."""
        return Suggestion(type=self.type, line=getattr(node, "lineno", 1), message=message)


def assigned_values(tree: Tree, scope: ast.AST, name: str) -> list[ast.expr | None]:
    """Return what a name is given in its scope; None for what is no plain assignment, as of a parameter or a loop."""
    values: list[ast.expr | None] = []
    if isinstance(scope, (*FUNCTIONS, ast.Lambda)):
        values += [None for argument in ast.walk(scope.args) if isinstance(argument, ast.arg) and argument.arg == name]
    for node in tree.own(scope):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if name_of(target) == name:
                    values.append(node.value)
                elif name in stored(target):
                    values.append(None)
        elif isinstance(node, _OTHER_GIVERS):
            given = node.target if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) else node
            values += [None] if name in stored(given) else []
    return values


def outside_of(loop: Loop, tree: Tree, name: str) -> bool:
    """Whether a name keeps its value from round to round: no round begins by assigning it."""
    return not any(
        isinstance(node, (ast.Assign, ast.AnnAssign, ast.For, ast.AsyncFor, ast.NamedExpr)) and _assigns(node, name)
        for part in loop.body
        for node in ast.walk(part)
    ) and not (isinstance(loop, (ast.For, ast.AsyncFor)) and name in stored(loop.target))


def _assigns(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Assign):
        if isinstance(node.value, ast.BinOp) and name_of(node.value.left) == name:
            return False  # s = s + x goes on from the round before
        return any(name in _own_names(target) for target in node.targets)
    return name in _own_names(getattr(node, "target", None))


def _own_names(target: ast.AST | None) -> set[str]:
    """Return the names that a target gives a value, and not those whose parts it changes."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return set().union(*map(_own_names, target.elts))
    if isinstance(target, ast.Starred):
        return _own_names(target.value)
    return {name_of(target)} - {""}


def is_text(node: ast.expr | None) -> bool:
    """Whether an expression is a text for certain."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mod):
            return is_text(node.left)
        return isinstance(node.op, ast.Add) and is_text(node.left) and is_text(node.right)
    if isinstance(node, ast.IfExp):
        return is_text(node.body) and is_text(node.orelse)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return called(node) in ("join", "format") and is_text(node.func.value)
    return isinstance(node, ast.Call) and called(node) in ("str", "repr", "chr")


def is_empty(node: ast.expr | None, kind: str) -> bool:
    """Whether an expression is an empty list, text or dict: "list", "str", "dict"."""
    if isinstance(node, ast.Call) and called(node) == kind and not node.args and not node.keywords:
        return True
    if kind == "list":
        return isinstance(node, ast.List) and not node.elts
    if kind == "dict":
        return isinstance(node, ast.Dict) and not node.keys
    return isinstance(node, ast.Constant) and node.value == ""


def outermost(tree: Tree, loop: Loop) -> Loop:
    """Return the outermost loop around a loop, within its own function."""
    while (around := tree.loop(loop)) is not None:
        loop = around
    return loop


def starts_and_loops(tree: Tree) -> list[tuple[ast.Assign, ast.For]]:
    """Return each assignment to one name that stands right before a `for` loop without `else`."""
    found = []
    for block in tree.blocks():
        for first, second in pairwise(block):
            simple = isinstance(first, ast.Assign) and len(first.targets) == 1 and name_of(first.targets[0])
            if simple and isinstance(first, ast.Assign) and isinstance(second, ast.For) and not second.orelse:
                found.append((first, second))
    return found


def only_step(loop: ast.For) -> tuple[ast.stmt, ast.expr | None] | None:
    """Return the one statement that a loop does, and its condition where it has one; None where it does more."""
    if len(loop.body) != 1:
        return None
    step = loop.body[0]
    if isinstance(step, ast.If) and not step.orelse and len(step.body) == 1:
        return step.body[0], step.test
    return None if isinstance(step, (ast.If, *LOOPS)) else (step, None)
