"""The pages of `htn plan`, `htn run`, `htn resume` and `htn learn`."""

from collections.abc import Mapping, Sequence
from typing import Any

from commands.pages import improvement
from commands.pages.blocks import Block, Heading, Quoted, facts, fence, section, table
from commands.pages.generic import described, value_of

Document = Mapping[str, Any]


def plan(document: Document, shown: str) -> list[Block]:
    """Return a plan: the tree as the person asked for it, and its actions."""
    if "actions" not in document:
        return []
    drawing = shown.strip()
    blocks: list[Block] = [Heading("Plan", 1)]
    blocks += facts(("domain", Quoted(document["domain"])), ("expansions", document.get("expansions")))
    blocks += fence(drawing or tree(document.get("tree") or []), _language(drawing))
    return blocks + section("Actions", _actions(document["actions"])) + section(
        "First stage", described(document.get("stage") or {}, 3)
    )  # fmt: skip


def run(document: Document, shown: str) -> list[Block]:
    """Return a run: what it changed, the plan, the steps, what was learned, what it took."""
    found = document.get("plan") or {}
    blocks: list[Block] = [Heading("Run", 1)]
    blocks += facts(
        ("outcome", "done" if document.get("ok") else "not done"),
        ("run", Quoted(document["run_id"]) if document.get("run_id") else None),
        ("stages", document.get("stages") or None),
        ("replans", len(document.get("replans") or ()) or None),
    )
    blocks += section("Result", _changed(document.get("changed") or []))
    blocks += section("Plan", fence(found.get("text") or tree(found.get("tree") or [])))
    blocks += section("Steps", steps(document.get("steps") or []))
    for each in document.get("learned") or []:
        blocks += [Heading(f"Learned: {each['task'].partition('(')[0]}"), *improvement.learned(each)]
    stages = {"acting": sum(step.get("seconds") or 0 for step in document.get("steps") or [])}
    for each in document.get("learned") or []:
        stages |= {f"learning, {stage}": spent for stage, spent in each.get("seconds", {}).items()}
    return blocks + section("Performance", improvement.seconds(stages) + improvement.model(document))


def shown_run(document: Document, shown: str) -> list[Block]:
    """Return a run that is kept: where it stands, its steps, what was tried where one failed."""
    blocks: list[Block] = [Heading(f"Run {document['run_id']}", 1)]
    aside = ("steps", "next", "error", "choices", "tried", "tasks", "run_id")
    blocks += described({name: value for name, value in document.items() if name not in aside}, 2)
    blocks += section("Steps", steps(document["steps"]))
    blocks += section("What was tried", described(document.get("tried") or {}, 3))
    blocks += section("Error", described(document.get("error") or {}, 3))
    return blocks + section("What to do next", improvement.points(document.get("next") or []))


def replay(document: Document, shown: str) -> list[Block]:
    """Return what happened in a run, an event a row, and where it came to."""
    names = ("id", "at", "kind", "step", "by")
    blocks: list[Block] = [Heading(f"Events of {document['run_id']}", 1)]
    blocks += facts(("state of the run", document.get("state_of_run")))
    rows = [[value_of(event.get(name), name) for name in names] for event in document["events"]]
    blocks += table(names, rows) + section("What each changed", fence(shown))
    return blocks + section("State", described(document.get("state") or {}, 3))


def learn(document: Document, shown: str) -> list[Block]:
    """Return what was learned; with --dry-run the question that would be asked."""
    if "task" not in document:
        return [Heading("Question", 1), *described(document)]
    return [
        Heading(f"Learn {document['task'].partition('(')[0]}", 1),
        *improvement.learned(document, 1),
        *section("Performance", improvement.seconds(document.get("seconds") or {}) + improvement.model(document)),
    ]


def steps(rows: Sequence[Document]) -> list[Block]:
    """Return the steps of a run."""
    names = ("step", "state", "seconds", "attempts", "by", "retries", "detail")
    used = ("step", "state", *(name for name in names[2:] if any(row.get(name) for row in rows)))
    return table(used, [[Quoted(row["action"]), *(row.get(name) for name in used[1:])] for row in rows])


def tree(nodes: Sequence[Document]) -> str:
    """Draw the tree of a plan's document: a task a line, what it is decomposed into indented below it."""
    depths: list[int] = []
    lines = []
    for node in nodes:
        parent = node["parent"]
        depths.append(0 if parent is None else depths[parent] + 1)
        by = f"  by {node['method']}" if node["method"] else "  (learned)" if node.get("version") else ""
        name, *arguments = node["task"]
        lines.append(f"{'  ' * depths[-1]}{name}({', '.join(map(str, arguments))}){by}")
    return "\n".join(lines)


def _actions(rows: Sequence[Document]) -> list[Block]:
    found = []
    for number, row in enumerate(rows, 1):
        action = f"{row['name']}({', '.join(map(str, row['arguments']))})"
        found.append([number, Quoted(action), Quoted((row.get("version") or "")[:12])])
    return table(("", "action", "learned as"), found)


def _changed(rows: Sequence[Document]) -> list[Block]:
    """Return each place and its value; a text of several lines stands below its name."""
    short, long = [], []
    for row in rows:
        place = row["variable"] if row["key"] is None else f"{row['variable']}[{row['key']}]"
        if isinstance(row["value"], str) and "\n" in row["value"]:
            long += [Heading(place, 3), *fence(row["value"])]
        else:
            short.append([Quoted(place), "gone" if row["gone"] else value_of(row["value"])])
    return table(("place", "value"), short) + long


def _language(drawing: str) -> str:
    starts = {"<svg": "svg", "digraph": "dot", "flowchart": "mermaid", "graph": "mermaid"}
    return next((language for start, language in starts.items() if drawing.startswith(start)), "text")
