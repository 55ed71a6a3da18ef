"""Talk to language models. The only package that imports a model client."""

from executor.model.anthropic import Anthropic
from executor.model.asker import Asker
from executor.model.budget import CallBudget
from executor.model.choose import PROVIDERS, ProviderName, open_model, split_spec
from executor.model.embed import Embedder, OllamaEmbedder, open_embedder
from executor.model.guard import Books, Guard, LeftAlone, digest_of
from executor.model.kept import Answers, KeptAnswers
from executor.model.kinds import KINDS, Kind, kind_of
from executor.model.ollama import Ollama, OllamaSettings
from executor.model.openai import OpenAI
from executor.model.pace import LocalTurns, Pace, Turns
from executor.model.prices import FREE, MILLION, Price, money, price_of, read_price
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
from executor.model.provider import Provider
from executor.model.router import Router
from executor.model.spending import Allowance, Limits, ModelLimit, Spender, Worst

__all__ = [
    "FREE",
    "KINDS",
    "MILLION",
    "PROVIDERS",
    "Allowance",
    "Answer",
    "Answers",
    "Anthropic",
    "Asker",
    "Books",
    "Call",
    "CallBudget",
    "Embedder",
    "Guard",
    "InvalidAnswer",
    "KeptAnswers",
    "Kind",
    "LeftAlone",
    "Limits",
    "LocalTurns",
    "Message",
    "Model",
    "ModelLimit",
    "ModelStatus",
    "Ollama",
    "OllamaEmbedder",
    "OllamaSettings",
    "OpenAI",
    "Pace",
    "Price",
    "Provider",
    "ProviderName",
    "Question",
    "Request",
    "Router",
    "Spender",
    "Turns",
    "Worst",
    "digest_of",
    "kind_of",
    "money",
    "open_embedder",
    "open_model",
    "price_of",
    "read_price",
    "split_spec",
]
