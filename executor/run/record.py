"""What a run was begun with, as it is kept: enough to go on with it in another process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from htn.errors import ExecutionError
from htn.network import Part, part_from_json, part_to_json
from htn.state import State

FORMAT = "htn-run/1"


class Choices(BaseModel):
    """How a run is carried out. They are the run's own, whoever drives it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    learn: str = "never"
    approve: str = "never"
    level: str = "basic"
    mode: str = "adaptive"
    parallel: int = Field(1, ge=1, le=1024)
    distributed: bool = False
    labels: tuple[str, ...] = ()


class RunRecord(BaseModel):
    """The domain, the tasks and the state that a run began with, and how it is carried out. It never changes.

    `source` is what a person types to mean the domain, an absolute path where it is a file, whose content `digest` is
    the hash of.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: str = FORMAT
    id: str
    domain: str
    source: str
    digest: str = ""
    tasks: list[Any]
    state: dict[str, Any]
    choices: Choices = Choices()
    host: str = ""

    @classmethod
    def read(cls, text: str) -> "RunRecord":
        """Return the record that the store keeps as `text`. ExecutionError for one that cannot be read."""
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            raise ExecutionError(f"the record of the run cannot be read: {error.errors()[0]['msg']}") from error
        if record.format != FORMAT:
            raise ExecutionError(f"the run has the format {record.format}, and this program reads {FORMAT}")
        return record

    def text(self) -> str:
        """Return the record as the store keeps it."""
        return self.model_dump_json()

    def parts(self) -> tuple[Part, ...]:
        """Return the tasks that were asked for."""
        return tuple(map(part_from_json, self.tasks))

    def first_state(self) -> State:
        """Return the state that the run began with."""
        return State.from_json(self.state)


@dataclass(frozen=True)
class Beginning:
    """What `RunRecord` is made of."""

    id: str
    domain: str
    source: str
    digest: str
    tasks: Sequence[Part]
    state: State
    choices: Choices
    host: str

    def record(self) -> RunRecord:
        """Return the record. UsageError where the state or a task has no JSON form."""
        return RunRecord(
            id=self.id, domain=self.domain, source=self.source, digest=self.digest,
            tasks=list(map(part_to_json, self.tasks)), state=self.state.to_json(), choices=self.choices, host=self.host,
        )  # fmt: skip
