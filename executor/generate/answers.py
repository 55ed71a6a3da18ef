"""The forms in which a model answers. What it says is data until the contract and the rules have checked it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    """Strict: a field that was not asked for, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class NamedType(_Answer):
    """A parameter or an output."""

    name: str = Field(max_length=64)
    type: dict[str, Any]
    description: str = Field(default="", max_length=300)


class NamedRead(_Answer):
    """A value of the state that the body is given."""

    name: str = Field(max_length=64)
    source: str = Field(alias="from", max_length=200)
    type: dict[str, Any] = Field(default_factory=dict)


class ContractAnswer(_Answer):
    """A contract, as a model writes it."""

    description: str = Field(max_length=2000)
    parameters: list[NamedType] = Field(max_length=16)
    reads: list[NamedRead] = Field(default_factory=list, max_length=16)
    outputs: list[NamedType] = Field(default_factory=list, max_length=16)
    preconditions: list[str] = Field(default_factory=list, max_length=32)
    effects: list[str] = Field(min_length=1, max_length=32)
    ensures: list[str] = Field(default_factory=list, max_length=32)


class BodyAnswer(_Answer):
    """A body, as a model writes it."""

    code: str = Field(max_length=100_000)
    explanation: str = Field(default="", max_length=4000)
    packages: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=50)
    """The packages that the code needs, such as "attrs>=24,<27"; refused where no setting allows them."""


class TestAnswer(_Answer):
    """What one use of the operator has to come to, as a model that has seen no body writes it."""

    __test__ = False  # no test of pytest's

    arguments: dict[str, Any] = Field(max_length=16)
    reads: dict[str, Any] = Field(default_factory=dict, max_length=16)
    outputs: dict[str, Any] = Field(max_length=16)


class SuiteAnswer(_Answer):
    """Tests, as a model writes them from the specification alone."""

    __test__ = False

    tests: list[TestAnswer] = Field(min_length=1, max_length=40)
