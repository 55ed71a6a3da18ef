"""The documents build as a site: every link leads somewhere, every page is found, and nothing comes from elsewhere."""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself; a link is followed by a person.
_FETCHED = re.compile(r"""(?:src=["']?|<link[^>]*href=["']?|url\(["']?|@import\s+["'])(?:https?:)?//""")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; a link that leads nowhere, or a page that the navigation leaves out, is an error."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


@pytest.mark.parametrize(
    "text",
    ["[there](../nowhere.md)", "[there](nowhere.md)", "[there](index.md#nowhere)", "![there](nowhere.svg)"],
    ids=["file", "page", "part", "picture"],
)
def test_a_link_that_leads_nowhere_is_an_error(text: str, tmp_path: Path) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "index.md").write_text(f"# Here\n\n{text}\n", encoding="utf-8")
    config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(documents), site_dir=str(tmp_path / "site"))
    config.nav = ["index.md"]
    with pytest.raises(Abort):
        build(config)


def test_every_document_is_a_page(site: Path) -> None:
    documents = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    pages = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert pages - {Path("404"), Path("search")} == documents


def test_a_link_to_a_file_of_the_repository_is_shown_as_its_path(site: Path) -> None:
    assert "deploy (<code>deploy/README.md</code>)" in (site / "http.html").read_text(encoding="utf-8")


def test_a_page_fetches_nothing_from_the_network(site: Path) -> None:
    files = [path for kind in ("*.html", "*.css") for path in site.rglob(kind)]
    assert [path.name for path in files if _FETCHED.search(path.read_text(encoding="utf-8"))] == []
    assert _FETCHED.search('<link rel="stylesheet" href="https://example.org/a.css">')
