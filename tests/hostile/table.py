"""The table in `docs/hostile.md`: each program, and what every level makes of it.

A run with HTN_TEST_WRITE_HOSTILE=1 writes the columns of the levels that it has seen whole and leaves the others. Every
other run compares: a cell that says anything else than what was observed is a difference. Some programs may end in
one of several ways; there another of these ways is no difference.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.judge import Seen
from tests.hostile.program import CONTAINED, REFUSED, VALUE, Hostile

DOCUMENT = Path(__file__).parents[2] / "docs" / "hostile.md"
NOT_RUN = "-"
NOT_HELD = "**not held**"
_LEVEL = re.compile(r"^\| program \|(.*)\|$", re.MULTILINE)

_OPENING = """\
# What the sandboxes hold

The programs below attack. Each runs in every sandbox that the machine has, and is *held* when three things are true:
it ended in a way that it must, the next call was right, and the host was as before (no file, process, descriptor,
container or connection more). The tests in `tests/hostile` run all of them and compare this page with what they see;
`HTN_TEST_WRITE_HOSTILE=1 python -m pytest tests/hostile` writes it anew.

A cell says how the program ended: `refused` (it got nothing), `absent` (there is no such thing to try), `contained`
(it got a little and no more), `value` (it returned what it should), `stand-in` (it got something of the level's own
that leads nowhere), or the category of its failure. `-` was not run, for want of what it needs. In `wasm`, where there
is no operating system to attack, a program may end in any failure.

None of these programs attacks a fault of the kernel. What a program says of its *own* call is its own word: the code
that reports the result shares its process.
"""


@dataclass(frozen=True)
class Table:
    """The cells, by kind and program, then by level."""

    levels: tuple[str, ...]
    cells: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, document: Path) -> "Table":
        """Return the table of a document; an empty one when there is none."""
        text = document.read_text(encoding="utf-8") if document.exists() else ""
        heading = _LEVEL.search(text)
        levels = tuple(part.strip() for part in heading[1].split("|")) if heading else ()
        cells: dict[str, dict[str, str]] = {}
        for line in text.splitlines():
            parts = [part.strip() for part in line.strip("|").split("|")] if line.startswith("| ") else []
            if len(parts) == len(levels) + 1 and parts[0] != "program":
                cells[parts[0]] = dict(zip(levels, parts[1:], strict=True))
        return cls(levels, cells)

    def with_column(self, level: str, kinds: Mapping[str, Sequence[Hostile]], seen: Mapping[str, Seen]) -> "Table":
        """Return the table with what one level was seen to do; rows of programs that are gone are left out."""
        levels = self.levels if level in self.levels else (*self.levels, level)
        cells = {}
        for each in (one for programs in kinds.values() for one in programs):
            known = dict(self.cells.get(each.name, {}))
            known[level] = _cell(each, level, seen.get(each.name))
            cells[each.name] = {name: known.get(name, NOT_RUN) for name in levels}
        return Table(levels, cells)

    def differences(self, level: str, kinds: Mapping[str, Sequence[Hostile]], seen: Mapping[str, Seen]) -> list[str]:
        """Return where the table says anything else than what was seen of a level."""
        named = {each.name: each for programs in kinds.values() for each in programs}
        found = [f"{name}: it is in the table and no longer a program" for name in self.cells if name not in named]
        for name, what in seen.items():
            shown = self.cells.get(name, {}).get(level, "nothing")
            cell = _cell(named[name], level, what)
            either = {_word(named[name], end) for end in named[name].ends_allowed(level)}
            if shown != cell and not {shown, cell} <= either:
                found.append(f"{name}: the table says {shown}, seen was {cell}")
        return found

    def write(self, document: Path, kinds: Mapping[str, Sequence[Hostile]]) -> None:
        """Write the document."""
        lines = [_OPENING]
        for level in self.levels:
            ran = [row[level] for row in self.cells.values() if row[level] != NOT_RUN]
            held = [cell for cell in ran if not cell.startswith(NOT_HELD)]
            lines.append(f"- **{level}** holds {len(held)} of {len(ran)}.")
        for kind, programs in kinds.items():
            lines += [
                "",
                f"## {kind}",
                "",
                f"| program | {' | '.join(self.levels)} |",
                "|---" * (1 + len(self.levels)) + "|",
            ]
            lines += [f"| {each.name} | {' | '.join(self.cells[each.name].values())} |" for each in programs]
        document.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(hostile: Hostile, level: str, seen: Seen | None) -> str:
    if seen is None:
        return NOT_RUN
    if seen.held:
        return seen.ended
    return f"{NOT_HELD}: {hostile.not_held.get(level, 'for an unknown reason')}"


def _word(hostile: Hostile, end: str) -> str:
    """Return what a cell says of an ending."""
    return str(hostile.value) if end == VALUE and hostile.value in (REFUSED, CONTAINED) else end
