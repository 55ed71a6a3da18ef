"""The references are made of the program: its commands, its settings, and what its sandboxes say of themselves.

`HTN_TEST_WRITE_REFERENCE=1 python -m pytest tests/docs/test_references.py` writes them anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.main import htn
from commands.reference import commands_page, every_command, limits_page, settings_page
from executor.sandbox import sandbox_names
from executor.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "configuration.md": settings_page,
    "limits-of-the-sandbox.md": limits_page,
}
# What the programs that came before this one are configured by.
KNOWN_ELSEWHERE = (
    "REDIS_URL", "LLM_PROVIDER", "LLM_MODEL", "LLM_API_KEY", "OLLAMA_ENDPOINT", "DOCKER_TIMEOUT",
    "DOCKER_MEMORY_LIMIT", "EXECUTION_TIMEOUT", "MAX_RETRIES",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_says_what_the_program_says(name: str) -> None:
    page = PAGES[name]()
    if os.environ.get("HTN_TEST_WRITE_REFERENCE"):
        (DOCS / name).write_text(page, encoding="utf-8")
    assert (DOCS / name).read_text(encoding="utf-8") == page


def test_the_reference_has_every_command_with_its_exit_codes() -> None:
    text = commands_page()
    for path, command in every_command(htn):
        part = text.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
        assert part, path
        assert "Exit codes" in part or command.no_args_is_help, path


def test_the_table_has_every_setting_in_a_row_of_five_cells() -> None:
    rows = settings_page().partition("## Every setting")[2].partition("\n## ")[0].strip().splitlines()[2:]
    assert sorted(row.split("`")[1] for row in rows) == sorted(Settings.model_fields)
    assert {row.replace(r"\|", "").count("|") for row in rows} == {6}


@pytest.mark.parametrize("name", KNOWN_ELSEWHERE)
def test_a_name_that_other_programs_use_is_in_the_table(name: str) -> None:
    assert f"| `{name}` | `" in settings_page()


def test_the_page_of_limits_has_every_level() -> None:
    text = limits_page()
    for level in sandbox_names():
        assert f"## {level}\n" in text or level == "auto"
