"""Packages for bodies, kept: resolved once for the same declaration, built once for the same lock.

declared           what happens
nothing            the sandbox's own image
not allowed        a problem of the environment that says which setting allows it
allowed, unknown   resolved, pinned, looked up for known flaws, said to whoever listens, built
allowed, known     the image of the last time; known flaws are said again, and looked up again after a day
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from executor.sandbox.dependencies.audit import audit
from executor.sandbox.dependencies.image import build_image, image_name, present, python_of
from executor.sandbox.dependencies.lock import Lock, ResolveError, read_folder, resolve
from executor.sandbox.dependencies.requirement import check_requirements, not_allowed
from executor.sandbox.dependencies.wheel import unpack
from executor.sandbox.engine import Engine

_DAY = 86_400.0


class UnavailableError(Exception):
    """A body cannot have the packages that it declares; the message says why and what to do."""


@dataclass(frozen=True)
class PackageSettings:
    """Which packages bodies may have, and where these come from.

    `allowed` lists names, `*` for all; none are allowed by default, because a package is code of somebody else that
    a model chose by its name. `folder` keeps what was fetched, by default a folder that is removed at the end.
    `wheels` is a folder of wheels to take packages from instead of an index.
    """

    allowed: tuple[str, ...] = ()
    folder: Path | None = None
    wheels: Path | None = None


@dataclass
class Packages:
    """The packages of one sandbox."""

    settings: PackageSettings
    on_progress: Callable[[str], None] = lambda text: None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _locks: dict[tuple[str, ...], Lock] = field(default_factory=dict, repr=False)
    _own: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def locked(self, declared: Sequence[str]) -> Lock:
        """Return what a declaration comes to. Raises `UnavailableError`, `UsageError`."""
        wanted = check_requirements(declared)
        if why := not_allowed(wanted, self.settings.allowed):
            raise UnavailableError(why)
        key = tuple(sorted(declared))
        with self._lock:
            if key not in self._locks:
                folder = self._folder() / hashlib.sha256("\n".join((_python(), *key)).encode()).hexdigest()[:24]
                try:
                    lock = read_folder(folder, folder) if folder.is_dir() else self._resolve(key, folder)
                    self.on_progress(f"packages {', '.join(lock.lines())}: {_known_of(lock, folder)}")
                    self._locks[key] = lock
                except ResolveError as error:
                    raise UnavailableError(f"the packages {', '.join(key)} cannot be had: {error}") from error
            return self._locks[key]

    def image(self, engine: Engine, base: str, base_content: str, declared: Sequence[str]) -> str:
        """Return the name of an image that has what is declared; build it where it is not there.

        Raises `UnavailableError`, `UsageError`, `ServiceMissing`.
        """
        lock = self.locked(declared)
        name = image_name(base_content, lock.digest())
        with self._lock:
            if present(engine, name):
                return name
            self.on_progress(f"building an image with {', '.join(f'{w.name} {w.version}' for w in lock.wheels)}")
            with tempfile.TemporaryDirectory(prefix="htn-packages-") as folder:
                try:
                    unpack(lock.paths(), Path(folder))
                except (ResolveError, OSError) as error:
                    raise UnavailableError(f"the packages cannot be installed: {error}") from error
                build_image(engine, name, base, lock.digest(), Path(folder))
        return name

    def close(self) -> None:
        """Remove what nobody asked to keep."""
        if self._own:
            self._own.cleanup()
            self._own = None

    def _resolve(self, declared: Sequence[str], folder: Path) -> Lock:
        self.on_progress(f"resolving the packages {', '.join(declared)}")
        return resolve(check_requirements(declared), folder, self.settings.wheels)

    def _folder(self) -> Path:
        if self.settings.folder:
            return self.settings.folder
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="htn-wheels-")
        return Path(self._own.name)


def _known_of(lock: Lock, folder: Path) -> str:
    """Return what is known to be wrong with packages, asked at most once a day: flaws become known later too."""
    kept = folder.with_name(f"{folder.name}.audit")
    try:
        if time.time() - kept.stat().st_mtime < _DAY:
            return kept.read_text(encoding="utf-8")
    except OSError:
        pass  # nobody has asked yet
    told = audit(lock.wheels).told()
    kept.write_text(told, encoding="utf-8")
    return told


def check_python(engine: Engine, image: str) -> None:
    """Raise `UnavailableError` where an image has another Python than the one that packages are resolved for here."""
    ours = "{}.{}".format(*sys.version_info)
    theirs = python_of(engine, image)
    if theirs != ours:
        raise UnavailableError(
            f"packages are resolved for Python {ours}, and the image {image} has {theirs}: name an image with {ours}, "
            "or leave the setting image empty"
        )


def _python() -> str:
    return f"{sys.implementation.cache_tag} {sys.platform}"
