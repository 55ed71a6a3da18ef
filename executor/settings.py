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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

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
from htn.errors import UsageError, did_you_mean

_MEMORY = re.compile(r"(\d+)\s*([kmg]?)b?\Z", re.IGNORECASE)
_HERE = Path("htn.toml")
# What a settings file may lead elsewhere: to another server, or another model.
_LEADING = ("redis_url", "ollama_endpoint", "model")
LIBRARY = frozenset({"redis_url", "data_dir"})
CACHE = LIBRARY | {"cache_entries", "cache_limit", "cache_hours"}
SANDBOX = frozenset(
    {"sandbox", "image", "images", "docker_timeout", "memory_limit", "execution_timeout", "runtime", "seccomp"}
)
PLANNING = LIBRARY | {"max_expansions", "max_seconds", "strategy", "evaluate", "max_evaluations"}
_MEGABYTES = {"": 1 / 2**20, "k": 1 / 1024, "m": 1, "g": 1024}


def _names(field: str, *others: str) -> AliasChoices:
    return AliasChoices(f"HTN_{field.upper()}", *others)


def _default_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "htn"


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
        description="the language model that writes operators, ollama:NAME",
    )
    llm_provider: Literal["local", "ollama"] = Field(
        "ollama",
        validation_alias=_names("llm_provider", "LLM_PROVIDER"),
        description="who runs the model: ollama (or local, the same)",
    )
    llm_api_key: SecretStr | None = Field(
        None,
        validation_alias=_names("llm_api_key", "LLM_API_KEY"),
        description="sent to the model's server as a bearer token",
    )
    ollama_endpoint: str = Field(
        "localhost:11434",
        validation_alias=_names("ollama_endpoint", "OLLAMA_ENDPOINT"),
        description="where the Ollama server listens",
    )
    model_timeout: float = Field(
        300,
        gt=0,
        le=86_400,
        validation_alias=_names("model_timeout"),
        description="seconds for one call of the model",
    )
    num_ctx: int = Field(
        16_384, ge=1024, le=1_048_576, validation_alias=_names("num_ctx"),
        description="tokens of prompt and answer together",
    )  # fmt: skip
    max_calls: int = Field(
        8, ge=0, le=10_000, validation_alias=_names("max_calls"), description="calls of the model for one command"
    )
    max_retries: int = Field(
        3, ge=1, le=20, validation_alias=_names("max_retries", "MAX_RETRIES", "CODE_GEN_MAX_ATTEMPTS"),
        description="bodies that are tried for one gap: the first and its repairs",
    )  # fmt: skip
    learn: Literal["auto", "never"] = Field(
        "auto", validation_alias=_names("learn"), description="whether htn run closes gaps by asking the model"
    )
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
        named_here = path == _HERE and "ollama_endpoint" in in_file and "ollama_endpoint" in needed
        if path and named_here and "ollama_endpoint" not in given and not from_environment("ollama_endpoint"):
            _keep_the_key(settings, path)
        return settings


def _keep_the_key(settings: Settings, path: Path) -> None:
    """Refuse to send a key to a server that the working directory names: it may be somebody else's folder."""
    if settings.llm_api_key is not None:
        raise UsageError(
            f"{path} names a model's server, but a key is set, which is only sent where you said so yourself",
            hints=(
                "set OLLAMA_ENDPOINT, or put ollama_endpoint into ~/.config/htn/config.toml",
                "or unset LLM_API_KEY",
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
