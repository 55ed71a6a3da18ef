"""Talk to language models. The only package that imports a model client."""

from executor.model.anthropic import Anthropic
from executor.model.asker import Asker
from executor.model.budget import CallBudget
from executor.model.choose import PROVIDERS, ProviderName, open_model, split_spec
from executor.model.embed import Embedder, OllamaEmbedder, open_embedder
from executor.model.kept import Answers, KeptAnswers
from executor.model.ollama import Ollama, OllamaSettings
from executor.model.openai import OpenAI
from executor.model.pace import LocalTurns, Pace, Turns
from executor.model.protocol import (
    Answer,
    Call,
    InvalidAnswer,
    Message,
    Model,
    ModelStatus,
    Question,
    Request,
)

__all__ = [
    "PROVIDERS",
    "Answer",
    "Answers",
    "Anthropic",
    "Asker",
    "Call",
    "CallBudget",
    "Embedder",
    "InvalidAnswer",
    "KeptAnswers",
    "LocalTurns",
    "Message",
    "Model",
    "ModelStatus",
    "Ollama",
    "OllamaEmbedder",
    "OllamaSettings",
    "OpenAI",
    "Pace",
    "ProviderName",
    "Question",
    "Request",
    "Turns",
    "open_embedder",
    "open_model",
    "split_spec",
]
