"""Settings of sandboxes: where bodies run, and what they may use."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from executor.sandbox import Profile, SandboxLimits
from executor.settings.names import Group, Table, megabytes, names
from htn.errors import UsageError

if TYPE_CHECKING:
    from executor.sandbox import Fence, LanguageSettings, PoolSettings


class SandboxSettings(Group):
    """Where bodies run, and what they may use."""

    sandbox: str = Field(
        "auto",
        validation_alias=names("sandbox"),
        description="where bodies run: auto (docker where an engine answers), docker, lockdown, wasm, "
        "local (no sandbox), or the name of one that is installed",
    )
    sandbox_profile: Profile = Field(
        "strict",
        validation_alias=names("sandbox_profile"),
        description="strict: bodies compute; wide: they may also use asyncio and tempfile",
    )
    image: str | None = Field(
        None, validation_alias=names("image"),
        description="the container image, by reference or digest; by default built from this machine's Python",
    )  # fmt: skip
    images: Table = Field(
        default_factory=dict, validation_alias=names("images"),
        description="the container image of a language other than Python, by reference or digest: a table of"
        " language = reference, as JSON in the environment; the others are built by htn sandbox build",
    )  # fmt: skip
    docker_timeout: float = Field(
        30, gt=0, le=3600, validation_alias=names("docker_timeout", "DOCKER_TIMEOUT"),
        description="seconds for one request to the Docker engine",
    )  # fmt: skip
    runtime: str | None = Field(
        None, validation_alias=names("runtime"),
        description="the engine's runtime for containers, such as runsc or kata; by default the engine's own choice",
    )  # fmt: skip
    seccomp: Literal["own", "engine"] = Field(
        "own", validation_alias=names("seccomp"),
        description="the system call profile of containers: our own, or the engine's default, which allows more",
    )  # fmt: skip
    pool_size: int = Field(
        0, ge=0, le=256, validation_alias=names("pool_size"),
        description="bodies that may run at once; 0: one for each processor",
    )  # fmt: skip
    pool_idle_seconds: float = Field(
        300, ge=0.1, le=86_400, validation_alias=names("pool_idle_seconds"),
        description="seconds after which a container that nobody needs is removed",
    )  # fmt: skip
    pool_calls: int = Field(
        1000, ge=1, le=1_000_000, validation_alias=names("pool_calls"),
        description="calls after which a container is replaced",
    )  # fmt: skip
    memory_limit: str = Field(
        "256m", validation_alias=names("memory_limit", "DOCKER_MEMORY_LIMIT", "TERRY_MAX_MEMORY_MB"),
        description="memory of a body: 512m, 1g, or a plain number of megabytes",
    )  # fmt: skip
    execution_timeout: float = Field(
        5, ge=0.01, le=86_400,
        validation_alias=names("execution_timeout", "EXECUTION_TIMEOUT", "TERRY_MAX_EXECUTION_TIME"),
        description="seconds for one call of a body",
    )  # fmt: skip
    allowed_packages: str = Field(
        "",
        validation_alias=names("allowed_packages"),
        description="the packages that bodies may declare, by name with commas between, * for all; empty: none",
    )
    wheels: Path | None = Field(
        None,
        validation_alias=names("wheels"),
        description="a folder of wheels to take packages from, instead of the index that pip is set to",
    )

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
        from executor.sandbox import LANGUAGE_NAMES, language_named  # noqa: PLC0415 - a plan needs no sandbox

        known = {language_named(word): reference for word, reference in images.items()}
        if strange := [word for word in images if language_named(word) in (None, "python")]:
            raise ValueError(f"{strange[0]!r} is none of {', '.join(LANGUAGE_NAMES[1:])}")
        return {str(name): reference for name, reference in known.items()}

    @field_validator("sandbox")
    @classmethod
    def _known(cls, kind: str) -> str:
        from executor.sandbox import check_kind  # noqa: PLC0415 - as above

        try:
            return check_kind(kind)
        except UsageError as error:
            raise ValueError("; ".join([error.message, *error.hints])) from error

    @property
    def limits(self) -> SandboxLimits:
        """What a body may use."""
        return SandboxLimits(
            seconds=self.execution_timeout, memory_mb=megabytes(self.memory_limit), profile=self.sandbox_profile
        )

    @property
    def pool(self) -> "PoolSettings":
        """How many containers are kept, and for how long."""
        from executor.sandbox import PoolSettings  # noqa: PLC0415 - as above

        return PoolSettings(size=self.pool_size, idle_seconds=self.pool_idle_seconds, calls=self.pool_calls)

    @property
    def fence(self) -> "Fence":
        """What separates containers from this machine."""
        from executor.sandbox import Fence  # noqa: PLC0415 - as above

        return Fence(runtime=self.runtime, seccomp=self.seccomp)

    @property
    def languages(self) -> "LanguageSettings":
        """Where images of languages come from."""
        from executor.sandbox import LanguageSettings  # noqa: PLC0415 - as above

        return LanguageSettings(images=self.images)
