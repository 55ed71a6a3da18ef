"""The Docker engine: whether it answers, and its failures in words.

The client library is imported when an engine is asked for, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from htn.errors import ServiceMissing

if TYPE_CHECKING:
    from docker import DockerClient

START_DOCKER = "start Docker (systemctl start docker, or Docker Desktop), or set DOCKER_HOST"

_SIGNS = {
    "FileNotFoundError": "there is no socket",
    "PermissionError": "its socket may not be opened by this user",
    "ConnectionRefusedError": "nobody listens at its address",
    "Connection refused": "nobody listens at its address",
}


@dataclass(frozen=True)
class EngineStatus:
    """Whether a Docker engine answers; if not, why, and what to do."""

    answering: bool
    version: str = ""
    machine: str = ""
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    client: DockerClient
    version: str
    machine: str
    seconds: float


def connect(seconds: float) -> Engine:
    """Return the engine that DOCKER_HOST or the usual socket leads to.

    `seconds` bounds each request to it. Raises `ServiceMissing` when none answers.
    """
    import docker  # noqa: PLC0415 - the client is imported when it is used
    from docker.errors import DockerException  # noqa: PLC0415 - the client is imported when it is used

    try:
        client = docker.from_env(timeout=max(1, round(seconds)))
        about = client.version()
    except (DockerException, OSError) as error:
        raise ServiceMissing(f"no Docker engine answers: {_reason(error)}", hints=(START_DOCKER,)) from error
    return Engine(client, str(about["Version"]), _machine(str(about["Arch"])), seconds)


def engine_status(seconds: float = 5.0) -> EngineStatus:
    """Say whether an engine answers. Never raises for one that does not."""
    try:
        engine = connect(seconds)
    except ServiceMissing as error:
        return EngineStatus(answering=False, why=error.message, hint=START_DOCKER)
    engine.client.close()
    return EngineStatus(answering=True, version=engine.version, machine=engine.machine)


@contextmanager
def engine_failures(doing: str) -> Iterator[None]:
    """Turn failures of the engine within the block into `ServiceMissing` with hints."""
    from docker.errors import DockerException  # noqa: PLC0415 - the client is imported when it is used

    try:
        yield
    except (DockerException, OSError) as error:
        reason = _reason(error)
        hint = "docker info    shows whether the engine is well"
        if "no space left" in reason.lower():
            hint = "make room on the engine's disk: docker system df, then docker system prune"
        raise ServiceMissing(f"Docker failed while {doing}: {reason}", hints=(hint,)) from error


def _reason(error: BaseException) -> str:
    """Return what is wrong without the layers of the client library around it."""
    text = " ".join(str(getattr(error, "explanation", None) or error).split())
    for sign, meaning in _SIGNS.items():
        if sign in text:
            return meaning
    return text[:300]


def _machine(architecture: str) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture, architecture)
