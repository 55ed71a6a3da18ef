"""Two bodies are the same program where only comments, layout and the names of locals differ."""

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.check import Candidate
from executor.normal import normal_form
from tests.executor.shop import LARGEST, RIGHT, candidate, contract


def same(one: str, other: str, language: str = "python") -> bool:
    a, b = (Candidate(contract(), dedent(code), language) for code in (one, other))
    return normal_form(a) == normal_form(b)


BASE = """
def order_total(order, amounts):
    total = 0
    for amount in amounts:
        total += amount
    return {"output": {"total": total}, "writes": [["total", order, total]]}
"""


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace("total = 0", "total = 0  # nothing yet"),
        BASE.replace("    total = 0", '    """Add up."""\n    total = 0'),
        BASE.replace("for amount in", "for price in").replace("+= amount\n", "+= price\n"),
        BASE.replace("total = 0", "result = 0").replace("total +=", "result +=").replace(": total}", ": result}")
        .replace("order, total]", "order, result]"),
        BASE.replace("\n    for", "\n\n\n    for").replace("total += amount", "total  +=  (amount)"),
    ],
)  # fmt: skip
def test_comments_docstrings_layout_and_locals_do_not_count(other: str) -> None:
    assert other != BASE
    assert same(BASE, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RIGHT, LARGEST),
        (BASE, BASE.replace("total = 0", "total = 0.0")),
        (BASE, BASE.replace("+=", "-=")),
        (BASE, BASE.replace('"total": total', '"sum": total')),
        # The sandbox gives arguments by their names.
        ("def order_total(order, amounts): return order - amounts",
         "def order_total(amounts, order): return amounts - order"),
        # So does a call by keyword.
        ("def h(a, b): return a - b\ndef order_total(order, amounts): return h(a=1, b=2)",
         "def h(b, a): return b - a\ndef order_total(order, amounts): return h(a=1, b=2)"),
        # A name may mean something else in another scope.
        ("X = 1\ndef order_total(order, amounts):\n    y = 2\n    return X",
         "X = 1\ndef order_total(order, amounts):\n    y = 2\n    return y"),
        ("def order_total(order, amounts):\n    a = 1; b = 2\n    return a",
         "def order_total(order, amounts):\n    a = 1; b = 2\n    return b"),
        ("def order_total(order, amounts):\n    return sum(amounts)",
         "def order_total(order, amounts):\n    return max(amounts)"),
        ("def order_total(order, amounts):\n    return amounts.x",
         "def order_total(order, amounts):\n    return amounts.y"),
        ("def order_total(order, amounts):\n    n = 1\n    return f'{n=}'",
         "def order_total(order, amounts):\n    m = 1\n    return f'{m=}'"),
        ("def order_total(order, amounts):\n    return 1", "def order_total(order, amounts):\n    return True"),
        ("def order_total(order, amounts):\n    return [[], 1]", "def order_total(order, amounts):\n    return [[1]]"),
    ],
)  # fmt: skip
def test_what_could_behave_differently_is_another_program(one: str, other: str) -> None:
    assert not same(one, other)


NAMES = st.sampled_from(["total", "amount", "left", "x", "y", "value"])


@given(NAMES, NAMES)
def test_renaming_locals_gives_the_same_program_unless_two_names_become_one(first: str, second: str) -> None:
    renamed = BASE.replace("amount in", f"{first} in").replace("+= amount\n", f"+= {first}\n")
    tree = ast.parse(renamed)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "total":
            node.id = second
    assert same(BASE, ast.unparse(tree)) == (first != "total" and first != second)


@pytest.mark.parametrize(
    ("language", "one", "other", "alike"),
    [
        ("javascript", "function f(a) { return a + 1; } // one", "function f(a) {  return a+1; }", True),
        ("javascript", "function f(a) { return a; }", "function f(a) { return\na; }", False),
        ("javascript", "function f(a) { return 'a  b'; }", "function f(a) { return 'a b'; }", False),
        ("go", "func f(a int) int { return a }", "func f(a int) int { return a /* it */ }", True),
        ("rust", "fn f(a: i64) -> i64 { a }", "fn f(a: i64)\n    -> i64 {\n    a // it\n}", True),
        ("java", "class B { int f() { return 1; } }", "class B { int f() { return 2; } }", False),
        ("c++", "int f() {\n return 1; }", "int f() { return 1; }", True),
        ("bash", "f() {\n  echo 1   \n\n}", "f() {\n  echo 1\n}", True),
        ("bash", "f() { echo 'a  b'; }", "f() { echo 'a b'; }", False),
        ("python", "def f(:\n", "def f(:  \n\n", True),
        ("python", "def f(:\n", "def g(:\n", False),
    ],
)
def test_other_languages_and_what_cannot_be_read_are_compared_by_their_words(
    language: str, one: str, other: str, alike: bool
) -> None:
    assert same(one, other, language) is alike


@given(st.text(max_size=200), st.sampled_from(["python", "javascript", "go", "rust", "c++", "java", "bash", "cobol"]))
def test_any_text_has_a_form_and_the_same_each_time(code: str, language: str) -> None:
    form = normal_form(Candidate(contract(), code, language))
    assert form == normal_form(Candidate(contract(), code, language))
    assert len(form) == 64


def test_a_deep_tree_and_a_huge_number_are_no_trouble() -> None:
    deep = "def order_total(order, amounts):\n    return " + "+".join(["1"] * 2_000)
    assert normal_form(candidate(deep)) != normal_form(candidate(deep + "+1"))
    huge = "def order_total(order, amounts):\n    return 0x" + "f" * 20_000
    assert normal_form(candidate(huge)) != normal_form(candidate(huge + "0"))
