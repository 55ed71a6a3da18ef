"""Each way to fail has a page, and the code of an error leads there."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import executor
from htn.errors import HtnError
from tests.commands.shell import Shell

FAILURES = Path(__file__).parents[2] / "docs" / "failures"
# Codes that no exception has: a failed search, and what the command line says itself.
OTHERS = {"no-plan": 3, "interrupted": 130, "bug": 1}


def family(kind: type[HtnError]) -> Iterator[type[HtnError]]:
    for each in kind.__subclasses__():
        yield each
        yield from family(each)


def codes() -> dict[str, int]:
    """Return the code and exit code of every error of ours."""
    for module in pkgutil.iter_modules(executor.__path__, "executor."):
        importlib.import_module(module.name)
    ours = [each for each in family(HtnError) if each.__module__.partition(".")[0] in ("htn", "executor")]
    return OTHERS | {each.code: each.exit_code for each in ours}


CODES = codes()


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_that_says_what_to_do(code: str) -> None:
    text = (FAILURES / f"{code}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {code}: ")
    assert f"\nExit code {CODES[code]}" in text
    assert "\n## What to do\n" in text


@pytest.mark.parametrize("code", CODES)
def test_the_table_of_exit_codes_leads_to_every_page(code: str) -> None:
    table = (FAILURES.parent / "failures.md").read_text(encoding="utf-8")
    (row,) = [row for row in table.splitlines() if row.startswith(f"| {CODES[code]} ")]
    assert f"[{code}](failures/{code}.md)" in row


def test_there_is_no_page_for_a_code_that_no_error_has() -> None:
    assert {path.stem for path in FAILURES.glob("*.md")} == set(CODES)


def test_debug_names_the_page_of_an_error(htn: Shell) -> None:
    for words in (("plan", "travel", "travle(alice)"), ("plan", "travel", "travel(bob, home, park)"), ("plan",)):
        said = htn(*words, "--debug")
        code = said.err.partition("error[")[2].partition("]")[0]
        assert f"guide: docs/failures/{code}.md\n" in said.err
        assert "guide" not in htn(*words).err
