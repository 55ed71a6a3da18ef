"""The sandbox's image with packages beside it: built from files alone, so nothing runs and nothing is fetched.

An image is keyed by the lock and by the content of the image below it. The newest few are kept; an older one is
built again from its wheels when it is wanted.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.sandbox.dependencies.system import compiled, expected_libraries
from executor.sandbox.engine import Engine, engine_failures
from executor.sandbox.image import REPOSITORY as OURS
from executor.sandbox.image import USER
from executor.sandbox.inside.answer import PACKAGES
from executor.sandbox.orphans import labels_of_this_process, remove

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

REPOSITORY = "htn-sandbox-packages"
LABEL = "htn.sandbox.packages"
MOST_IMAGES = 20
_ASKING_SECONDS = 30
# Changes when the same lock would give another image.
_RECIPE = "1"


def image_name(base_content: str, lock_digest: str) -> str:
    """Return the name of the image with these packages."""
    key = hashlib.sha256(f"{_RECIPE}\n{base_content}\n{lock_digest}".encode()).hexdigest()
    return f"{REPOSITORY}:{key[:24]}"


def present(engine: Engine, name: str) -> bool:
    """Whether the engine has an image."""
    from docker.errors import ImageNotFound  # noqa: PLC0415 - the client is imported when it is used

    with engine_failures("looking for an image with packages"):
        try:
            engine.client.images.get(name)
        except ImageNotFound:
            return False
    return True


def python_of(engine: Engine, image: str) -> str:
    """Return the version of an image's Python, such as 3.12. Raises `ServiceMissing`."""
    with engine_failures("asking an image for its Python"):
        container = engine.client.containers.create(
            image,
            ["-I", "-S", "-c", "import sys; print('{}.{}'.format(*sys.version_info))"],
            entrypoint=["python3"],
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            user=USER,
            labels=labels_of_this_process(),
        )
        try:
            container.start()
            container.wait(timeout=_ASKING_SECONDS)
            return container.logs(stdout=True, stderr=False).decode("utf-8", "replace").strip()[:20]
        finally:
            remove(container)


def build_image(engine: Engine, name: str, base: str, lock_digest: str, unpacked: Path) -> None:
    """Build the image `name`: the image `base`, with the files of a folder where bodies look for packages.

    Raises `ServiceMissing`.
    """
    with engine_failures("building an image with packages"):
        steps = engine.client.api.build(
            fileobj=_context(base, lock_digest, unpacked),
            custom_context=True,
            tag=name,
            rm=True,
            forcerm=True,
            decode=True,
            network_mode="none",
        )
        for step in steps:
            if "error" in step:
                raise OSError(step["error"])
    prune(engine, keep=MOST_IMAGES)


def images_with_packages(engine: Engine) -> list[str]:
    """Return the names of all images with packages, the newest first. Raises `ServiceMissing`."""
    with engine_failures("looking for images with packages"):
        images = engine.client.images.list(name=REPOSITORY, filters={"label": LABEL})
    return [str(tag) for image in sorted(images, key=_created, reverse=True) for tag in image.tags]


def prune(engine: Engine, *, keep: int = 0) -> int:
    """Remove the images with packages but for the newest `keep`; return how many went. One in use stays."""
    from docker.errors import APIError  # noqa: PLC0415 - the client is imported when it is used

    removed = 0
    with engine_failures("removing images with packages"):
        for name in images_with_packages(engine)[keep:]:
            try:
                engine.client.images.remove(name, force=False, noprune=False)
            except APIError as error:
                if error.status_code not in (404, 409):  # gone already, or in use
                    raise
            else:
                removed += 1
    return removed


def _created(image: DockerImage) -> str:
    return str(image.attrs.get("Created", ""))


def _context(base: str, lock_digest: str, unpacked: Path) -> io.BytesIO:
    """Return what is sent to the engine: how to build, and a tar of the files."""
    recipe = f"FROM {base}\nLABEL {LABEL}={lock_digest}\nADD packages.tar /\n".encode()
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as archive:
        for path in sorted(unpacked.rglob("*")):
            name = f"{PACKAGES.strip('/')}/{path.relative_to(unpacked)}"
            archive.addfile(*_entry(name, path))
        if base.startswith(f"{OURS}:") and compiled(unpacked):
            for name, path in sorted(expected_libraries().items()):
                archive.addfile(*_entry(name, path))
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, data in (("Dockerfile", recipe), ("packages.tar", files.getvalue())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    context.seek(0)
    return context


def _entry(name: str, path: Path) -> tuple[Any, ...]:
    """Return a file or folder that belongs to root, can be read by all, and has no time."""
    entry = tarfile.TarInfo(name)
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        return (entry,)
    data = path.read_bytes()
    entry.mode, entry.size = 0o644, len(data)
    return entry, io.BytesIO(data)
