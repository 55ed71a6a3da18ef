"""The host's own interpreter as a set of files: enough to run Python in an empty container.

Taken: the interpreter behind a virtual environment, its standard library without tests, graphics
and installed packages, and the shared libraries that these load. Paths stay as they are, because
an interpreter finds its library by them; only `/lib` and `/bin` become `/usr/lib` and `/usr/bin`,
as on any present system. Nothing else of the host is taken.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import IO

from executor.sandbox.archive import RootArchive, inside
from executor.sandbox.probe import UNWANTED
from executor.sandbox.source import base_interpreter
from htn.errors import ServiceMissing

# Changes when the same files would give another image.
_RECIPE = b"2"
_UNWANTED_FOLDERS = {
    "__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "tkinter", "turtledemo",
}  # fmt: skip


@dataclass(frozen=True)
class Interpreter:
    """A Python on this host and what it needs; `contents` maps a path in the image to a file."""

    version: str
    machine: str
    contents: tuple[tuple[str, Path], ...]
    links: tuple[tuple[str, str], ...]

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256(_RECIPE)
        for path, source in self.contents:
            total.update(path.encode() + b"\0" + hashlib.sha256(source.read_bytes()).digest())
        for path, target in self.links:
            total.update(f"{path}\0{target}\0".encode())
        return total.hexdigest()

    def digest(self) -> str:
        """Return a hash of all that goes into the image."""
        return self._digest

    def add_to(self, archive: RootArchive) -> None:
        """Add the interpreter to a root file system."""
        for name, target in self.links:
            archive.add_link(name, target)
        for name, source in self.contents:
            archive.add_file(name, source)

    def write_archive(self, stream: IO[bytes]) -> None:
        """Write a tar of a root file system with the interpreter and nothing else."""
        archive = RootArchive(stream)
        self.add_to(archive)
        archive.finish()


def host_interpreter(executable: str | None = None) -> Interpreter:
    """Describe an interpreter of this host, by default the one that runs or the one behind it.

    Raises `ServiceMissing` on systems other than Linux and where the interpreter is incomplete.
    """
    if sys.platform != "linux":
        raise ServiceMissing(
            "an image can be built from this machine's own Python on Linux only",
            hints=("name an image that has Python 3.11 or newer, such as python:3.12-slim",),
        )
    program = files("executor.sandbox").joinpath("probe.py").read_text("utf-8")
    command = [executable or base_interpreter(), "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program, no shell
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise ServiceMissing(
            f"{command[0]} cannot be copied into an image: {reason[0]}",
            hints=("install the whole standard library (Debian: apt-get install python3)",),
        )
    found = json.loads(done.stdout)
    name = f"{found['prefix']}/bin/python{found['version']}"
    sources = {name: Path(found["executable"])}
    for folder in {found["standard"], found["extensions"]}:
        sources |= {str(path): path for path in _standard_library(Path(folder))}
    sources |= {path: Path(path) for path in found["libraries"]}
    contents = {inside(path): source for path, source in sources.items()}
    links = {"usr/bin/python3": "/" + inside(name)}
    return Interpreter(
        version=found["version"],
        machine=found["machine"],
        contents=tuple(sorted(contents.items())),
        links=tuple(links.items()),
    )


def _standard_library(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _UNWANTED_FOLDERS and not name.startswith("config-")]
        for name in names:
            path = Path(root, name)
            wanted = not name.endswith((".pyc", ".a")) and not name.startswith(UNWANTED)
            if wanted and path.is_file():  # not a link that leads nowhere
                yield path
