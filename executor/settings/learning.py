"""Settings of learning: who decides, how much evidence is bought, how much agreement is enough."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from executor.settings.names import Group, names
from executor.validate import FUZZED, ORDER
from htn.errors import UsageError

if TYPE_CHECKING:
    from executor.validate import Thresholds


class LearningSettings(Group):
    """How gaps are closed, and when what closed them is trusted."""

    learn: Literal["auto", "ask", "never"] = Field(
        "auto", validation_alias=names("learn"),
        description="whether gaps are closed by asking the model: auto, never, or ask: auto with approve=admit",
    )  # fmt: skip
    approve: Literal["never", "admit", "always"] = Field(
        "never", validation_alias=names("approve"),
        description="what a person approves: nothing, what is admitted to the library, or, always, also code that a"
        " model wrote before it is run for the first time",
    )  # fmt: skip
    max_retries: int = Field(
        3, ge=1, le=20, validation_alias=names("max_retries", "MAX_RETRIES", "CODE_GEN_MAX_ATTEMPTS"),
        description="bodies that are tried for one gap: the first and its repairs",
    )  # fmt: skip
    promote_after: int = Field(
        20, ge=1, le=10_000, validation_alias=names("promote_after"),
        description="clean uses with different inputs after which an operator on probation is trusted",
    )  # fmt: skip
    step_retries: int = Field(
        3, ge=0, le=100, validation_alias=names("step_retries"),
        description="how often a step that failed for a reason that may pass is tried again",
    )  # fmt: skip
    language: str = Field(
        "auto", validation_alias=names("language"),
        description="the language that bodies are written in; auto: what the description asks for, else python",
    )  # fmt: skip
    depth: Literal["probation", "trusted"] = Field(
        "probation", validation_alias=names("depth"),
        description="how much evidence is bought at once: what plans need, or what makes an operator trusted",
    )  # fmt: skip
    samples: int = Field(
        3, ge=2, le=9, validation_alias=names("samples"),
        description="independent bodies that are compared before an operator is trusted",
    )  # fmt: skip
    most_samples: int = Field(
        5, ge=2, le=9, validation_alias=names("most_samples"),
        description="bodies and suites that are asked for at most where fewer do not decide",
    )  # fmt: skip
    suites: int = Field(
        3, ge=0, le=9, validation_alias=names("suites"),
        description="suites of tests by writers that see no code; 0: none is asked for",
    )  # fmt: skip
    fuzz: int = Field(
        FUZZED, ge=1, le=10_000, validation_alias=names("fuzz"),
        description="further inputs on which bodies that pass the same tests are compared",
    )  # fmt: skip
    ladder: str = Field(
        ORDER, validation_alias=names("ladder"),
        description="the order in which the rungs of the ladder are climbed, 0 and 1 first",
    )  # fmt: skip
    agree_writers: int = Field(
        2, ge=2, le=9, validation_alias=names("agree_writers"),
        description="writers of tests who have to assert a value for it to count",
    )  # fmt: skip
    agree_share: float = Field(
        0.5, ge=0.5, le=1, validation_alias=names("agree_share"),
        description="the part of all bodies that has to behave alike",
    )  # fmt: skip
    agree_models: int = Field(
        2, ge=1, le=9, validation_alias=names("agree_models"),
        description="models, the user counting as one, that have to stand behind an operator before it is trusted",
    )  # fmt: skip

    @field_validator("ladder")
    @classmethod
    def _an_order(cls, order: str) -> str:
        from executor.validate import ladder_of  # noqa: PLC0415 - few set it, and all commands read settings

        try:
            ladder_of(order)
        except UsageError as error:
            raise ValueError(" ".join([error.message, *error.hints])) from error
        return order

    @field_validator("language")
    @classmethod
    def _a_language(cls, name: str) -> str:
        from executor.sandbox import LANGUAGE_NAMES, language_named  # noqa: PLC0415 - as above

        found = "auto" if name == "auto" else language_named(name)
        if found is None:
            raise ValueError(f"{name!r} is none of auto, {', '.join(LANGUAGE_NAMES)}")
        return found

    @property
    def approval(self) -> str:
        """What a person approves; `learn = ask` is short for `approve = admit`."""
        return "admit" if self.approve == "never" and self.learn == "ask" else self.approve

    @property
    def thresholds(self) -> "Thresholds":
        """How much agreement is enough to trust."""
        from executor.validate import Thresholds  # noqa: PLC0415 - as above

        return Thresholds(writers=self.agree_writers, share=self.agree_share, models=self.agree_models)
