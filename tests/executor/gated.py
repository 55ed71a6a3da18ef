"""Models behind guards, on a real store, for the tests of guards, routers and states."""

from typing import Any, Literal

from pydantic import BaseModel

from executor.model import (
    FREE,
    Allowance,
    Answer,
    Asker,
    Books,
    CallBudget,
    Guard,
    Message,
    Model,
    Provider,
    Spender,
    open_model,
)
from executor.store import BreakerTimes, Store


class Sum(BaseModel):
    total: int
    kind: Literal["small", "large"] = "small"


QUESTION = (Message("system", "You add."), Message("user", "What is 2 + 2?"))
RIGHT: dict[str, Any] = {"json": {"total": 4, "kind": "small"}}
WRONG: dict[str, Any] = {"json": {"total": "four"}}
BROKEN: dict[str, Any] = {"behave": "error500"}
NOBODY = "127.0.0.1:9"


def says(*replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a script that gives these replies, the last one again and again."""
    return {"answers": [{"replies": list(replies)}], **more}


def gated(
    store: Store,
    endpoint: str,
    *,
    provider: str = "ollama",
    name: str = "scripted",
    allowance: Allowance | None = None,
    times: BreakerTimes | None = None,
    timeout: float = 20.0,
    run: str = "nightly-17",
    budget: CallBudget | None = None,
    **guarded: Any,
) -> Asker:
    """Return a model of the stand-in with a guard whose books are in the store."""
    spec = f"{provider}:{name}"
    allowed = allowance or Allowance()

    def guard(made: Provider) -> Guard:
        given: dict[str, Any] = {"price": FREE, "spender": lambda: Spender(run, resumes=True), **guarded}
        books = Books(store.budgets(), store.breakers(times), store.tallies())
        return Guard(spec, made.url, lambda: books, timeout, allowance=allowed, **given)

    return open_model(
        spec,
        endpoint=f"{endpoint}/v1" if provider == "openai" else endpoint,
        api_key=None,
        timeout=timeout,
        num_ctx=4096,
        max_calls=50,
        answer_tokens=256,
        budget=budget,
        guard=guard,
        bounded=allowed.bounded,
    )


def ask(model: Model, purpose: str = "a sum", **more: Any) -> Answer[Sum]:
    return model.ask(QUESTION, Sum, purpose=purpose, **more)
