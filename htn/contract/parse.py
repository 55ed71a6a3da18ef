"""Read conditions and effects from one line of text, strictly: only the forms named here, nothing is evaluated.

The grammar is a small part of Python's, so Python's own parser reads it and every node is then checked against
a list. A name is a parameter, a read, or, where it is subscripted or stands right of `in`, a state variable.
"""

import ast
from collections.abc import Container
from dataclasses import dataclass
from math import isfinite

from htn.contract.conditions import Condition, Effect
from htn.contract.terms import (
    FUNCTIONS,
    Applied,
    Argument,
    Constant,
    Entry,
    Lookup,
    Output,
    Read,
    Term,
)  # fmt: skip
from htn.errors import UsageError, did_you_mean

_MAX_TEXT = 400
_MAX_DEPTH = 20
_WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


@dataclass(frozen=True)
class Names:
    """The names that a contract knows: parameters, reads, state variables, outputs. None accepts any name."""

    parameters: tuple[str, ...]
    reads: tuple[str, ...] = ()
    variables: Container[str] | None = None
    outputs: tuple[str, ...] | None = None


def parse_condition(text: str, names: Names) -> Condition:
    """Return the condition that a line of text says."""
    tree = _parse(text, "eval")
    body = tree.body if isinstance(tree, ast.Expression) else None
    if isinstance(body, ast.Compare) and len(body.ops) == 1:
        comparison = _COMPARISONS.get(type(body.ops[0]))
        if comparison:
            left = _term(body.left, names, text)
            right = _term(body.comparators[0], names, text, whole="in" in comparison)
            return Condition(left, comparison, right)
    raise _wrong(text, "a condition is one comparison: a == b, a < b, a in b and so on")


def parse_term(text: str, names: Names) -> Term:
    """Return the term that a line of text says."""
    tree = _parse(text, "eval")
    if not isinstance(tree, ast.Expression):
        raise _wrong(text, "a value was expected")
    return _term(tree.body, names, text)


def parse_effect(text: str, names: Names) -> Effect:
    """Return the effect that a line of text says."""
    tree = _parse(text, "exec")
    if not isinstance(tree, ast.Module) or len(tree.body) != 1:
        raise _wrong(text, "an effect is one change")
    match tree.body[0]:
        case ast.Assign(targets=[target], value=value):
            return Effect("assign", _target(target, names, text), _term(value, names, text))
        case ast.AugAssign(target=target, op=ast.Add(), value=value):
            return Effect("increase", _target(target, names, text), _term(value, names, text))
        case ast.AugAssign(target=target, op=ast.Sub(), value=value):
            return Effect("decrease", _target(target, names, text), _term(value, names, text))
        case ast.Delete(targets=[target]):
            return Effect("delete", _target(target, names, text))
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=target, attr="add" | "remove" as kind),
                args=[value],
                keywords=[],
            )
        ):
            return Effect(kind, _target(target, names, text), _term(value, names, text))
    raise _wrong(text, "an effect is x[k] = v, x[k] += v, x[k] -= v, x[k].add(v), x[k].remove(v) or del x[k]")


def _parse(text: str, mode: str) -> ast.AST:
    if len(text) > _MAX_TEXT:
        raise UsageError(f"a condition or effect of {len(text)} characters is too long (at most {_MAX_TEXT})")
    try:
        return ast.parse(text.strip(), mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _wrong(text, "it cannot be read") from error


def _target(node: ast.expr, names: Names, text: str) -> Lookup:
    if isinstance(node, ast.Name) and node.id in (*names.parameters, *names.reads):
        raise _wrong(text, f"{node.id} is not a state variable, so it cannot be changed")
    term = _term(node, names, text, whole=True)
    if not isinstance(term, Lookup):
        raise _wrong(text, f"{term} is not a place in the state: write variable[key]")
    return term


def _term(node: ast.expr, names: Names, text: str, *, whole: bool = False, depth: int = 0) -> Term:
    if depth > _MAX_DEPTH:
        raise _wrong(text, "it is nested too deeply")
    match node:
        case ast.Constant(value=value) if value is None or type(value) in (int, bool):
            return Constant(value)
        case ast.Constant(value=str(value)) if not any("\ud800" <= c <= "\udfff" for c in value):
            return Constant(value)
        case ast.Constant(value=float(value)) if isfinite(value):
            return Constant(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))) if not isinstance(
            value, bool
        ) and isfinite(value):
            return Constant(-value)
        case ast.Name(id=name):
            return _name(name, names, text, whole=whole)
        case ast.Attribute(value=ast.Name(id="output"), attr=name):
            if names.outputs is not None and name not in names.outputs:
                raise _wrong(text, f"output.{name} is not known here", did_you_mean(name, names.outputs))
            return Output(name)
        case ast.Subscript(value=holder, slice=key):
            return _subscript(holder, key, names, text, depth)
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]) if function in FUNCTIONS:
            return Applied(function, tuple(_term(a, names, text, depth=depth + 1) for a in arguments))
    raise _wrong(text, f"{_source(node)} is not a value that a contract can use")


def _source(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except RecursionError:
        return "this"


def _name(name: str, names: Names, text: str, *, whole: bool) -> Term:
    if name in _WORDS:
        return Constant(_WORDS[name])
    if name in names.parameters:
        return Argument(name)
    if name in names.reads:
        return Read(name)
    if whole:
        return _variable(name, (), names, text)
    known = (*names.parameters, *names.reads)
    raise _wrong(text, f"{name} is neither a parameter nor a read", did_you_mean(name, known))


def _subscript(holder: ast.expr, key: ast.expr, names: Names, text: str, depth: int) -> Term:
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    if not parts:
        raise _wrong(text, "there is no key between [ ]")
    keys = tuple(_term(part, names, text, depth=depth + 1) for part in parts)
    if isinstance(holder, ast.Name) and holder.id not in (*names.parameters, *names.reads):
        return _variable(holder.id, keys, names, text)
    if len(keys) != 1:
        raise _wrong(text, "only a state variable has keys of several parts")
    return Entry(_term(holder, names, text, depth=depth + 1), keys[0])


def _variable(name: str, keys: tuple[Term, ...], names: Names, text: str) -> Lookup:
    if names.variables is not None and name not in names.variables:
        known = sorted(names.variables) if isinstance(names.variables, (set, frozenset, tuple, dict)) else []
        raise _wrong(text, f"there is no state variable {name}", did_you_mean(name, known))
    return Lookup(name, keys)


def _wrong(text: str, why: str, hints: tuple[str, ...] = ()) -> UsageError:
    return UsageError(f"cannot use {text[:100]!r}: {why}", hints=hints)
