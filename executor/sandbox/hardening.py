"""How a container is made hard, and the two things about it that are settings.

No network, a read-only root, no capabilities, no new privileges, the user 65534, memory without
swap, 64 processes, one processor, 16 MB of `/tmp` without execution, no System V memory and no
POSIX queues (they would outlive a call), no logs, no mounts, no environment, and a system call
profile of our own (`syscalls`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from executor.sandbox.engine import Engine, engine_failures
from executor.sandbox.image import USER
from executor.sandbox.orphans import labels_of_this_process
from executor.sandbox.protocol import SandboxLimits
from executor.sandbox.syscalls import profile
from htn.errors import ServiceMissing

PROCESSES = 64
SeccompProfile = Literal["own", "engine"]
# A runtime of this form names a program of containerd's; the engine lists it only after its first use.
_SHIM = "io.containerd."


@dataclass(frozen=True)
class Fence:
    """What separates a container from the host beside the rules above.

    `runtime` names the engine's runtime (`runsc` is gVisor, `kata` a virtual machine), None the
    engine's own choice. `seccomp` is the system call profile: `own`, or `engine` for the engine's.
    """

    runtime: str | None = None
    seccomp: SeccompProfile = "own"


def check_runtime(engine: Engine, runtime: str | None) -> None:
    """Raise `ServiceMissing` when the engine does not know the runtime."""
    if runtime is None or runtime.startswith(_SHIM):
        return
    with engine_failures("asking for its runtimes"):
        known = sorted(engine.client.info().get("Runtimes") or {})
    if runtime not in known:
        raise ServiceMissing(
            f"the Docker engine has no runtime {runtime}; it has {', '.join(known)}",
            hints=(
                f"install {runtime} and name it under runtimes in /etc/docker/daemon.json, then restart the engine",
                "or leave the setting runtime empty",
            ),
        )


@dataclass(frozen=True)
class Room:
    """How much a container has of what is not a limit of a call: its `/tmp`, processes and processors."""

    temporary_mb: int = 16
    processes: int = PROCESSES
    processors: float = 1.0


def hardening(limits: SandboxLimits, fence: Fence, room: Room | None = None) -> dict[str, Any]:
    """Return how the engine is asked for a container."""
    room = room or Room()
    from docker.types import LogConfig, Ulimit  # noqa: PLC0415 - the client is imported when it is used

    memory = f"{limits.memory_mb}m"
    own = [f"seccomp={json.dumps(profile())}"] if fence.seccomp == "own" else []
    return {
        "runtime": fence.runtime,
        "network_mode": "none",
        # Without these the engine copies the host's name servers into the container.
        "dns": ["127.0.0.1"],
        "dns_search": ["."],
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges", *own],
        "user": USER,
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": room.processes,
        "nano_cpus": int(room.processors * 1e9),
        "tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={room.temporary_mb}m,nr_inodes=4096,mode=1777"},  # noqa: S108 - in the container
        "shm_size": "8m",
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=256, hard=256),
        ],
        "sysctls": {
            "kernel.shmmni": "0",
            "kernel.msgmni": "0",
            "kernel.sem": "0 0 0 0",
            "fs.mqueue.queues_max": "0",
        },
        "log_config": LogConfig(type="none"),
        "init": False,
        "stop_signal": "SIGKILL",  # an engine that ends need not wait: process 1 ignores everything else
        "stdin_open": True,
        "tty": False,
        "hostname": "sandbox",
        "working_dir": "/",
        "oom_score_adj": 500,
        "healthcheck": {"test": ["NONE"]},
        "labels": labels_of_this_process(),
    }
