"""A root file system as a tar, made of files of this host and of packages of a distribution.

Rules. The first entry of a name stays: what comes later fills gaps. Every owner is root, no file
has a set-user bit, every folder may be read, and `/bin`, `/sbin`, `/lib` and `/lib64` are links
into `/usr`, as on any present system. Devices and pipes are left out.
"""

import io
import tarfile
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

_MERGED = ("bin", "sbin", "lib", "lib64")
_FOLDERS = ("tmp", "proc", "sys", "dev", "etc", "run", "usr", *(f"usr/{name}" for name in _MERGED))
_TEXTS = {
    "etc/passwd": b"root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


def inside(path: str) -> str:
    """Return where a path of a host or of a package lies in the image: below `usr` where that holds it."""
    name = path.removeprefix(".").strip("/")
    return f"usr/{name}" if name.partition("/")[0] in _MERGED else name


class RootArchive:
    """A tar of a root file system that is being written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|")  # noqa: SIM115 - `finish` closes it
        self._names: set[str] = set()
        for name in _FOLDERS:
            self.add_folder(name, 0o1777 if name == "tmp" else 0o755)
        for name in _MERGED:
            self.add_link(name, f"usr/{name}")
        for name, text in _TEXTS.items():
            self.add_text(name, text)

    def add_folder(self, name: str, mode: int = 0o755) -> None:
        """Add a folder and those above it."""
        for above in reversed(Path(name).parents[:-1]):
            self._add(str(above), tarfile.DIRTYPE, 0o755)
        self._add(name, tarfile.DIRTYPE, mode)

    def add_link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(name, tarfile.SYMTYPE, 0o777, target=target)

    def add_text(self, name: str, text: bytes) -> None:
        """Add a file with a given text."""
        self._add(name, tarfile.REGTYPE, 0o644, size=len(text), content=io.BytesIO(text))

    def add_file(self, name: str, source: Path) -> None:
        """Add a file of this host; only whether it may be run is kept of its rights."""
        self.add_folder(str(Path(name).parent))
        with source.open("rb") as content:
            mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
            self._add(name, tarfile.REGTYPE, mode, size=source.stat().st_size, content=content)

    def add_package(self, package: IO[bytes], trimmed: Sequence[str]) -> None:
        """Add what a package holds, given as a tar, but for the paths that match a pattern of `trimmed`."""
        with tarfile.open(fileobj=package, mode="r|") as files:
            for member in files:
                self._add_member(files, member, trimmed)

    def matching(self, pattern: str) -> str:
        """Return the first name, in the order of the alphabet, that matches a pattern; the pattern where none does."""
        return min((name for name in self._names if fnmatchcase(name, pattern)), default=pattern)

    def finish(self) -> None:
        """Write the end of the archive."""
        self._tar.close()

    def _add_member(self, files: tarfile.TarFile, member: tarfile.TarInfo, trimmed: Sequence[str]) -> None:
        name = inside(member.name)
        if not name or _matches(name, trimmed):
            return
        if member.isdir():
            self._add(name, tarfile.DIRTYPE, 0o755)
        elif member.issym():
            self._add(name, tarfile.SYMTYPE, 0o777, target=member.linkname)
        elif member.islnk() and inside(member.linkname) in self._names:
            self._add(name, tarfile.LNKTYPE, 0o644, target=inside(member.linkname))
        elif member.isreg():
            mode = 0o755 if member.mode & 0o111 else 0o644
            content = files.extractfile(member)
            # Some programs compare the times of their own files (the archive of classes that Java starts from).
            self._add(name, tarfile.REGTYPE, mode, size=member.size, content=content, seconds=int(member.mtime))

    def _add(
        self,
        name: str,
        kind: bytes,
        mode: int,
        *,
        target: str = "",
        size: int = 0,
        content: IO[bytes] | None = None,
        seconds: int = 0,
    ) -> None:
        if name in self._names:
            return
        self._names.add(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.linkname, entry.size, entry.mtime = kind, mode, target, size, seconds
        self._tar.addfile(entry, content)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
