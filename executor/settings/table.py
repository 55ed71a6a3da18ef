"""Every setting as a person looks at it: its value, where it comes from, what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executor.settings.settings import Settings, from_environment, read_file, variables
from executor.store.address import read_address
from htn.errors import UsageError


@dataclass(frozen=True)
class Row:
    """One setting as `htn doctor --settings` lists it."""

    name: str
    value: str
    source: str
    environment: tuple[str, ...]
    description: str


def table(settings: Settings, flags: Mapping[str, Any]) -> list[Row]:
    """Return every setting with its value and where it comes from; a secret is shown as stars."""
    path, in_file = read_file()
    rows = []
    for name, info in Settings.model_fields.items():
        variable = from_environment(name)
        if flags.get(name) is not None:
            source = "flag"
        elif variable:
            source = f"environment ({variable})"
        else:
            source = f"file ({path})" if name in in_file else "default"
        value = getattr(settings, name)
        rows.append(
            Row(
                name,
                _shown(name, value),
                source,
                variables(name),
                info.description or "",
            )
        )
    return rows


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "redis_url":
        try:
            return read_address(str(value)).shown
        except UsageError:
            return "not an address"  # and not shown: it may hold a password
    return str(value)
