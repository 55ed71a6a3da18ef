"""The names that GTPyhop and Pyhop domains import: `import htn.gtpyhop as gtpyhop`.

A program that was written for GTPyhop (Nau, 2021; 2.0) runs with this line changed and nothing else. The search is
this project's: complete, without recursion, on a journaled state; so some answers differ.

- The three strategies are one search, which goes back to other methods; GTPyhop's default does not, and says that
  there is no plan where there is one. "iterative_irrevocable_commitment" asks for that by name.
- A goal method that misses its goal is a dead end; GTPyhop raises.
- A name that nobody declared ends the search only when no plan avoids it; GTPyhop raises when it comes by.
- A task that comes again in the same state is given up; GTPyhop goes round for ever.
- `timeout_ms` and `max_expansions` hold as written, in any thread.
- Sessions run commands, and see nothing of each other.
- An action that returns what is neither a state nor None or False raises DomainError; so does a method that changes
  the state.

Not here: saving sessions to files, log handlers, and memory tracking.
"""

import sys
from types import ModuleType

from htn.gtpyhop.domain import (
    Domain,
    declare_actions,
    declare_commands,
    declare_methods,
    declare_multigoal_methods,
    declare_operators,
    declare_task_methods,
    declare_unigoal_methods,
    find_domain_by_name,
    get_current_domain,
    is_domain_created,
    print_actions,
    print_commands,
    print_domain,
    print_domain_names,
    print_methods,
    print_operators,
    set_current_domain,
)
from htn.gtpyhop.planning import find_plan, m_split_multigoal, pyhop, run_lazy_lookahead, validate_plan_from_goal
from htn.gtpyhop.session import (
    ExecutionResult,
    PlannerSession,
    PlanningTimeoutError,
    PlanResult,
    ResourceManager,
    create_session,
    destroy_session,
    get_session,
    list_sessions,
)
from htn.gtpyhop.settings import (
    current,
    get_keep_idle_actions,
    get_recursive_planning,
    get_verbose_level,
    get_verify_goals,
    level,
    reset_planning_strategy,
    set_keep_idle_actions,
    set_recursive_planning,
    set_verbose_level,
    set_verify_goals,
)
from htn.gtpyhop.things import Multigoal, State, get_type, print_state
from htn.gtpyhop.trace import PlanTrace, TraceEvent

# The release whose names these are.
__version__ = "2.0.2"

Goal = Multigoal
print_multigoal = print_state
current_domain: Domain | None
verbose: int


class _Module(ModuleType):
    """This module: `current_domain` and `verbose` are what holds here, and can be assigned."""

    @property
    def current_domain(self) -> Domain | None:
        """The domain that declarations and plans are about."""
        return current().domain

    @current_domain.setter
    def current_domain(self, domain: Domain | None) -> None:
        current().domain = domain

    @property
    def verbose(self) -> int:
        """How much is printed, 0 to 3."""
        return current().verbose

    @verbose.setter
    def verbose(self, value: int) -> None:
        current().verbose = level(value)


sys.modules[__name__].__class__ = _Module

__all__ = [
    "Domain",
    "ExecutionResult",
    "Goal",
    "Multigoal",
    "PlanResult",
    "PlanTrace",
    "PlannerSession",
    "PlanningTimeoutError",
    "ResourceManager",
    "State",
    "TraceEvent",
    "create_session",
    "current_domain",
    "declare_actions",
    "declare_commands",
    "declare_methods",
    "declare_multigoal_methods",
    "declare_operators",
    "declare_task_methods",
    "declare_unigoal_methods",
    "destroy_session",
    "find_domain_by_name",
    "find_plan",
    "get_current_domain",
    "get_keep_idle_actions",
    "get_recursive_planning",
    "get_session",
    "get_type",
    "get_verbose_level",
    "get_verify_goals",
    "is_domain_created",
    "list_sessions",
    "m_split_multigoal",
    "print_actions",
    "print_commands",
    "print_domain",
    "print_domain_names",
    "print_methods",
    "print_multigoal",
    "print_operators",
    "print_state",
    "pyhop",
    "reset_planning_strategy",
    "run_lazy_lookahead",
    "set_current_domain",
    "set_keep_idle_actions",
    "set_recursive_planning",
    "set_verbose_level",
    "set_verify_goals",
    "validate_plan_from_goal",
    "verbose",
]
