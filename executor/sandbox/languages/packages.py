"""Packages of the distribution as the source of a toolchain: what is needed, and the files of it.

Theory. `apt-get` is asked what an empty machine would need for some packages. It reads the lists
and the settings that this machine has, so it uses the sources that a person chose and checks what
it fetches against their signed lists. The state of this machine, what is installed and what is
held, does not count, nothing is installed, and no privilege is needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from executor.sandbox.archive import RootArchive
from htn.errors import ServiceMissing

_LINE = re.compile(r"'[^']+' (?P<file>\S+) (?P<size>\d+) (?P<hash>\S+)")
_HINTS = (
    "apt-get update    reads the lists of packages",
    "or name an image that holds the toolchain and Python 3.11 or newer: the setting images",
)
_TRIMMED = (
    "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "usr/share/bug/*",
    "usr/share/lintian/*", "usr/lib/*/gconv/*", "usr/share/icons/*", "usr/share/perl*", "etc/init.d/*", "var/*",
)  # fmt: skip


@dataclass(frozen=True)
class Package:
    """One package of a distribution: its file, which names its version, the bytes of it, and their hash."""

    file: str
    size: int
    hash: str

    @property
    def name(self) -> str:
        """The package's own name."""
        return self.file.partition("_")[0]


def needed_packages(
    names: Sequence[str], kept: Sequence[str] = ("*",), left_out: Sequence[str] = ()
) -> tuple[Package, ...]:
    """Return the packages that an empty machine needs for some: those that match `kept` and not `left_out`.

    Raises `ServiceMissing` where there is no apt or it does not know them.
    """
    with _empty_machine() as options:
        out = _apt([*options, "--print-uris", "install", *names])
    found = [Package(m["file"], int(m["size"]), m["hash"]) for m in map(_LINE.match, out.splitlines()) if m]
    wanted = [each for each in found if _matches(each.name, kept) and not _matches(each.name, left_out)]
    return tuple(sorted(wanted, key=lambda package: package.file))


@contextmanager
def fetched(packages: Sequence[Package]) -> Iterator[list[Path]]:
    """Fetch packages into a folder that lasts as long as the block. Raises `ServiceMissing`."""
    with _empty_machine() as options, tempfile.TemporaryDirectory(prefix="htn-packages-") as folder:
        exact = [f"{package.name}={_version(package)}" for package in packages]
        _apt([*options, "download", *exact], folder)
        yield sorted(Path(folder).glob("*.deb"))


def unpack(package: Path, archive: RootArchive, trimmed: Sequence[str]) -> None:
    """Add the files of a fetched package to an image, but for documentation and `trimmed` paths."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking:  # noqa: S603 - no shell, our own words
        assert unpacking.stdout is not None
        archive.add_package(unpacking.stdout, (*_TRIMMED, *trimmed))
        unpacking.stdout.read()  # whatever stands after the end of the tar
    if unpacking.returncode:
        raise ServiceMissing(f"dpkg-deb cannot read {package.name}", hints=_HINTS)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _version(package: Package) -> str:
    """Return the version that the name of a package's file holds; a colon is written as %3a there."""
    return package.file.split("_")[1].replace("%3a", ":")


@contextmanager
def _empty_machine() -> Iterator[list[str]]:
    """Options that make apt believe in a machine where nothing is installed, and keep its traces together."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ServiceMissing(
            "an image of a language is made of packages of Debian or Ubuntu, and there is no apt-get here",
            hints=_HINTS[1:],
        )
    with tempfile.TemporaryDirectory(prefix="htn-apt-") as folder:
        Path(folder, "status").touch()
        Path(folder, "archives", "partial").mkdir(parents=True)
        settings = {
            "Dir::State::status": f"{folder}/status",
            "Dir::Cache": folder,
            "Acquire::ForceHash": "SHA256",
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "Debug::NoLocking": "true",
        }
        yield ["-q", "-y", *(f"-o{name}={value}" for name, value in settings.items())]


def _apt(words: Sequence[str], folder: str | None = None) -> str:
    command = ["apt-get", *words]
    done = subprocess.run(  # noqa: S603 - no shell, our own words
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    )
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()[-200:]]
        raise ServiceMissing(f"apt-get has no packages for an image: {reasons[0]}", hints=_HINTS)
    return done.stdout
