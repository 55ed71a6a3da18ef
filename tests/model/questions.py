"""What the tests of all providers ask, and the models that they ask."""

from typing import Any, Literal

from pydantic import BaseModel

from executor.model import Asker, Message, open_model

PROVIDERS = ("ollama", "openai", "anthropic")


class Sum(BaseModel):
    total: int
    kind: Literal["small", "large"] = "small"


QUESTION = (Message("system", "You add."), Message("user", "What is 2 + 2?"))
RIGHT: dict[str, Any] = {"json": {"total": 4, "kind": "small"}}
WRONG: dict[str, Any] = {"json": {"total": "four"}}


def script(*replies: dict[str, Any]) -> dict[str, Any]:
    """Return a script that gives these replies, whatever is asked."""
    return {"answers": [{"replies": list(replies)}]}


def model_of(provider: str, endpoint: str, **settings: Any) -> Asker:
    """Return the scripted model as this provider offers it."""
    given: dict[str, Any] = {"api_key": None, "timeout": 20.0, "num_ctx": 4096, "max_calls": 8}
    base = f"{endpoint}/v1" if provider == "openai" else endpoint
    name = settings.pop("name", "scripted")
    return open_model(f"{provider}:{name}", endpoint=base, **(given | settings))
