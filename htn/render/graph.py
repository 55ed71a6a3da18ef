"""The dependencies of a plan's actions as an SVG picture: a column a stage, an arrow for each order that matters.

The order within a column follows the middle of what an action hangs on, swept to and fro, so that few arrows cross
(Sugiyama, Tagawa and Toda, 1981). An arrow over several columns gets a lane of its own in each, so it runs behind no
box. Arrows that others imply are left out.
"""

from collections.abc import Iterable
from itertools import pairwise

from htn.dependencies import Dependencies
from htn.render.label import COLOURS, Label, cut, labels
from htn.render.svg import escaped, svg, text_width

_BOX = 40
_LANE = 12
_GAP = 10
_BETWEEN = 70
_PAD = 14
_HEAD = 24
_SWEEPS = 8
_MAX_LENGTH = 60
_LINE, _CRITICAL = "#a0aec0", "#c53030"

# A place in a column: an action (its index, itself), or a lane of an arrow (before, after).
_Slot = tuple[int, int]


def svg_graph(dependencies: Dependencies) -> str:
    """Return the graph of dependencies as an SVG picture; the critical path is red."""
    edges = sorted(dependencies.reduced().edges)
    routes = _routes(dependencies, edges)
    columns = _ordered(_columns(dependencies, routes), routes.values())
    shown = [label for label in labels(dependencies.plan) if label.number is not None]
    texts = [cut(label.numbered(), _MAX_LENGTH) for label in shown]
    lefts, widths = _across(dependencies, texts)
    middles, height = _down(columns)
    path = set(pairwise(dependencies.critical_path))
    links = [
        _link(route, middles, lefts, widths, critical=edge in path)
        for edge, route in sorted(routes.items(), key=lambda item: item[0] in path)
    ]
    boxes: list[str] = []
    for at, stage in enumerate(dependencies.stages):
        boxes.append(f'<text x="{lefts[at]:.0f}" y="{_PAD + 8}" fill="#5b6b7f">stage {at + 1}</text>')
        for action in stage:
            note = f"{shown[action].note}  {dependencies.durations[action]:g}".strip()
            critical = action in dependencies.critical_path
            y = middles[at, (action, action)] - _BOX / 2
            boxes.append(_box(lefts[at], y, widths[at], texts[action], note, shown[action], critical=critical))
    width = lefts[-1] + widths[-1] + _PAD if lefts else 200.0
    return svg(width, height, "dependencies of the actions", "".join([*links, *boxes]))


_Route = list[tuple[int, _Slot]]


def _routes(dependencies: Dependencies, edges: Iterable[tuple[int, int]]) -> dict[tuple[int, int], _Route]:
    """Return for each edge the columns that it runs through, and its slot in each."""
    column = {action: at for at, stage in enumerate(dependencies.stages) for action in stage}
    routes: dict[tuple[int, int], _Route] = {}
    for before, after in edges:
        lanes = [(at, (before, after)) for at in range(column[before] + 1, column[after])]
        routes[before, after] = [(column[before], (before, before)), *lanes, (column[after], (after, after))]
    return routes


def _columns(dependencies: Dependencies, routes: dict[tuple[int, int], _Route]) -> list[list[_Slot]]:
    columns: list[list[_Slot]] = [[(action, action) for action in stage] for stage in dependencies.stages]
    for route in routes.values():
        for at, slot in route[1:-1]:
            columns[at].append(slot)
    return columns


def _ordered(columns: list[list[_Slot]], routes: Iterable[_Route]) -> list[list[_Slot]]:
    """Sort each column by the middle of its neighbours in the column before or after, sweeping to and fro."""
    before: dict[tuple[int, _Slot], list[_Slot]] = {}
    after: dict[tuple[int, _Slot], list[_Slot]] = {}
    for route in routes:
        for one, other in pairwise(route):
            before.setdefault(other, []).append(one[1])
            after.setdefault(one, []).append(other[1])
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        order = range(1, len(columns)) if forth else range(len(columns) - 2, -1, -1)
        neighbours = before if forth else after
        for at in order:
            there = columns[at - 1 if forth else at + 1]
            place = {slot: (row + 0.5) / len(there) for row, slot in enumerate(there)}
            where = {
                slot: _middle([place[one] for one in neighbours.get((at, slot), [])], (row + 0.5) / len(columns[at]))
                for row, slot in enumerate(columns[at])
            }
            columns[at].sort(key=where.__getitem__)
    return columns


def _middle(neighbours: list[float], without: float) -> float:
    return sum(neighbours) / len(neighbours) if neighbours else without


def _across(dependencies: Dependencies, texts: list[str]) -> tuple[list[float], list[float]]:
    """Return where each column begins and how wide its boxes are."""
    lefts: list[float] = []
    widths: list[float] = []
    x = float(_PAD)
    for stage in dependencies.stages:
        lefts.append(x)
        widths.append(max(text_width(texts[action]) for action in stage) + 20)
        x += widths[-1] + _BETWEEN
    return lefts, widths


def _down(columns: list[list[_Slot]]) -> tuple[dict[tuple[int, _Slot], float], float]:
    """Return the middle of each slot, every column centred, and the height of the picture."""
    heights = [sum(_height(slot) + _GAP for slot in column) for column in columns]
    highest = max(heights, default=0)
    middles: dict[tuple[int, _Slot], float] = {}
    for at, column in enumerate(columns):
        y = _PAD + _HEAD + (highest - heights[at]) / 2
        for slot in column:
            middles[at, slot] = y + _height(slot) / 2
            y += _height(slot) + _GAP
    return middles, _PAD + _HEAD + highest + _PAD


def _height(slot: _Slot) -> float:
    return _BOX if slot[0] == slot[1] else _LANE


def _link(
    route: _Route, middles: dict[tuple[int, _Slot], float], lefts: list[float], widths: list[float], *, critical: bool
) -> str:
    colour = _CRITICAL if critical else _LINE
    (first, slot), *_ = route
    steps = [f"M{lefts[first] + widths[first]:.0f} {middles[first, slot]:.0f}"]
    for (column, slot), (following, other) in pairwise(route):
        begin, end = lefts[column] + widths[column], lefts[following]
        bend = (begin + end) / 2
        one, two = middles[column, slot], middles[following, other]
        steps.append(f"C{bend:.0f} {one:.0f} {bend:.0f} {two:.0f} {end:.0f} {two:.0f}")
        if (following, other) != route[-1]:
            steps.append(f"H{end + widths[following]:.0f}")
    x, y = lefts[route[-1][0]], middles[route[-1]]
    return (
        f'<path d="{" ".join(steps)}" fill="none" stroke="{colour}" stroke-width="{2 if critical else 1.2}"/>'
        f'<path d="M{x - 8:.0f} {y - 4:.0f} L{x:.0f} {y:.0f} L{x - 8:.0f} {y + 4:.0f} Z" fill="{colour}"/>'
    )


def _box(x: float, y: float, width: float, text: str, note: str, label: Label, *, critical: bool) -> str:
    fill, stroke = COLOURS[label.kind]
    edge = f'stroke="{_CRITICAL}" stroke-width="2"' if critical else f'stroke="{stroke}"'
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{_BOX}" rx="5" fill="{fill}" {edge}/>'
        f'<text x="{x + 10:.0f}" y="{y + 16:.0f}" fill="#1a202c">{escaped(text)}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 32:.0f}" fill="#5b6b7f" font-style="italic">{escaped(note)}</text>'
    )
