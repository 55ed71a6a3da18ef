"""Write a page as plain text, without markup and colours."""

from collections.abc import Iterable, Sequence

from commands.pages.blocks import Block, Facts, Fence, Heading, Points, Prose, Table
from htn.errors import visible


def plain(blocks: Iterable[Block]) -> str:
    """Return a page as plain text: a section stands below its title."""
    parts: list[str] = []
    for block in blocks:
        apart = "\n\n" if parts and isinstance(block, Heading) else "\n" if parts else ""
        parts.append(apart + _block(block))
    return "".join(parts)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return _line(text).upper() if level == 2 else _line(text)
        case Prose(text):
            return _line(text)
        case Points(items):
            return "\n".join(f"- {_line(item)}" for item in items)
        case Facts(pairs):
            return _columns(pairs)
        case Table(names, rows):
            return _columns([names, *rows])
        case Fence(text, _):
            return "\n".join(f"    {line}".rstrip() for line in visible(text.expandtabs(), lines=True).split("\n"))


def _columns(rows: Sequence[Sequence[str]]) -> str:
    shown = [[_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown
    )


def _line(text: str) -> str:
    return " ".join(visible(text).split())
