"""What the Python rules refuse and let pass, counted on two collections, and that nothing of our own is refused."""

import ast
import json
from pathlib import Path

import pytest

from executor.check import FORM_RULES, STATIC_RULES, Candidate, Finding
from tests.check.bad import BAD
from tests.check.ordinary import ORDINARY
from tests.executor.shop import bare

ROOT = Path(__file__).parents[2]


def findings(code: str, name: str, arguments: list[str]) -> list[Finding]:
    """What the rules say, as the ladder asks them."""
    candidate = Candidate(bare(name, parameters=[{"name": argument} for argument in arguments]), code)
    found = FORM_RULES[0].findings(candidate)
    return found or [f for rule in (*FORM_RULES[1:], *STATIC_RULES) for f in rule.findings(candidate)]


def last_function(code: str) -> tuple[str, list[str]]:
    functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return functions[-1].name, [argument.arg for argument in functions[-1].args.args]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_snippet_is_refused(what: str) -> None:
    assert findings(BAD[what].strip("\n") + "\n", "total", ["items"])


@pytest.mark.parametrize("code", ORDINARY, ids=lambda code: last_function(code)[0])
def test_an_ordinary_function_passes(code: str) -> None:
    assert [str(f) for f in findings(code + "\n", *last_function(code))] == []


def test_the_collections_are_of_a_size() -> None:
    assert len(BAD) >= 60
    assert len(ORDINARY) >= 60


def test_the_bodies_in_the_examples_pass() -> None:
    script = json.loads((ROOT / "examples" / "demo_answers.json").read_text(encoding="utf-8"))
    codes = [
        reply["json"]["code"] for answer in script["answers"] for reply in answer["replies"] if "code" in reply["json"]
    ]
    assert codes
    for code in codes:
        assert [str(f) for f in findings(code, *last_function(code))] == []


def test_each_finding_has_the_code_of_its_rule_and_says_what_to_do() -> None:
    for code in BAD.values():
        for found in findings(code.strip("\n") + "\n", "total", ["items"]):
            assert found.code.startswith("HTN-")
            assert found.fix
            assert found.explain().startswith(found.code)
