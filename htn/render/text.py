"""The decomposition tree, and what can be done at the same time, as text."""

from htn.dependencies import Dependencies
from htn.plan import Plan, brief
from htn.render.label import labels

_MAX_STEM = 40


def text_tree(plan: Plan) -> str:
    """Return the decomposition tree, one node a line; actions are numbered in the order of execution.

    Below 40 levels a number says how deep a node lies, so that the text does not grow with the square of the depth.
    """
    last = _is_last(plan)
    shown = labels(plan)
    depths = plan.depths()
    lines: list[str] = []
    open_branches: list[bool] = []
    for at in plan.tree_order():
        node, label, depth = plan.nodes[at], shown[at], depths[at]
        del open_branches[depth:]
        branches = open_branches[1:] if depth <= _MAX_STEM else []
        stem = "".join("│  " if more else "   " for more in branches) if branches or depth <= 1 else f"⋮ {depth}  "
        branch = "" if depth == 0 else "└─ " if last[at] else "├─ "
        open_branches.append(not last[at])
        note = f"[learned {node.version[:12]}]" if node.version else label.note
        lines.append(f"{stem}{branch}{label.numbered()}{note and '  '}{note}")
    return "\n".join(lines)


def _is_last(plan: Plan) -> list[bool]:
    """Return for each node whether it is the last child of its parent."""
    last_child: dict[int | None, int] = {node.parent: at for at, node in enumerate(plan.nodes)}
    return [last_child[node.parent] == at for at, node in enumerate(plan.nodes)]


def text_stages(dependencies: Dependencies) -> str:
    """Return the stages of a plan, one a line, what can be done at the same time side by side; then cost and duration.

    The actions are numbered as in the tree.
    """
    actions = dependencies.plan.actions
    lines = [
        f"stage {number}:  {'   '.join(f'{at + 1}. {brief(actions[at].task)}' for at in stage)}"
        for number, stage in enumerate(dependencies.stages, 1)
    ]
    path = " → ".join(str(at + 1) for at in dependencies.critical_path)
    summary = f"costs {dependencies.cost:g}, takes {dependencies.duration:g}"
    return "\n".join([*lines, f"{summary}, as long as {path} one after the other" if path else summary])
