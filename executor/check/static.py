"""Rung 1, static: does the code use only what a pure function of data needs?

Allow-lists, not lists of bad words: a module or a builtin that is not named here is refused. It keeps honest code
honest and catches most hostile code early; it is not the boundary. Python can always be talked round, so the
sandbox has to hold whatever gets past this.
"""

import ast
import builtins

from executor.check.allowed import MODULES, is_hidden
from executor.check.candidate import Candidate, Finding, Rule
from executor.check.classes import PlainClasses, PlainFormats

_BUILTINS = frozenset({
    "Ellipsis", "NotImplemented", "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable",
    "chr", "classmethod", "complex", "dict", "divmod", "enumerate", "filter", "float", "format", "frozenset",
    "hasattr", "hash", "hex", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next",
    "object", "oct", "ord", "pow", "print", "property", "range", "repr", "reversed", "round", "set", "slice",
    "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "zip",
}) | {name for name, value in vars(builtins).items()
      if isinstance(value, type) and issubclass(value, BaseException)}  # fmt: skip
# From a generator, a coroutine or a traceback these lead to the frames of whoever called.
_FRAMES = frozenset({
    "ag_await", "ag_code", "ag_frame", "cr_await", "cr_code", "cr_frame", "cr_origin", "f_back", "f_builtins",
    "f_code", "f_globals", "f_locals", "gi_code", "gi_frame", "gi_yieldfrom", "tb_frame", "tb_next",
})  # fmt: skip
_CLOCK = frozenset({"now", "today", "utcnow"})


class AllowedImports:
    """Only modules of the allow-list are imported, and nothing is taken from them that is itself a module.

    `re.enum.sys.modules["os"]` shows why the second half is needed, and `alias = re` why a module may only stand
    before a dot. Use the standard library's modules for numbers, texts, dates and collections; there is no file
    system, network or process to use.
    """

    name = "imports"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            if isinstance(node, ast.Import):
                found += [_refused(self.name, alias.name, node) for alias in node.names if alias.name not in MODULES]
            elif isinstance(node, ast.ImportFrom):
                found += self._taken(node)
        return found + self._used(candidate.tree)

    def _taken(self, node: ast.ImportFrom) -> list[Finding]:
        module = node.module or ""
        if node.level or module not in MODULES:
            return [_refused(self.name, "." * node.level + module, node)]
        return [
            Finding(self.name, f"from {module} import {alias.name:.80} is not allowed", node.lineno)
            for alias in node.names
            if alias.name == "*" or is_hidden(module, alias.name)
        ]

    def _used(self, tree: ast.Module) -> list[Finding]:
        imported = _imported(tree)
        found: list[Finding] = []
        before_a_dot: set[ast.AST] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                before_a_dot.add(node.value)
                module = imported.get(node.value.id)
                if module and is_hidden(module, node.attr):
                    found.append(Finding(self.name, f"{module}.{node.attr} is not allowed", node.lineno))
            elif isinstance(node, ast.Name) and node.id in imported and node not in before_a_dot:
                message = f"{node.id} is an imported module: it may only be used as {node.id}.NAME"
                found.append(Finding(self.name, message, node.lineno))
        return found


class AllowedNames:
    """No `eval`, `exec`, `open`, `input`, `getattr` and the like, no way to a frame, and no name or attribute with
    two underscores.

    These reach what the code was not given. Write the operation directly.
    """

    name = "names"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        builtin = _refused_builtins(candidate.reached)
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            line = getattr(node, "lineno", 0)
            is_attribute = isinstance(node, (ast.Attribute, ast.MatchClass))
            for name in _names_of(node):
                if name.startswith("__") or (is_attribute and name.startswith("_")):
                    message = f"{name} is not allowed: names with underscores in front"
                    found.append(Finding(self.name, message, line))
                elif (is_attribute and name in _FRAMES) or (isinstance(node, ast.Name) and name in builtin):
                    found.append(Finding(self.name, f"{name} is not allowed", line))
            if isinstance(node, ast.Constant) and _has_dunder(node.value):
                found.append(Finding(self.name, "a text with __ in it is not allowed", line))
        return found


class DeclaredPurity:
    """A body gives the same result for the same arguments: no clock.

    Randomness cannot be imported; the clock comes with `datetime`, so it is looked for by name. Take what
    changes from run to run as an argument.
    """

    name = "purity"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        nodes = list(ast.walk(candidate.tree))
        dates = any(isinstance(n, ast.ImportFrom) and n.module == "datetime" for n in nodes)
        if not dates and "datetime" not in _imported(candidate.tree).values():
            return []
        return [
            Finding(self.name, f".{node.attr} depends on the clock", node.lineno)
            for node in nodes
            if isinstance(node, ast.Attribute) and node.attr in _CLOCK
        ]


def _refused(rule: str, module: str, node: ast.stmt) -> Finding:
    return Finding(rule, f"import {module} is not allowed; allowed are {', '.join(sorted(MODULES))}", node.lineno)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the allowed modules that are imported whole, by the name that they get."""
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname else alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in MODULES
    }


def _refused_builtins(reached: frozenset[str]) -> frozenset[str]:
    """Return the builtins that the code reaches and may not use."""
    return frozenset((reached & vars(builtins).keys()) - _BUILTINS)


def _names_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.MatchClass(kwd_attrs=names) | ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
    return []


def _has_dunder(value: object) -> bool:
    return (isinstance(value, str) and "__" in value) or (isinstance(value, bytes) and b"__" in value)


STATIC_RULES: tuple[Rule, ...] = (
    AllowedImports(), AllowedNames(), PlainClasses(), PlainFormats(), DeclaredPurity(),
)  # fmt: skip
