"""What the site does with links out of docs/: they work in the repository, and the site has no such page.

A link to a file of the repository is shown as the path of the file. One that leads nowhere stays, and fails the build.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_OUT = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Return the text of a page as the site shows it."""
    folder = (ROOT / "docs" / page.file.src_uri).parent

    def shown(found: re.Match[str]) -> str:
        target = (folder / found[2]).resolve()
        outside = target.is_relative_to(ROOT) and not target.is_relative_to(ROOT / "docs")
        return f"{found[1]} (`{target.relative_to(ROOT)}`)" if outside and target.is_file() else found[0]

    return _OUT.sub(shown, markdown)
