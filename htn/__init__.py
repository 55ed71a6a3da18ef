"""Hierarchical task network planning: pure functions and values, no input or output.

What a program needs is here: declare a `Domain`, make a `State`, call `find_plan`, look at the `Plan` or the
`Failure`. Contracts, which learned operators are made of, are in `htn.contract`.
"""

from htn.domain import Domain, Example, Method, Operator
from htn.errors import HtnError
from htn.failure import DeadEnd, Failure, Gap
from htn.network import Task, parse_task, show_task
from htn.plan import Action, Plan
from htn.render import svg_tree, text_tree
from htn.search import Limits, SearchEvent, find_plan
from htn.state import State
from htn.unknown import Unknown

__all__ = [
    "Action",
    "DeadEnd",
    "Domain",
    "Example",
    "Failure",
    "Gap",
    "HtnError",
    "Limits",
    "Method",
    "Operator",
    "Plan",
    "SearchEvent",
    "State",
    "Task",
    "Unknown",
    "find_plan",
    "parse_task",
    "show_task",
    "svg_tree",
    "text_tree",
]
