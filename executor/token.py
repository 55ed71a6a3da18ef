"""The token of the services: who knows it may let this program write and run code.

It is made at the first start and kept in the data folder, where only the user can read it.
"""

import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from htn.errors import UsageError

NAME = "token"
_BYTES = 32
_LEAST = 16
_MOST = 1_000


def service_token(data_dir: Path) -> str:
    """Return the token of the services, made now where there is none. UsageError where it cannot be kept or is open.

    Two processes that start at once get the same one: the file appears whole, or not at all.
    """
    path = data_dir / NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _made(path)
        return _read(path)
    except OSError as error:
        raise UsageError(f"cannot keep the token of the services in {path}: {error.strerror}") from error


def is_token(given: str, token: str) -> bool:
    """Say whether what a client sent is the token, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _made(path: Path) -> None:
    draft = path.with_name(f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first
            os.link(draft, path)
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid():
            raise UsageError(f"{path} is no file of this user", hints=("remove it: another is made at the next start",))
        if about.st_mode & 0o077:
            raise UsageError(f"others can read the token in {path}", hints=(f"chmod 600 {path}, or remove it",))
        token = file.read(_MOST).strip()
    if len(token) < _LEAST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{path} holds no token", hints=("remove it: another is made at the next start",))
    return token
