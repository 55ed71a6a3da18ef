"""The page of the rules is made of their docstrings, and what it says is so: examples are refused, or pass."""

import os
from collections import Counter
from pathlib import Path

import pytest

from executor.check import Candidate, Rule, Script, Source, check, check_request
from executor.check.pages import all_rules, language_of, page_of, rules_page
from tests.executor.shop import bare

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"
RULES = [rule for rules in all_rules().values() for rule in rules]


def source(rule: Rule, code: str) -> Source:
    language = language_of(rule)
    if language in ("request", "command"):
        return Script(code, language)
    return Candidate(bare("total", parameters=[{"name": "items"}]), code, language)


def test_the_page_of_the_rules_is_made_of_their_docstrings() -> None:
    if os.environ.get("HTN_TEST_WRITE_RULES"):
        DOCUMENT.write_text(rules_page(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == rules_page()


def test_no_two_rules_have_the_same_code() -> None:
    assert [code for code, count in Counter(rule.code for rule in RULES).items() if count > 1] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_example_that_a_rule_shows_is_refused_by_this_rule(rule: Rule) -> None:
    found = rule.findings(source(rule, page_of(rule).refused))
    assert found
    assert {(f.code, f.rule, f.fix) for f in found} == {(rule.code, rule.name, rule.fix)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_what_a_rule_shows_instead_passes_all_rules(rule: Rule) -> None:
    code = page_of(rule).instead
    found = check_request(code) if language_of(rule) in ("request", "command") else check(source(rule, code))
    assert [str(f) for f in found] == []
