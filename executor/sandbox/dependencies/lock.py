"""From declared packages to pinned wheels: pip chooses, on this machine, outside of every sandbox.

pip runs as a program of its own, takes wheels only, and runs nothing that it fetches. It keeps to the index and the
settings that a person has set it to, or to a folder of wheels where the settings name one. What it fetched is pinned
by the hash of the file; a pinned package is fetched again only with that very hash.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from executor.sandbox.dependencies.requirement import Wanted
from executor.sandbox.source import base_interpreter

_SECONDS = 600.0
_MOST_TOLD = 400


class ResolveError(Exception):
    """The packages cannot be had; the message says why."""


@dataclass(frozen=True, order=True)
class Locked:
    """One wheel: what it is and the hash of the file."""

    name: str
    version: str
    sha256: str
    file: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} sha256:{self.sha256}"


@dataclass(frozen=True)
class Lock:
    """The wheels that declared packages come to, and where they are."""

    wheels: tuple[Locked, ...]
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return the lock as a body may declare it: each package pinned to its wheel."""
        return tuple(map(str, self.wheels))

    def digest(self) -> str:
        """Return a hash of all that is pinned."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def paths(self) -> tuple[Path, ...]:
        """Return the files, checked against their hashes again. Raises `ResolveError`."""
        for each in self.wheels:
            if hashlib.sha256((self.folder / each.file).read_bytes()).hexdigest() != each.sha256:
                raise ResolveError(f"the wheel {each.file} in {self.folder} is not what was locked: remove that folder")
        return tuple(self.folder / each.file for each in self.wheels)


def resolve(wanted: Sequence[Wanted], folder: Path, wheels: Path | None) -> Lock:
    """Fetch the wheels that are wanted, and those that they need, into `folder`; raises `ResolveError`.

    `wheels` is a folder to take them from instead of the index. Where all are pinned nothing else is taken.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as fetching:
        place = Path(fetching)
        requirements = place / "requirements.txt"
        requirements.write_text("".join(f"{_line(each)}\n" for each in wanted))
        pinned = all(each.sha256 for each in wanted)
        source = ["--no-index", "--find-links", str(wheels)] if wheels else []
        (place / "wheels").mkdir()
        _run_pip(
            "download", "--quiet", "--only-binary", ":all:", "--no-input", *source,
            *(["--no-deps", "--require-hashes"] if pinned else []),
            "--dest", str(place / "wheels"), "--requirement", str(requirements),
        )  # fmt: skip
        locked = read_folder(place / "wheels", folder)
        shutil.rmtree(folder, ignore_errors=True)
        (place / "wheels").rename(folder)
    return locked


def read_folder(fetched: Path, folder: Path) -> Lock:
    """Return the lock of the wheels in a folder that is, or will be, at `folder`. Raises `ResolveError`."""
    found = []
    for path in sorted(fetched.iterdir()):
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename as error:
            raise ResolveError(f"{path.name} is no wheel: {error}") from error
        found.append(Locked(str(name), str(version), hashlib.sha256(path.read_bytes()).hexdigest(), path.name))
    return Lock(tuple(sorted(found)), folder)


def _line(wanted: Wanted) -> str:
    return f"{wanted.text} --hash=sha256:{wanted.sha256}" if wanted.sha256 else wanted.text


def _run_pip(*words: str) -> None:
    command = (*_pip(), "--disable-pip-version-check", *words)
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResolveError(f"pip does not come to an end: {error}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["it says nothing"]
        raise ResolveError("; ".join(line.removeprefix("ERROR: ") for line in said)[:_MOST_TOLD])


@cache
def _pip() -> tuple[str, ...]:
    """Return the command of a pip of the interpreter that images are built from. Raises `ResolveError`."""
    for interpreter in dict.fromkeys((sys.executable, base_interpreter())):
        command = (interpreter, "-I", "-m", "pip")
        done = subprocess.run((*command, "--version"), capture_output=True, check=False)  # noqa: S603 - no shell
        if done.returncode == 0:
            return command
    raise ResolveError(f"{sys.executable} has no pip, which fetches packages: {sys.executable} -m ensurepip")
