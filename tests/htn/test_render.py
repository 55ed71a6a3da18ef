"""Pictures of plans and of dependencies, whatever the labels say."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain
from htn.network import Multigoal
from htn.plan import HOLDS, Decomposition, Plan
from htn.render import dot_graph, dot_tree, mermaid_graph, mermaid_tree, svg_graph, svg_tree, text_tree
from htn.state import State

SVG = "{http://www.w3.org/2000/svg}"
Node = Decomposition
hostile = st.text(max_size=8) | st.sampled_from([
    "<script>alert(1)</script>", '"]; evil --> n0', "%%{init: {}}%%", "`**bold**`", "1. list", "&lt;&amp;", "#35;",
    "end", "\\N \\G", "a\nb", '" onload="x', "$$x$$", "- dash", "]]>", "-->", "\x00\x1b[2J", "\u202e", "\ud800", "日本",
    "fa:car", "\\", "x" * 300, 'click n0 "javascript:x"',
])  # fmt: skip


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan with hostile names, arguments and methods, interleaved in any way."""
    nodes: list[Decomposition] = []
    for _ in range(draw(st.integers(0, 9))):
        parents = [None, *[at for at, node in enumerate(nodes) if node.method is not None]]
        name = draw(hostile) or "go"
        task: Any = (name, *draw(st.lists(hostile, max_size=2)))
        method = draw(st.none() | st.just(HOLDS) | hostile)
        if method is not None and draw(st.booleans()):
            task = Multigoal(((name, draw(hostile), 1),), draw(hostile))
        nodes.append(Node(task, method, draw(st.sampled_from(parents)), draw(st.none() | st.just("0123456789abcdef"))))
    return Plan("drawn", (), tuple(nodes))


def kitchen() -> Domain:
    domain = Domain("kitchen")

    @domain.operator(duration=lambda state, what, *needed: len(what))
    def make(state: Any, what: str, *needed: str) -> Any:
        for one in needed:
            state.made.get(one)
        state.made[what] = True
        return state

    return domain


def making(*tasks: tuple[Any, ...]) -> Dependencies:
    nodes = tuple(Node(("make", *task), None, None) for task in tasks)
    return dependencies_of(kitchen(), State(made={}), Plan("kitchen", tuple(node.task for node in nodes), nodes))


@st.composite
def dependencies(draw: st.DrawFn) -> Dependencies:
    names = draw(st.lists(hostile, max_size=8, unique=True))
    tasks: list[tuple[str, ...]] = []
    for at, name in enumerate(names):
        needed = draw(st.lists(st.sampled_from(names[:at]), max_size=3)) if at else []
        tasks.append((name, *needed))
    return making(*tasks)


def drawn(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "rect", "text", "path"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    return root


@given(plans())
def test_the_text_has_a_line_for_every_node_and_nothing_that_moves_the_cursor(plan: Plan) -> None:
    lines = text_tree(plan).split("\n") if plan.nodes else []
    assert len(lines) == len(plan.nodes)
    assert all(line.isprintable() for line in lines)


@given(plans())
def test_the_picture_of_a_tree_has_a_box_for_every_node(plan: Plan) -> None:
    root = drawn(svg_tree(plan))
    assert len(root.findall(f"{SVG}rect")) == 1 + len(plan.nodes)


# A statement of each format as it may stand in a line; a label that broke out of its quotes would give another.
MERMAID = [
    re.compile(r"flowchart (TD|LR)"),
    re.compile(r'    n\d+(\["|\{\{"|\(")([\w (),=]|#\d+;|·|<br/>)*("\]|"\}\}|"\)):::(task|goal|action|learned)'),
    re.compile(r"    n\d+ --> n\d+"),
    re.compile(r"    classDef (task|goal|action|learned) [\w:#,]+"),
    re.compile(r"    (style n|linkStyle )\d+ [\w:#,-]+"),
]
QUOTED = r'"([^"\\\n]|\\\\|\\"|\\n)*"'
DOT = [
    re.compile(r"digraph (plan|dependencies) \{|\}|  rankdir=LR;|  node \[shape=box, [^\]]*\];"),
    re.compile(rf"  n\d+ \[(\w+=({QUOTED}|\d+)(, )?)+\];"),
    re.compile(rf"  n\d+ -> n\d+( \[(\w+=({QUOTED}|\d+)(, )?)+\])?;"),
    re.compile(r"  \{ rank=same; (n\d+; ?)+\}"),
]


def statements(text: str, forms: list[re.Pattern[str]], of: int) -> int:
    lines = text.removesuffix("\n").split("\n")
    for line in lines:
        assert any(form.fullmatch(line) for form in forms), line
    text.encode()  # no half of a character
    return sum(bool(forms[of].fullmatch(line)) for line in lines)


@given(plans())
def test_no_label_adds_a_statement_to_a_tree_in_mermaid_or_dot(plan: Plan) -> None:
    below = sum(node.parent is not None for node in plan.nodes)
    assert statements(mermaid_tree(plan), MERMAID, 1) == statements(dot_tree(plan), DOT, 1) == len(plan.nodes)
    assert statements(mermaid_tree(plan), MERMAID, 2) == statements(dot_tree(plan), DOT, 2) == below


@given(dependencies())
@settings(deadline=None)
def test_no_label_adds_a_statement_to_a_graph(found: Dependencies) -> None:
    count, edges = len(found.plan), len(found.reduced().edges)
    assert statements(mermaid_graph(found), MERMAID, 1) == statements(dot_graph(found), DOT, 1) == count
    assert statements(mermaid_graph(found), MERMAID, 2) == statements(dot_graph(found), DOT, 2) == edges


@given(dependencies())
@settings(deadline=None)
def test_the_picture_of_a_graph_has_a_box_an_action_and_an_arrow_an_edge_and_boxes_do_not_overlap(
    found: Dependencies,
) -> None:
    root = drawn(svg_graph(found))
    _, *boxes = [tuple(float(box.get(side, "0").rstrip("%")) for side in ("x", "y", "width", "height"))
                 for box in root.findall(f"{SVG}rect")]  # fmt: skip
    assert len(boxes) == len(found.plan)
    assert len(root.findall(f"{SVG}path")) == 2 * len(found.reduced().edges)
    assert sum(box.get("stroke-width") == "2" for box in root.findall(f"{SVG}rect")) == len(found.critical_path)
    for at, (x, y, width, height) in enumerate(boxes):
        assert x + width <= float(root.get("width", "0"))
        assert y + height <= float(root.get("height", "0"))
        for left, top, wide, high in boxes[:at]:
            assert x + width <= left or left + wide <= x or y + height <= top or top + high <= y


def points(path: str) -> list[tuple[float, float]]:
    """Return where the steps of an arrow end."""
    found: list[tuple[float, float]] = []
    for kind, numbers in re.findall(r"([MCH])([^MCH]*)", path):
        values = list(map(float, numbers.split()))
        found.append((values[-1], found[-1][1]) if kind == "H" else (values[-2], values[-1]))
    return found


@given(dependencies())
@settings(deadline=None)
def test_an_arrow_over_several_stages_runs_behind_no_box(found: Dependencies) -> None:
    root = drawn(svg_graph(found))
    boxes = [[float(box.get(side, "0")) for side in ("x", "y", "width", "height")]
             for box in root.findall(f"{SVG}rect")[1:]]  # fmt: skip
    for path in root.findall(f"{SVG}path"):
        if path.get("fill") == "none":
            for x, y in points(path.get("d", ""))[1:-1]:
                assert not [1 for left, top, wide, high in boxes if left <= x <= left + wide and top < y < top + high]


def test_interleaved_tasks_stand_below_each_other_and_the_numbers_tell_the_order() -> None:
    nodes = (
        Node(("cook",), "slowly", None), Node(("read",), "aloud", None), Node(("boil",), None, 0),
        Node(("open",), None, 1), Node(("serve",), None, 0),
    )  # fmt: skip
    assert text_tree(Plan("d", (), nodes)) == (
        "cook()  by slowly\n├─ 1. boil()\n└─ 3. serve()\nread()  by aloud\n└─ 2. open()"
    )


def test_goals_say_what_is_wanted_and_what_holds_already() -> None:
    goal = Multigoal.of({"pos": {"a": "b", "c": "table"}})
    nodes = (Node(goal, "split", None), Node(("pos", "a", "b"), "move", 0), Node(("take", "a"), None, 1),
             Node(("pos", "c", "table"), HOLDS, 0), Node(goal, HOLDS, None))  # fmt: skip
    assert text_tree(Plan("d", (), nodes)) == (
        "goal(pos[a] = b, pos[c] = table)  by split\n"
        "├─ pos(a, b)  by move\n"
        "│  └─ 1. take(a)\n"
        "└─ pos(c, table)  holds already\n"
        "goal(pos[a] = b, pos[c] = table)  holds already"
    )


def test_mermaid_writes_a_tree_and_a_graph() -> None:
    nodes = (
        Node(("visit", "bob"), "politely", None),
        Node(("call", "bob"), None, 0),
        Node(("go", "there"), None, 0, "v1"),
    )
    assert mermaid_tree(Plan("d", (), nodes)).splitlines()[:6] == [
        "flowchart TD",
        '    n0["visit(bob)<br/>by politely"]:::task',
        '    n1("1 · call(bob)"):::action',
        '    n2("2 · go(there)<br/>learned"):::learned',
        "    n0 --> n1",
        "    n0 --> n2",
    ]
    lines = mermaid_graph(making(("dough",), ("tomatoes",), ("pizza", "dough", "tomatoes"))).splitlines()
    assert "    n0 --> n2" in lines
    assert "    style n1 stroke:#c53030,stroke-width:3px" in lines


def test_dot_puts_actions_of_a_stage_side_by_side() -> None:
    lines = dot_graph(making(("dough",), ("tomatoes",), ("pizza", "dough", "tomatoes"))).splitlines()
    assert "  { rank=same; n0; n1; }" in lines
    assert '  n1 -> n2 [color="#c53030", penwidth=2];' in lines
    assert "  n0 -> n2;" in lines


def test_a_picture_of_two_hundred_levels_is_no_wider_than_one_of_fifty() -> None:
    def chain(length: int) -> Plan:
        nodes = [Node(("dig", at), "deeper", at - 1 if at else None) for at in range(length)]
        return Plan("d", (), (*nodes, Node(("stop",), None, length - 1)))

    assert float(drawn(svg_tree(chain(200))).get("width", "0")) < 1.1 * float(
        drawn(svg_tree(chain(50))).get("width", "0")
    )


@pytest.mark.parametrize(
    ("include", "exclude", "kinds"),
    [
        (None, None, ["text/plain", "image/svg+xml"]),
        (["text/plain"], None, ["text/plain"]),
        (None, {"text/plain"}, ["image/svg+xml"]),
        (["text/html"], None, []),
    ],
)
def test_a_notebook_shows_the_tree(include: Any, exclude: Any, kinds: list[str]) -> None:
    plan = Plan("d", (("go",),), (Node(("go",), None, None),))
    draw: dict[str, Callable[[Plan], str]] = {"text/plain": text_tree, "image/svg+xml": svg_tree}
    bundle = plan._repr_mimebundle_(include=include, exclude=exclude)
    assert bundle == {kind: draw[kind](plan) for kind in kinds}
