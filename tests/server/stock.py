"""A library with something in it: what the routes about operators are asked about."""

from executor.entry import Entry
from tests.executor.operators import operator
from tests.server.running import Running


def stocked(service: Running) -> list[Entry]:
    """Two versions of one operator, the second one current."""
    entries = [operator("settle", f"Settle a bill, {number}.", order="string") for number in ("first", "second")]
    evidence = {"rung": 4, "name": "given examples", "passed": True, "detail": "1 of 1"}
    with service.service.agent() as agent:
        for entry in entries:
            agent.library.admit(entry, "probation", [evidence])
    return entries
