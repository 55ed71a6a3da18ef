"""The first prime numbers: a task with one example, a gap, a body that is held to the example.

python examples/01_primes.py                       with scripted answers, where no language model is at hand
python examples/01_primes.py --model ollama:NAME   with a real model
"""

import sys

from examples.stage import answers, show
from htn import Domain, State

primes = Domain("primes")
primes.variable("primes", {"type": "array", "items": {"type": "integer"}}, "the first primes; the key is how many")
primes.result("primes")
primes.declare(
    "first_primes",
    {"count": "integer"},
    "Find the first prime numbers, `count` of them, in rising order. Put the list into primes[count].",
)
primes.example("first_primes", 5, given={}, then={"primes": {5: [2, 3, 5, 7, 11]}})


@primes.initial_state
def nothing() -> State:
    """No primes are known."""
    return State(primes={})


SCRIPT = answers(
    {
        "description": "Find the first prime numbers.",
        "parameters": [{"name": "count", "type": {"type": "integer", "minimum": 1, "maximum": 200}}],
        "outputs": [{"name": "found", "type": {"type": "array", "items": {"type": "integer", "minimum": 2}}}],
        "effects": ["primes[count] = output.found"],
        "ensures": ["len(output.found) == count"],
    },
    """
    def first_primes(count):
        found, number = [], 2
        while len(found) < count:
            if all(number % prime for prime in found):
                found.append(number)
            number += 1
        return {"output": {"found": found}, "writes": [["primes", count, found]]}
    """,
)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, ["htn run examples/01_primes.py 'first_primes(10)'"]))
