"""Settings of planning and acting: when a search gives up, how far a run goes."""

from typing import Literal

from pydantic import Field

from executor.settings.names import Group, names


class PlanningSettings(Group):
    """When a search gives up, and how far a run goes."""

    max_expansions: int = Field(
        1_000_000,
        ge=1,
        validation_alias=names("max_expansions"),
        description="where the search for a plan gives up",
    )
    max_seconds: float = Field(
        60, gt=0, validation_alias=names("max_seconds"), description="seconds after which the search gives up"
    )
    strategy: Literal["depth-first", "anytime", "best-first"] = Field(
        "depth-first",
        validation_alias=names("strategy"),
        description="depth-first takes the first plan, best-first the cheapest, anytime the cheapest found in time",
    )
    evaluate: Literal["never", "trusted"] = Field(
        "never",
        validation_alias=names("evaluate"),
        description="whether planning runs the bodies of trusted operators to know what they return; never: no code",
    )
    max_evaluations: int = Field(
        100, ge=0, le=100_000, validation_alias=names("max_evaluations"),
        description="bodies that are run while planning, for one command",
    )  # fmt: skip
    max_replans: int = Field(
        3, ge=0, le=1_000, validation_alias=names("max_replans"),
        description="how often a run goes on in another way after a step failed",
    )  # fmt: skip
    max_stages: int = Field(
        100, ge=1, le=100_000, validation_alias=names("max_stages"),
        description="how often a run stops to plan on, because what comes next depends on a value it has just learned",
    )  # fmt: skip
    parallel: int = Field(
        1, ge=1, le=1024, validation_alias=names("parallel"),
        description="how many steps of a run that have nothing to do with each other may run at the same time; commands"
        " of the domain then run in threads",
    )  # fmt: skip
    distributed: bool = Field(
        False,
        validation_alias=names("distributed"),
        description="whether the steps of a run are carried out by workers (htn worker) rather than by its own process",
    )
    keep_runs: float = Field(
        30, gt=0, le=36_500, validation_alias=names("keep_runs"),
        description="days for which the log of a run is kept after the run has ended or failed",
    )  # fmt: skip
    lease_seconds: float = Field(
        6, ge=0.5, le=600, validation_alias=names("lease_seconds"),
        description="seconds without a sign of life after which whoever drives a run, or carries out a step, is gone",
    )  # fmt: skip
