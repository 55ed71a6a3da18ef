"""Rung 0, form: is this a program of the shape that was asked for?"""

import ast
from collections.abc import Iterator, Sequence

from executor.check.candidate import Finding, Rule, Source

_MAX_CODE = 65_536
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_IN_A_CLASS = (*_DEFINITIONS, ast.Assign, ast.AnnAssign, ast.Pass)
# What may run before the function is called: these make classes and functions what they are, and nothing else.
_DECORATORS = frozenset({
    "cache", "cached_property", "classmethod", "dataclass", "lru_cache", "property", "setter", "staticmethod",
    "total_ordering", "unique",
})  # fmt: skip
_MAKERS = frozenset({"auto", "field"})


class Parses(Rule):
    """The code is Python, and of a reasonable size.

    A model's answer is sometimes prose, or code that was cut off. The other rules read the tree of the code, so this
    one comes first and alone.

    Refused:

        Here is the function that you asked for:

    Instead:

        def total(items):
            return sum(items)
    """

    code, name = "HTN-F001", "parses"
    fix = "answer with the whole program and nothing else"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        if candidate.language != "python":
            return [self.finding(f"the language must be python, not {candidate.language!r:.40}")]
        if len(candidate.code) > _MAX_CODE:
            size = len(candidate.code)
            return [self.finding(f"the code has {size:,} characters; at most {_MAX_CODE:,} are allowed")]
        try:
            candidate.code.encode()
            _ = candidate.tree, candidate.scopes
        except UnicodeEncodeError:
            return [self.finding("the code holds characters that are no text (lone surrogates)")]
        except SyntaxError as error:
            return [self.finding(f"it is not Python: {error.msg}", error.lineno or 0)]
        return []


class HasEntryPoint(Rule):
    """One function has the operator's name, and takes the parameters and the reads by their names.

    The sandbox calls it with keyword arguments, so a missing, renamed or further required parameter fails.

    Refused:

        def add_up(values):
            return sum(values)

    Instead:

        def total(items):
            return sum(items)
    """

    code, name = "HTN-F002", "entry-point"
    fix = "define the function under the name and with the parameters that were asked for"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        bound = [node for node in candidate.tree.body if candidate.entry_point in _bound(node)]
        asked = f"def {candidate.entry_point}({', '.join(candidate.arguments)})"
        if len(bound) != 1 or not isinstance(bound[0], ast.FunctionDef):
            return [self.finding(f"define exactly one function: {asked}, and give its name to nothing else")]
        spec, line = bound[0].args, bound[0].lineno
        named = tuple(a.arg for a in (*spec.args, *spec.kwonlyargs))
        if spec.posonlyargs or spec.vararg or spec.kwarg or sorted(named) != sorted(candidate.arguments):
            return [self.finding(f"the function must be {asked}", line)]
        if bound[0].decorator_list:
            return [self.finding(f"{candidate.entry_point} must have no decorator", line)]
        return []


class OnlyDefinitions(Rule):
    """At the top level there are only imports, functions, classes and constants.

    Code at the top level runs before the function is called. That includes what looks like a definition: default
    arguments, decorators, and the body of a class may call nothing there but `field(...)` and `auto()`.

    Refused:

        print("ready")

        def total(items):
            return sum(items)

    Instead:

        ZERO = 0

        def total(items):
            return sum(items, ZERO)
    """

    code, name = "HTN-F003", "only-definitions"
    fix = "move what is done at the top level into the function"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        own = {name for node in candidate.tree.body for name in _bound(node) if isinstance(node, ast.FunctionDef)}
        message = "only imports, functions, classes and constants may stand at the top level"
        called = "nothing may be called before the function is: not at the top level, in a default or a decorator"
        return [self.finding(message, n.lineno) for n in candidate.tree.body if not _is_definition(n)] + [
            self.finding(called, n.lineno) for n in _calls_at_import(candidate.tree.body, own)
        ]


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top level gives a meaning."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef):
        return all(isinstance(part, _IN_A_CLASS) or _is_docstring(part) for part in node.body)
    return isinstance(node, _DEFINITIONS) or _is_docstring(node) or _is_constant(node)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None


def _calls_at_import(body: Sequence[ast.stmt], own: set[str]) -> Iterator[ast.expr]:
    """Yield the calls that are made before the function is called; `own` are the functions of the code itself."""
    for node in body:
        for part in _made_at_import(node):
            allowed = _MAKERS
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and part in node.decorator_list:
                allowed = _DECORATORS
                if not isinstance(part, ast.Call) and _last_name(part) not in allowed - own:
                    yield part
            for inner in ast.walk(part):
                if isinstance(inner, ast.Call) and _last_name(inner.func) in allowed - own:
                    continue
                if isinstance(inner, (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
                    yield inner
        if isinstance(node, ast.ClassDef):
            yield from _calls_at_import(node.body, own)


def _made_at_import(node: ast.stmt) -> list[ast.expr]:
    """Return the parts of a definition that are evaluated when it is met."""
    if isinstance(node, ast.FunctionDef):
        spec = node.args
        annotations = [a.annotation for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
        optional = [*spec.defaults, *spec.kw_defaults, *annotations, node.returns]
        return [*node.decorator_list, *(part for part in optional if part is not None)]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
    return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


# The first rule stands alone: the others read the tree, which only exists when it holds.
FORM_RULES: tuple[Rule, ...] = (Parses(), HasEntryPoint(), OnlyDefinitions())
