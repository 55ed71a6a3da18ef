"""Which sandbox: a container where an engine answers, else the locked tree, else WebAssembly, else none.

    kind       an engine answers    none answers
    auto       docker               lockdown, else wasm, said loudly once; else an error
    docker     docker               an error
    lockdown   lockdown             lockdown
    wasm       wasm                 wasm
    local      local                local: no fence, said at each call
    a name     what another package brings under this name

Nothing here ever runs code without a fence, but where `local` is named.
"""

from collections.abc import Callable
from typing import Literal, get_args

from executor.sandbox.container import DockerSandbox
from executor.sandbox.dependencies import Packages, PackageSettings
from executor.sandbox.engine import START_DOCKER, connect
from executor.sandbox.hardening import Fence
from executor.sandbox.image import ensure_image
from executor.sandbox.installed import installed_sandboxes, open_installed
from executor.sandbox.languages.calls import LanguageSettings
from executor.sandbox.local import LocalSandbox
from executor.sandbox.lockdown import LockdownSandbox
from executor.sandbox.protocol import Sandbox, SandboxLimits
from executor.sandbox.supervised import PoolSettings
from executor.sandbox.wasm import WasmSandbox
from htn.errors import ServiceMissing, UsageError, did_you_mean

Kind = Literal["auto", "docker", "lockdown", "wasm", "local"]
KINDS: tuple[str, ...] = get_args(Kind)


def open_sandbox(
    *,
    kind: str = "auto",
    image: str | None = None,
    docker_timeout: float = 30.0,
    limits: SandboxLimits | None = None,
    pool: PoolSettings | None = None,
    fence: Fence | None = None,
    packages: PackageSettings | None = None,
    languages: LanguageSettings | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Sandbox:
    """Open a sandbox; close it, or use it in a `with` statement.

    `kind` is one of ours (see above) or the name of one that another package brings (see `installed`).
    `image` names a container image with Python 3.11 or newer, by default one is built from this
    machine's Python. `docker_timeout` bounds each request to the engine, in seconds. `pool` says how
    many supervisors are kept, `fence` with which runtime and system call profile containers run,
    `packages` which packages bodies may declare: none by default,
    `languages` where images of other languages and compiled bodies come from.
    `on_progress` hears of slow work (pulling, building) and of a weaker level than a container.
    Raises `ServiceMissing` when no sandbox can be had, `UsageError` for an unknown kind.
    """
    limits, pool = limits or SandboxLimits(), pool or PoolSettings()
    tell = on_progress or _silence
    if kind == "lockdown":
        return LockdownSandbox(limits, pool)
    if kind == "wasm":
        return WasmSandbox(limits, pool)
    if kind == "local":
        return LocalSandbox(limits, pool, on_progress)
    if kind not in ("auto", "docker"):
        check_kind(kind)
        return open_installed(installed_sandboxes()[kind], limits)
    try:
        engine = connect(docker_timeout)
    except ServiceMissing as no_engine:
        if kind == "docker":
            raise
        return _without_engine(no_engine, limits, pool, tell)
    try:
        kept = Packages(packages or PackageSettings(), tell)
        found = ensure_image(engine, image, tell)
        return DockerSandbox(engine, found, limits, pool, fence or Fence(), packages=kept, languages=languages)
    except BaseException:  # an interrupt too leaves no connection open
        engine.client.close()
        raise


def sandbox_names() -> tuple[str, ...]:
    """Return the names of all sandboxes: ours, and those that other packages bring."""
    return tuple(dict.fromkeys((*KINDS, *installed_sandboxes())))


def check_kind(kind: str) -> str:
    """Return `kind` if there is such a sandbox, ours or of another package. Raises `UsageError`."""
    if kind in KINDS:
        return kind
    known = sandbox_names()
    if kind not in known:
        hints = (*did_you_mean(kind, known), f"there are {', '.join(known)}")
        raise UsageError(f"there is no sandbox {kind[:80]!r}", hints=hints)
    return kind


def _without_engine(
    no_engine: ServiceMissing, limits: SandboxLimits, pool: PoolSettings, tell: Callable[[str], None]
) -> Sandbox:
    sandbox: Sandbox
    try:
        sandbox = LockdownSandbox(limits, pool)
    except ServiceMissing as no_lockdown:
        try:
            sandbox = WasmSandbox(limits, pool)
        except ServiceMissing as no_wasm:
            raise ServiceMissing(
                f"no sandbox can be had: {no_engine.message}; {no_lockdown.message}; {no_wasm.message}",
                hints=no_lockdown.hints,
            ) from no_wasm
    uncovered = "; ".join(sandbox.does_not_cover)
    tell(
        f"{no_engine.message}. Bodies run under {sandbox.level} instead, which does not cover: "
        f"{uncovered}. To use containers: {START_DOCKER}."
    )
    return sandbox


def _silence(_: str) -> None:
    """Say nothing."""
