"""The decomposition tree and the graph of dependencies in Mermaid, which GitHub and many editors draw."""

from itertools import pairwise

from htn.dependencies import Dependencies
from htn.plan import Plan
from htn.render.label import COLOURS, Label, cut, labels, printable

# Other characters mean something to Mermaid somewhere: quotes, brackets, %%{init}%%, `markdown`, "1. lists", #codes;
_PLAIN = frozenset(" _(),=·")
_SHAPES = {"task": ('["', '"]'), "goal": ('{{"', '"}}'), "action": ('("', '")'), "learned": ('("', '")')}
_CRITICAL = "stroke:#c53030,stroke-width:3px"


def mermaid_tree(plan: Plan) -> str:
    """Return the decomposition tree as a flowchart."""
    lines = ["flowchart TD"]
    lines += [f"    n{at}{_box(label)}" for at, label in enumerate(labels(plan))]
    lines += [f"    n{node.parent} --> n{at}" for at, node in enumerate(plan.nodes) if node.parent is not None]
    return "\n".join([*lines, *_classes()]) + "\n"


def mermaid_graph(dependencies: Dependencies) -> str:
    """Return the graph of dependencies as a flowchart, the critical path in red."""
    shown = [label for label in labels(dependencies.plan) if label.number is not None]
    lines = ["flowchart LR", *(f"    n{at}{_box(label)}" for at, label in enumerate(shown))]
    edges = sorted(dependencies.reduced().edges)
    lines += [f"    n{before} --> n{after}" for before, after in edges]
    path = set(pairwise(dependencies.critical_path))
    lines += [f"    linkStyle {at} {_CRITICAL}" for at, edge in enumerate(edges) if edge in path]
    lines += [f"    style n{at} {_CRITICAL}" for at in dependencies.critical_path]
    return "\n".join([*lines, *_classes()]) + "\n"


def _box(label: Label) -> str:
    begin, end = _SHAPES[label.kind]
    lines = [label.numbered(" · "), label.note]
    return f"{begin}{'<br/>'.join(_coded(cut(line)) for line in lines if line)}{end}:::{label.kind}"


def _coded(text: str) -> str:
    """Return a text in which every character that could mean something is written as its number."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in printable(text))


def _classes() -> list[str]:
    return [
        f"    classDef {kind} fill:{fill},stroke:{stroke},color:#1a202c" for kind, (fill, stroke) in COLOURS.items()
    ]
