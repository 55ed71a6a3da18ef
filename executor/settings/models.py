"""Settings of language models: which, where, with which key, how much they may be asked."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field, SecretStr

from executor.model import ProviderName, split_spec
from executor.settings.names import Group, names
from executor.store import ResultLimits
from htn.errors import UsageError


@dataclass(frozen=True)
class ModelPlace:
    """Which model is asked, as "provider:name", where its server is, and the key for it."""

    spec: str
    provider: ProviderName
    endpoint: str
    key: str | None = field(repr=False)


class ModelSettings(Group):
    """Which models are asked, where, and how often."""

    model: str = Field(
        "ollama:qwen2.5-coder:7b",
        validation_alias=names("model", "LLM_MODEL"),
        description="the language model that writes operators: ollama:NAME, openai:NAME, anthropic:NAME",
    )
    llm_provider: Literal["local", "ollama", "openai", "anthropic"] = Field(
        "ollama",
        validation_alias=names("llm_provider", "LLM_PROVIDER"),
        description="who runs the model where its name does not say: ollama (or local, the same), openai (any server"
        " with OpenAI's protocol), anthropic",
    )
    llm_api_key: SecretStr | None = Field(
        None,
        validation_alias=names("llm_api_key", "LLM_API_KEY"),
        description="the key that is sent to the model's server, whoever runs it",
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=names("openai_api_key", "OPENAI_API_KEY"),
        description="the key for openai_endpoint, where llm_api_key is none",
    )  # fmt: skip
    anthropic_api_key: SecretStr | None = Field(
        None, validation_alias=names("anthropic_api_key", "ANTHROPIC_API_KEY"),
        description="the key for anthropic_endpoint, where llm_api_key is none",
    )  # fmt: skip
    openai_endpoint: str = Field(
        "https://api.openai.com/v1", validation_alias=names("openai_endpoint", "OPENAI_BASE_URL"),
        description="where the server with OpenAI's protocol listens",
    )  # fmt: skip
    anthropic_endpoint: str = Field(
        "https://api.anthropic.com", validation_alias=names("anthropic_endpoint", "ANTHROPIC_BASE_URL"),
        description="where the server with Anthropic's protocol listens",
    )  # fmt: skip
    ollama_endpoint: str = Field(
        "localhost:11434",
        validation_alias=names("ollama_endpoint", "OLLAMA_ENDPOINT"),
        description="where the Ollama server listens",
    )
    more_models: str = Field(
        "", validation_alias=names("more_models"),
        description="further models, with commas between, that are asked in turn for bodies and for tests: two that"
        " agree are worth more than one that agrees with itself",
    )  # fmt: skip
    embedding_model: str | None = Field(
        None, validation_alias=names("embedding_model"),
        description="the model of the Ollama server that finds similar operators by meaning; by default words decide",
    )  # fmt: skip
    model_timeout: float = Field(
        300,
        gt=0,
        le=86_400,
        validation_alias=names("model_timeout"),
        description="seconds for one call of the model",
    )
    num_ctx: int = Field(
        16_384, ge=1024, le=1_048_576, validation_alias=names("num_ctx"),
        description="tokens of prompt and answer together (Ollama)",
    )  # fmt: skip
    answer_tokens: int = Field(
        8192, ge=256, le=1_048_576, validation_alias=names("answer_tokens"),
        description="the most tokens of an answer (Anthropic; the others where tokens or money are limited)",
    )  # fmt: skip
    model_parallel: int = Field(
        2, ge=1, le=64, validation_alias=names("model_parallel"),
        description="independent questions that are put to the model at once",
    )  # fmt: skip
    requests_per_minute: int = Field(
        0, ge=0, le=100_000, validation_alias=names("requests_per_minute"),
        description="the most requests to the model in a minute, of all processes with the same library; 0: no limit",
    )  # fmt: skip
    answer_cache: bool = Field(
        True, validation_alias=names("answer_cache"),
        description="whether an equal question to the model is answered from what it said before",
    )  # fmt: skip
    answer_hours: float = Field(
        168, gt=0, le=876_000, validation_alias=names("answer_hours"),
        description="how long an answer of the model is kept",
    )  # fmt: skip
    max_calls: int = Field(
        8, ge=0, le=10_000, validation_alias=names("max_calls"), description="calls of the model for one command"
    )

    @property
    def answer_limits(self) -> ResultLimits:
        """How many answers of the model are kept, and for how long."""
        return ResultLimits(hours=self.answer_hours)

    @property
    def model_place(self) -> ModelPlace:
        """Which model is asked, and where. UsageError where another provider is set, and no model of it."""
        default = "ollama" if self.llm_provider == "local" else self.llm_provider
        if default != "ollama" and "model" not in self.model_fields_set:
            raise UsageError(
                f"the provider of the model is {default}, and no model is named",
                hints=(f"name one: --model {default}:NAME, or LLM_MODEL", "or unset LLM_PROVIDER"),
            )
        return self._place(self.model, default)

    @property
    def more_places(self) -> tuple[ModelPlace, ...]:
        """Which further models are asked, and where."""
        default = "ollama" if self.llm_provider == "local" else self.llm_provider
        return tuple(self._place(spec.strip(), default) for spec in self.more_models.split(",") if spec.strip())

    def place(self, spec: str) -> ModelPlace:
        """Return where a model is, "provider:name" or "name" of the provider that is set."""
        default: ProviderName = "ollama" if self.llm_provider == "local" else self.llm_provider
        return self._place(spec.strip(), default)

    def _place(self, spec: str, default: ProviderName) -> ModelPlace:
        provider, name = split_spec(spec, default)
        endpoint = {
            "ollama": self.ollama_endpoint, "openai": self.openai_endpoint, "anthropic": self.anthropic_endpoint,
        }[provider]  # fmt: skip
        own = {"ollama": None, "openai": self.openai_api_key, "anthropic": self.anthropic_api_key}[provider]
        key = self.llm_api_key or own
        return ModelPlace(f"{provider}:{name}", provider, endpoint, key.get_secret_value() if key else None)

    @property
    def embedding_place(self) -> ModelPlace | None:
        """Which model makes vectors, and where. The key goes along only where it is for the Ollama server."""
        if self.embedding_model is None:
            return None
        asked = self.model_place
        key = asked.key if asked.provider == "ollama" else None
        return ModelPlace(self.embedding_model, "ollama", self.ollama_endpoint, key)
