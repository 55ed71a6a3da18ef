"""Whether two bodies are the same program, although their texts differ.

Python bodies are compared by their trees: comments, layout and docstrings do not count, nor what a local name is
called. A name is local where nothing outside of its function could ask for it: not a parameter of the function that
is called, no name of a module or class, none by which an argument is given (`f(x=1)`). Such names are replaced by the
order in which they first appear, so two bodies with the same form differ at most in them.

Bodies in other languages are compared by their tokens without comments; where a line's end can end a statement
(JavaScript, Go) it counts, too. Code that cannot be divided is compared by its lines, without the empty ones and
without spaces at their ends. So what is called the same is the same; what is called different may be the same.
"""

import ast
import hashlib
import symtable
from collections.abc import Iterator

from executor.check import Candidate
from executor.check.languages.tokens import UnreadableError, tokens

_ENDS_A_STATEMENT = ("javascript", "go")
_TOKENIZED = ("javascript", "go", "java", "c++", "rust")
_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MOST = 65_536  # characters; what is longer is refused at the first rung


def normal_form(candidate: Candidate) -> str:
    """Return the identity of a body: 64 hexadecimal digits that two bodies share when they are the same program."""
    return hashlib.sha256("\0".join(_parts(candidate)).encode("utf-8", "surrogatepass")).hexdigest()


def _parts(candidate: Candidate) -> list[str]:
    return [*_code(candidate), *(f"package {each}" for each in sorted(candidate.packages))]


def _code(candidate: Candidate) -> list[str]:
    try:
        if len(candidate.code) > _MOST:
            return ["text", candidate.code]
        if candidate.language == "python":
            return ["tree", *_shape(candidate.tree, _locals(candidate))]
        if candidate.language in _TOKENIZED:
            return ["tokens", *_words(candidate)]
    except (SyntaxError, UnreadableError, RecursionError):
        pass
    rows = [line.rstrip() for line in candidate.code.split("\n")]
    return ["lines", *(row for row in rows if row)]


def _words(candidate: Candidate) -> Iterator[str]:
    last = 0
    for token in tokens(candidate.code, candidate.language):
        if token.kind == "comment":
            continue
        if candidate.language in _ENDS_A_STATEMENT and token.line != last:
            yield "new line"
        last = token.line + token.text.count("\n")
        yield f"{token.kind} {token.text}"


def _locals(candidate: Candidate) -> set[str]:
    """Return the names of a Python body that may be called anything."""
    local: set[str] = set()
    kept = {*candidate.arguments, candidate.entry_point}
    waiting: list[symtable.SymbolTable] = [candidate.scopes]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            inside = table.get_type() == "function" and not symbol.is_global()
            (local if inside else kept).add(symbol.get_name())
    for node in ast.walk(candidate.tree):
        if isinstance(node, ast.keyword) and node.arg:
            kept.add(node.arg)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            kept |= {name for alias in node.names for name in (alias.name, alias.asname) if name}
    return local - kept


def _shape(tree: ast.Module, local: set[str]) -> Iterator[str]:
    """Yield the tree, node before parts, lists with their lengths: two trees with the same row are the same."""
    numbers: dict[str, str] = {}
    waiting: list[tuple[str, object]] = [("", tree)]
    while waiting:
        field, value = waiting.pop()
        if isinstance(value, ast.AST):
            yield type(value).__name__
            parts = [(name, _part(value, name)) for name in value._fields if name != "type_comment"]
            waiting += reversed(parts)
        elif isinstance(value, list):
            yield f"list of {len(value)}"
            waiting += [(field, item) for item in reversed(value)]
        elif isinstance(value, str) and value in local and field in ("id", "arg", "name", "rest", "names"):
            yield numbers.setdefault(value, f"local {len(numbers)}")
        else:
            yield f"{type(value).__name__} {hex(value) if type(value) is int else repr(value)}"


def _part(node: ast.AST, field: str) -> object:
    value = getattr(node, field, None)
    if field == "body" and isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        return value[1:] if isinstance(value, list) else value
    return None if field == "kind" else value
