"""The rules of the six other languages: ordinary functions pass, what leads out is refused, hidden or not."""

import pytest

from executor.check import Script, check, rules_for
from executor.check.candidate import Candidate
from htn.errors import UsageError
from tests.check.languages import BAD, ORDINARY
from tests.executor.shop import bare


def candidate(code: str, language: str) -> Candidate:
    return Candidate(bare("total", parameters=[{"name": "items"}]), code + "\n", language)


@pytest.mark.parametrize(("language", "code"), [(n, code) for n, codes in ORDINARY.items() for code in codes])
def test_an_ordinary_function_passes(language: str, code: str) -> None:
    assert [str(found) for found in check(candidate(code, language))] == []


@pytest.mark.parametrize(("language", "code"), [(n, code) for n, codes in BAD.items() for code in codes])
def test_what_leads_out_is_refused(language: str, code: str) -> None:
    assert check(candidate(code, language))


@pytest.mark.parametrize("language", [*ORDINARY, "python"])
def test_whatever_stands_in_the_code_no_rule_fails_itself(language: str) -> None:
    for text in (
        "",
        "\0",
        "\ud800",
        "(" * 5000,
        ")" * 9,
        "\"'`",
        "`${" * 300,
        "/*",
        "<<EOF",
        "$((" * 300,
        "x" * 70_000,
        "#",
        "é",
        "'",
        "\\",
    ):
        check(candidate(text, language))
        check(Script(text, language))


def test_a_script_needs_no_entry_point() -> None:
    assert check(Script("result = sum([1, 2])\n")) == []
    assert check(Script("console.log([1, 2].length);\n", "javascript")) == []
    assert check(Script("import os\nresult = os.getcwd()\n"))[0].code == "HTN-S101"


def test_a_language_without_rules_is_an_error_that_names_those_with_rules() -> None:
    with pytest.raises(UsageError, match="perl") as raised:
        rules_for("perl")
    assert "javascript" in raised.value.hints[0]
