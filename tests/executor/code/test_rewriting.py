"""The rewrites that need no model: what they make, and that it does the same."""

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.code.rewriting import rewritten
from tests.check.ordinary import ORDINARY

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["str(i)", "f'{i}'", "'x'", "'x' + repr(i)", "'-'.join([str(i)])", "'a' if i else 'b'"])
VALUES = st.sampled_from(["i", "i * 2", "[i]", "(i, k)", "lambda: i", "i if k else k", "f(i)"])
ITERABLES = st.sampled_from(["range(4)", "[3, 1, 2]", "'abc'", "{2: 1}", "xs if ys else ys", "sorted(xs)"])
CONDITIONS = st.sampled_from(["", "i", "i not in ys", "1 if i else 0"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs with a loop that may be rewritten, at different places and with something around it."""
    name, condition, is_text = draw(NAMES), draw(CONDITIONS), draw(st.booleans())
    step = f"{name} += {draw(TEXTS)}" if is_text else f"{name}.append({draw(VALUES)})"
    lines = [f"{name} = {chr(39) * 2 if is_text else '[]'}", f"for i in {draw(ITERABLES)}:"]
    lines += [f"    if {condition}:", f"        {step}"] if condition else [f"    {step}"]
    before = ["k = 1", "xs = [2, 0]", "ys = []", "def f(v):", "    return [v]"]
    after = draw(st.sampled_from([[], ["result = i"], ["i = 5"], [f"{name} = [{name}]"], [f"print(len({name}))"]]))
    whole = [*before, *lines, *after, f"result = [{name}, {draw(st.sampled_from(['k', 'xs']))}]"]
    if draw(st.booleans()):
        whole = ["def g():", *(f"    {line}" for line in whole), "    return result", "result = g()"]
    return "\n".join(whole)


def outcome(code: str) -> tuple[Any, str, str]:
    """What a program leaves in result, prints and raises; functions as what they return."""
    scope: dict[str, Any] = {}
    printed, raised = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "<test>", "exec"), scope)
        except (NameError, TypeError) as error:
            raised = type(error).__name__
    return repr(comparable(scope.get("result"))), printed.getvalue(), raised


def comparable(value: Any) -> Any:
    if callable(value):
        return "a function"
    return [comparable(part) for part in value] if isinstance(value, (list, tuple)) else value


@given(programs())
def test_a_rewritten_program_does_the_same(code: str) -> None:
    assert outcome(rewritten(code)[0]) == outcome(code)


@given(programs())
def test_rewriting_again_changes_nothing(code: str) -> None:
    once, _ = rewritten(code)
    assert rewritten(once) == (once, ())


@pytest.mark.parametrize(
    ("code", "made", "names"),
    [
        ("s = ''\nfor a, b in x:\n    s += f'{a}{b}'\nresult = s", "s = ''.join(f'{a}{b}' for a, b in x)\nresult = s",
         ("string_building",)),
        ("def f(x):\n    # why\n    out = []\n    for a in x:\n        if a:\n            out.append(a)\n"
         "    return out",
         "def f(x):\n    # why\n    out = [a for a in x if a]\n    return out",
         ("list_building",)),
        ("import json\nimport math\nresult = math.pi", "import math\nresult = math.pi", ("unused_import",)),
    ],
)  # fmt: skip
def test_what_is_made(code: str, made: str, names: tuple[str, ...]) -> None:
    assert rewritten(code) == (made, names)


@pytest.mark.parametrize(
    "code",
    [
        "s = ''\nfor a in x:\n    s += a",  # a may be no text
        "s = ''\nfor a in x:\n    s += str(a)\nprint(a)",  # the variable is used behind the loop
        "s = ''\nfor a in x:\n    s += str(s)",
        "s = 'a'\nfor a in x:\n    s += str(a)",
        "s = ''\nfor a in x:\n    s += str(a)\nelse:\n    pass",
        "class A:\n    s = ''\n    for a in x:\n        s += str(a)",
        "s = ''\nfor a in x: s += str(a); print(s)",
        "async def f():\n    s = []\n    for a in x:\n        s.append(await a)",
        "s = []\nfor a in x:\n    s.append(a)\n    s.append(a)",
        "s = []; t = 1\nfor a in x:\n    s.append(a)",
        "import a, b\nresult = a",
        "if x:\n    import a\nresult = 1",
        "def f(:",
    ],
)
def test_what_is_not_sure_is_left_as_it_is(code: str) -> None:
    assert rewritten(code) == (code, ())


@pytest.mark.parametrize("code", ORDINARY)
def test_what_is_made_of_ordinary_code_is_still_python(code: str) -> None:
    compile(rewritten(code)[0], "<made>", "exec")
