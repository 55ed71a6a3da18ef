"""Rung 1, static: which modules are imported, and what is taken from them."""

import ast
import sys
from collections.abc import Iterator

from executor.check.allowed import MODULES, is_hidden
from executor.check.candidate import Finding, Rule, Source

_CLOCK = frozenset({"now", "today", "utcnow"})
_DICE = frozenset({"samples"})


class AllowedImports(Rule):
    """Only modules of the allow-list are imported, and nothing is taken from them that is itself a module.

    A body computes with data: there is no file system, network or process for it to use. `re.enum.sys.modules["os"]`
    shows why the second half is needed, and `alias = re` why a module may only stand before a dot.
    Where a body declares packages that a setting allows, what is no module of Python's own comes from them.

    Refused:

        import os

        def total(items):
            return os.getpid()

    Instead:

        import math

        def total(items):
            return math.fsum(items)
    """

    code, name = "HTN-S101", "imports"
    fix = "use the modules for numbers, texts, dates and collections, as in: import math; math.fsum(x)"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        found: list[Finding] = []
        for node in ast.walk(candidate.tree):
            if isinstance(node, ast.Import):
                found += [
                    self._refused(alias.name, node)
                    for alias in node.names
                    if alias.name not in MODULES and not _declared(alias.name, candidate)
                ]
            elif isinstance(node, ast.ImportFrom):
                found += self._taken(node, candidate)
        return found + self._used(candidate.tree)

    def _taken(self, node: ast.ImportFrom, candidate: Source) -> list[Finding]:
        module = node.module or ""
        if node.level or (module not in MODULES and not _declared(module, candidate)):
            return [self._refused("." * node.level + module, node)]
        return [
            self.finding(f"from {module} import {alias.name:.80} is not allowed", node.lineno)
            for alias in node.names
            if alias.name == "*" or (module in MODULES and is_hidden(module, alias.name))
        ]

    def _used(self, tree: ast.Module) -> list[Finding]:
        imported = imported_modules(tree)
        before_a_dot: set[int] = set()
        found: list[Finding] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (module := _module(node.value, imported)):
                before_a_dot.add(id(node.value))
                if is_hidden(module, node.attr):
                    found.append(self.finding(f"{module}.{node.attr} is not allowed", node.lineno))
        for node in ast.walk(tree):
            named = isinstance(node, (ast.Name, ast.Attribute)) and _module(node, imported)
            if named and id(node) not in before_a_dot:
                shown = ast.unparse(node)
                message = f"{shown} is an imported module: it may only be used as {shown}.NAME"
                found.append(self.finding(message, getattr(node, "lineno", 0)))
        return found

    def _refused(self, module: str, node: ast.stmt) -> Finding:
        allowed = ", ".join(sorted(MODULES))
        return self.finding(f"import {module} is not allowed; allowed are {allowed}", node.lineno)


class DeclaredPurity(Rule):
    """A body gives the same result for the same arguments: no clock and no dice.

    Randomness cannot be imported. The clock comes with `datetime` and one kind of dice with `statistics`, so these are
    looked for by name.

    Refused:

        from datetime import date

        def total(items):
            return [date.today().isoformat(), sum(items)]

    Instead:

        from datetime import date

        def total(items):
            return [date.fromisoformat(item).year for item in items]
    """

    code, name = "HTN-S105", "purity"
    fix = "take what changes from run to run as an argument"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        modules = set(_all_imported(candidate.tree))
        names = (_CLOCK if "datetime" in modules else frozenset()) | (_DICE if "statistics" in modules else frozenset())
        return [
            self.finding(f".{name} depends on the {'clock' if name in _CLOCK else 'dice'}", line)
            for name, line in attributes(candidate.tree)
            if name in names
        ]


def attributes(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each attribute that is taken, also by a pattern as in `case str(format=f)`, and its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.MatchClass):
            yield from ((name, node.cls.lineno) for name in node.kwd_attrs)


def imported_modules(tree: ast.Module) -> dict[str, str]:
    """Return the allowed modules that names stand for, by the name."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in MODULES:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    found[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in MODULES:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _declared(module: str, candidate: Source) -> bool:
    """Whether a module can come from the packages that the code declares: none of Python's own does."""
    return bool(candidate.packages) and module.partition(".")[0] not in sys.stdlib_module_names


def _all_imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _module(node: ast.expr, imported: dict[str, str]) -> str:
    """Return the module that an expression is, as `collections.abc` is one, or nothing."""
    if isinstance(node, ast.Name):
        return imported.get(node.id, "")
    if isinstance(node, ast.Attribute):
        inner = _module(node.value, imported)
        return f"{inner}.{node.attr}" if inner and f"{inner}.{node.attr}" in MODULES else ""
    return ""
