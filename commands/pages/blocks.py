"""What a page is made of, whatever it is written as."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


class Quoted(str):
    """A text that is somebody's word for something: a name, a value, a command. It is shown as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Heading:
    """The title of what follows; level 1 is the page's own."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and what is known of each."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are names."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Fence:
    """Code, a drawing or other text whose lines stay as they are."""

    text: str
    language: str = "text"


Block: TypeAlias = Heading | Prose | Points | Facts | Table | Fence


def facts(*pairs: tuple[str, Any]) -> list[Block]:
    """Return the facts that there are; what is None or empty is left out."""
    known = tuple((name, cell(value)) for name, value in pairs if value is not None and value not in ("", [], {}, ()))
    return [Facts(known)] if known else []


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Block]:
    """Return a table; none where it has no row."""
    return [Table(tuple(names), tuple(tuple(map(cell, row)) for row in rows))] if rows else []


def fence(text: str | None, language: str = "text") -> list[Block]:
    """Return some lines as they are; nothing where there are none."""
    return [Fence(text.rstrip(), language)] if text and text.strip() else []


def section(title: str, blocks: Sequence[Block], level: int = 2) -> list[Block]:
    """Return some blocks with a heading; nothing where there are none."""
    return [Heading(title, level), *blocks] if blocks else []


def cell(value: Any) -> str:
    """Return a value of a document in a few words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else str(value)
