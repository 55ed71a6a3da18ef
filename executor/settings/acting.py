"""Settings of acting: what a run may do when a step fails, and what it may ask a model."""

from typing import Literal

from pydantic import Field

from executor.levels import Acting
from executor.settings.names import Group, names
from htn.levels import Level, Mode


class ActingSettings(Group):
    """How runs act where neither whoever starts one nor its domain says."""

    level: Literal["basic", "adaptive", "intelligent", "autonomous"] = Field(
        "basic", validation_alias=names("level"),
        description="what a model may be asked while a plan is carried out: basic asks nothing (docs/acting-levels.md)",
    )  # fmt: skip
    mode: Literal["strict", "adaptive", "creative"] = Field(
        "adaptive", validation_alias=names("mode"),
        description="what may be done about a step that fails: strict ends the run, adaptive takes other known ways",
    )  # fmt: skip
    max_questions: int = Field(
        20, ge=0, le=10_000, validation_alias=names("max_questions"),
        description="questions that a run puts to a model while it acts",
    )  # fmt: skip
    question_seconds: float = Field(
        120, gt=0, le=86_400, validation_alias=names("question_seconds"),
        description="seconds that a run waits for the answer to such a question",
    )  # fmt: skip

    @property
    def acting(self) -> Acting:
        """The level and the mode."""
        return Acting(Level(self.level), Mode(self.mode))
