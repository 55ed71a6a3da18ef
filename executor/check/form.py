"""Rung 0, form: is this a program of the shape that was asked for?"""

import ast

from executor.check.candidate import Candidate, Finding, Rule

_MAX_CODE = 65_536
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Parses:
    """The code is Python, and of a reasonable size.

    A model's answer is sometimes prose, or code that was cut off. Answer with the whole program and nothing else.
    """

    name = "parses"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        if candidate.language != "python":
            return [Finding(self.name, f"the language must be python, not {candidate.language!r:.40}")]
        if len(candidate.code) > _MAX_CODE:
            size = len(candidate.code)
            return [Finding(self.name, f"the code has {size:,} characters; at most {_MAX_CODE:,} are allowed")]
        try:
            candidate.code.encode()
            _ = candidate.tree
        except UnicodeEncodeError:
            return [Finding(self.name, "the code holds characters that are no text (lone surrogates)")]
        except SyntaxError as error:
            return [Finding(self.name, f"it is not Python: {error.msg}", error.lineno or 0)]
        return []


class HasEntryPoint:
    """One function has the operator's name, and takes the parameters and the reads by their names.

    The sandbox calls it with keyword arguments, so a missing, renamed or further required parameter fails.
    """

    name = "entry-point"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        found = [
            node
            for node in candidate.tree.body
            if isinstance(node, ast.FunctionDef) and node.name == candidate.entry_point
        ]
        asked = f"def {candidate.entry_point}({', '.join(candidate.arguments)})"
        if len(found) != 1:
            return [Finding(self.name, f"define exactly one function: {asked}")]
        spec = found[0].args
        named = tuple(a.arg for a in (*spec.args, *spec.kwonlyargs))
        if spec.posonlyargs or spec.vararg or spec.kwarg or sorted(named) != sorted(candidate.arguments):
            return [Finding(self.name, f"the function must be {asked}", found[0].lineno)]
        return []


class OnlyDefinitions:
    """At the top level there are only imports, functions, classes and constants.

    Code at the top level runs before the function is called and can do what no test sees.
    """

    name = "only-definitions"

    def findings(self, candidate: Candidate) -> list[Finding]:
        """Return what is wrong."""
        return [
            Finding(
                self.name, "only imports, functions, classes and constants may stand at the top level", n.lineno
            )
            for n in candidate.tree.body
            if not (isinstance(n, _DEFINITIONS) or _is_docstring(n) or _is_constant(n))
        ]


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(node: ast.stmt) -> bool:
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.NamedExpr)
    return not any(isinstance(part, calls) for part in ast.walk(node.value))


# The first rule stands alone: the others read the tree, which only exists when it holds.
FORM_RULES: tuple[Rule, ...] = (Parses(), HasEntryPoint(), OnlyDefinitions())
