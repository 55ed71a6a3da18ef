"""The requests that the code service takes, as they are written in JSON."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from executor.sandbox import LANGUAGE_NAMES, language_named
from htn.errors import UsageError

MOST_CODE = 65_536  # characters
MOST_SECONDS = 300.0

Focus = Literal["fix_errors", "optimize", "robustness"]


class Form(BaseModel):
    """Frozen; a field that is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _CodeRequest(Form):
    """A request about some code. Without a language it is found out from the code's first line, else it is Python."""

    model_config = ConfigDict(strict=True)

    code: str = Field(max_length=MOST_CODE)
    language: str | None = None

    @field_validator("language")
    @classmethod
    def _known(cls, language: str | None) -> str | None:
        return known_language(language)


def known_language(word: str | None) -> str | None:
    """Return the name of the language that a word means, or None for no word. Raises `ValueError`."""
    if word is None or not word.strip():
        return None
    if (name := language_named(word)) is None:
        raise ValueError(f"there is no language {word!r:.40}; there are {', '.join(LANGUAGE_NAMES)}")
    return name


class ExecuteRequest(_CodeRequest):
    """Run code once.

    A script has the values of `context` as variables and leaves its value in `result`. With an `entry_point` the code
    is a function that is called with them; languages without scripts need one. `timeout` is in seconds.
    """

    context: dict[str, Any] = {}
    timeout: float | None = Field(default=None, gt=0, le=MOST_SECONDS)
    entry_point: str = Field(default="", max_length=200)
    use_cache: bool = True


class ValidateRequest(_CodeRequest):
    """Look at code without running it."""


class OptimizeRequest(_CodeRequest):
    """Say what could be better in some code, and offer a better version where it is shown to behave the same.

    `context` is an example of the variables that the script reads, or of the arguments of the function `entry_point`,
    which languages without scripts need. `use_model` allows to ask a model.
    """

    context: dict[str, Any] = {}
    entry_point: str = Field(default="", max_length=200)
    timeout: float | None = Field(default=None, gt=0, le=MOST_SECONDS)
    use_model: bool = True


class ExplainRequest(_CodeRequest):
    """Say what code does; `use_model` allows to ask a model for its words."""

    use_model: bool = False


class GenerateRequest(Form):
    """Have code written for a task in words.

    `input_example` and `expected_output` are one example that the code has to get right. `max_retries` is how many
    versions are tried at most, the first and its repairs. `focus` asks for one more round when the code works:
    for a faster version, or for one that fails on fewer inputs. `persona` is accepted and changes nothing.
    """

    model_config = ConfigDict(strict=True)

    task_description: str = Field(min_length=1)
    language: str | None = None
    input_example: Any = None
    expected_output: Any = None
    persona: str | None = None
    focus: Focus = "fix_errors"
    max_retries: int | None = Field(default=None, ge=1, le=20)
    timeout: float | None = Field(default=None, gt=0, le=MOST_SECONDS)
    force_regenerate: bool = False

    @field_validator("language")
    @classmethod
    def _known(cls, language: str | None) -> str | None:
        return known_language(language)

    @property
    def has_input(self) -> bool:
        """Whether an input was given; null is an input too when it is written down."""
        return "input_example" in self.model_fields_set

    @property
    def has_expected(self) -> bool:
        """Whether an output was given."""
        return "expected_output" in self.model_fields_set


_Request = TypeVar("_Request", bound=Form)


def read_request(kind: type[_Request], fields: Mapping[str, Any]) -> _Request:
    """Return a request from its fields. Raises `UsageError`, which names the field that cannot be used."""
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the request"
        raise UsageError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from error
