"""Images for deploy/Dockerfile to start from, made of this machine's Python and of what is installed for the tests.

They stand in for an image of a registry. `base` is a Python; `builder` has pip besides, and in /opt/htn the packages
that requirements/service.lock names, so that nothing is fetched.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from executor.sandbox.archive import RootArchive, inside
from executor.sandbox.engine import Engine
from executor.sandbox.interpreter import Interpreter, host_interpreter

ROOT = Path(__file__).parents[2]
UTC = Path("/usr/share/zoneinfo/UTC")  # workers look it up
LOCK = ROOT / "requirements" / "service.lock"
_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def make_base(engine: Engine, name: str) -> None:
    """Give the engine an image with Python and the libraries of the system that the service's packages load."""
    _make(engine, name, host_interpreter(), {}, "PATH=/usr/bin")


def make_builder(engine: Engine, name: str) -> None:
    """Give the engine an image with Python, pip, and the packages of the service."""
    python = host_interpreter()
    (program,) = (target for link, target in python.links if link == "usr/bin/python3")
    ours = f"{Path(program).parents[1]}/{_PACKAGES}"
    packages = {"pip": ours} | dict.fromkeys(pins(), f"opt/htn/{_PACKAGES}")
    _make(engine, name, python, packages, "PATH=/usr/bin PIP_NO_INDEX=1")


def pins(lock: Path = LOCK) -> dict[str, str]:
    """Return the packages of a lock that this machine needs, and their versions."""
    lines = [line.removesuffix("\\").strip() for line in lock.read_text().splitlines() if re.match(r"[a-z]", line)]
    needed = [found for found in map(Requirement, lines) if found.marker is None or found.marker.evaluate()]
    return {canonicalize_name(found.name): str(found.specifier).removeprefix("==") for found in needed}


def _make(engine: Engine, name: str, python: Interpreter, packages: dict[str, str], environment: str) -> None:
    with tempfile.TemporaryFile() as stream:
        archive = RootArchive(stream)
        python.add_to(archive)
        for library in _libraries():
            archive.add_file(inside(library), Path(library))
        if UTC.is_file():
            archive.add_file(inside(str(UTC)), UTC.resolve())
        for package, folder in packages.items():
            for file, path in _files(package):
                archive.add_file(f"{folder}/{file}".strip("/"), path)
        archive.finish()
        stream.seek(0)
        repository, _, tag = name.partition(":")
        changes = [f"ENV {environment}"]
        engine.client.api.import_image_from_data(stream, repository=repository, tag=tag, changes=changes)


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the modules of an installed package: not its programs, its tests, nor what Python has compiled."""
    for file in distribution(package).files or ():
        path = Path(str(file.locate()))
        if not {"..", "tests"} & set(file.parts) and path.is_file() and path.suffix != ".pyc":
            yield str(file), path


def _libraries() -> set[str]:
    """Return the system's libraries that the packages load."""
    extensions = [str(path) for name in pins() for _, path in _files(name) if path.suffix == ".so"]
    told = subprocess.run(["ldd", *extensions], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"=> (/(?:usr/)?lib\S+)", told))
