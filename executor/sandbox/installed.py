"""Sandboxes that other packages bring: an entry point in the group `htn.sandboxes`, named in settings like our own.

    [project.entry-points."htn.sandboxes"]
    firecracker = "my_package:open_firecracker"

The entry point is called as `open_firecracker(limits=SandboxLimits(...))` and returns a `Sandbox`, whose `level` is
the name of the entry point, so that every result says what fenced it. What such a sandbox holds is its own promise:
nothing here can check it. It is taken only where it is named.
"""

from importlib.metadata import EntryPoint, entry_points

from executor.sandbox.protocol import Sandbox, SandboxLimits
from htn.errors import ServiceMissing, told

GROUP = "htn.sandboxes"
_PARTS = ("level", "limits", "description", "covers", "does_not_cover", "runs_on", "call", "acall", "close")


def installed_sandboxes() -> dict[str, EntryPoint]:
    """Return the entry points by name; of several with one name, the one found first on the path."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return found


def open_installed(point: EntryPoint, limits: SandboxLimits) -> Sandbox:
    """Open a sandbox of another package. Raises `ServiceMissing` where that package fails or returns no sandbox."""
    try:
        sandbox: Sandbox = point.load()(limits=limits)
    except ServiceMissing:
        raise
    except Exception as error:
        raise _broken(point, f"failed: {told(error)}") from error
    missing = [part for part in _PARTS if not hasattr(sandbox, part)]
    if missing:
        raise _broken(point, f"returned no sandbox: it has no {', '.join(missing)}")
    if sandbox.level != point.name:
        sandbox.close()
        raise _broken(point, f"says that its level is {sandbox.level!r}, which must be {point.name!r}")
    return sandbox


def _broken(point: EntryPoint, why: str) -> ServiceMissing:
    package = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    return ServiceMissing(
        f"the sandbox {point.name}{package} cannot be used: {point.value} {why}",
        hints=("mend or remove that package, or choose another sandbox: auto, docker, lockdown or wasm",),
    )
