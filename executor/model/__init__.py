"""Talk to language models. The only package that imports a model client."""

from executor.model.budget import CallBudget
from executor.model.ollama import Ollama, OllamaSettings
from executor.model.protocol import (
    Answer,
    Call,
    InvalidAnswer,
    Message,
    Model,
    ModelStatus,
    Request,
)
from htn.errors import UsageError

__all__ = [
    "Answer",
    "Call",
    "CallBudget",
    "InvalidAnswer",
    "Message",
    "Model",
    "ModelStatus",
    "Ollama",
    "OllamaSettings",
    "Request",
    "open_model",
]


def open_model(
    spec: str,
    *,
    endpoint: str,
    api_key: str | None,
    timeout: float,
    num_ctx: int,
    max_calls: int,
    budget: CallBudget | None = None,
) -> Model:
    """Return the model that `spec` names, as "ollama:NAME" or "NAME"; nothing is sent yet.

    `timeout` bounds one call in seconds, `num_ctx` its prompt and answer in tokens, `max_calls`
    all calls together. A `budget` that is shared with others takes the place of `max_calls`.
    """
    provider, colon, name = spec.partition(":")
    if provider in ("openai", "anthropic") and colon:
        raise UsageError(
            f"this version cannot ask a model of {provider}: only Ollama is supported",
            hints=("name a model of an Ollama server: ollama:NAME",),
        )
    if provider != "ollama" or not colon:
        # Ollama's own names have a colon too: "qwen3:8b" is a name and no provider.
        name = spec
    if not name:
        raise UsageError("no model is named", hints=("write it as ollama:NAME",))
    return Ollama(
        name,
        endpoint=endpoint,
        api_key=api_key,
        timeout=timeout,
        settings=OllamaSettings(num_ctx=num_ctx),
        budget=budget or CallBudget(max_calls),
    )
