"""A factorial with a bug: an example catches it, the counterexample goes back to the model, the repaired body is kept.

python examples/04_factorial_repaired.py                       with scripted answers, the first one wrong on purpose
python examples/04_factorial_repaired.py --model ollama:NAME   with a real model, which may be right at once
"""

import sys

from examples.stage import answers, show
from htn import Domain, State

factorial = Domain("factorial")
factorial.variable("factorial", "integer", "the factorial of the key")
factorial.result("factorial")
factorial.declare(
    "compute_factorial",
    {"number": "integer"},
    "Compute the factorial of a number: the product of all whole numbers from 1 to it. Put it into factorial[number].",
)
factorial.example("compute_factorial", 0, given={}, then={"factorial": {0: 1}})
factorial.example("compute_factorial", 5, given={}, then={"factorial": {5: 120}})


@factorial.initial_state
def nothing() -> State:
    """No factorial is known."""
    return State(factorial={})


SCRIPT = answers(
    {
        "description": "Compute the factorial of a number.",
        "parameters": [{"name": "number", "type": {"type": "integer", "minimum": 0, "maximum": 100}}],
        "outputs": [{"name": "product", "type": {"type": "integer", "minimum": 1}}],
        "effects": ["factorial[number] = output.product"],
    },
    """
    def compute_factorial(number):
        product = 1
        for factor in range(1, number):
            product *= factor
        return {"output": {"product": product}, "writes": [["factorial", number, product]]}
    """,
    """
    def compute_factorial(number):
        product = 1
        for factor in range(1, number + 1):
            product *= factor
        return {"output": {"product": product}, "writes": [["factorial", number, product]]}
    """,
)
COMMANDS = ("htn run examples/04_factorial_repaired.py 'compute_factorial(20)'",)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
