"""What a use of a learned operator costs beside a hand-written one that runs the same code in the same sandbox.

Both are steps of a plan that the same actor carries out, in turn. The learned one is looked up in the library, held to
its contract before and after, and its use is counted; the hand-written one calls the sandbox and writes the result.
"""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from executor.actor import Actor
from executor.entry import Entry, Provenance, declaration
from executor.library import Library
from executor.sandbox import Program, Sandbox, SandboxLimits
from executor.store import open_store
from htn.contract import Contract
from htn.domain import Domain
from htn.plan import Plan
from htn.search import find_plan
from htn.state import State

_CODE = """def order_total(order, amounts):
    total = sum(amounts)
    return {"output": {"total": total}, "writes": [["total", order, total]]}
"""
_LIMITS = SandboxLimits(seconds=5)


@dataclass(frozen=True)
class Reuse:
    """Milliseconds for a use of each, the 50th percentile, and the model calls of the learned one."""

    uses: int
    learned_ms: float
    written_ms: float
    model_calls: int = 0


def reuse(box: Sandbox, uses: int = 400) -> Reuse:
    """Measure both, one use of each in turn."""
    contract = Contract.from_json({
        "name": "order_total",
        "parameters": [{"name": "order", "type": {"type": "string"}}],
        "reads": [{"name": "amounts", "from": "cart[order]", "type": {"type": "array", "items": {"type": "number"}}}],
        "outputs": [{"name": "total", "type": {"type": "number"}}],
        "preconditions": ["order in cart"],
        "effects": ["total[order] = output.total"],
    })  # fmt: skip
    domain, program = Domain("shop"), Program(_CODE, "order_total")
    domain.declare("order_total", {"order": "string"}, "Add up what an order costs.")

    @domain.operator
    def by_hand(state: State, order: str) -> State | None:
        """The same, written by hand."""
        if order not in state.cart:
            return None
        outcome = box.call(program, {"order": order, "amounts": list(state.cart[order])}, limits=_LIMITS)
        assert isinstance(outcome.value, dict)
        state.total[order] = outcome.value["output"]["total"]
        return state

    provenance = Provenance(task="t", model="m", prompts="p", calls=2, repairs=0, created="2026-01-01", seconds={})
    entry = Entry(
        domain="shop", name="order_total", contract=contract.to_json(), code=_CODE, language="python",
        declared=declaration(domain, "order_total"), examples=[], provenance=provenance,
    )  # fmt: skip
    state = State(cart={f"order {at}": [float(at), 2.5, 3.0] for at in range(uses)}, total={})
    with (
        tempfile.TemporaryDirectory(prefix="htn-") as place,
        open_store(redis_url=None, data_dir=Path(place)) as store,
    ):
        library = Library(store)
        library.admit(entry, "probation", [{"rung": 8, "name": "contract", "passed": True, "trials": 25}])
        known = domain.extended_by(library.usable(domain).operators)
        actor = Actor(known, lambda: library, lambda: box, _LIMITS)
        times: dict[str, list[float]] = {"order_total": [], "by_hand": []}
        for at in range(uses):
            for name, spent in times.items():
                plan = find_plan(known, state, [(name, f"order {at}")])
                assert isinstance(plan, Plan)
                started = perf_counter()
                run = actor.act(plan, state)
                spent.append(1000 * (perf_counter() - started))
                assert run.done
    learned, written = (statistics.median(times[name]) for name in ("order_total", "by_hand"))
    return Reuse(uses, learned, written)
