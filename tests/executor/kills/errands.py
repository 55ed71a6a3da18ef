"""A domain whose runs are disturbed: steps of each kind, that leave a trace outside each time they are carried out."""

import os
import time

from htn.delivery import idempotency_key
from htn.domain import Domain
from htn.network import Task
from htn.state import State
from tests.executor.shop import AMOUNTS

# The name of the domain that the library's entry is for.
errands = Domain("shop")
errands.variable("cart", AMOUNTS, "what is in an order, by its prices")
errands.variable("total", "number", "what an order costs")
errands.declare("order_total", {"order": "string"}, "Add up what an order costs.")


def _leave_a_trace(word: str) -> None:
    line = f"{word} {idempotency_key()}\n".encode()
    out = os.open(os.environ["TRACES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(out, line)
    os.close(out)
    time.sleep(0.004)


@errands.operator
def count(state: State, order: str) -> State:
    """Count an order: each one reads what the one before wrote."""
    state.counted["all"] += 1
    state.last["order"] = order
    return state


@errands.operator
def send(state: State, order: str) -> State:
    """Send an order; it may be sent again."""
    state.sent[order] = state.total[order]
    return state


@errands.command("send", delivery="at least once")
def send_out(state: State, order: str) -> State:
    _leave_a_trace("send")
    return send(state, order)


@errands.operator
def charge(state: State, order: str) -> State:
    """Charge an order; nobody may be charged twice."""
    state.charged[order] = True
    return state


@errands.command("charge", delivery="at most once")
def charge_out(state: State, order: str) -> State:
    _leave_a_trace("charge")
    return charge(state, order)


@errands.method("all")
def in_turn(state: State, orders: int) -> list[Task]:
    found: list[Task] = []
    for number in range(orders):
        order = f"order{number}"
        found += [("order_total", order), ("send", order), ("count", order), ("charge", order)]
    return found


@errands.initial_state
def start() -> State:
    cart = {f"order{number}": [float(number), 0.5] for number in range(100)}
    return State(cart=cart, total={}, sent={}, charged={}, counted={"all": 0}, last={"order": ""})
