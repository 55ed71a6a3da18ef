"""Pictures of a plan: a tree as text, and as SVG that needs nothing but a browser."""

from html import escape

from htn.network import show_task
from htn.plan import Plan

_ROW = 30
_INDENT = 26
_CHAR = 7.25
_PAD = 10
_MAX_STEM = 40


def text_tree(plan: Plan) -> str:
    """Return the decomposition tree, one node a line; actions are numbered in the order of execution.

    Below 40 levels a number says how deep a node lies, so that the text does not grow with the square of the depth.
    """
    last = _is_last(plan)
    lines: list[str] = []
    number = 0
    open_branches: list[bool] = []
    for at, (node, depth) in enumerate(zip(plan.nodes, plan.depths(), strict=True)):
        del open_branches[depth:]
        shown = open_branches[1:] if depth <= _MAX_STEM else []
        stem = "".join("│  " if more else "   " for more in shown) if shown or depth <= 1 else f"⋮ {depth}  "
        branch = "" if depth == 0 else "└─ " if last[at] else "├─ "
        open_branches.append(not last[at])
        if node.is_action:
            number += 1
            mark = f"  [learned {node.version[:12]}]" if node.version else ""
            lines.append(f"{stem}{branch}{number}. {show_task(node.task)}{mark}")
        else:
            lines.append(f"{stem}{branch}{show_task(node.task)}  by {node.method}")
    return "\n".join(lines)


def _is_last(plan: Plan) -> list[bool]:
    """Return for each node whether it is the last child of its parent."""
    last_child: dict[int | None, int] = {node.parent: at for at, node in enumerate(plan.nodes)}
    return [last_child[node.parent] == at for at, node in enumerate(plan.nodes)]


def svg_tree(plan: Plan) -> str:
    """Return the decomposition tree as an SVG picture.

    A node a row, indented by its depth: however many nodes there are, every label can be read.
    """
    depths = plan.depths()
    rows: list[str] = []
    links: list[str] = []
    width, number = 200.0, 0
    for at, (node, depth) in enumerate(zip(plan.nodes, depths, strict=True)):
        number += node.is_action
        label = f"{number}. {show_task(node.task)}" if node.is_action else show_task(node.task)
        note = f"by {node.method}" if node.method else "learned" if node.version else ""
        x, y = _PAD + depth * _INDENT, _PAD + at * _ROW
        box = len(label) * _CHAR + 18
        width = max(width, x + box + len(note) * _CHAR + 24)
        rows.append(_row(x, y, box, label=label, note=note, style=_style(node.is_action, node.version)))
        if node.parent is not None:
            links.append(_link(x, y, _PAD + depths[node.parent] * _INDENT + 12, _PAD + node.parent * _ROW))
    height = len(plan.nodes) * _ROW + 2 * _PAD - 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="decomposition tree" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(links)}{"".join(rows)}</svg>'
    )


def _style(is_action: bool, version: str | None) -> tuple[str, str]:
    if not is_action:
        return "#eef2f7", "#5b6b7f"
    return ("#fff3d6", "#b7791f") if version else ("#e3f4e8", "#2f855a")


def _row(x: float, y: float, box: float, *, label: str, note: str, style: tuple[str, str]) -> str:
    fill, stroke = style
    text = (
        f'<rect x="{x}" y="{y}" width="{box:.0f}" height="22" rx="5" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{x + 9}" y="{y + 15}" fill="#1a202c">{_printable(label)}</text>'
    )
    if note:
        text += f'<text x="{x + box + 8:.0f}" y="{y + 15}" fill="#5b6b7f" font-style="italic">{_printable(note)}</text>'
    return text


def _printable(text: str) -> str:
    # XML has no form for control characters, not even an escaped one.
    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def _link(x: float, y: float, stem: float, top: float) -> str:
    return f'<path d="M{stem} {top + 22} V{y + 11} H{x}" fill="none" stroke="#a0aec0"/>'
