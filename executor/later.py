"""Packages whose public names are imported when somebody takes them.

A command that makes a plan needs neither a ladder nor a container, and reading the modules that have them takes longer
than the plan. Such a package says twice what it exports: as imports under `TYPE_CHECKING`, for whoever reads and for
the checks of types and arrows, and as a table for `later`. A test compares the two with `__all__`.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def later(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package. `homes` has, for each of its modules, the names that come from it."""
    home_of = {name: f"{package}.{module}" for module, names in homes.items() for name in names.split()}

    def take(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(home_of[name]), name)
        setattr(sys.modules[package], name, found)  # the next one finds it without asking
        return found

    return take
