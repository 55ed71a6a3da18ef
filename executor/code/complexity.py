"""How much there is to understand in some code.

    score    2 for each line of code, 4 for each point of cognitive complexity, 2 for each `for` in a comprehension,
             1 for each call
    rating   low up to 10, medium up to 50, high up to 150, very high above

Cognitive complexity is Campbell's (SonarSource, 2018): each `if`, loop, `except`, conditional expression and `match`
counts 1, and 1 more for each of them that it stands in; `else`, `elif` and each row of the same `and` or `or` count 1;
a function in a function counts as one level. Cyclomatic complexity is McCabe's (1976): 1, and 1 for each decision. A
line of code is one that holds more than a comment or a docstring.

For other languages the words are counted and not the tree: each branching word counts 1 in either number, and the
nesting is that of the brackets { }. Such numbers are not comparable with those of Python; `method` says which it is.

What this does NOT do: say that code is good. A library is not used for it: this is 60 lines over a tree that the rules
have parsed anyway, and the words of the other languages had to be counted here in any case.
"""

import ast
import io
import re
import tokenize
from itertools import pairwise

from executor.check.languages.tokens import Token, UnreadableError, meaningful, tokens
from executor.code.forms import Complexity, Rating
from executor.code.tree import COMPREHENSIONS, FUNCTIONS, LOOPS, Tree

_RATINGS: tuple[tuple[int, Rating], ...] = ((10, "low"), (50, "medium"), (150, "high"))
_DECISIONS = (ast.If, *LOOPS, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case)
_NESTING = (ast.If, *LOOPS, ast.ExceptHandler, ast.IfExp, ast.Match)
_NO_CODE = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
})  # fmt: skip
_BRANCHES = frozenset({"if", "for", "while", "case", "catch", "match", "elif", "until", "&&", "||", "?"})
_NOT_CALLED = _BRANCHES | {"return", "switch", "function", "func", "fn", "else", "do", "then", "in", "and", "or"}
_DEFINES = frozenset({"function", "func", "fn", "=>"})
_BASH_WORD = re.compile(r"#[^\n]*|'[^']*'|\"(?:[^\"\\]|\\.)*\"|\w+|&&|\|\||[{}()]|[^\s\w]")


def complexity(code: str, language: str = "python") -> Complexity:
    """Return how complex some code is. Raises `SyntaxError` where Python has no tree."""
    return _of_python(code) if language == "python" else _of_words(code, language)


def cognitive(node: ast.AST) -> int:
    """Return the cognitive complexity of a part of a program."""
    return _cognitive(node, 0)


def rated(score: int) -> Rating:
    """Return the word for a score."""
    return next((rating for most, rating in _RATINGS if score <= most), "very high")


def _of_python(code: str) -> Complexity:
    tree = Tree(code)
    lines, thinking = len(_code_lines(tree)), cognitive(tree.module)
    rounds = sum(isinstance(node, ast.comprehension) for node in tree.nodes)
    calls = sum(isinstance(node, ast.Call) for node in tree.nodes)
    score = 2 * lines + 4 * thinking + 2 * rounds + calls
    return Complexity(
        complexity_rating=rated(score),
        complexity_score=score,
        lines_of_code=lines,
        functions=sum(1 for _ in tree.functions()),
        cyclomatic=1 + sum(map(_decisions, tree.nodes)),
        cognitive=thinking,
        deepest_nesting=_deepest(tree.module),
        method="tree",
    )


def _code_lines(tree: Tree) -> set[int]:
    texts: set[int] = set()
    for node in tree.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    read = tokenize.generate_tokens(io.StringIO(tree.code).readline)
    return {at for each in read if each.type not in _NO_CODE for at in range(each.start[0], each.end[0] + 1)} - texts


def _decisions(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, _DECISIONS))


def _cognitive(node: ast.AST, depth: int) -> int:
    total = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _NESTING):
            total += _branch(child, depth)
            continue
        inside = depth + 1 if isinstance(child, (*FUNCTIONS, ast.Lambda)) and _in_a_function(node, depth) else depth
        total += isinstance(child, ast.BoolOp)
        total += _cognitive(child, inside)
    return total


def _branch(node: ast.AST, depth: int, *, is_elif: bool = False) -> int:
    """Return what a branching statement adds, with all that is in it."""
    total = 1 if is_elif else 1 + depth
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        total += _branch(node.orelse[0], depth, is_elif=True)
        node = ast.If(test=node.test, body=node.body, orelse=[])
    elif isinstance(node, (ast.If, *LOOPS)) and node.orelse:
        total += 1
    return total + _cognitive(node, depth + 1)


def _in_a_function(node: ast.AST, depth: int) -> bool:
    return depth > 0 or isinstance(node, (*FUNCTIONS, ast.Lambda))


def _deepest(node: ast.AST, depth: int = 0, parent: ast.AST | None = None) -> int:
    is_elif = isinstance(node, ast.If) and isinstance(parent, ast.If) and parent.orelse == [node]
    here = depth + int(isinstance(node, (*_NESTING, *COMPREHENSIONS)) and not is_elif)
    return max([here, *(_deepest(child, here, node) for child in ast.iter_child_nodes(node))])


def _of_words(code: str, language: str) -> Complexity:
    words = _words(code, language)
    branches = sum(word.text in _BRANCHES for word in words)
    calls = sum(
        one.kind == "word" and one.text not in _NOT_CALLED and other.text == "(" for one, other in pairwise(words)
    )
    depth = deepest = 0
    for word in words:
        depth += (word.text == "{") - (word.text == "}")
        deepest = max(deepest, depth)
    lines = len({word.line for word in words})
    score = 2 * lines + 4 * branches + calls
    defined = sum(word.text in _DEFINES for word in words)
    if language == "bash":
        defined = len(re.findall(r"^\s*(?:function\s+)?[\w-]+\s*\(\)", code, re.MULTILINE))
    return Complexity(
        complexity_rating=rated(score),
        complexity_score=score,
        lines_of_code=lines,
        functions=defined,
        cyclomatic=1 + branches,
        cognitive=branches,
        deepest_nesting=deepest,
        method="words",
    )


def _words(code: str, language: str) -> list[Token]:
    if language != "bash":
        try:
            return meaningful(tokens(code, language))
        except UnreadableError:
            return []
    found = []
    for match in _BASH_WORD.finditer(code):
        if not match[0].startswith("#"):
            kind = "word" if match[0][0].isalnum() or match[0][0] == "_" else "mark"
            line = code.count("\n", 0, match.start()) + 1
            found.append(Token("word" if kind == "word" else "mark", match[0], line))
    return found
