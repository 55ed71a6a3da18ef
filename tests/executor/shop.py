"""A small domain with a gap, a contract that closes it, and bodies that do and do not keep it."""

from textwrap import dedent
from typing import Any

from executor.check import Candidate
from htn.contract import Contract
from htn.domain import Domain
from htn.failure import Gap
from htn.network import Task
from htn.state import State

AMOUNTS = {"type": "array", "items": {"type": "number"}, "minItems": 1}

# Nothing but the user's example says what a total is.
TOTAL: dict[str, Any] = {
    "description": "Add up what an order costs.",
    "parameters": [{"name": "order", "type": {"type": "string"}}],
    "reads": [{"name": "amounts", "from": "cart[order]", "type": AMOUNTS}],
    "outputs": [{"name": "total", "type": {"type": "number"}}],
    "preconditions": ["order in cart"],
    "effects": ["total[order] = output.total"],
    "ensures": [],
}
RETURN = 'return {"output": {"total": total}, "writes": [["total", order, total]]}'
RIGHT = f"def order_total(order, amounts):\n    total = sum(amounts)\n    {RETURN}\n"
LARGEST = f"def order_total(order, amounts):\n    total = max(amounts)\n    {RETURN}\n"
FIRST = f"def order_total(order, amounts):\n    total = amounts[0]\n    {RETURN}\n"
LAST = f"def order_total(order, amounts):\n    total = amounts[-1]\n    {RETURN}\n"


def total_is(expression: str, *, before: str = "") -> str:
    """A body whose total is an expression."""
    return f"{dedent(before)}def order_total(order, amounts):\n    total = {expression}\n    {RETURN}\n"


def contract(name: str = "order_total", /, **parts: Any) -> Contract:
    """The contract above with other parts."""
    return Contract.from_json({**TOTAL, **parts, "name": name})


def bare(name: str = "f", **parts: Any) -> Contract:
    """A contract with these parts and no others."""
    return Contract.from_json({"name": name, **parts})


def candidate(code: str, **parts: Any) -> Candidate:
    return Candidate(contract(**parts), dedent(code))


def shop(*, example: bool = True, promised: Contract | None = None) -> Domain:
    """Checking out takes the total, which nobody has written, and then the payment."""
    domain = Domain("shop")
    domain.variable("cart", AMOUNTS, "what is in an order, by its prices")
    domain.variable("total", "number", "what an order costs")
    domain.variable("paid", "boolean", "whether an order is paid")
    domain.declare("order_total", {"order": "string"}, "Add up what an order costs.", promised)
    if example:
        domain.example(
            "order_total", "books", given={"cart": {"books": [2.0, 5.0, 3.0]}}, then={"total": {"books": 10.0}}
        )

    @domain.initial_state
    def start() -> State:
        return State(cart={"tea": [4.0, 4.0, 1.5], "soap": [3.0]}, total={}, paid={})

    @domain.operator
    def pay(state: State, order: str) -> State | None:
        """The order is paid."""
        if order not in state.total:
            return None
        state.paid[order] = True
        return state

    @domain.method("check_out")
    def total_then_pay(state: State, order: str) -> list[Task]:
        return [("order_total", order), ("pay", order)]

    return domain


def state_of(domain: Domain) -> State:
    assert domain.make_state is not None
    return domain.make_state()


def gap_in(domain: Domain, task: Task = ("order_total", "tea")) -> Gap:
    """The gap as a plan meets it, in the state in which the domain starts."""
    return Gap(task, (), state_of(domain), declared=True, remaining=1)


def says(**parts: Any) -> dict[str, Any]:
    """A scripted answer: a contract."""
    return {"json": {**TOTAL, **parts}}


def writes(code: str) -> dict[str, Any]:
    """A scripted answer: a body."""
    return {"json": {"code": code, "explanation": ""}}
