"""Hierarchical task network planning: pure functions and values, no input or output.

What a program needs is here: declare a `Domain`, make a `State`, call `find_plan`, look at the `Plan` or the
`Failure`. Contracts, which learned operators are made of, are in `htn.contract`.
"""

from htn.acting import Outcome, act
from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain, Example, Method, Operator
from htn.errors import HtnError
from htn.failure import DeadEnd, Failure, Gap
from htn.network import Multigoal, Task, TaskNetwork, parse_task, sequence, show_task, unordered
from htn.plan import Action, Plan, Why
from htn.render import dot_graph, dot_tree, mermaid_graph, mermaid_tree, svg_graph, svg_tree, text_stages, text_tree
from htn.search import Limits, SearchEvent, find_plan
from htn.stage import Stage
from htn.state import State
from htn.unknown import Unknown
from htn.verify import Flaw, verify_plan

__all__ = [
    "Action",
    "DeadEnd",
    "Dependencies",
    "Domain",
    "Example",
    "Failure",
    "Flaw",
    "Gap",
    "HtnError",
    "Limits",
    "Method",
    "Multigoal",
    "Operator",
    "Outcome",
    "Plan",
    "SearchEvent",
    "Stage",
    "State",
    "Task",
    "TaskNetwork",
    "Unknown",
    "Why",
    "act",
    "dependencies_of",
    "dot_graph",
    "dot_tree",
    "find_plan",
    "mermaid_graph",
    "mermaid_tree",
    "parse_task",
    "sequence",
    "show_task",
    "svg_graph",
    "svg_tree",
    "text_stages",
    "text_tree",
    "unordered",
    "verify_plan",
]
