"""A Docker engine of the tests' own, which they may stop, kill, and fill up."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from executor.sandbox import engine_status

_START_SECONDS = 60.0


def can_be_started() -> bool:
    """Whether this machine lets us start one: it needs the programs, and root for mounts and containers."""
    return all(map(shutil.which, ("dockerd", "containerd", "unshare"))) and os.geteuid() == 0


class OwnEngine:
    """An engine with a socket, a folder and a small disk of its own. No network, no registry.

    It has a network namespace of its own, or it would take away the bridge of the engine that is
    there. As on a machine where both are services, the program that keeps the containers
    (containerd) is not the engine's own child: when the engine is killed, the containers go on.
    """

    def __init__(self, megabytes: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="htn-engine-"))
        self._disk = self._folder / "data"
        self._disk.mkdir()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._engine: subprocess.Popen[bytes] | None = None
        self.host = f"unix://{self._folder}/engine.sock"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self._disk)], check=True)

    def start(self) -> None:
        """Start it and wait until it answers. Needs DOCKER_HOST to be its `host`."""
        folder = self._folder
        if self._keeper is None:
            (folder / "keeper.toml").write_text(
                f"version = 2\nroot = '{folder}/keeper'\nstate = '{folder}/keeping'\ndisabled_plugins = "
                f"['io.containerd.grpc.v1.cri']\n[grpc]\naddress = '{folder}/keeper.sock'\n"
            )
            self._keeper = self._run("containerd", "--config", str(folder / "keeper.toml"))
            self._wait_for(self._keeper, (folder / "keeper.sock").exists)
        (folder / "engine.pid").unlink(missing_ok=True)
        words = {
            "--host": self.host,
            "--containerd": str(folder / "keeper.sock"),
            "--data-root": str(self._disk),
            "--exec-root": str(folder / "exec"),
            "--pidfile": str(folder / "engine.pid"),
            "--storage-driver": "vfs",
            "--bridge": "none",
        }
        self._engine = self._run(
            "unshare", "--net", "dockerd", *(word for pair in words.items() for word in pair), "--iptables=false"
        )
        self._wait_for(self._engine, lambda: engine_status(2).answering)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, well or badly."""
        if self._engine is not None:
            self._engine.send_signal(how)
            self._engine.wait(_START_SECONDS)
            self._engine = None

    def fill(self) -> None:
        """Leave no room on its disk."""
        with (self._disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(2**20))
            except OSError:
                return

    def make_room(self) -> None:
        """Give the room back."""
        (self._disk / "filler").unlink()

    def remove(self) -> None:
        """End it and leave nothing behind."""
        self.stop()
        if self._keeper is not None:
            self._keeper.terminate()
            self._keeper.wait(_START_SECONDS)
        for process in self._left():
            os.kill(process, signal.SIGKILL)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mounted in sorted((each for each in mounts if each.startswith(f"{self._folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", mounted], check=True)
        shutil.rmtree(self._folder)

    def _left(self) -> list[int]:
        """Return the helpers of containers that nobody has ended: they name our folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_text(errors="replace")
                except OSError:
                    continue
                if f"{self._folder}/" in words and "containerd-shim" in words:
                    found.append(int(entry.name))
        return found

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _wait_for(self, process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            said = (self._folder / "log").read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"it ended: {said}"
            assert time.monotonic() < deadline, f"it does not answer: {said}"
            time.sleep(0.1)
