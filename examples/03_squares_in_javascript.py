"""Squares, by a body in JavaScript: it runs in a container with node; the contract and the evidence are as for Python.

python examples/03_squares_in_javascript.py                       with scripted answers
python examples/03_squares_in_javascript.py --model ollama:NAME   with a real model

It needs a Docker engine and the image that `htn sandbox build javascript` makes.
"""

import sys

from examples.stage import answers, show
from htn import Domain, State

squares = Domain("squares")
squares.variable("squares", {"type": "array", "items": {"type": "integer"}}, "the squares of 1 to the key")
squares.result("squares")
squares.declare(
    "squares_up_to",
    {"last": "integer"},
    "Compute the squares of the whole numbers from 1 to `last`. Put the list into squares[last].",
)
squares.example("squares_up_to", 4, given={}, then={"squares": {4: [1, 4, 9, 16]}})


@squares.initial_state
def nothing() -> State:
    """No squares are known."""
    return State(squares={})


SCRIPT = answers(
    {
        "description": "Compute the squares of the numbers up to a last one.",
        "parameters": [{"name": "last", "type": {"type": "integer", "minimum": 1, "maximum": 1000}}],
        "outputs": [{"name": "found", "type": {"type": "array", "items": {"type": "integer", "minimum": 1}}}],
        "effects": ["squares[last] = output.found"],
        "ensures": ["len(output.found) == last"],
    },
    """
    function squares_up_to(last) {
      const found = Array.from({ length: last }, (_, at) => (at + 1) ** 2);
      return { output: { found }, writes: [["squares", last, found]] };
    }
    """,
)
COMMANDS = (
    "htn learn examples/03_squares_in_javascript.py 'squares_up_to(10)' --language javascript",
    "htn run examples/03_squares_in_javascript.py 'squares_up_to(10)'",
)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
