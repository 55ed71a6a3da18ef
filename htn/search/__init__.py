"""One search, with strategies as arguments: from a domain, a state and tasks to a plan, or to why there is none."""

from htn.search.find import find_plan
from htn.search.limits import Limits, SearchEvent

__all__ = ["Limits", "SearchEvent", "find_plan"]
