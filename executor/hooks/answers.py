"""The forms in which a model answers a question about a run. What it says is data until it has been checked."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MOST_TASKS = 20
MOST_WAIT = 60.0  # seconds
_MOST_ARGUMENTS = 16

_Why = Annotated[str, Field(max_length=500)]


class _Answer(BaseModel):
    """Strict: a field that was not asked for, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RecoveryAnswer(_Answer):
    """What to do about a step that failed: the name of an alternative, and how long to wait first, in seconds."""

    choice: str = Field(max_length=64)
    seconds: float = Field(default=0.0, ge=0, le=MOST_WAIT, allow_inf_nan=False)
    why: _Why = ""


class DecisionAnswer(_Answer):
    """Which method is tried first."""

    choice: str = Field(max_length=64)
    why: _Why = ""


class DataAnswer(_Answer):
    """What a text means, where it says so."""

    understood: bool
    value: Any = None
    why: _Why = ""


class WorkflowAnswer(_Answer):
    """What is to be done instead of what is left: tasks, each a name and its arguments."""

    tasks: list[Annotated[list[Any], Field(min_length=1, max_length=1 + _MOST_ARGUMENTS)]] = Field(
        max_length=MOST_TASKS
    )
    why: _Why = ""
