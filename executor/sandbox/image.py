"""The image that containers start from: found, pulled, or built from the host's own interpreter.

    a reference is configured, the engine has it      found
    a reference is configured, the engine has it not  pulled, with progress
    none is configured, the last build is there       found, by the hash of its contents
    none is configured                                built, without any registry

This happens when a sandbox is opened, never within the deadline of a call. Images of interpreters
that have been upgraded since stay until `htn sandbox prune`. Images of other languages are the
matter of `languages/images.py`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from executor.sandbox.engine import Engine, connect, engine_failures
from executor.sandbox.interpreter import Interpreter, host_interpreter
from htn.errors import ServiceMissing

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

REPOSITORY = "htn-sandbox-python"
CONTENT_LABEL = "htn.sandbox.content"
USER = "65534:65534"
_ARCHIVE_IN_MEMORY = 32 * 2**20
_NAME_AN_IMAGE = "name an image that has Python 3.11 or newer, such as python:3.12-slim"


@dataclass(frozen=True)
class SandboxImage:
    """An image that the engine has, and how it came there; `content` is the engine's hash of it."""

    reference: str
    how: Literal["found", "pulled", "built"]
    seconds: float
    megabytes: float
    content: str = ""

    def __str__(self) -> str:
        size, spent = f"{self.megabytes:.0f} MB", f"{self.seconds:.1f} s"
        return f"sandbox image {self.reference}: {self.how} in {spent}, {size}"


@dataclass(frozen=True)
class ImageStatus:
    """Which image a sandbox would use, and whether the engine has it already."""

    reference: str
    present: bool
    megabytes: float = 0.0
    how: str = ""


def ensure_image(engine: Engine, reference: str | None, on_progress: Callable[[str], None]) -> SandboxImage:
    """Return the image to use; pull or build it where the engine has it not.

    Raises `ServiceMissing` when it can be neither found, pulled nor built.
    """
    started = time.monotonic()
    interpreter = None if reference else fitting_interpreter(engine)
    wanted, digest = _wanted(reference, interpreter)
    how: Literal["found", "pulled", "built"] = "found"
    image = find_image(engine, wanted, digest)
    if image is None and interpreter is None:
        how, image = "pulled", pull_image(engine, wanted, on_progress)
    elif image is None and interpreter is not None:
        on_progress(f"building the sandbox image {wanted} from this machine's Python")
        how, image = "built", _build(engine, wanted, digest, interpreter)
    assert image is not None
    seconds = time.monotonic() - started
    result = SandboxImage(wanted, how, seconds, megabytes(image), str(image.id))
    if how != "found":
        on_progress(str(result))
    return result


def image_status(reference: str | None = None, *, seconds: float = 5.0) -> ImageStatus:
    """Say which image a sandbox would use; pulls and builds nothing.

    Raises `ServiceMissing` when no engine answers, or none is named and none can be built.
    """
    engine = connect(seconds)
    try:
        wanted, digest = _wanted(reference, None if reference else fitting_interpreter(engine))
        image = find_image(engine, wanted, digest)
    finally:
        engine.client.close()
    if image is None:
        way = "would be pulled" if reference else "would be built from this machine's Python"
        return ImageStatus(wanted, present=False, how=way)
    return ImageStatus(wanted, present=True, megabytes=megabytes(image), how="found")


def fitting_interpreter(engine: Engine) -> Interpreter:
    """Return this machine's Python, or raise `ServiceMissing` where the engine's machine is another one."""
    interpreter = host_interpreter()
    if interpreter.machine != engine.machine:
        raise ServiceMissing(
            f"this machine is {interpreter.machine}, the Docker engine's is {engine.machine}",
            hints=(_NAME_AN_IMAGE,),
        )
    return interpreter


def _wanted(reference: str | None, interpreter: Interpreter | None) -> tuple[str, str]:
    if interpreter is None:
        return reference or "", ""
    digest = interpreter.digest()
    return f"{REPOSITORY}:{interpreter.version}-{interpreter.machine}-{digest[:12]}", digest


def find_image(engine: Engine, wanted: str, digest: str = "") -> DockerImage | None:
    """Return an image by its name, and by the hash of its contents where one is given, or None."""
    from docker.errors import ImageNotFound  # noqa: PLC0415 - the client is imported when it is used

    with engine_failures("looking for the sandbox image"):
        try:
            image = engine.client.images.get(wanted)
        except ImageNotFound:
            return None
    return image if not digest or image.labels.get(CONTENT_LABEL) == digest else None


def pull_image(engine: Engine, wanted: str, on_progress: Callable[[str], None]) -> DockerImage:
    """Pull an image, with progress. Raises `ServiceMissing`."""
    on_progress(f"pulling the sandbox image {wanted}")
    whole = "@" in wanted or ":" in wanted.rpartition("/")[2]
    try:
        with engine_failures(f"pulling {wanted}"):
            # Without a tag the engine would fetch every tag that the repository has.
            steps = engine.client.api.pull(wanted if whole else f"{wanted}:latest", stream=True, decode=True)
            for step in steps:
                if "error" in step:
                    raise OSError(step["error"])
                if step.get("id") and step.get("status") in ("Pulling fs layer", "Pull complete"):
                    on_progress(f"{wanted}: {step['id']} {step['status'].lower()}")
            return engine.client.images.get(wanted)
    except ServiceMissing as error:
        raise ServiceMissing(
            error.message,
            hints=(
                *error.hints,
                "leave the setting image empty to build one from this machine's Python",
            ),
        ) from error


def _build(engine: Engine, wanted: str, digest: str, interpreter: Interpreter) -> DockerImage:
    with tempfile.SpooledTemporaryFile(max_size=_ARCHIVE_IN_MEMORY) as stream:
        interpreter.write_archive(stream)
        return import_archive(engine, wanted, stream, {CONTENT_LABEL: digest})


def import_archive(engine: Engine, reference: str, stream: IO[bytes], labels: Mapping[str, str]) -> DockerImage:
    """Make an image of one layer from the tar of a root file system. Raises `ServiceMissing`."""
    changes = [f'LABEL {name}="{value}"' for name, value in labels.items()]
    changes += [f"USER {USER}", "ENV PATH=/usr/bin"]
    repository, _, tag = reference.partition(":")
    stream.seek(0)
    with engine_failures("building the sandbox image"):
        answer = engine.client.api.import_image_from_data(stream, repository=repository, tag=tag, changes=changes)
        if '"error"' in str(answer):
            raise OSError(str(answer))
        return engine.client.images.get(reference)


def megabytes(image: DockerImage) -> float:
    """Return the size of an image, in millions of bytes."""
    return float(image.attrs.get("Size", 0)) / 1e6
