"""What every group of settings has in common: the names of a field, and amounts of memory."""

import json
import re
from typing import Annotated, TypeAlias

from pydantic import AliasChoices, BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_MEMORY = re.compile(r"(\d+)\s*([kmg]?)b?\Z", re.IGNORECASE)
_MEGABYTES = {"": 1 / 2**20, "k": 1 / 1024, "m": 1, "g": 1024}


def _table(value: object) -> object:
    """Return a table that the environment holds as JSON; ValueError for what is no JSON object."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError('it is no table: write it as JSON, such as {"name": "value"}')
    return found


Table: TypeAlias = Annotated[dict[str, str], NoDecode, BeforeValidator(_table)]
"""A setting that is a table in a file, and JSON in the environment."""


class Group(BaseSettings):
    """Settings that belong together."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True, case_sensitive=True
    )


def names(field: str, *others: str) -> AliasChoices:
    """Return the environment variables of a field: HTN_ and its name, and others that are in use for the same."""
    return AliasChoices(f"HTN_{field.upper()}", *others)


def megabytes(text: str) -> int:
    """Return an amount of memory in megabytes. A plain number below 65,536 is megabytes, above it bytes."""
    found = _MEMORY.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount of memory: write 512m or 1g")
    number, unit = int(found.group(1)), found.group(2).lower()
    factor = 1 if not unit and number < 65_536 else _MEGABYTES[unit]
    return max(1, int(number * factor))
