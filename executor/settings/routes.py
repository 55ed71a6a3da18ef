"""Settings of who is asked for what: models by kind of work, models that stand in, servers that are left alone."""

from collections.abc import Iterable

from pydantic import Field, field_validator

from executor.model import KINDS, Kind
from executor.settings.models import ModelPlace, ModelSettings
from executor.settings.names import Table, names
from executor.store import BreakerTimes


class RouteSettings(ModelSettings):
    """Which model is asked for which kind of work, and which one instead where it gives no answer."""

    routes: Table = Field(
        default_factory=dict, validation_alias=names("routes"),
        description=f"the models for a kind of work ({', '.join(KINDS)}) instead of model, with commas between: a table"
        " of kind = models, as JSON in the environment; the first is asked, the others stand in for it",
    )  # fmt: skip
    fallback_models: str = Field(
        "", validation_alias=names("fallback_models"),
        description="models, with commas between, that are asked in this order where those before give no answer",
    )  # fmt: skip
    breaker_failures: int = Field(
        5, ge=1, le=1000, validation_alias=names("breaker_failures"),
        description="failures in a row after which a model's server is left alone, by all processes with one library",
    )  # fmt: skip
    breaker_seconds: float = Field(
        300, gt=0, le=86_400, validation_alias=names("breaker_seconds"),
        description="seconds for which it is left alone, before one call finds out whether it works again",
    )  # fmt: skip
    health_seconds: float = Field(
        60, gt=0, le=86_400, validation_alias=names("health_seconds"),
        description="seconds after which it is looked again whether a model's server answers, when somebody wants it",
    )  # fmt: skip

    @field_validator("routes")
    @classmethod
    def _kinds(cls, routes: dict[str, str]) -> dict[str, str]:
        if strange := [kind for kind in routes if kind not in KINDS]:
            raise ValueError(f"{strange[0]!r} is none of {', '.join(KINDS)}")
        if empty := [kind for kind, models in routes.items() if not _parts(models)]:
            raise ValueError(f"no model is named for {empty[0]}")
        return routes

    @property
    def breaker_times(self) -> BreakerTimes:
        """When servers are left alone, and for how long."""
        return BreakerTimes(self.breaker_failures, self.breaker_seconds, self.health_seconds)

    @property
    def usual_places(self) -> tuple[ModelPlace, ...]:
        """The models that are asked where no kind of work has others, in their order."""
        return self._then_others((self.model_place,))

    def places_for(self, kind: Kind) -> tuple[ModelPlace, ...] | None:
        """Return the models for a kind of work, in their order, or None where it has none of its own."""
        models = self.routes.get(kind)
        return self._then_others(map(self.place, _parts(models))) if models else None

    @property
    def every_place(self) -> tuple[ModelPlace, ...]:
        """All models that may be asked, each once."""
        routed = [place for kind in KINDS for place in self.places_for(kind) or ()]
        return tuple(dict.fromkeys([*self.usual_places, *routed, *self.more_places]))

    def _then_others(self, first: Iterable[ModelPlace]) -> tuple[ModelPlace, ...]:
        return tuple(dict.fromkeys([*first, *map(self.place, _parts(self.fallback_models))]))


def _parts(models: str) -> list[str]:
    return [spec.strip() for spec in models.split(",") if spec.strip()]
