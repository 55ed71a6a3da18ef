"""Which sandbox: a container where an engine answers, else the locked tree, else none.

    kind       an engine answers    none answers
    auto       docker               lockdown, said loudly once; else an error
    docker     docker               an error
    lockdown   lockdown             lockdown

Nothing here ever runs code without a fence.
"""

from collections.abc import Callable
from typing import Literal

from executor.sandbox.container import DockerSandbox
from executor.sandbox.engine import START_DOCKER, connect
from executor.sandbox.hardening import Fence
from executor.sandbox.image import ensure_image
from executor.sandbox.languages.calls import LanguageSettings
from executor.sandbox.lockdown import LockdownSandbox
from executor.sandbox.protocol import Sandbox, SandboxLimits
from executor.sandbox.supervised import PoolSettings
from htn.errors import ServiceMissing, UsageError

Kind = Literal["auto", "docker", "lockdown"]


def open_sandbox(
    *,
    kind: Kind = "auto",
    image: str | None = None,
    docker_timeout: float = 30.0,
    limits: SandboxLimits | None = None,
    pool: PoolSettings | None = None,
    fence: Fence | None = None,
    languages: LanguageSettings | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Sandbox:
    """Open a sandbox; close it, or use it in a `with` statement.

    `image` names a container image with Python 3.11 or newer, by default one is built from this
    machine's Python. `docker_timeout` bounds each request to the engine, in seconds. `pool` says how
    many supervisors are kept, `fence` with which runtime and system call profile containers run,
    `languages` where images of other languages and compiled bodies come from.
    `on_progress` hears of slow work (pulling, building) and of a weaker level than a container.
    Raises `ServiceMissing` when no sandbox can be had, `UsageError` for an unknown kind.
    """
    limits, pool = limits or SandboxLimits(), pool or PoolSettings()
    tell = on_progress or _silence
    if kind == "lockdown":
        return LockdownSandbox(limits, pool)
    if kind not in ("auto", "docker"):
        raise UsageError(f"there is no sandbox of the kind {kind}", hints=("auto, docker or lockdown",))
    try:
        engine = connect(docker_timeout)
    except ServiceMissing as no_engine:
        if kind == "docker":
            raise
        return _without_engine(no_engine, limits, pool, tell)
    try:
        return DockerSandbox(engine, ensure_image(engine, image, tell), limits, pool, fence or Fence(), languages)
    except BaseException:  # an interrupt too leaves no connection open
        engine.client.close()
        raise


def _without_engine(
    no_engine: ServiceMissing, limits: SandboxLimits, pool: PoolSettings, tell: Callable[[str], None]
) -> Sandbox:
    try:
        sandbox = LockdownSandbox(limits, pool)
    except ServiceMissing as no_lockdown:
        raise ServiceMissing(
            f"no sandbox can be had: {no_engine.message}; {no_lockdown.message}",
            hints=no_lockdown.hints,
        ) from no_lockdown
    uncovered = "; ".join(sandbox.does_not_cover)
    tell(
        f"{no_engine.message}. Bodies run under lockdown instead, which does not cover: "
        f"{uncovered}. To use containers: {START_DOCKER}."
    )
    return sandbox


def _silence(_: str) -> None:
    """Say nothing."""
