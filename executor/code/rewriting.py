"""A few rewrites that need no model: each changes one pattern whose meaning is known, and leaves all else as it is.

    string_building    NAME = "" and a loop that does nothing but NAME += TEXT     NAME = "".join(TEXT for ... in ...)
    list_building      NAME = [] and a loop that does nothing but NAME.append(X)   NAME = [X for ... in ...]
    unused_import      an import that nothing uses                                 nothing

A loop is only replaced where the variable of the loop is not used behind it. Whatever is made here is compared with
the original in the sandbox like any other version: nothing is offered because it should be right.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from executor.code.advice.base import is_empty, is_text, only_step, starts_and_loops
from executor.code.advice.faults import unused_imports
from executor.code.advice.shorter import appended_to
from executor.code.tree import Tree, name_of, names_in, stored

_MOST_ROUNDS = 50


@dataclass(frozen=True)
class _Patch:
    """Lines that are replaced, counted from 1, both ends included."""

    name: str
    first: int
    last: int
    text: str


def rewritten(code: str) -> tuple[str, tuple[str, ...]]:
    """Return a version of a Python program and the names of the rewrites that made it; none when nothing was done."""
    done: list[str] = []
    for _ in range(_MOST_ROUNDS):
        try:
            tree = Tree(code)
            patch = None if tree.is_large else next((p for find in _FINDERS if (p := find(tree))), None)
        except (SyntaxError, RecursionError):
            break
        if patch is None:
            break
        lines = code.split("\n")
        lines[patch.first - 1 : patch.last] = [patch.text] if patch.text else []
        code = "\n".join(lines)
        done.append(patch.name)
    return code, tuple(dict.fromkeys(done))


def _joined(tree: Tree) -> _Patch | None:
    for start, loop in starts_and_loops(tree):
        name, step = name_of(start.targets[0]), only_step(loop)
        if step is None or not (isinstance(start.value, ast.Constant) and is_empty(start.value, "str")):
            continue
        adds = isinstance(step[0], ast.AugAssign) and isinstance(step[0].op, ast.Add)
        if not (adds and isinstance(step[0], ast.AugAssign) and name_of(step[0].target) == name):
            continue
        used = names_in(step[0].value) | names_in(loop.iter) | (names_in(step[1]) if step[1] else set())
        if is_text(step[0].value) and name not in used and _replaceable(tree, start, loop):
            made = f"{name} = ''.join({_part(step[0].value)} {_clauses(loop, step[1])})"
            return _patch("string_building", start, loop, made)
    return None


def _listed(tree: Tree) -> _Patch | None:
    for start, loop in starts_and_loops(tree):
        name, step = appended_to(start, loop), only_step(loop)
        if name and step and isinstance(start.value, ast.List) and _replaceable(tree, start, loop):
            assert isinstance(step[0], ast.Expr) and isinstance(step[0].value, ast.Call)  # what `appended_to` says
            made = f"{name} = [{_part(step[0].value.args[0])} {_clauses(loop, step[1])}]"
            return _patch("list_building", start, loop, made)
    return None


def _without_import(tree: Tree) -> _Patch | None:
    for node, _name in unused_imports(tree):
        alone = sum(node.lineno <= getattr(each, "lineno", 0) <= (node.end_lineno or 0) for each in tree.nodes
                    if isinstance(each, ast.stmt)) == 1  # fmt: skip
        if len(node.names) == 1 and alone and node in tree.module.body:
            return _Patch("unused_import", node.lineno, node.end_lineno or node.lineno, "")
    return None


_FINDERS: tuple[Callable[[Tree], _Patch | None], ...] = (_joined, _listed, _without_import)


def _replaceable(tree: Tree, start: ast.Assign, loop: ast.For) -> bool:
    """Whether two statements can become one: alone on their lines, and nothing else uses the loop's variable."""
    scope = tree.scope(loop)
    if isinstance(scope, ast.ClassDef) or any(isinstance(n, (ast.Global, ast.Nonlocal)) for n in tree.nodes):
        return False
    inside = set(ast.walk(loop))
    elsewhere = {n.id for n in tree.nodes if isinstance(n, ast.Name) and n not in inside}
    waits = any(isinstance(n, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)) for n in inside)
    ends = {n.end_lineno for n in tree.nodes if isinstance(n, ast.stmt) and n is not loop and n not in inside}
    begins = {n.lineno for n in tree.nodes if isinstance(n, ast.stmt) and n is not start}
    on_own_lines = start.lineno not in begins and loop.end_lineno not in ends - {start.end_lineno}
    return on_own_lines and not waits and not stored(loop.target) & elsewhere


def _patch(name: str, start: ast.Assign, loop: ast.For, made: str) -> _Patch:
    return _Patch(name, start.lineno, loop.end_lineno or loop.lineno, " " * start.col_offset + made)


def _clauses(loop: ast.For, condition: ast.expr | None) -> str:
    target = ast.unparse(loop.target)
    if isinstance(loop.target, ast.Tuple) and loop.target.elts:
        target = target.removeprefix("(").removesuffix(")")
    said = f"for {target} in {_part(loop.iter)}"
    return f"{said} if {_part(condition)}" if condition is not None else said


def _part(node: ast.expr) -> str:
    """Return an expression as it is written within another one."""
    written = ast.unparse(node)
    return f"({written})" if isinstance(node, (ast.IfExp, ast.Lambda, ast.Starred)) else written
