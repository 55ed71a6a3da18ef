"""The search in its plainest form: recursion, and a deep copy of everything for each step.

It is slow and cannot plan deeply; it is here to say what `find_plan` has to give. States are plain namespaces of
dicts, so that nothing of the journal takes part.
"""

import copy
import inspect
from types import SimpleNamespace
from typing import Any

from htn.domain import Domain
from htn.network import Task


def seek_plan(domain: Domain, state: SimpleNamespace, tasks: tuple[Task, ...]) -> list[Task] | None:
    """Return the actions of the first plan in the order of the methods, or None when there is no plan."""
    if not tasks:
        return []
    task, rest = tasks[0], tasks[1:]
    operator = domain.operators.get(task[0])
    if operator is not None and operator.apply is not None:
        after = operator.apply(copy.deepcopy(state), *task[1:])
        later = seek_plan(domain, after, rest) if after else None
        return None if later is None else [task, *later]
    for method in domain.methods.get(task[0], ()):
        produced: Any = method.decompose(copy.deepcopy(state), *task[1:])
        alternatives: list[Any] = list(produced) if inspect.isgenerator(produced) else [produced]
        for subtasks in alternatives:
            if subtasks is None or subtasks is False:
                continue
            found = seek_plan(domain, state, (*subtasks, *rest))
            if found is not None:
                return found
    return None
