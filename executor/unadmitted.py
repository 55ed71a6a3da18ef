"""Files for what passed the ladder and could not be admitted, because the store did not answer.

They lie in `unadmitted/` of the data folder, are for their user alone, and are bundles like those that
`htn library export` writes. Beside each lies the SHA-256 of its bytes. A bundle with such a hash is one that this data
folder has written: its evidence was gathered here, so it counts as it would have counted at the admission. Whoever can
forge that can write to this folder, and so into an embedded store as well.

A file is written as a whole or not at all, and stays until somebody removes it.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from executor.exchange import Carried, as_bundle
from executor.finished import Finished
from htn.errors import UsageError

_FOLDER = "unadmitted"
_DIGITS = 12
_DIGEST = 64


def keep(data_dir: Path, found: Finished) -> Path:
    """Write what could not be admitted; return where. UsageError where it cannot be written."""
    entry = found.entry
    one = Carried(version=entry.version, trust=found.trust, entry=entry, evidence=found.records)
    folder = data_dir.absolute() / _FOLDER
    path = folder / f"{entry.name}-{entry.version[:_DIGITS]}.json"
    content = as_bundle([one]).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path.with_suffix(".sha256"), hashlib.sha256(content).hexdigest().encode())
        _write(path, content)
    except OSError as error:
        raise UsageError(f"it cannot be written to {path}: {error.strerror}") from error
    return path


def is_ours(data_dir: Path, path: Path) -> bool:
    """Say whether this data folder has written what is in a file, wherever the file is now."""
    with suppress(OSError):
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        return any(found == _digest(each) for each in (data_dir / _FOLDER).glob("*.sha256"))
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return opened.read(_DIGEST).decode("ascii", "replace")


def _write(path: Path, content: bytes) -> None:
    """Write a file at once: there is all of it under its name, or what was there before."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # for its user alone
    try:
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
