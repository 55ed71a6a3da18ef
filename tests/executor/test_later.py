"""A package that is imported in parts says the same to Python, to the type checker and to whoever reads."""

import ast
import importlib
from pathlib import Path

import pytest

import executor
from executor.later import later

FOLDER = Path(executor.__file__).parent
PACKAGES = sorted(
    f"executor.{file.parent.name}"
    for file in FOLDER.glob("*/__init__.py")
    if "__getattr__ = later(" in file.read_text(encoding="utf-8")
)


def typed_homes(package: str) -> dict[str, str]:
    """Return the names that a package imports for the type checker, with the modules that they come from."""
    source = (FOLDER / package.partition(".")[2] / "__init__.py").read_text(encoding="utf-8")
    block = next(part for part in ast.parse(source).body if isinstance(part, ast.If))
    return {
        name.name: str(part.module) for part in block.body if isinstance(part, ast.ImportFrom) for name in part.names
    }


def test_some_packages_are_imported_in_parts() -> None:
    assert "executor.validate" in PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_gives_each_of_its_names_as_its_module_has_it(package: str) -> None:
    given, homes = importlib.import_module(package), typed_homes(package)
    assert set(given.__all__) >= set(homes)
    for name in given.__all__:
        if name in homes:
            assert getattr(given, name) is getattr(importlib.import_module(homes[name]), name)
        else:
            assert name in vars(given)  # it is defined in the package itself


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_no_other_names(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        importlib.import_module(package).nonsense  # noqa: B018 - asking is what is tried


def test_a_name_is_imported_once() -> None:
    importlib.import_module("executor.validate")
    take = later("executor.validate", {"evidence": "Evidence Verdict"})
    assert take("Verdict") is take("Verdict")
    assert "Verdict" in vars(importlib.import_module("executor.validate"))
