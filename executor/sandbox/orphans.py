"""Containers of processes that are gone: how they are known, and their removal.

Each container carries labels that name the process it belongs to: the boot of the machine, the
namespace of process numbers, the number, and the moment that process started (numbers are used
again). A supervisor ends by itself when its host goes, so what is left is a stopped container.

    same boot, same namespace   orphan when that process is gone
    anything else               orphan when it has stopped: another machine may share the engine
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from executor.sandbox.engine import Engine, engine_failures

if TYPE_CHECKING:
    from docker.models.containers import Container

OWNER_LABEL, PLACE_LABEL = "htn.sandbox.owner", "htn.sandbox.place"
_STOPPED = ("exited", "dead")


def labels_of_this_process() -> dict[str, str]:
    """Return the labels of a container that belongs to this process."""
    return {OWNER_LABEL: _owner(os.getpid()), PLACE_LABEL: _place()}


def remove_orphans(engine: Engine) -> int:
    """Remove the containers whose process is gone; return how many there were."""
    removed = 0
    with engine_failures("looking for containers of processes that are gone"):
        for container in engine.client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
            if _orphan(container):
                remove(container)
                removed += 1
    return removed


def remove(container: Container) -> None:
    """Kill and remove a container, also one that somebody else is removing."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - the client is imported when it is used

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # 409: its removal is in progress
            raise


def _orphan(container: Container) -> bool:
    owner, place = container.labels[OWNER_LABEL], container.labels.get(PLACE_LABEL)
    if place != _place():
        return container.status in _STOPPED
    number = owner.partition("-")[0]
    return not number.isdigit() or _owner(int(number)) != owner


def _owner(process: int) -> str:
    """Return a name for a process that no later one has; of a process that is gone, the number."""
    try:
        # The name in parentheses may hold spaces; the start is the 20th field after it.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return f"{process}" if platform.system() == "Linux" else _owner_elsewhere(process)
    return f"{process}-{fields[19]}" if fields[0] != "Z" else f"{process}"


def _owner_elsewhere(process: int) -> str:
    """Name a process on a system without /proc: its number must do."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return f"{process}"
    except PermissionError:
        pass  # it runs, as another user
    return f"{process}-0"


def _place() -> str:
    """Return where process numbers mean what they mean here."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()
