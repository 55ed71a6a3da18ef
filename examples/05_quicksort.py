"""Quicksort as one step of a plan: the middle of a list is found by sorting it, which nobody has written, and a look.

python examples/05_quicksort.py                       with scripted answers, where no language model is at hand
python examples/05_quicksort.py --model ollama:NAME   with a real model
"""

import sys

from examples.stage import answers, show
from htn import Domain, State
from htn.network import Task

NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
sorting = Domain("sorting")
sorting.variable("numbers", NUMBERS, "a list, as it came")
sorting.variable("ordered", NUMBERS, "the same list in rising order")
sorting.variable("middle", "integer", "the middle one of a list in order")
sorting.result("ordered", "middle")
sorting.declare(
    "quicksort",
    {"name": "string"},
    "Sort numbers[name] in rising order by quicksort, without Python's own sorting. Put the list into ordered[name].",
)
sorting.example(
    "quicksort", "few", given={"numbers": {"few": [3, 1, 2, 3, -5]}}, then={"ordered": {"few": [-5, 1, 2, 3, 3]}}
)


@sorting.initial_state
def one_list() -> State:
    """The list to sort."""
    return State(numbers={"marks": [33, 10, 68, 22, 59, 41, 10]}, ordered={}, middle={})


@sorting.operator
def look_at_middle(state: State, name: str) -> State | None:
    """The middle of a list in order is looked up."""
    if name not in state.ordered:
        return None
    state.middle[name] = state.ordered[name][len(state.ordered[name]) // 2]
    return state


@sorting.method("find_middle")
def by_sorting(state: State, name: str) -> list[Task]:
    """Sort, then look at the middle."""
    return [("quicksort", name), ("look_at_middle", name)]


SCRIPT = answers(
    {
        "description": "Sort a list by quicksort.",
        "parameters": [{"name": "name", "type": {"type": "string"}}],
        "reads": [{"name": "values", "from": "numbers[name]", "type": NUMBERS}],
        "outputs": [{"name": "rising", "type": NUMBERS}],
        "preconditions": ["name in numbers"],
        "effects": ["ordered[name] = output.rising"],
        "ensures": ["len(output.rising) == len(values)", "sum(output.rising) == sum(values)"],
    },
    """
    def quicksort(name, values):
        def ordered(part):
            if len(part) < 2:
                return part
            pivot = part[len(part) // 2]
            less = [value for value in part if value < pivot]
            same = [value for value in part if value == pivot]
            more = [value for value in part if value > pivot]
            return ordered(less) + same + ordered(more)

        rising = ordered(values)
        return {"output": {"rising": rising}, "writes": [["ordered", name, rising]]}
    """,
)
COMMANDS = ("htn run examples/05_quicksort.py 'find_middle(marks)'",)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
