"""Fibonacci numbers: what was learned for one number serves for others, without a model.

python examples/02_fibonacci.py                       with scripted answers, where no language model is at hand
python examples/02_fibonacci.py --model ollama:NAME   with a real model
"""

import sys

from examples.stage import answers, show
from htn import Domain, State

fibonacci = Domain("fibonacci")
fibonacci.variable("sequence", {"type": "array", "items": {"type": "integer"}}, "the key is how many numbers")
fibonacci.result("sequence")
fibonacci.declare(
    "fibonacci_sequence",
    {"count": "integer"},
    "Compute the first `count` Fibonacci numbers; they begin with 0 and 1. Put the list into sequence[count].",
)
fibonacci.example("fibonacci_sequence", 1, given={}, then={"sequence": {1: [0]}})
fibonacci.example("fibonacci_sequence", 7, given={}, then={"sequence": {7: [0, 1, 1, 2, 3, 5, 8]}})


@fibonacci.initial_state
def nothing() -> State:
    """No numbers are known."""
    return State(sequence={})


SCRIPT = answers(
    {
        "description": "Compute the first Fibonacci numbers.",
        "parameters": [{"name": "count", "type": {"type": "integer", "minimum": 1, "maximum": 90}}],
        "outputs": [{"name": "numbers", "type": {"type": "array", "items": {"type": "integer", "minimum": 0}}}],
        "effects": ["sequence[count] = output.numbers"],
        "ensures": ["len(output.numbers) == count"],
    },
    """
    def fibonacci_sequence(count):
        numbers, one, other = [], 0, 1
        for _ in range(count):
            numbers.append(one)
            one, other = other, one + other
        return {"output": {"numbers": numbers}, "writes": [["sequence", count, numbers]]}
    """,
)
COMMANDS = (
    "htn run examples/02_fibonacci.py 'fibonacci_sequence(15)'",
    "htn run examples/02_fibonacci.py 'fibonacci_sequence(30)' --learn never",
)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
