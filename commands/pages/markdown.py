"""Write a page as Markdown (CommonMark, with the tables of GitHub's).

What a page says comes from models, domains and files. Nothing of it can become markup: in prose each sign that means
something is escaped, a name stands in a code span with more backquotes than it holds, and so does a fence. What a
terminal would obey is written out.
"""

import re
from collections.abc import Iterable

from commands.pages.blocks import Block, Facts, Fence, Heading, Points, Prose, Quoted, Table
from htn.errors import visible

_SIGNS = re.compile(r"[\\`*\[\]<>|&~$]|(?<![^\W_])_|_(?![^\W_])")
# What begins a heading or a list, or is a line across the page, where it stands first.
_START = re.compile(r"^(?:[#+=-]|\d+(?=[.)](?:\s|$)))")
_BACKQUOTES = re.compile("`+")


def markdown(blocks: Iterable[Block]) -> str:
    """Return a page as Markdown."""
    return "\n\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * min(level, 6)} {_inline(text)}"
        case Prose(text):
            return _inline(text)
        case Points(items):
            return "\n".join(f"- {_inline(item)}" for item in items)
        case Facts(pairs):
            return "\n".join(f"- **{_inline(name)}:** {_inline(value)}".rstrip() for name, value in pairs)
        case Table(names, rows):
            ruler = "|" + "---|" * len(names)
            return "\n".join([_row(names), ruler, *map(_row, rows)])
        case Fence(text, language):
            return _fence(text, language)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    # In a table a bar ends the cell, in a code span too, unless it is escaped; prose has it escaped already.
    return _inline(text).replace("|", r"\|") if isinstance(text, Quoted) else _inline(text)


def _inline(text: str) -> str:
    shown = visible(text)
    if isinstance(text, Quoted) and shown.strip():
        return _code(shown)
    escaped = _SIGNS.sub(lambda found: f"\\{found[0]}", " ".join(shown.split()))
    return _START.sub(_escaped_start, escaped)


def _escaped_start(found: re.Match[str]) -> str:
    # A backslash escapes a sign only: of "1." that is the point.
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _code(text: str) -> str:
    ticks = "`" * (1 + max((len(run) for run in _BACKQUOTES.findall(text)), default=0))
    room = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{room}{text}{room}{ticks}"


def _fence(text: str, language: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in _BACKQUOTES.findall(text)), default=0))
    return f"{ticks}{re.sub(r'[^a-z0-9+-]', '', language)}\n{visible(text, lines=True)}\n{ticks}"
