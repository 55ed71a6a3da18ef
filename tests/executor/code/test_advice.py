"""Suggestions: each kind is made where its page says so, and ordinary code is left alone."""

import inspect
import re
from textwrap import dedent

import pytest

from executor.code.advice import ADVICE, Advice, suggestions, weight_of
from tests.check.ordinary import ORDINARY

# What is suggested for the ordinary functions, looked at one by one: each of these is right.
EXPECTED = {"evaluate": ["pop_front", "pop_front"], "running_mean": ["list_building"]}


def page(advice: Advice) -> tuple[str, str]:
    """The example of a docstring, and what it shows instead."""
    text = inspect.cleandoc(type(advice).__doc__ or "")
    rest = text.partition("\n\nFound in:\n\n")[2]
    found, _, instead = rest.partition("\n\nInstead:\n\n")
    assert found, type(advice).__name__
    assert instead, type(advice).__name__
    return dedent(found) + "\n", dedent(instead) + "\n"


def types(code: str) -> list[str]:
    return [each.type for each in suggestions(code)]


@pytest.mark.parametrize("advice", ADVICE, ids=lambda advice: advice.type)
def test_what_a_page_shows_is_found_and_what_it_shows_instead_is_not(advice: Advice) -> None:
    found, instead = page(advice)
    assert advice.type in types(found)
    assert advice.type not in types(instead)


@pytest.mark.parametrize("advice", ADVICE, ids=lambda advice: advice.type)
def test_a_suggestion_names_a_line_of_the_code_and_has_a_weight(advice: Advice) -> None:
    found, _ = page(advice)
    for each in suggestions(found):
        assert 1 <= each.line <= len(found.splitlines())
        assert each.message
        assert 1 <= weight_of(each) <= 8


def test_no_two_kinds_have_the_same_name() -> None:
    assert len({advice.type for advice in ADVICE}) == len(ADVICE)


@pytest.mark.parametrize("code", ORDINARY)
def test_ordinary_code_is_left_alone(code: str) -> None:
    name = re.findall(r"^def (\w+)", code, re.MULTILINE)[-1]
    assert types(code) == EXPECTED.get(name, [])


@pytest.mark.parametrize(
    "code",
    [
        "for row in rows:\n    line = ''\n    line += row\n    print(line)",  # begins again each time
        "total = 0\nfor n in ns:\n    total += n\n    print(total)",
        "text = ''\ntext += a\ntext += b",  # no loop
        "for i in range(len(a)):\n    a[i] = 0",  # the place is what matters
        "for i in range(len(a)):\n    print(a[i], a[i - 1])",
        "for a in x:\n    for b in x:\n        print(a, b)",  # all pairs are wanted
        "for a in x:\n    y = sorted(a)",
        "for a in x:\n    x = list(y)\n    y.append(a)",
        "for a in range(3):\n    z = sum(b)\n    b.pop()",  # b changes
        "seen = {1}\nfor a in x:\n    if a in seen:\n        pass",
        "def f(known, x):\n    return [a for a in x if a in known]",  # a set, for all we know
        "try:\n    pass\nexcept Exception as error:\n    print(error)",
        "def f(a=()):\n    return a",
        "import json as j\nprint(j.dumps(1))",
        "def f():\n    _, b = g()\n    return b",
        "def f():\n    x = 1\n    def g():\n        return x\n    return g",
        "out = []\nfor a in x:\n    out.append(out[-1] + a)",  # needs what is there already
        "if a == b:\n    pass\nelif c:\n    pass\nelif d:\n    pass\nelif e:\n    pass\nelif f:\n    pass",
    ],
)
def test_what_only_looks_like_it_is_left_alone(code: str) -> None:
    assert types(code) == []


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("s = ''\nwhile a:\n    s = s + f'{a}'", "string_building", 2),
        (
            "def f(x):\n    s = ''\n    for a in x:\n        if a:\n            s += a\n    return s",
            "string_building",
            3,
        ),
        ("for i in range(len(a)):\n    print(i, a[i])", "range_len", 1),
        ("seen = []\nfor a in x:\n    if a not in seen:\n        seen.append(a)", "repeated_membership", 3),
        ("ok = sorted(y)\nz = [a for a in x if a in ok]", "repeated_membership", 2),
        ("z = [a / sum(x) for a in x]", "invariant_call", 1),
        ("for a in x:\n    y = sorted(z)[0]", "repeated_sort", 2),
        ("n = 0\nfor a in x:\n    if a > 1:\n        n += 1", "manual_sum", 2),
        ("try:\n    a()\nexcept Exception:\n    pass", "bare_except", 3),
        ("def f(*, a={}):\n    return a", "mutable_default", 1),
        ("for a in x:\n    break\n    print(a)", "unreachable", 3),
        ("def f(list):\n    return list", "shadowed_builtin", 1),
    ],
)
def test_it_is_found_in_other_forms_too(code: str, kind: str, line: int) -> None:
    assert (kind, line) in [(each.type, each.line) for each in suggestions(code)]


def test_code_that_is_very_large_is_not_looked_through() -> None:
    """It would take a time that grows with the square of its size."""
    assert suggestions("for x in y:\n" + "    s += x\n" * 6000) == ()


def test_code_that_cannot_be_read_or_is_nested_too_deeply_has_no_suggestions() -> None:
    assert suggestions("def f(:") == ()
    assert suggestions("x = " + "+".join(["1"] * 5000)) == ()
