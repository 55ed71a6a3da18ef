"""Ways to damage a plan: every kind of change that its format allows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from htn.network import Multigoal, TaskNetwork
from htn.plan import HOLDS, Decomposition, Plan

Choose = Callable[[int], int]


def _nodes(plan: Plan, order: list[int]) -> Plan:
    """Return the plan with only the nodes of `order`, in this order; who loses its parent hangs at the top."""
    place = {was: at for at, was in reversed(list(enumerate(order)))}
    nodes = [plan.nodes[was] for was in order]
    moved = [node._replace(parent=None if node.parent is None else place.get(node.parent)) for node in nodes]
    return replace(plan, nodes=tuple(moved))


def _changed(plan: Plan, at: int, **fields: Any) -> Plan:
    return replace(plan, nodes=(*plan.nodes[:at], plan.nodes[at]._replace(**fields), *plan.nodes[at + 1 :]))


def drop_a_node(plan: Plan, choose: Choose) -> Plan:
    at = choose(len(plan.nodes))
    return _nodes(plan, [one for one in range(len(plan.nodes)) if one != at])


def drop_a_subtree(plan: Plan, choose: Choose) -> Plan:
    gone = {choose(len(plan.nodes))}
    for at, node in enumerate(plan.nodes):
        if node.parent in gone:
            gone.add(at)
    return _nodes(plan, [one for one in range(len(plan.nodes)) if one not in gone])


def do_a_node_twice(plan: Plan, choose: Choose) -> Plan:
    at = choose(len(plan.nodes))
    return _nodes(plan, [*range(at + 1), *range(at, len(plan.nodes))])


def swap_two_nodes(plan: Plan, choose: Choose) -> Plan:
    one, other = choose(len(plan.nodes)), choose(len(plan.nodes))
    order = list(range(len(plan.nodes)))
    order[one], order[other] = order[other], order[one]
    return _nodes(plan, order)


def move_a_node(plan: Plan, choose: Choose) -> Plan:
    order = list(range(len(plan.nodes)))
    order.insert(choose(len(order)), order.pop(choose(len(order))))
    return _nodes(plan, order)


def insert_a_node(plan: Plan, choose: Choose) -> Plan:
    at, other = choose(len(plan.nodes) + 1), plan.nodes[choose(len(plan.nodes))]
    moved = [
        node._replace(parent=node.parent + 1) if node.parent is not None and node.parent >= at else node
        for node in plan.nodes
    ]
    above = None if at == 0 or choose(3) == 0 else choose(at)
    return replace(plan, nodes=(*moved[:at], other._replace(parent=above), *moved[at:]))


def hang_a_node_elsewhere(plan: Plan, choose: Choose) -> Plan:
    at = choose(len(plan.nodes))
    return _changed(plan, at, parent=None if choose(4) == 0 else choose(len(plan.nodes) + 1) - 1)


def name_another_method(plan: Plan, choose: Choose) -> Plan:
    names: list[Any] = ["m0", "m1", "m2", HOLDS, None]
    return _changed(plan, choose(len(plan.nodes)), method=names[choose(len(names))])


def change_the_arguments(plan: Plan, choose: Choose) -> Plan:
    at = choose(len(plan.nodes))
    task = plan.nodes[at].task
    others: list[Any] = ["a", "b", 0, 1, 2, True, 1.0, (), ["a"]]
    other = others[choose(len(others))]
    if isinstance(task, Multigoal):
        return _changed(plan, at, task=replace(task, wanted=(("lamp", "a", other), *task.wanted[1:])))
    if len(task) == 1 or choose(4) == 0:
        return _changed(plan, at, task=(*task, other) if choose(2) else task[:-1] if len(task) > 2 else (*task, other))
    where = 1 + choose(len(task) - 1)
    return _changed(plan, at, task=(*task[:where], other, *task[where + 1 :]))


def name_another_task(plan: Plan, choose: Choose) -> Plan:
    at = choose(len(plan.nodes))
    tasks = [*[node.task for node in plan.nodes], ("t0",), ("t1",), ("wait",), ("fly",), ("lamp", "a", 1), ("lamp",)]
    return _changed(plan, at, task=tasks[choose(len(tasks))])


def change_a_version(plan: Plan, choose: Choose) -> Plan:
    return _changed(plan, choose(len(plan.nodes)), version="0123")


def ask_for_something_else(plan: Plan, choose: Choose) -> Plan:
    parts = list(plan.tasks)
    what, at = choose(5), choose(len(parts))
    if what == 0:
        del parts[at]
    elif what == 1:
        parts.insert(at, parts[choose(len(parts))])
    elif what == 2:
        parts.reverse()
    elif what == 3:
        parts = [TaskNetwork(tuple(parts), ordered=False)]
    else:
        nodes = plan.nodes
        parts[at] = nodes[choose(len(nodes))].task
    return replace(plan, tasks=tuple(parts))


KINDS: list[Callable[[Plan, Choose], Plan]] = [
    drop_a_node, drop_a_subtree, do_a_node_twice, swap_two_nodes, move_a_node, insert_a_node, hang_a_node_elsewhere,
    name_another_method, change_the_arguments, name_another_task, change_a_version, ask_for_something_else,
]  # fmt: skip


def is_well_formed(nodes: tuple[Decomposition, ...]) -> bool:
    """Say whether every node is below a node before it that is no action."""
    return all(
        node.parent is None or (0 <= node.parent < at and nodes[node.parent].method is not None)
        for at, node in enumerate(nodes)
    )
