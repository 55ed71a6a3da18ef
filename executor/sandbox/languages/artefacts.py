"""What compilers made, kept on the host so that each body is compiled once.

Rules. The name of an entry is a hash of all that decides about it: the code, the drivers, the
commands, the image. An entry is written beside its place and moved there, and begins with a hash of
itself, so it is whole or not there. When the entries are too many bytes, those used least recently
go. The host never looks into an artefact and never runs one: it was made from code that nobody
trusts, and goes back into a container only.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

MOST_MB = 256


def default_folder() -> Path:
    """Return where artefacts are kept when nobody says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "htn" / "compiled"


def artefact_key(request: Mapping[str, object], image: str) -> str:
    """Return the name of what a job makes in an image."""
    return hashlib.sha256(json.dumps([request, image], sort_keys=True).encode()).hexdigest()


class Artefacts:
    """A folder of artefacts. A folder that cannot be used keeps nothing, and every body is compiled again."""

    def __init__(self, folder: Path, most_mb: int = MOST_MB) -> None:
        self._folder = folder
        self._most = most_mb * 2**20

    def get(self, key: str) -> str | None:
        """Return an artefact as text, or None."""
        path = self._folder / key
        try:
            seal, _, artefact = path.read_text("ascii").partition("\n")
            os.utime(path)
        except (OSError, UnicodeDecodeError):
            return None
        return artefact if seal == _seal(artefact) else None

    def put(self, key: str, artefact: str) -> None:
        """Keep an artefact; the ones used least recently make room for it."""
        if len(artefact) > self._most:
            return
        with suppress(OSError):  # a full disk, a folder that belongs to somebody else
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, written = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                    stream.write(f"{_seal(artefact)}\n{artefact}")
                Path(written).replace(self._folder / key)
            except BaseException:
                Path(written).unlink(missing_ok=True)
                raise
            self._make_room()

    def _make_room(self) -> None:
        entries = []
        for path in self._folder.iterdir():
            with suppress(OSError):  # another process made room as well
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._most:
                return
            path.unlink(missing_ok=True)
            total -= size


def _seal(artefact: str) -> str:
    return hashlib.sha256(artefact.encode()).hexdigest()
