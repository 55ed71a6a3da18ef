"""Settings: by flag, by environment, by file, in this order; then the default.

The file is TOML: the one that HTN_CONFIG names, else `htn.toml` in the working directory, else
`~/.config/htn/config.toml`. Its keys are the names of the fields below. In the environment a field is called
HTN_ and its name; where other names are in use for the same thing they are understood as well.

Those names may be meant for other programs. So a command names the settings that it uses, and a value that cannot be
used for another one does not stop it.
"""

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from executor.settings.acting import ActingSettings
from executor.settings.budgets import BudgetSettings
from executor.settings.learning import LearningSettings
from executor.settings.models import ModelPlace
from executor.settings.names import megabytes, names
from executor.settings.planning import PlanningSettings
from executor.settings.routes import RouteSettings
from executor.settings.sandboxes import SandboxSettings
from executor.settings.service import ServiceSettings
from executor.store import ResultLimits
from htn.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from executor.sandbox import PackageSettings

HERE = Path("htn.toml")
_WIDTH = 32  # steps of a distributed run that may be under way at a time where HTN_PARALLEL does not say
# What a settings file may lead elsewhere: to another server, or another model.
_LEADING = (
    "redis_url", "more_models", "ollama_endpoint", "openai_endpoint", "anthropic_endpoint", "model", "llm_provider",
    "embedding_model", "fallback_models", "routes",
)  # fmt: skip
# What names models, the first of them last: a person is told of that one first.
_CHOOSING = ("routes", "fallback_models", "more_models", "model")
LIBRARY = frozenset({"redis_url", "data_dir"})
RUNS = LIBRARY | {"keep_runs"}
CACHE = LIBRARY | {"cache_entries", "cache_limit", "cache_hours", "answer_hours"}
ROUTING = frozenset(RouteSettings.model_fields) | {"prices", "model_limits"}
SANDBOX = frozenset(
    {"sandbox", "image", "images", "docker_timeout", "memory_limit", "execution_timeout", "runtime", "seccomp"}
)
PLANNING = LIBRARY | {"max_expansions", "max_seconds", "strategy", "evaluate", "max_evaluations"}


def _default_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "htn"


class Settings(
    RouteSettings, BudgetSettings, LearningSettings, ActingSettings, SandboxSettings, PlanningSettings, ServiceSettings
):
    """All settings. `Settings.load(...)` reads them; a value that cannot be used is a UsageError."""

    redis_url: str | None = Field(
        None,
        validation_alias=names("redis_url", "REDIS_URL"),
        description="the Redis server, host:port or redis://…; without one, an embedded server is started",
    )
    data_dir: Path = Field(
        default_factory=_default_data,
        validation_alias=names("data_dir"),
        description="the folder of the embedded server",
    )
    cache_entries: int = Field(
        10_000,
        ge=1,
        le=10**8,
        validation_alias=names("cache_entries"),
        description="the most results of pure bodies that are kept",
    )
    cache_limit: str = Field(
        "64m",
        validation_alias=names("cache_limit"),
        description="memory of all kept results: 64m, 1g, or a plain number of megabytes",
    )
    cache_hours: float = Field(
        168, gt=0, le=876_000, validation_alias=names("cache_hours"), description="how long a result is kept"
    )

    @field_validator("memory_limit", "cache_limit", mode="before")
    @classmethod
    def _as_text(cls, amount: object) -> object:
        return str(amount) if type(amount) is int else amount

    @field_validator("cache_limit")
    @classmethod
    def _readable_too(cls, text: str) -> str:
        megabytes(text)
        return text

    @field_validator("data_dir", "wheels")
    @classmethod
    def _at_home(cls, folder: Path | None) -> Path | None:
        return folder.expanduser() if folder else None

    @property
    def packages(self) -> "PackageSettings":
        """Which packages bodies may have, and where these come from."""
        from executor.sandbox import PackageSettings  # noqa: PLC0415 - a plan needs no sandbox

        allowed = tuple(name.strip() for name in self.allowed_packages.split(",") if name.strip())
        return PackageSettings(allowed, self.data_dir / "packages", self.wheels)

    @property
    def width(self) -> int:
        """How many steps of a run may be under way at a time."""
        return _WIDTH if self.distributed and "parallel" not in self.model_fields_set else self.parallel

    @property
    def result_limits(self) -> ResultLimits:
        """How many results of pure bodies are kept, and for how long."""
        return ResultLimits(self.cache_entries, megabytes(self.cache_limit) * 2**20, self.cache_hours)

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
        if path == HERE:
            set_here = {name for name in in_file if name not in given and not from_environment(name)}
            _keep_the_key(settings, path, set_here & set(needed))
        return settings


def _keep_the_key(settings: Settings, path: Path, set_here: Collection[str]) -> None:
    """Refuse to send a key where the working directory leads it: it may be somebody else's folder."""
    try:
        places = settings.every_place
    except UsageError:
        return  # said when a model is needed
    for place in places:
        _keep_the_key_from(settings, place, path, set_here)


def _keep_the_key_from(settings: Settings, place: ModelPlace, path: Path, set_here: Collection[str]) -> None:
    endpoint = f"{place.provider}_endpoint"
    # A provider's own key is for this provider, whoever chooses it; the other one is for the provider that you chose.
    chosen = [name for name in ("llm_provider", *_CHOOSING) if name in set_here]
    chosen_here = settings.llm_api_key and place.provider != "ollama" and chosen
    if place.key is None or not (endpoint in set_here or chosen_here):
        return
    variable = {"ollama": "OLLAMA_ENDPOINT", "openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
    other = {"more_models": "HTN_MORE_MODELS", "fallback_models": "HTN_FALLBACK_MODELS", "routes": "HTN_ROUTES"}
    setting = endpoint if endpoint in set_here else "model" if chosen[-1] == "llm_provider" else chosen[-1]
    led = variable[place.provider] if setting == endpoint else other.get(setting, "LLM_MODEL")
    raise UsageError(
        f"{path} names a model's server, but a key is set, which is only sent where you said so yourself",
        hints=(
            f"set {led}, or put {setting} into ~/.config/htn/config.toml",
            "or unset LLM_API_KEY" if settings.llm_api_key else f"or unset {place.provider.upper()}_API_KEY",
        ),
    )


def from_environment(name: str) -> str | None:
    """Return the environment variable that sets a field, or None."""
    return next((v for v in variables(name) if os.environ.get(v)), None)


def variables(name: str) -> tuple[str, ...]:
    """Return the environment variables that set a field."""
    alias = Settings.model_fields[name].validation_alias
    assert isinstance(alias, AliasChoices)  # every field is declared with _names
    return tuple(str(choice) for choice in alias.choices)


def led_from_here(flags: Mapping[str, Any]) -> str | None:
    """Return what a person should know when the working directory, maybe somebody else's, names a server or model."""
    path, in_file = read_file()
    named = [n for n in _LEADING if n in in_file and flags.get(n) is None and not from_environment(n)]
    return f"{path} in this folder sets {', '.join(named)}" if path == HERE and named else None


def read_file() -> tuple[Path | None, dict[str, Any]]:
    """Return the settings file, or None where there is none, and what it says."""
    named = os.environ.get("HTN_CONFIG")
    candidates = [Path(named)] if named else [HERE, Path.home() / ".config" / "htn" / "config.toml"]
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


def _field(place: tuple[int | str, ...]) -> str:
    """Return the field that an error of pydantic's is about; it may name one of its environment variables instead."""
    named = str(place[0]) if place else "a setting"
    return next((name for name in Settings.model_fields if named in (name, *variables(name))), named)


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
