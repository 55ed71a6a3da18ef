"""Rung 1, static: classes are written as classes, and texts that name attributes stand in the code.

The other rules look at names. They see nothing of a name that is put together at run time, so whatever takes an
attribute or makes a class by such a name is refused here: `type` with three arguments in all its disguises, the
functional form of an `Enum`, and `format` with a pattern that is computed.
"""

import ast
from collections.abc import Iterator

from executor.check.allowed import ENUMS
from executor.check.candidate import Finding, Rule, Source

_COMPARED = frozenset({"isinstance", "issubclass"})


class PlainClasses(Rule):
    """A class is made by a `class` statement, without a metaclass; an enumeration has its members in it.

    `type(x)` may be compared (`type(a) is int`) and stand second in `isinstance`. It may not be called, passed on or
    inherited from: `type(name, bases, namespace)` makes a class with any attributes, and `type(int)` is `type` again.

    Refused:

        def total(items):
            return type("Total", (), {"value": sum(items)}).value

    Instead:

        def total(items):
            return sum(item for item in items if type(item) is int)
    """

    code, name = "HTN-S103", "classes"
    fix = "write the class as a class statement without a metaclass"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        tree = candidate.tree
        types = {id(node) for node in _harmless_types(tree)}
        bases = {id(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases}
        enums = _enums(tree)
        found: list[Finding] = []
        for node in ast.walk(tree):
            is_type = isinstance(node, ast.Name) and node.id == "type" and "type" in candidate.reached
            if is_type and id(node) not in types:
                message = "type may only be used as in: type(a) is int, or isinstance(a, type(b))"
                found.append(self.finding(message, getattr(node, "lineno", 0)))
            if _is_enum(node, enums) and id(node) not in bases:
                found.append(self.finding("an Enum may only be the base of a class", getattr(node, "lineno", 0)))
            if isinstance(node, ast.ClassDef):
                if any(keyword.arg in (None, "metaclass") for keyword in node.keywords):
                    found.append(self.finding(f"the class {node.name:.40} may have no metaclass", node.lineno))
                if any(_is_enum(base, enums) for base in node.bases) and not _has_members(node):
                    found.append(self.finding(f"{node.name:.40} needs its members: NAME = value", node.lineno))
        return found


class PlainFormats(Rule):
    """`.format` is used on a text that stands in the code, or on a name that only such a text is given to.

    A pattern can name attributes, as in "{0.name}", and one that is computed names any.

    Refused:

        def total(items):
            return ("{0." + items[0] + "}").format(items)

    Instead:

        def total(items):
            return f"{sum(items):.2f} " + "{:>9}".format(len(items))
    """

    code, name = "HTN-S104", "formats"
    fix = "use an f-string"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        texts = _names_of_texts(candidate.tree)
        plain = {
            id(node)
            for node in ast.walk(candidate.tree)
            if isinstance(node, ast.Attribute)
            and (_is_text(node.value) or (isinstance(node.value, ast.Name) and node.value.id in texts))
        }
        return [
            self.finding(f".{name} may only be used on a text that stands in the code", getattr(node, "lineno", 0))
            for node in ast.walk(candidate.tree)
            if isinstance(node, (ast.Attribute, ast.MatchClass)) and id(node) not in plain
            for name in ([node.attr] if isinstance(node, ast.Attribute) else node.kwd_attrs)
            if name in ("format", "format_map")
        ]


def _harmless_types(tree: ast.Module) -> Iterator[ast.Name]:
    """Yield each `type` that is only asked for a comparison, and each in an annotation such as `type[int]`."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _COMPARED:
            parts = node.args[1:]
        for part in parts:
            for one in part.elts if isinstance(part, ast.Tuple) else [part]:
                asked = one.func if isinstance(one, ast.Call) and len(one.args) == 1 and not one.keywords else one
                if isinstance(asked, ast.Name) and asked.id == "type" and not _has_star(one):
                    yield asked
        for annotation in _annotations(node):
            yield from (n for n in ast.walk(annotation) if isinstance(n, ast.Name) and not _calls(annotation))


def _has_star(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and any(isinstance(argument, ast.Starred) for argument in node.args)


def _calls(node: ast.expr) -> bool:
    return any(isinstance(part, (ast.Call, ast.NamedExpr)) for part in ast.walk(node))


def _annotations(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.arg):
        return [node.annotation] if node.annotation else []
    if isinstance(node, ast.FunctionDef):
        return [node.returns] if node.returns else []
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []


def _enums(tree: ast.Module) -> frozenset[str]:
    """Return the names under which the code has the kinds of Enum."""
    return frozenset(
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "enum"
        for alias in node.names
        if alias.name in ENUMS
    )


def _is_enum(node: ast.AST, named: frozenset[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ENUMS and isinstance(node.value, ast.Name)
    return isinstance(node, ast.Name) and node.id in named


def _has_members(node: ast.ClassDef) -> bool:
    """Say whether an enumeration has a member for certain; `_ignore_` would take it away again."""
    given = [part for part in node.body if isinstance(part, ast.Assign)]
    names = [target.id for part in given for target in part.targets if isinstance(target, ast.Name)]
    return any(map(_is_plain, given)) and not any(name.startswith("_") for name in names)


def _is_plain(node: ast.Assign) -> bool:
    value = node.value
    is_auto = isinstance(value, ast.Call) and not value.args and ast.unparse(value.func) in ("auto", "enum.auto")
    return is_auto or isinstance(value, (ast.Constant, ast.Tuple, ast.UnaryOp))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _names_of_texts(tree: ast.Module) -> frozenset[str]:
    """Return the names that are given texts of the code wherever they are given anything."""
    given = [
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_text(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
    other = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)} | {
        name
        for node in ast.walk(tree)
        for name in (getattr(node, "name", None), getattr(node, "rest", None), getattr(node, "asname", None))
        if isinstance(name, str)
    }
    return frozenset(name for name in given if given.count(name) == stored.count(name) and name not in other)
