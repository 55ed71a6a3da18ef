"""Wheels as plain files in one folder, without running anything of them.

A wheel is an archive from outside: names that lead out of the folder, links, and sizes that do not fit are refused.
Taken are the modules and the data beside them; scripts, headers and what belongs elsewhere on a system are left out.
Files `.pth`, which Python would run at its start, are taken but without effect: a sandbox starts without `site`.
"""

import py_compile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from executor.sandbox.dependencies.lock import ResolveError

_MOST_BYTES = 1024 * 2**20
_MOST_FILES = 100_000
_LINK = 0o120000
_KINDS = 0o170000


def unpack(wheels: Sequence[Path], folder: Path) -> None:
    """Unpack wheels into an empty folder, and compile the modules in it. Raises `ResolveError` for a bad one."""
    size = count = 0
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                members = [each for each in archive.infolist() if not each.is_dir()]
                size, count = size + sum(each.file_size for each in members), count + len(members)
                if size > _MOST_BYTES or count > _MOST_FILES:
                    raise ResolveError(f"the packages are too large: the most is {_MOST_BYTES // 2**20} MB")
                for member in members:
                    _unpack_one(archive, member, folder, wheel.name)
        except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError) as error:
            raise ResolveError(f"the wheel {wheel.name} cannot be unpacked: {error}") from error
    _compile(folder)


def _unpack_one(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, wheel: str) -> None:
    place = _place(member, wheel)
    if place is None:
        return
    target = folder / place
    data = archive.read(member)
    if target.exists():
        if target.is_dir() or target.read_bytes() != data:
            raise ResolveError(f"two packages bring the file {place}")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _place(member: zipfile.ZipInfo, wheel: str) -> PurePosixPath | None:
    """Return where a file of a wheel goes, or None for one that is left out."""
    path = PurePosixPath(member.filename)
    bad = path.is_absolute() or ".." in path.parts or "\\" in member.filename or "\0" in member.orig_filename
    if bad or (member.external_attr >> 16) & _KINDS == _LINK:
        raise ResolveError(f"the wheel {wheel} holds {member.filename[:80]!r}, which leads out of its folder")
    if path.parts[0].endswith(".data"):
        return PurePosixPath(*path.parts[2:]) if path.parts[1:2] in (("purelib",), ("platlib",)) else None
    return path


def _compile(folder: Path) -> None:
    """Compile every module once: nothing can be written where they are used. Compiling runs nothing."""
    for path in folder.rglob("*.py"):
        py_compile.compile(
            str(path),
            dfile=str(path.relative_to(folder)),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            quiet=2,
        )
