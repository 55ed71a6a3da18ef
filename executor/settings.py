"""Settings: by flag, by environment, by file, in this order; then the default.

The file is TOML: the one that HTN_CONFIG names, else `htn.toml` in the working directory, else
`~/.config/htn/config.toml`. Its keys are the names of the fields below. In the environment a field is called
HTN_ and its name; where other names are in use for the same thing they are understood as well.

Those names may be meant for other programs. So a command names the settings that it uses, and a value that cannot be
used for another one does not stop it.
"""

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from executor.model import ProviderName, split_spec
from executor.sandbox import (
    LANGUAGE_NAMES,
    Fence,
    LanguageSettings,
    PackageSettings,
    PoolSettings,
    Profile,
    SandboxLimits,
    check_kind,
    language_named,
)
from executor.store import ResultLimits
from executor.store.address import read_address
from executor.validate import FUZZED, ORDER, Thresholds, ladder_of
from htn.errors import UsageError, did_you_mean

_MEMORY = re.compile(r"(\d+)\s*([kmg]?)b?\Z", re.IGNORECASE)
_HERE = Path("htn.toml")
# What a settings file may lead elsewhere: to another server, or another model.
_LEADING = (
    "redis_url", "more_models", "ollama_endpoint", "openai_endpoint", "anthropic_endpoint", "model", "llm_provider",
    "embedding_model",
)  # fmt: skip
LIBRARY = frozenset({"redis_url", "data_dir"})
CACHE = LIBRARY | {"cache_entries", "cache_limit", "cache_hours", "answer_hours"}
SANDBOX = frozenset(
    {"sandbox", "image", "images", "docker_timeout", "memory_limit", "execution_timeout", "runtime", "seccomp"}
)
PLANNING = LIBRARY | {"max_expansions", "max_seconds", "strategy", "evaluate", "max_evaluations"}
_MEGABYTES = {"": 1 / 2**20, "k": 1 / 1024, "m": 1, "g": 1024}


def _names(field: str, *others: str) -> AliasChoices:
    return AliasChoices(f"HTN_{field.upper()}", *others)


def _default_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "htn"


@dataclass(frozen=True)
class ModelPlace:
    """Which model is asked, as "provider:name", where its server is, and the key for it."""

    spec: str
    provider: ProviderName
    endpoint: str
    key: str | None = field(repr=False)


class Settings(BaseSettings):
    """All settings. `Settings.load(...)` reads them; a value that cannot be used is a UsageError."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True, case_sensitive=True
    )

    redis_url: str | None = Field(
        None,
        validation_alias=_names("redis_url", "REDIS_URL"),
        description="the Redis server, host:port or redis://…; without one, an embedded server is started",
    )
    data_dir: Path = Field(
        default_factory=_default_data,
        validation_alias=_names("data_dir"),
        description="the folder of the embedded server",
    )
    model: str = Field(
        "ollama:qwen2.5-coder:7b",
        validation_alias=_names("model", "LLM_MODEL"),
        description="the language model that writes operators: ollama:NAME, openai:NAME, anthropic:NAME",
    )
    llm_provider: Literal["local", "ollama", "openai", "anthropic"] = Field(
        "ollama",
        validation_alias=_names("llm_provider", "LLM_PROVIDER"),
        description="who runs the model where its name does not say: ollama (or local, the same), openai (any server"
        " with OpenAI's protocol), anthropic",
    )
    llm_api_key: SecretStr | None = Field(
        None,
        validation_alias=_names("llm_api_key", "LLM_API_KEY"),
        description="the key that is sent to the model's server, whoever runs it",
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=_names("openai_api_key", "OPENAI_API_KEY"),
        description="the key for openai_endpoint, where llm_api_key is none",
    )  # fmt: skip
    anthropic_api_key: SecretStr | None = Field(
        None, validation_alias=_names("anthropic_api_key", "ANTHROPIC_API_KEY"),
        description="the key for anthropic_endpoint, where llm_api_key is none",
    )  # fmt: skip
    ollama_endpoint: str = Field(
        "localhost:11434",
        validation_alias=_names("ollama_endpoint", "OLLAMA_ENDPOINT"),
        description="where the Ollama server listens",
    )
    openai_endpoint: str = Field(
        "https://api.openai.com/v1", validation_alias=_names("openai_endpoint", "OPENAI_BASE_URL"),
        description="where the server with OpenAI's protocol listens",
    )  # fmt: skip
    anthropic_endpoint: str = Field(
        "https://api.anthropic.com", validation_alias=_names("anthropic_endpoint", "ANTHROPIC_BASE_URL"),
        description="where the server with Anthropic's protocol listens",
    )  # fmt: skip
    embedding_model: str | None = Field(
        None, validation_alias=_names("embedding_model"),
        description="the model of the Ollama server that finds similar operators by meaning; by default words decide",
    )  # fmt: skip
    model_timeout: float = Field(
        300,
        gt=0,
        le=86_400,
        validation_alias=_names("model_timeout"),
        description="seconds for one call of the model",
    )
    num_ctx: int = Field(
        16_384, ge=1024, le=1_048_576, validation_alias=_names("num_ctx"),
        description="tokens of prompt and answer together (Ollama)",
    )  # fmt: skip
    answer_tokens: int = Field(
        8192, ge=256, le=1_048_576, validation_alias=_names("answer_tokens"),
        description="the most tokens of an answer (Anthropic)",
    )  # fmt: skip
    model_parallel: int = Field(
        2, ge=1, le=64, validation_alias=_names("model_parallel"),
        description="independent questions that are put to the model at once",
    )  # fmt: skip
    requests_per_minute: int = Field(
        0, ge=0, le=100_000, validation_alias=_names("requests_per_minute"),
        description="the most requests to the model in a minute, of all processes with the same library; 0: no limit",
    )  # fmt: skip
    answer_cache: bool = Field(
        True, validation_alias=_names("answer_cache"),
        description="whether an equal question to the model is answered from what it said before",
    )  # fmt: skip
    answer_hours: float = Field(
        168, gt=0, le=876_000, validation_alias=_names("answer_hours"),
        description="how long an answer of the model is kept",
    )  # fmt: skip
    max_calls: int = Field(
        8, ge=0, le=10_000, validation_alias=_names("max_calls"), description="calls of the model for one command"
    )
    max_retries: int = Field(
        3, ge=1, le=20, validation_alias=_names("max_retries", "MAX_RETRIES", "CODE_GEN_MAX_ATTEMPTS"),
        description="bodies that are tried for one gap: the first and its repairs",
    )  # fmt: skip
    promote_after: int = Field(
        20, ge=1, le=10_000, validation_alias=_names("promote_after"),
        description="clean uses with different inputs after which an operator on probation is trusted",
    )  # fmt: skip
    step_retries: int = Field(
        3, ge=0, le=100, validation_alias=_names("step_retries"),
        description="how often a step that failed for a reason that may pass is tried again",
    )  # fmt: skip
    learn: Literal["auto", "ask", "never"] = Field(
        "auto", validation_alias=_names("learn"),
        description="whether gaps are closed by asking the model: auto, never, or ask: a person approves each entry",
    )  # fmt: skip
    more_models: str = Field(
        "", validation_alias=_names("more_models"),
        description="further models, with commas between, that are asked in turn for bodies and for tests: two that"
        " agree are worth more than one that agrees with itself",
    )  # fmt: skip
    language: str = Field(
        "auto", validation_alias=_names("language"),
        description="the language that bodies are written in; auto: what the description asks for, else python",
    )  # fmt: skip
    depth: Literal["probation", "trusted"] = Field(
        "probation", validation_alias=_names("depth"),
        description="how much evidence is bought at once: what plans need, or what makes an operator trusted",
    )  # fmt: skip
    samples: int = Field(
        3, ge=2, le=9, validation_alias=_names("samples"),
        description="independent bodies that are compared before an operator is trusted",
    )  # fmt: skip
    most_samples: int = Field(
        5, ge=2, le=9, validation_alias=_names("most_samples"),
        description="bodies and suites that are asked for at most where fewer do not decide",
    )  # fmt: skip
    suites: int = Field(
        3, ge=0, le=9, validation_alias=_names("suites"),
        description="suites of tests by writers that see no code; 0: none is asked for",
    )  # fmt: skip
    fuzz: int = Field(
        FUZZED, ge=1, le=10_000, validation_alias=_names("fuzz"),
        description="further inputs on which bodies that pass the same tests are compared",
    )  # fmt: skip
    ladder: str = Field(
        ORDER, validation_alias=_names("ladder"),
        description="the order in which the rungs of the ladder are climbed, 0 and 1 first",
    )  # fmt: skip
    agree_writers: int = Field(
        2, ge=2, le=9, validation_alias=_names("agree_writers"),
        description="writers of tests who have to assert a value for it to count",
    )  # fmt: skip
    agree_share: float = Field(
        0.5, ge=0.5, le=1, validation_alias=_names("agree_share"),
        description="the part of all bodies that has to behave alike",
    )  # fmt: skip
    agree_models: int = Field(
        2, ge=1, le=9, validation_alias=_names("agree_models"),
        description="models, the user counting as one, that have to stand behind an operator before it is trusted",
    )  # fmt: skip
    sandbox: str = Field(
        "auto",
        validation_alias=_names("sandbox"),
        description="where bodies run: auto (docker where an engine answers), docker, lockdown, wasm, "
        "local (no sandbox), or the name of one that is installed",
    )
    sandbox_profile: Profile = Field(
        "strict",
        validation_alias=_names("sandbox_profile"),
        description="strict: bodies compute; wide: they may also use asyncio and tempfile",
    )
    image: str | None = Field(
        None, validation_alias=_names("image"),
        description="the container image, by reference or digest; by default built from this machine's Python",
    )  # fmt: skip
    images: dict[str, str] = Field(
        default_factory=dict, validation_alias=_names("images"),
        description="the container image of a language other than Python, by reference or digest: a table of"
        " language = reference, as JSON in the environment; the others are built by htn sandbox build",
    )  # fmt: skip
    docker_timeout: float = Field(
        30, gt=0, le=3600, validation_alias=_names("docker_timeout", "DOCKER_TIMEOUT"),
        description="seconds for one request to the Docker engine",
    )  # fmt: skip
    runtime: str | None = Field(
        None, validation_alias=_names("runtime"),
        description="the engine's runtime for containers, such as runsc or kata; by default the engine's own choice",
    )  # fmt: skip
    seccomp: Literal["own", "engine"] = Field(
        "own", validation_alias=_names("seccomp"),
        description="the system call profile of containers: our own, or the engine's default, which allows more",
    )  # fmt: skip
    pool_size: int = Field(
        0, ge=0, le=256, validation_alias=_names("pool_size"),
        description="bodies that may run at once; 0: one for each processor",
    )  # fmt: skip
    pool_idle_seconds: float = Field(
        300, ge=0.1, le=86_400, validation_alias=_names("pool_idle_seconds"),
        description="seconds after which a container that nobody needs is removed",
    )  # fmt: skip
    pool_calls: int = Field(
        1000, ge=1, le=1_000_000, validation_alias=_names("pool_calls"),
        description="calls after which a container is replaced",
    )  # fmt: skip
    memory_limit: str = Field(
        "256m", validation_alias=_names("memory_limit", "DOCKER_MEMORY_LIMIT", "TERRY_MAX_MEMORY_MB"),
        description="memory of a body: 512m, 1g, or a plain number of megabytes",
    )  # fmt: skip
    execution_timeout: float = Field(
        5, ge=0.01, le=86_400,
        validation_alias=_names("execution_timeout", "EXECUTION_TIMEOUT", "TERRY_MAX_EXECUTION_TIME"),
        description="seconds for one call of a body",
    )  # fmt: skip
    max_expansions: int = Field(
        1_000_000,
        ge=1,
        validation_alias=_names("max_expansions"),
        description="where the search for a plan gives up",
    )
    max_seconds: float = Field(
        60, gt=0, validation_alias=_names("max_seconds"), description="seconds after which the search gives up"
    )
    strategy: Literal["depth-first", "anytime", "best-first"] = Field(
        "depth-first",
        validation_alias=_names("strategy"),
        description="depth-first takes the first plan, best-first the cheapest, anytime the cheapest found in time",
    )

    evaluate: Literal["never", "trusted"] = Field(
        "never",
        validation_alias=_names("evaluate"),
        description="whether planning runs the bodies of trusted operators to know what they return; never: no code",
    )
    max_evaluations: int = Field(
        100, ge=0, le=100_000, validation_alias=_names("max_evaluations"),
        description="bodies that are run while planning, for one command",
    )  # fmt: skip
    max_replans: int = Field(
        3, ge=0, le=1_000, validation_alias=_names("max_replans"),
        description="how often a run plans again after a body broke its contract",
    )  # fmt: skip
    max_stages: int = Field(
        100, ge=1, le=100_000, validation_alias=_names("max_stages"),
        description="how often a run stops to plan on, because what comes next depends on a value it has just learned",
    )  # fmt: skip

    allowed_packages: str = Field(
        "",
        validation_alias=_names("allowed_packages"),
        description="the packages that bodies may declare, by name with commas between, * for all; empty: none",
    )
    wheels: Path | None = Field(
        None,
        validation_alias=_names("wheels"),
        description="a folder of wheels to take packages from, instead of the index that pip is set to",
    )
    cache_entries: int = Field(
        10_000,
        ge=1,
        le=10**8,
        validation_alias=_names("cache_entries"),
        description="the most results of pure bodies that are kept",
    )
    cache_limit: str = Field(
        "64m",
        validation_alias=_names("cache_limit"),
        description="memory of all kept results: 64m, 1g, or a plain number of megabytes",
    )
    cache_hours: float = Field(
        168, gt=0, le=876_000, validation_alias=_names("cache_hours"), description="how long a result is kept"
    )

    @field_validator("memory_limit", "cache_limit", mode="before")
    @classmethod
    def _as_text(cls, amount: object) -> object:
        return str(amount) if type(amount) is int else amount

    @field_validator("ladder")
    @classmethod
    def _an_order(cls, order: str) -> str:
        try:
            ladder_of(order)
        except UsageError as error:
            raise ValueError(" ".join([error.message, *error.hints])) from error
        return order

    @field_validator("language")
    @classmethod
    def _a_language(cls, name: str) -> str:
        found = "auto" if name == "auto" else language_named(name)
        if found is None:
            raise ValueError(f"{name!r} is none of auto, {', '.join(LANGUAGE_NAMES)}")
        return found

    @field_validator("memory_limit")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            SandboxLimits(memory_mb=megabytes(text))
        except UsageError as error:
            raise ValueError(" ".join([error.message, *error.hints])) from error
        return text

    @field_validator("images")
    @classmethod
    def _known_languages(cls, images: dict[str, str]) -> dict[str, str]:
        known = {language_named(word): reference for word, reference in images.items()}
        if strange := [word for word in images if language_named(word) in (None, "python")]:
            raise ValueError(f"{strange[0]!r} is none of {', '.join(LANGUAGE_NAMES[1:])}")
        return {str(name): reference for name, reference in known.items()}

    @field_validator("cache_limit")
    @classmethod
    def _readable_too(cls, text: str) -> str:
        megabytes(text)
        return text

    @field_validator("sandbox")
    @classmethod
    def _known(cls, kind: str) -> str:
        try:
            return check_kind(kind)
        except UsageError as error:
            raise ValueError("; ".join([error.message, *error.hints])) from error

    @field_validator("data_dir", "wheels")
    @classmethod
    def _at_home(cls, folder: Path | None) -> Path | None:
        return folder.expanduser() if folder else None

    @property
    def thresholds(self) -> Thresholds:
        """How much agreement is enough to trust."""
        return Thresholds(writers=self.agree_writers, share=self.agree_share, models=self.agree_models)

    @property
    def limits(self) -> SandboxLimits:
        """What a body may use."""
        return SandboxLimits(
            seconds=self.execution_timeout, memory_mb=megabytes(self.memory_limit), profile=self.sandbox_profile
        )

    @property
    def packages(self) -> PackageSettings:
        """Which packages bodies may have, and where these come from."""
        allowed = tuple(name.strip() for name in self.allowed_packages.split(",") if name.strip())
        return PackageSettings(allowed, self.data_dir / "packages", self.wheels)

    @property
    def result_limits(self) -> ResultLimits:
        """How many results of pure bodies are kept, and for how long."""
        return ResultLimits(self.cache_entries, megabytes(self.cache_limit) * 2**20, self.cache_hours)

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

    @property
    def pool(self) -> PoolSettings:
        """How many containers are kept, and for how long."""
        return PoolSettings(size=self.pool_size, idle_seconds=self.pool_idle_seconds, calls=self.pool_calls)

    @property
    def fence(self) -> Fence:
        """What separates containers from this machine."""
        return Fence(runtime=self.runtime, seccomp=self.seccomp)

    @property
    def languages(self) -> LanguageSettings:
        """Where images of languages come from."""
        return LanguageSettings(images=self.images)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags and the file both come as arguments (see `load`), so only these and the environment are left."""
        return init_settings, env_settings

    @classmethod
    def load(cls, uses: Collection[str] | None = None, **flags: Any) -> "Settings":
        """Return the settings. A flag that is None was not given.

        `uses` names the settings that will be used, by default all: any other one that cannot be used has its default.
        """
        path, in_file = read_file()
        given = {name: value for name, value in flags.items() if value is not None}
        values = {**{k: v for k, v in in_file.items() if not from_environment(k)}, **given}
        needed = cls.model_fields if uses is None else uses
        try:
            settings = cls(**values)
        except ValidationError as error:
            for detail in error.errors():
                name = _field(detail["loc"])
                if name in needed or name not in cls.model_fields:
                    raise _unusable(name, detail["msg"], path, given) from error
                values[name] = cls.model_fields[name].get_default(call_default_factory=True)
            settings = cls(**values)
        if path == _HERE:
            set_here = {name for name in in_file if name not in given and not from_environment(name)}
            _keep_the_key(settings, path, set_here & set(needed))
        return settings


def _keep_the_key(settings: Settings, path: Path, set_here: Collection[str]) -> None:
    """Refuse to send a key where the working directory leads it: it may be somebody else's folder."""
    try:
        place = settings.model_place
    except UsageError:
        return  # said when a model is needed
    endpoint = f"{place.provider}_endpoint"
    # A provider's own key is for this provider, whoever chooses it; the other one is for the provider that you chose.
    chosen_here = settings.llm_api_key and place.provider != "ollama" and {"model", "llm_provider"} & set(set_here)
    if place.key is None or not (endpoint in set_here or chosen_here):
        return
    variable = {"ollama": "OLLAMA_ENDPOINT", "openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
    led, setting = (variable[place.provider], endpoint) if endpoint in set_here else ("LLM_MODEL", "model")
    raise UsageError(
        f"{path} names a model's server, but a key is set, which is only sent where you said so yourself",
        hints=(
            f"set {led}, or put {setting} into ~/.config/htn/config.toml",
            "or unset LLM_API_KEY" if settings.llm_api_key else f"or unset {place.provider.upper()}_API_KEY",
        ),
    )


@dataclass(frozen=True)
class Row:
    """One setting as `htn doctor --settings` lists it."""

    name: str
    value: str
    source: str
    environment: tuple[str, ...]
    description: str


def table(settings: Settings, flags: Mapping[str, Any]) -> list[Row]:
    """Return every setting with its value and where it comes from; a secret is shown as stars."""
    path, in_file = read_file()
    rows = []
    for name, info in Settings.model_fields.items():
        variable = from_environment(name)
        if flags.get(name) is not None:
            source = "flag"
        elif variable:
            source = f"environment ({variable})"
        else:
            source = f"file ({path})" if name in in_file else "default"
        value = getattr(settings, name)
        rows.append(
            Row(
                name,
                _shown(name, value),
                source,
                _variables(name),
                info.description or "",
            )
        )
    return rows


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "redis_url":
        try:
            return read_address(str(value)).shown
        except UsageError:
            return "not an address"  # and not shown: it may hold a password
    return str(value)


def from_environment(name: str) -> str | None:
    """Return the environment variable that sets a field, or None."""
    return next((v for v in _variables(name) if os.environ.get(v)), None)


def _variables(name: str) -> tuple[str, ...]:
    alias = Settings.model_fields[name].validation_alias
    assert isinstance(alias, AliasChoices)  # every field is declared with _names
    return tuple(str(choice) for choice in alias.choices)


def led_from_here(flags: Mapping[str, Any]) -> str | None:
    """Return what a person should know when the working directory, maybe somebody else's, names a server or model."""
    path, in_file = read_file()
    named = [n for n in _LEADING if n in in_file and flags.get(n) is None and not from_environment(n)]
    return f"{path} in this folder sets {', '.join(named)}" if path == _HERE and named else None


def read_file() -> tuple[Path | None, dict[str, Any]]:
    """Return the settings file, or None where there is none, and what it says."""
    named = os.environ.get("HTN_CONFIG")
    candidates = [Path(named)] if named else [_HERE, Path.home() / ".config" / "htn" / "config.toml"]
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        if named:
            raise UsageError(f"HTN_CONFIG names {named}, which is not a file")
        return None, {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"cannot read the settings in {path}: {error}") from error
    known = list(Settings.model_fields)
    if unknown := [key for key in data if key not in known]:
        raise UsageError(
            f"{path} sets {unknown[0]}, which is no setting",
            hints=did_you_mean(unknown[0], known) or ("htn doctor --settings lists them all",),
        )
    return path, data


def megabytes(text: str) -> int:
    """Return an amount of memory in megabytes. A plain number below 65,536 is megabytes, above it bytes."""
    found = _MEMORY.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount of memory: write 512m or 1g")
    number, unit = int(found.group(1)), found.group(2).lower()
    factor = 1 if not unit and number < 65_536 else _MEGABYTES[unit]
    return max(1, int(number * factor))


def _field(place: tuple[int | str, ...]) -> str:
    """Return the field that an error of pydantic's is about; it may name one of its environment variables instead."""
    named = str(place[0]) if place else "a setting"
    return next((name for name in Settings.model_fields if named in (name, *_variables(name))), named)


def _unusable(name: str, why: str, path: Path | None, flags: Mapping[str, Any]) -> UsageError:
    variable = from_environment(name) if name in Settings.model_fields else None
    if name in flags:
        where = f"the option --{name.replace('_', '-')}"
    else:
        where = f"the environment variable {variable}" if variable else str(path)
    return UsageError(
        f"the setting {name} cannot be used: {why.removeprefix('Value error, ')}",
        where=where,
        hints=("htn doctor --settings lists every setting",),
    )
