"""Tasks as a person types them."""

import shlex
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from htn.errors import UsageError
from htn.network import parse_task, show_task, typed_task
from tests.htn.strategies import exact

heads = st.sampled_from(["go", "move_to", "größe", "_x1"])
short = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
typed = st.recursive(
    short
    | st.text(max_size=4)
    | st.sampled_from(["true", "None", "3", "-2.5e3", "007", "٣", "\x1b[0m", "\ud800", "a\xa0b"]),
    lambda inner: st.lists(inner, max_size=2) | st.lists(inner, max_size=2).map(tuple),
    max_leaves=2,
)


@given(heads, st.lists(typed, max_size=3))
def test_a_task_that_is_to_be_pasted_is_read_as_the_same_task(head: str, arguments: list[Any]) -> None:
    task = (head, *arguments)
    pasted = typed_task(task)
    assert pasted is not None
    (word,) = shlex.split(pasted)
    assert exact(parse_task(word)) == exact(task)


@given(heads, st.lists(typed, max_size=3))
def test_a_task_that_is_shown_whole_is_read_as_the_same_task(head: str, arguments: list[Any]) -> None:
    task = (head, *arguments)
    shown = show_task(task)
    assume("…" not in shown)
    assert exact(parse_task(shown)) == exact(task)


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("travel(alice, home, park)", ("travel", "alice", "home", "park")),
        ("  wait ( ) ", ("wait",)),
        ("wait", ("wait",)),
        ("put(3, -2.5, 1e3, true, null)", ("put", 3, -2.5, 1000.0, True, None)),
        ("""say("it's", 'a, (b)', "tab\\tend", "C:\\data")""", ("say", "it's", "a, (b)", "tab\tend", "C:\\data")),
        ("say('two\nlines')", ("say", "two\nlines")),
        ("go((a, b), [1, [2]], ())", ("go", ("a", "b"), [1, [2]], ())),
        ("go(3pm, 1.2.3, -, ../x)", ("go", "3pm", "1.2.3", "-", "../x")),
    ],
)
def test_words_numbers_quotes_and_brackets_are_read_as_documented(text: str, task: tuple[Any, ...]) -> None:
    assert exact(parse_task(text)) == exact(task)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "does not start with a name"),
        ("(a)", "does not start with a name"),
        ("3(a)", "does not start with a name"),
        ("'go'(a)", "does not start with a name"),
        ("go a", r"not in \( \)"),
        ("go(a", r"not in \( \)"),
        ("go[a]", r"not in \( \)"),
        ("go((a)", "a bracket is not closed"),
        ("go(a)(b)", "'\\(' comes after the end"),
        ("go(a b)", "a comma is missing"),
        ("go(a,)", "'\\)' stands where a value should be"),
        ("go(,a)", "',' stands where a value should be"),
        ("go([a))", "a comma is missing"),
        ("go('a)", "a quote that does not end"),
        (f"go({'1' * 5000})", "too large a number"),
        ("go(1e999)", "too large a number"),
        (f"go({'[' * 60}{']' * 60})", "nested too deeply"),
        (f"go({'a,' * 9000}a)", "too long"),
    ],
)  # fmt: skip
def test_a_malformed_task_is_a_usage_error_that_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_task(text)


near_tasks = st.lists(
    st.sampled_from([*"()[],'\"\\ \n\0ab1.-e", "go", "true", "\\x", "\\u12", "\\U00110000", "1e999", "٣"]),
    max_size=14,
).map("".join)


@given(st.text() | near_tasks | near_tasks.map(lambda text: f"go({text})"))
@example("go('\\N{DASH}')")
@example("go('\\U00110000')")
def test_any_text_is_a_task_or_a_usage_error(text: str) -> None:
    try:
        task = parse_task(text)
    except UsageError:
        return
    assert task[0].isidentifier()
