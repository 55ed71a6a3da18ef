"""A plan as JSON, as a text tree and as a picture."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.travel import at_home, travel
from htn.errors import UsageError
from htn.plan import Decomposition, Plan
from htn.render import svg_tree, text_tree
from htn.search import find_plan
from htn.unknown import Unknown
from tests.htn.strategies import values

hostile_text = st.text(max_size=8) | st.sampled_from(
    ["<script>", "&amp;", "]]>", "\x00\x1b[2J", '" onload="x', "\ud800"]
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan with any labels, its nodes in the order in which they are carried out."""
    nodes: list[Decomposition] = []
    open_nodes: list[int] = []
    for at in range(draw(st.integers(0, 12))):
        keep = draw(st.integers(0, len(open_nodes)))
        del open_nodes[keep:]
        parent = open_nodes[-1] if open_nodes else None
        task = (draw(st.sampled_from(["go", "walk", "größe"])), *draw(st.lists(values | hostile_text, max_size=2)))
        is_action = draw(st.booleans())
        version = draw(st.none() | st.just("0123456789abcdef")) if is_action else None
        nodes.append(Decomposition(task, None if is_action else draw(st.sampled_from(["m", "<m>"])), parent, version))
        if not is_action:
            open_nodes.append(at)
    tasks = tuple(node.task for node in nodes if node.parent is None)
    return Plan("domain", tasks, tuple(nodes), draw(st.integers(0, 99)))


def found_plan() -> Plan:
    plan = find_plan(travel, at_home(), [("travel", "alice", "home", "park")])
    assert isinstance(plan, Plan)
    return plan


@given(plans())
def test_a_plan_written_as_json_is_read_back(plan: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_an_unknown_argument_is_written_and_read() -> None:
    task = ("show", Unknown("the mean"))
    read = Plan.from_json(Plan("d", (task,), (Decomposition(task, None, None),)).to_json())
    assert repr(read.actions[0].arguments) == "(Unknown('the mean'),)"


def damaged(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(found_plan().to_json())), **changes}


def node(**changes: Any) -> dict[str, Any]:
    return {"task": ["go"], "method": "m", "parent": None, "version": None, **changes}


def tree(*nodes: Any) -> dict[str, Any]:
    data = damaged(tree=list(nodes))
    del data["actions"]
    return data


@pytest.mark.parametrize(
    "data",
    [
        None, [], "plan", {}, damaged(format="htn-plan/0"), damaged(tree=None), damaged(tree=3),
        damaged(tree=["x"]),
        damaged(tree={"a": 1}), damaged(tasks=None), damaged(tasks=[3]), damaged(domain=3),
        damaged(expansions="many"),
        damaged(actions=[]), tree({}), tree(3), tree([]), tree(node(task=[])), tree(node(task=[3])),
        tree(node(task="go")), tree(node(task=["a\nb"])), tree(node(task=["go", {"$set": [[1]]}])),
        tree(node(method=3)), tree(node(method="\x1b[2J")), tree(node(version=["v"])), tree(node(parent=0)),
        tree(node(parent=-1)), tree(node(), node(parent=7)), tree(node(), node(parent="0")),
        tree(node(), node(parent=True)), tree(node(), node(parent=0.0)), tree(node(method=None), node(parent=0)),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_a_usage_error(data: Any) -> None:
    with pytest.raises(UsageError):
        Plan.from_json(data)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=2),
    lambda i: st.lists(i, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(["domain", "tasks", "actions", "tree", "expansions"]), junk, st.sampled_from(list(node())), junk)
def test_any_damage_to_a_plan_is_a_usage_error_or_another_plan(field: str, value: Any, part: str, inner: Any) -> None:
    for data in (damaged(**{field: value}), tree(node(), node(**{part: inner}))):
        try:
            plan = Plan.from_json(data)
        except UsageError:
            continue
        text_tree(plan)
        ElementTree.fromstring(svg_tree(plan))


def test_a_plan_is_its_actions_in_order() -> None:
    plan = found_plan()
    assert [str(action) for action in plan] == ["call_taxi(home)", "ride(alice, home, park)", "pay(alice)"]
    assert len(plan) == 3


def test_the_text_tree_shows_methods_numbers_and_learned_actions() -> None:
    plan = Plan(
        "d",
        (("visit", "bob"), ("wait",)),
        (
            Decomposition(("visit", "bob"), "politely", None),
            Decomposition(("greet",), "by_phone", 0),
            Decomposition(("call", "bob"), None, 1),
            Decomposition(("go", "there"), None, 0, "0123456789abcdef"),
            Decomposition(("wait",), None, None),
        ),
    )
    assert text_tree(plan) == (
        "visit(bob)  by politely\n"
        "├─ greet()  by by_phone\n"
        "│  └─ 1. call(bob)\n"
        "└─ 2. go(there)  [learned 0123456789ab]\n"
        "3. wait()"
    )


@given(plans())
def test_the_text_tree_has_a_line_for_every_node(plan: Plan) -> None:
    assert len(text_tree(plan).splitlines()) == len(plan.nodes)


@given(plans())
def test_the_picture_is_xml_with_a_label_for_every_node(plan: Plan) -> None:
    root = ElementTree.fromstring(svg_tree(plan))
    labels = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("font-style") is None]
    assert len(labels) == len(plan.nodes)
    assert {element.tag.split("}")[1] for element in root.iter()} <= {"svg", "rect", "text", "path"}


def chain(length: int) -> Plan:
    nodes = [Decomposition(("dig", at), "deeper", at - 1 if at else None) for at in range(length)]
    return Plan("d", (("dig", 0),), (*nodes, Decomposition(("stop",), None, length - 1)))


def test_a_picture_of_two_hundred_nodes_has_a_row_of_its_own_for_each() -> None:
    root = ElementTree.fromstring(svg_tree(chain(200)))
    rows = [text.get("y") for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("font-style") is None]
    assert len(set(rows)) == 201
    assert max(float(str(row)) for row in rows) < float(str(root.get("height")))


def test_the_text_of_a_deep_plan_grows_with_its_nodes_and_not_with_their_square() -> None:
    assert len(text_tree(chain(20_000))) < 2.2 * len(text_tree(chain(10_000)))
