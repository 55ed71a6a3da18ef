"""Why an action is in a plan, as far as the plan alone knows it; and its tree in order."""

import pytest
from hypothesis import given

from htn.errors import UsageError
from htn.plan import Decomposition, Plan
from tests.htn.test_render import plans

Node = Decomposition
PLAN = Plan(
    "d",
    (("cook",), ("read",)),
    (
        Node(("cook",), "slowly", None), Node(("read",), "aloud", None), Node(("heat",), "on_the_stove", 0),
        Node(("open", "book"), None, 1), Node(("boil",), None, 2), Node(("sit",), None, None),
    ),
)  # fmt: skip


def test_a_plan_alone_tells_the_tasks_above_an_action_and_their_methods() -> None:
    assert str(PLAN.why(1)) == "2. boil()\n  in heat() by on_the_stove\n  in cook() by slowly"
    assert str(PLAN.why(2)) == "3. sit()\n  was asked for"
    assert (PLAN.why(1).relies_on, PLAN.why(1).needed_by) == (None, None)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_reason_for_an_action_that_is_not_there(index: int) -> None:
    with pytest.raises(UsageError, match=f"the plan has no action {index}"):
        PLAN.why(index)


@given(plans())
def test_tree_order_keeps_every_subtree_together_and_children_in_order(plan: Plan) -> None:
    order = plan.tree_order()
    assert sorted(order) == list(range(len(plan.nodes)))
    place = {at: row for row, at in enumerate(order)}
    for at, node in enumerate(plan.nodes):
        later = [other for other in range(at + 1, len(plan.nodes)) if plan.nodes[other].parent == node.parent]
        assert all(place[at] < place[other] for other in later)
        if node.parent is not None:
            between = order[place[node.parent] + 1 : place[at]]
            assert all(_is_below(plan, one, node.parent) for one in between)


def _is_below(plan: Plan, at: int | None, above: int) -> bool:
    while at is not None and at != above:
        at = plan.nodes[at].parent
    return at == above


def test_a_deep_path_is_told_from_both_ends() -> None:
    nodes = [Node(("dig", at), "deeper", at - 1 if at else None) for at in range(1000)]
    lines = str(Plan("d", (), (*nodes, Node(("stop",), None, 999))).why(0)).splitlines()
    assert (lines[1], lines[11], lines[-1]) == (
        "  in dig(999) by deeper", "  … 980 levels …", "  in dig(0) by deeper"
    )  # fmt: skip
