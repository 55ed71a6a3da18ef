"""Which values a script reads without assigning them, and what they look like by how they are used.

A guess from the text: what is indexed with a text is an object, what is iterated over a list, what is multiplied a
number. It makes inputs on which two versions can be compared; a wrong guess makes inputs on which both fail, and these
show little, so they are counted apart.
"""

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.code.tree import COMPREHENSIONS, FUNCTIONS, Function, Tree, called, name_of

_OF_TEXT = frozenset({"capitalize", "encode", "endswith", "format", "join", "lower", "lstrip", "replace", "rstrip",
                      "split", "splitlines", "startswith", "strip", "title", "upper", "isdigit"})  # fmt: skip
_OF_LIST = frozenset({"append", "extend", "insert", "sort", "reverse"})
_OF_OBJECT = frozenset({"get", "items", "keys", "setdefault", "values", "update"})
_TAKES_LIST = frozenset({"all", "any", "enumerate", "fmean", "fsum", "list", "map", "max", "mean", "median", "min",
                         "reversed", "set", "sorted", "sum", "tuple", "zip", "Counter"})  # fmt: skip
_OF_NUMBERS = frozenset({"fmean", "fsum", "mean", "median", "sum"})
_NUMERIC = (ast.Mult, ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_BY_ANNOTATION = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "list": "array",
                  "List": "array", "Sequence": "array", "Iterable": "array", "dict": "object", "Dict": "object",
                  "Mapping": "object"}  # fmt: skip
_FEW_TEXTS = ("", "a", "b", "A", "a b", "12", "x,y")


@dataclass
class Shape:
    """What is known of a value. `kind` is a JSON Schema type or nothing."""

    kind: str = ""
    fields: dict[str, "Shape"] = field(default_factory=dict)
    item: "Shape | None" = None

    def is_a(self, kind: str) -> "Shape":
        """Learn a kind; what is known already is not given up for a number or a text."""
        if not self.kind or (kind in ("array", "object") and self.kind not in ("array", "object")):
            self.kind = kind
        return self

    def at(self, key: str) -> "Shape":
        """Return what is under a key."""
        self.is_a("object")
        return self.fields.setdefault(key, Shape())

    @property
    def items(self) -> "Shape":
        """What a list, or an object with any keys, holds."""
        if self.item is None:
            self.item = Shape()
        return self.item

    def schema(self, unknown: str, *, narrow: bool = False) -> dict[str, Any]:
        """Return a JSON Schema; what nothing is known of is `unknown`.

        A narrow one has few values, so that the same ones come again.
        """
        kind = self.kind or unknown
        if kind == "array":
            return {"type": "array", "items": (self.item or Shape()).schema("integer", narrow=narrow)}
        if kind == "object" and self.fields:
            return {
                "type": "object",
                "properties": {name: part.schema(unknown, narrow=narrow) for name, part in self.fields.items()},
                "required": list(self.fields),
            }
        if kind == "object":
            return {"type": "object", "additionalProperties": (self.item or Shape()).schema("integer", narrow=narrow)}
        if kind in ("integer", "number"):
            least, most = (-2, 3) if narrow else (-1000, 1000)
            return {"type": kind, "minimum": least, "maximum": most}
        return {"type": kind} | ({"enum": list(_FEW_TEXTS)} if narrow and kind == "string" else {})


def shape_of_value(value: Any) -> Shape:
    """Return the shape of an example."""
    if isinstance(value, bool):
        return Shape("boolean")
    if isinstance(value, int):
        return Shape("integer")
    if isinstance(value, float):
        return Shape("number")
    if isinstance(value, str):
        return Shape("string")
    if isinstance(value, (list, tuple)):
        return Shape("array", item=shape_of_value(value[0]) if value else Shape("integer"))
    if isinstance(value, Mapping):
        return Shape("object", {str(name): shape_of_value(part) for name, part in value.items()})
    return Shape("string")


def read_names(tree: Tree) -> tuple[str, ...]:
    """Return the names that a script reads before it gives them a value, in the order in which it does."""
    reader = _Reader()
    reader.block(tree.module.body)
    inner = {n.id for f in tree.nodes if isinstance(f, (*FUNCTIONS, ast.Lambda)) for n in _free(f)}
    return tuple(dict.fromkeys([*reader.read, *sorted(inner - reader.bound)]))


def shapes_of_script(tree: Tree, names: Iterable[str]) -> dict[str, Shape]:
    """Return what the inputs of a script look like by how it uses them."""
    return _watched(tree.module, {name: Shape() for name in names})


def shapes_of_function(function: Function) -> dict[str, Shape]:
    """Return what the parameters of a function look like, by their annotations and by how it uses them."""
    shapes = {}
    for argument in (*function.args.args, *function.args.kwonlyargs):
        written = ast.unparse(argument.annotation) if argument.annotation else ""
        shape = shapes[argument.arg] = Shape(_BY_ANNOTATION.get(written.partition("[")[0].rpartition(".")[2], ""))
        inner = written.partition("[")[2].removesuffix("]")
        if shape.kind == "array" and inner:
            shape.item = Shape(_BY_ANNOTATION.get(inner.partition("[")[0], ""))
    return _watched(function, shapes)


class _Reader:
    """Goes through statements in the order in which they run, and notes what is read before it is bound."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.read: list[str] = []

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self.bound.add(node.name)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            return
        if isinstance(node, ast.AugAssign):
            self._expression(node.target, reads_targets=True)
        blocks = [getattr(node, name) for name in ("body", "orelse", "finalbody") if getattr(node, name, None)]
        inner = {id(part) for block in blocks for part in block}
        for child in _in_order(node):
            if id(child) not in inner and isinstance(child, ast.AST) and not isinstance(child, ast.ExceptHandler):
                self._expression(child)
        for handler in getattr(node, "handlers", []):
            self.bound |= {handler.name} if handler.name else set()
            self.block(handler.body)
        for block in blocks:
            self.block(part for part in block if isinstance(part, ast.stmt))

    def _expression(self, node: ast.AST, *, reads_targets: bool = False) -> None:
        local = {n.id for c in ast.walk(node) if isinstance(c, ast.comprehension) for n in ast.walk(c.target)
                 if isinstance(n, ast.Name)}  # fmt: skip
        hidden = {id(n) for part in ast.walk(node) if isinstance(part, ast.Lambda) for n in ast.walk(part)}
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in hidden]
        for name in names:
            is_read = isinstance(name.ctx, ast.Load) or reads_targets
            if is_read and name.id not in self.bound | local and not hasattr(builtins, name.id):
                self.read.append(name.id)
        self.bound |= {name.id for name in names if not isinstance(name.ctx, ast.Load)} - local


def _in_order(node: ast.stmt) -> list[ast.AST]:
    """Return the parts of a statement, what is computed before what is assigned."""
    parts = list(ast.iter_child_nodes(node))
    return sorted(parts, key=lambda part: isinstance(getattr(part, "ctx", None), ast.Store))


def _free(function: ast.AST) -> list[ast.Name]:
    """Return the names that a function reads and does not assign itself."""
    own = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    own |= {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    own |= {n.name for n in ast.walk(function) if isinstance(n, (*FUNCTIONS, ast.ExceptHandler)) and n.name}
    return [
        n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id not in own and not hasattr(builtins, n.id)
    ]


def _watched(part: ast.AST, known: dict[str, Shape]) -> dict[str, Shape]:
    inputs = dict(known)
    for _ in range(2):  # what is learned at the end of a loop is known at its beginning the second time
        for node in ast.walk(part):
            _learn(node, known)
    return inputs


def _learn(node: ast.AST, known: dict[str, Shape]) -> None:
    """Learn from one part of a program what the values in it look like."""
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        _iterated(node.target, node.iter, known)
    elif isinstance(node, ast.Assign) and len(node.targets) == 1 and (shape := _shape(node.value, known)):
        if (name := name_of(node.targets[0])) and name not in known:
            known[name] = shape
    elif isinstance(node, ast.BinOp) and not isinstance(node.left, COMPREHENSIONS):
        _computed(node, known)
    elif isinstance(node, ast.Compare):
        _compared(node, known)
    elif isinstance(node, ast.Call):
        _passed(node, known)
    elif isinstance(node, (ast.Subscript, ast.Attribute)):
        _shape(node, known)


def _shape(node: ast.AST, known: Mapping[str, Shape]) -> Shape | None:
    """Return the shape of an expression that leads to an input or a part of one, or None."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Subscript) and (inner := _shape(node.value, known)) is not None:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return inner.at(node.slice.value)
        if isinstance(node.slice, ast.Slice):
            return inner
        return inner.items if inner.kind == "object" else inner.is_a("array").items
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = _shape(node.func.value, known)
        if inner is not None and node.func.attr == "get" and node.args and isinstance(node.args[0], ast.Constant):
            return inner.at(str(node.args[0].value))
        if inner is not None and node.func.attr == "values":
            return Shape("array", item=inner.is_a("object").items)
    return None


def _iterated(target: ast.expr, source: ast.expr, known: dict[str, Shape]) -> None:
    if isinstance(source, ast.Call) and called(source) in ("enumerate", "sorted", "reversed", "list") and source.args:
        inner = _shape(source.args[0], known)
        target = target.elts[-1] if called(source) == "enumerate" and isinstance(target, ast.Tuple) else target
    elif called(source) == "items" and isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute):
        inner = _shape(source.func.value, known)
        if inner is not None and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            inner.is_a("object")
            known.setdefault(name_of(target.elts[0]), Shape("string"))
            known.setdefault(name_of(target.elts[1]), inner.items)
        return
    else:
        inner = _shape(source, known)
    if inner is not None and inner.kind not in ("object", "string"):
        item = inner.is_a("array").items
        if name := name_of(target):
            known.setdefault(name, item)


def _computed(node: ast.BinOp, known: Mapping[str, Shape]) -> None:
    for one, other in ((node.left, node.right), (node.right, node.left)):
        shape = _shape(one, known)
        if shape is None:
            continue
        if isinstance(other, (ast.Constant, ast.JoinedStr)) and isinstance(getattr(other, "value", ""), str):
            shape.is_a("string")
        elif isinstance(node.op, _NUMERIC) or (isinstance(other, ast.Constant) and isinstance(node.op, ast.Add)):
            whole = isinstance(other, ast.Constant) and isinstance(other.value, float)
            shape.is_a("number" if whole or isinstance(node.op, ast.Div) else "integer")


def _compared(node: ast.Compare, known: Mapping[str, Shape]) -> None:
    for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
        shape = _shape(one, known)
        if shape is None:
            continue
        if isinstance(node.ops[0], (ast.In, ast.NotIn)):
            if one is node.comparators[0]:
                shape.is_a("array")
        elif isinstance(other, ast.Constant) and other.value is not None:
            shape.is_a(shape_of_value(other.value).kind)


def _passed(node: ast.Call, known: Mapping[str, Shape]) -> None:
    name = called(node)
    if isinstance(node.func, ast.Attribute) and (shape := _shape(node.func.value, known)) is not None:
        for names, kind in ((_OF_TEXT, "string"), (_OF_LIST, "array"), (_OF_OBJECT, "object")):
            if name in names:
                shape.is_a(kind)
    for argument in node.args[:1] if name not in ("zip", "map") else node.args[name == "map" :]:
        shape = _shape(argument, known)
        if shape is None:
            continue
        if name in _TAKES_LIST and shape.kind not in ("string", "object"):
            item = shape.is_a("array").items
            if name in _OF_NUMBERS:
                item.is_a("integer" if name == "sum" else "number")
        elif name == "len" and not shape.kind:
            shape.is_a("array")
        elif name in ("range", "chr", "round", "abs"):
            shape.is_a("integer")
        elif name in ("ord", "fromisoformat"):
            shape.is_a("string")
