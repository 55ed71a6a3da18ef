"""Looking at code without running it."""

import pytest

from executor.code import ValidateRequest, validate
from tests.check.bad import BAD
from tests.check.ordinary import ORDINARY

# What an operator may not, a script may: look at the clock, or draw.
ONLY_IMPURE = {"the clock by a pattern", "dice"}


@pytest.mark.parametrize("code", ORDINARY)
def test_ordinary_code_is_valid(code: str) -> None:
    assert validate(ValidateRequest(code=code)).valid


@pytest.mark.parametrize("what", BAD)
def test_a_bad_snippet_is_invalid_unless_it_is_only_bad_for_an_operator(what: str) -> None:
    response = validate(ValidateRequest(code=BAD[what].strip("\n") + "\n"))
    assert response.valid == (what in ONLY_IMPURE)
    assert all(error.code and error.fix and error.message for error in response.errors)


def test_a_syntax_error_has_its_line_and_column() -> None:
    response = validate(ValidateRequest(code="a = 1\nb = = 2\n"))
    (error,) = response.errors
    assert (response.valid, response.syntax_valid) == (False, False)
    assert (error.line, error.column, error.code) == (2, 5, "HTN-F001")


@pytest.mark.parametrize("code", ["return 1", "break", "def f():\n    x = await 1", "def f(a, a):\n    pass", "*a = 1"])
def test_what_only_the_compiler_finds_is_found(code: str) -> None:
    response = validate(ValidateRequest(code=code))
    assert (response.syntax_valid, response.errors[0].code) == (False, "HTN-F001")


def test_a_rule_is_named_with_its_line_and_what_to_do() -> None:
    response = validate(ValidateRequest(code="a = 1\nimport socket\n"))
    (error,) = response.errors
    assert (response.syntax_valid, response.security_valid) == (True, False)
    assert (error.code, error.rule, error.line) == ("HTN-S101", "imports", 2)


def test_the_clock_is_allowed_in_a_script() -> None:
    assert validate(ValidateRequest(code="from datetime import date\nresult = date.today().year")).valid


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("javascript", "result = items.map((i) => i.json);", "result = eval('1');"),
        ("bash", "result=$(echo hi | tr a-z A-Z)", "rm -rf /"),
        ("go", "func f(a int) int { return a }", 'import "os"'),
    ],
)
def test_other_languages_are_held_to_their_own_rules(language: str, good: str, bad: str) -> None:
    assert validate(ValidateRequest(code=good, language=language)).valid
    response = validate(ValidateRequest(code=bad, language=language))
    assert not response.valid
    assert "not parsed" in response.checked
