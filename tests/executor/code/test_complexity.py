"""How complexity is counted: by hand on small programs, and what has to hold for all."""

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.code.complexity import cognitive, complexity, rated
from tests.check.ordinary import ORDINARY

# Each with its cognitive complexity as Campbell's rules give it, counted by hand, and its cyclomatic one.
COUNTED = [
    ("x = 1", 0, 1),
    ("if a:\n    pass", 1, 2),
    ("if a:\n    pass\nelse:\n    pass", 2, 2),
    ("if a:\n    pass\nelif b:\n    pass\nelse:\n    pass", 3, 3),
    ("if a:\n    pass\nelif b:\n    if c:\n        pass", 4, 4),
    ("for a in b:\n    if a:\n        for c in a:\n            pass", 1 + 2 + 3, 4),
    ("while a:\n    if b:\n        break", 1 + 2, 3),
    ("try:\n    pass\nexcept A:\n    if b:\n        pass", 1 + 2, 3),
    ("x = a if b else c", 1, 2),
    ("x = a and b and c", 1, 3),
    ("x = a and b or c", 2, 3),
    ("match a:\n    case 1:\n        pass\n    case 2:\n        pass", 1, 3),
    ("def f():\n    if a:\n        pass", 1, 2),
    ("def f():\n    def g():\n        if a:\n            pass", 2, 2),
    ("x = [a for a in b if a]", 0, 3),
]


@pytest.mark.parametrize(("code", "thinking", "ways"), COUNTED, ids=lambda value: str(value)[:30])
def test_what_was_counted_by_hand(code: str, thinking: int, ways: int) -> None:
    found = complexity(code)
    assert (found.cognitive, found.cyclomatic) == (thinking, ways)


def test_lines_of_code_hold_more_than_a_comment_or_a_docstring() -> None:
    code = '''
        # about f

        def f(a):  # a comment behind code
            """What f does,
            on two lines.
            """
            text = """# no
            comment"""
            return (a,
                    text)
    '''
    assert complexity(textwrap.dedent(code)).lines_of_code == 5


@pytest.mark.parametrize("code", ORDINARY)
def test_to_put_code_into_a_loop_makes_it_more_complex(code: str) -> None:
    inside = "for round in rounds:\n" + textwrap.indent(code, "    ")
    before, after = complexity(code), complexity(inside)
    assert after.complexity_score > before.complexity_score
    assert after.cognitive > before.cognitive
    assert after.deepest_nesting == before.deepest_nesting + 1
    assert after.functions == before.functions


@pytest.mark.parametrize("code", ORDINARY)
def test_comments_and_names_do_not_matter(code: str) -> None:
    bare = ast.unparse(ast.parse(code))
    assert cognitive(ast.parse(code)) == cognitive(ast.parse(bare))
    assert complexity("# a comment\n\n" + code) == complexity(code)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_higher_score_never_has_a_better_word(one: int, other: int) -> None:
    words = ["low", "medium", "high", "very high"]
    low, high = sorted((one, other))
    assert words.index(rated(low)) <= words.index(rated(high))


@pytest.mark.parametrize(
    ("language", "code", "branches", "functions", "lines"),
    [
        ("javascript", "// if\nfunction f(a) {\n  if (a && '||') { return g(a); }\n}", 2, 1, 3),
        ("go", "func f(a int) int {\n\tfor i := range a { if i > 2 { return i } }\n\treturn 0\n}", 2, 1, 4),
        ("bash", "f() {\n  # while\n  for a in 'if'; do echo \"$a\"; done\n}", 1, 1, 3),
    ],
)
def test_of_other_languages_the_words_are_counted(
    language: str, code: str, branches: int, functions: int, lines: int
) -> None:
    found = complexity(code, language)
    assert (found.cognitive, found.functions, found.lines_of_code) == (branches, functions, lines)
    assert found.method == "words"


def test_code_that_is_nested_beyond_reason_is_no_crash() -> None:
    from executor.code import ExplainRequest, explain  # noqa: PLC0415 - what a caller sees

    response = explain(ExplainRequest(code="x = " + "+".join(["1"] * 5000)))
    assert response.summary
