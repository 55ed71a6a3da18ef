"""Rung 1, static: which names the code uses, and which attributes it takes."""

import ast
import builtins
import re

from executor.check.allowed import SPECIAL_METHODS
from executor.check.candidate import Finding, Rule, Source

_BUILTINS = frozenset({
    "Ellipsis", "NotImplemented", "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable",
    "chr", "classmethod", "complex", "dict", "divmod", "enumerate", "filter", "float", "format", "frozenset",
    "hasattr", "hash", "hex", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next",
    "object", "oct", "ord", "pow", "print", "property", "range", "repr", "reversed", "round", "set", "slice",
    "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "zip",
}) | {name for name, value in vars(builtins).items()
      if isinstance(value, type) and issubclass(value, BaseException)}  # fmt: skip
# From a generator, a coroutine or a traceback these lead to the frames of whoever called.
FRAMES = frozenset({
    "ag_await", "ag_code", "ag_frame", "cr_await", "cr_code", "cr_frame", "cr_origin", "f_back", "f_builtins",
    "f_code", "f_globals", "f_locals", "gi_code", "gi_frame", "gi_yieldfrom", "tb_frame", "tb_next",
})  # fmt: skip
# `register` makes any object an instance of a class, so that a pattern takes the class's attributes from it; `attrname`
# is the name under which a cached property stores its value, whatever name that is; `mro` leads to the bare `Enum`.
_LEVERS = frozenset({"attrname", "mro", "register"})
# Private parts of the standard library's classes that make classes or evaluate texts; a method can be given any object.
_NOT_OWN = frozenset({"_asdict", "_evaluate", "_fields", "_getitem", "_make", "_replace"})
_IN_A_PATTERN = re.compile(rf"\{{[^{{}}]*\.(_\w*|{'|'.join(sorted(FRAMES))})")


class AllowedNames(Rule):
    """No `eval`, `exec`, `open`, `input`, `getattr` and the like, no way to a frame, and no name with two underscores.

    These reach what the code was not given: `().__class__.__base__.__subclasses__()` leads from an empty tuple to every
    class there is, and the frame of a generator to the variables of whoever called. A class may define the usual
    special methods (`__init__`, `__eq__`, `__len__`, …), and a method may use private attributes of its own object.

    Refused:

        def total(items):
            return items.__class__.__base__.__subclasses__()

    Instead:

        class Sum:
            def __init__(self):
                self._value = 0

            def add(self, item):
                self._value += item
                return self._value

        def total(items):
            kept = Sum()
            return [kept.add(item) for item in items]
    """

    code, name = "HTN-S102", "names"
    fix = "write the operation directly, without names that begin with underscores"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        builtin = _refused_builtins(candidate.reached)
        methods, own = _special_methods(candidate.tree), _own_attributes(candidate.tree)
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            line = getattr(node, "lineno", 0)
            is_attribute = isinstance(node, (ast.Attribute, ast.MatchClass))
            for name in () if id(node) in methods or id(node) in own else _names_of(node):
                if name.startswith("__") or (is_attribute and name.startswith("_")):
                    message = f"{name:.80} is not allowed: names with underscores in front"
                    found.append(self.finding(message, line))
                elif _leads_out(name, is_attribute=is_attribute) or (isinstance(node, ast.Name) and name in builtin):
                    found.append(self.finding(f"{name} is not allowed", line))
            if isinstance(node, ast.Constant) and _has_dunder(node.value):
                found.append(self.finding("a text with __ in it is not allowed", line))
        return found


def _leads_out(name: str, *, is_attribute: bool) -> bool:
    # A field of a record is an attribute too, wherever its name stands.
    return name in FRAMES or (is_attribute and name in _LEVERS)


def _refused_builtins(reached: frozenset[str]) -> frozenset[str]:
    """Return the builtins that the code reaches and may not use."""
    return frozenset((reached & vars(builtins).keys()) - _BUILTINS)


def _special_methods(tree: ast.Module) -> set[int]:
    """Return the definitions of special methods that a class may have, and calls of `super().__init__`."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name in SPECIAL_METHODS:
                    found.add(id(part))
                elif isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "__slots__":
                    found |= {id(part.targets[0])} if _is_written_out(part.value) else set()
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("super().__init__", "super().__post_init__"):
            found.add(id(node.func))
    return found


def _own_attributes(tree: ast.Module) -> set[int]:
    """Return the private attributes that methods use of their own object, as `self._count`.

    The class has no bases, whose private attributes these could be, and the method gives the name to nothing else.
    """
    found: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or node.bases or node.keywords:
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.args.args:
                found |= _private_of(method, method.args.args[0].arg)
    return found


def _private_of(method: ast.FunctionDef, own: str) -> set[int]:
    parts = list(ast.walk(method))
    given = [n for n in parts if isinstance(n, ast.Name) and n.id == own and not isinstance(n.ctx, ast.Load)]
    shadowed = [n for n in parts if isinstance(n, ast.arg) and n.arg == own]
    named = [
        n for n in parts if own in (getattr(n, "name", None), getattr(n, "rest", None), getattr(n, "asname", None))
    ]
    if method.decorator_list or given or len(shadowed) > 1 or named:
        return set()
    return {
        id(n)
        for n in parts
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == own
        and n.attr.startswith("_") and not n.attr.startswith("__") and not n.attr.endswith("_") and n.attr not in
        _NOT_OWN
    }  # fmt: skip


def _is_written_out(node: ast.expr) -> bool:
    return isinstance(node, (ast.Tuple, ast.List)) and all(isinstance(part, ast.Constant) for part in node.elts)


def _names_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.MatchClass(kwd_attrs=names) | ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case ast.alias(name=name, asname=other):
            return [name, other or ""]
    # What is left is a name in one field or another: of a keyword, an exception, a pattern, a parameter of a type.
    named = (getattr(node, field, None) for field in ("arg", "name", "rest"))
    return [name for name in named if isinstance(name, str)]


def _has_dunder(value: object) -> bool:
    if isinstance(value, str):
        return "__" in value or _IN_A_PATTERN.search(value) is not None
    return isinstance(value, bytes) and b"__" in value
