"""Rung 1, static: does the code use only what a pure function of data needs?

An allow-list, not a list of bad words: what is not named here is refused. It keeps honest code honest and
catches most hostile code early; it is not the boundary. Python can always be talked round, so the sandbox has
to hold whatever gets past this.
"""

import ast
import importlib
from types import ModuleType

from executor.check.candidate import Candidate, Finding, Rule

MODULES = frozenset({
    "bisect", "calendar", "collections", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "statistics",
    "string", "textwrap", "typing", "unicodedata",
})  # fmt: skip
_REFUSED_BUILTINS = frozenset({
    "__build_class__", "__debug__", "__import__", "__loader__", "__spec__", "breakpoint", "compile", "copyright",
    "credits", "delattr", "eval", "exec", "exit", "getattr", "globals", "help", "id", "input", "license", "locals",
    "memoryview", "open", "quit", "setattr", "vars",
})  # fmt: skip
# Results that differ from run to run: a pure body may not use them.
_IMPURE = {("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("date", "today")}


class AllowedImports:
    """Only modules of the allow-list are imported, and nothing is taken from them that is itself a module.

    `re.enum.sys.modules["os"]` shows why the second half is needed. Use the standard library's modules for
    numbers, texts, dates and collections; there is no file system, network or process to use.
    """

    name = "imports"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            if isinstance(node, ast.Import):
                found += [
                    _refused(self.name, alias.name, node) for alias in node.names if alias.name not in MODULES
                ]
            elif isinstance(node, ast.ImportFrom):
                found += self._taken(node)
        return found + self._through_attributes(candidate.tree)

    def _taken(self, node: ast.ImportFrom) -> list[Finding]:
        module = node.module or ""
        if node.level or module not in MODULES:
            return [_refused(self.name, "." * node.level + module, node)]
        return [
            Finding(self.name, f"from {module} import {alias.name} is not allowed", node.lineno)
            for alias in node.names
            if alias.name == "*" or _is_hidden(module, alias.name)
        ]

    def _through_attributes(self, tree: ast.Module) -> list[Finding]:
        imported = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name in MODULES
        }
        return [
            Finding(self.name, f"{node.value.id}.{node.attr} is not allowed", node.lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in imported
            and _is_hidden(imported[node.value.id], node.attr)
        ]


class AllowedNames:
    """No `eval`, `exec`, `open`, `input`, `getattr` and the like, and no name or attribute with two underscores.

    These reach what the code was not given. Write the operation directly.
    """

    name = "names"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            name = _name_of(node)
            line = getattr(node, "lineno", 0)
            if name.startswith("__") or (isinstance(node, ast.Attribute) and name.startswith("_")):
                found.append(Finding(self.name, f"{name} is not allowed: names with underscores in front", line))
            elif isinstance(node, ast.Name) and name in _REFUSED_BUILTINS:
                found.append(Finding(self.name, f"{name} is not allowed", line))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "__" in node.value:
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
        return [
            Finding(self.name, f"{ast.unparse(node)} depends on the clock", node.lineno)
            for node in ast.walk(candidate.tree)
            if isinstance(node, ast.Attribute) and (_last_name(node.value), node.attr) in _IMPURE
        ]


def _refused(rule: str, module: str, node: ast.stmt) -> Finding:
    return Finding(rule, f"import {module} is not allowed; allowed are {', '.join(sorted(MODULES))}", node.lineno)


def _is_hidden(module: str, attribute: str) -> bool:
    """Say whether an attribute of an allowed module is private, absent, or a module that it happens to import."""
    if attribute.startswith("_"):
        return True
    value = getattr(importlib.import_module(module), attribute, None)
    return value is None or isinstance(value, ModuleType)


def _name_of(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.arg(arg=name) | ast.alias(name=name):
            return name
    return ""


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


STATIC_RULES: tuple[Rule, ...] = (AllowedImports(), AllowedNames(), DeclaredPurity())
