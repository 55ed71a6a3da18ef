"""The decomposition tree and the graph of dependencies in DOT, the language of Graphviz."""

from itertools import pairwise

from htn.dependencies import Dependencies
from htn.plan import Plan
from htn.render.label import COLOURS, Kind, cut, labels, printable

_NODE = 'node [shape=box, style="rounded,filled", fontname="monospace", fontsize=10];'
_CRITICAL = "#c53030"


def dot_tree(plan: Plan) -> str:
    """Return the decomposition tree."""
    lines = ["digraph plan {", f"  {_NODE}"]
    for at, label in enumerate(labels(plan)):
        lines.append(f"  n{at} [{_look([label.numbered(), label.note], label.kind)}];")
    lines += [f"  n{node.parent} -> n{at};" for at, node in enumerate(plan.nodes) if node.parent is not None]
    return "\n".join([*lines, "}"]) + "\n"


def dot_graph(dependencies: Dependencies) -> str:
    """Return the graph of dependencies, stages from left to right, the critical path in red."""
    shown = [label for label in labels(dependencies.plan) if label.number is not None]
    critical = set(dependencies.critical_path)
    lines = ["digraph dependencies {", "  rankdir=LR;", f"  {_NODE}"]
    for at, label in enumerate(shown):
        colour = f', color="{_CRITICAL}", penwidth=2' if at in critical else ""
        lines.append(f"  n{at} [{_look([label.numbered(), label.note], label.kind)}{colour}];")
    path = set(pairwise(dependencies.critical_path))
    for before, after in sorted(dependencies.reduced().edges):
        look = f' [color="{_CRITICAL}", penwidth=2]' if (before, after) in path else ""
        lines.append(f"  n{before} -> n{after}{look};")
    for stage in dependencies.stages:
        lines.append(f"  {{ rank=same; {' '.join(f'n{at};' for at in stage)} }}")
    return "\n".join([*lines, "}"]) + "\n"


def _look(lines: list[str], kind: Kind) -> str:
    fill, stroke = COLOURS[kind]
    text = r"\n".join(_quoted(cut(line)) for line in lines if line)
    return f'label="{text}", fillcolor="{fill}", color="{stroke}"'


def _quoted(text: str) -> str:
    # Graphviz reads backslashes and, like HTML, entities in a label.
    return printable(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
