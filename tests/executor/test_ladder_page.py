"""The page of the ladder is made of the rungs' docstrings and the settings' own descriptions."""

import os
from pathlib import Path

import pytest

from executor.settings import Settings
from executor.validate import LADDER, ORDER, ladder_of
from executor.validate.pages import ladder_page, page_of, pages

DOCUMENT = Path(__file__).parents[2] / "docs" / "ladder.md"
SETTINGS = (
    "depth", "samples", "most_samples", "suites", "fuzz", "ladder", "agree_writers", "agree_share", "agree_models",
    "more_models", "max_calls", "max_retries", "promote_after",
)  # fmt: skip


def settings() -> list[dict[str, str]]:
    fields = [(name, Settings.model_fields[name]) for name in SETTINGS]
    return [
        {"name": f"HTN_{name.upper()}", "default": str(field.default) or "none", "meaning": str(field.description)}
        for name, field in fields
    ]


def test_the_page_of_the_ladder_is_made_of_the_rungs_docstrings() -> None:
    if os.environ.get("HTN_TEST_WRITE_LADDER"):
        DOCUMENT.write_text(ladder_page(settings()), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == ladder_page(settings())


def test_the_page_has_every_rung_once_in_the_order_of_climbing_and_rung_10_at_the_end() -> None:
    assert [page.number for page in pages()] == [*(rung.number for rung in ladder_of(ORDER)), 10]
    assert sorted(page.number for page in pages()) == list(range(11))


def test_the_order_that_nobody_has_set_is_that_of_the_ladder() -> None:
    assert ladder_of(ORDER) == LADDER


def test_every_link_of_the_page_leads_to_a_heading_of_it() -> None:
    text = ladder_page(settings())
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    anchors = {"".join(c for c in h.lower() if c.isalnum() or c in " -").replace(" ", "-") for h in headings}
    links = [part.split(")")[0] for part in text.split("](#")[1:]]
    assert len(links) == 11
    assert set(links) <= anchors


@pytest.mark.parametrize("docstring", [None, "", "What.", "What.\n\nWhy.\n\nWorth: much."])
def test_a_docstring_that_leaves_a_part_out_is_no_page(docstring: str | None) -> None:
    with pytest.raises(ValueError, match="rung 7"):
        page_of(7, "fuzz", docstring)
