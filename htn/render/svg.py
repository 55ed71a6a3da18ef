"""The decomposition tree as an SVG picture that needs nothing but a browser."""

from html import escape

from htn.plan import Plan
from htn.render.label import COLOURS, Label, columns, cut, labels, printable

_ROW = 30
_INDENT = 26
_CHAR = 7.25
_PAD = 10
_MAX_DEPTH = 40
FONT = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="12"'


def svg_tree(plan: Plan) -> str:
    """Return the decomposition tree as an SVG picture.

    A node a row, indented by its depth: however many nodes there are, every label can be read. Nodes deeper than 40
    levels stand below each other with the number of their level.
    """
    depths = plan.depths()
    shown = labels(plan)
    rows: list[str] = []
    links: list[str] = []
    top: dict[int, float] = {}
    width = 200.0
    for row, at in enumerate(plan.tree_order()):
        depth, label, parent = depths[at], shown[at], plan.nodes[at].parent
        x, y = _left(depth), float(_PAD + row * _ROW)
        top[at] = y
        text = cut(label.numbered() if depth <= _MAX_DEPTH else f"⋮{depth} {label.numbered()}")
        box = text_width(text) + 18
        width = max(width, x + box + text_width(cut(label.note)) + 24)
        rows.append(_row(x, y, box, text, label))
        if parent is not None and depth <= _MAX_DEPTH:
            links.append(_link(x, y, _left(depths[parent]) + 12, top[parent]))
    height = len(plan.nodes) * _ROW + 2 * _PAD - 6
    return svg(width, height, "decomposition tree", "".join(links) + "".join(rows))


def svg(width: float, height: float, name: str, content: str) -> str:
    """Return a picture with some content."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{name}" {FONT}>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{content}</svg>'
    )


def text_width(text: str) -> float:
    """Return how wide a label is."""
    return columns(text) * _CHAR


def escaped(text: str) -> str:
    """Return a label as XML holds it; XML has no form for control characters, not even an escaped one."""
    return escape(printable(text))


def _left(depth: int) -> float:
    return float(_PAD + min(depth, _MAX_DEPTH + 1) * _INDENT)


def _row(x: float, y: float, box: float, text: str, label: Label) -> str:
    fill, stroke = COLOURS[label.kind]
    row = (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{box:.0f}" height="22" rx="5" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{x + 9:.0f}" y="{y + 15:.0f}" fill="#1a202c">{escaped(text)}</text>'
    )
    if label.note:
        row += (
            f'<text x="{x + box + 8:.0f}" y="{y + 15:.0f}" fill="#5b6b7f" font-style="italic">'
            f"{escaped(cut(label.note))}</text>"
        )
    return row


def _link(x: float, y: float, stem: float, top: float) -> str:
    return f'<path d="M{stem:.0f} {top + 22:.0f} V{y + 11:.0f} H{x:.0f}" fill="none" stroke="#a0aec0"/>'
