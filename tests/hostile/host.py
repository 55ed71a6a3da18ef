"""The host that must stay as it was: what programs look for on it, and what is compared after each of them."""

import ctypes
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from executor.sandbox import JSON

MARK = "htn-hostile-"
SECRET = "a-secret-of-the-host-31415926"  # also in the environment of the tests

_PATIENCE = 5.0  # seconds until what is on its way out is gone
_PR_SET_CHILD_SUBREAPER = 36
# Spare containers and connections to the engine may come and go; what leaks at each program passes these soon.
_MORE_CONTAINERS, _MORE_DESCRIPTORS = 4, 24


@dataclass(frozen=True)
class Host:
    """Things to attack (`places`), and the state to compare with."""

    places: dict[str, JSON]
    folder: Path
    listeners: tuple[socket.socket, ...]
    containers: Callable[[], int]

    def look(self) -> dict[str, int | list[str]]:
        """Return what is compared: litter, listeners that were reached, and numbers of things that could be left."""
        return {
            "litter": _litter(self.folder),
            "connections": [str(one.getsockname()) for one in self.listeners if _reached(one)],
            "processes": len(_descendants()),
            "descriptors": len(_entries("/proc/self/fd")),
            "containers": self.containers(),
            "kernel objects": sum(_lines(f"/proc/sysvipc/{kind}") for kind in ("shm", "sem", "msg")),
        }

    def changes(self, before: dict[str, int | list[str]]) -> list[str]:
        """Return what differs from a state that was seen before, once what is just ending has ended."""
        deadline = time.monotonic() + _PATIENCE
        while (changed := _changes(before, self.look())) and time.monotonic() < deadline:
            time.sleep(0.05)
        return changed


@contextmanager
def open_host(containers: Callable[[], int], engine_folder: str = "") -> Iterator[Host]:
    """Make what programs look for: an open folder with a secret file, and listeners of four kinds."""
    folder = Path(tempfile.mkdtemp(prefix=MARK))
    with _orphans_come_back(), ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o777)
        secret = folder / f"{MARK}secret"
        secret.write_text(SECRET, encoding="utf-8")
        secret.chmod(0o644)
        name = f"{MARK}{secrets.token_hex(4)}"
        listeners = tuple(
            stack.enter_context(_listener(family, address))
            for family, address in (
                (socket.AF_INET, ("0.0.0.0", 0)),
                (socket.AF_UNIX, f"\0{name}"),
                (socket.AF_UNIX, str(folder / "socket")),
            )
        )
        (folder / "socket").chmod(0o777)
        places: dict[str, JSON] = {
            "the open folder": str(folder),
            "the secret file": str(secret),
            "the secret": SECRET,
            "the port": listeners[0].getsockname()[1],
            "the address": _address(),
            "the abstract socket": name,
            "the unix socket": str(folder / "socket"),
            "the command line": sys.argv[0],
            "the engine's folder": engine_folder,
            "the kernel's parameters": _text("/proc/cmdline"),
            "the name server": _name_server(),
            "the host's name": socket.gethostname(),
            "the packages": str(Path(pytest.__file__).parent.parent),
        }
        yield Host(places, folder, listeners, containers)


@contextmanager
def _orphans_come_back() -> Iterator[None]:
    """Have an orphan of this process come back to it, so that it is counted; in the end none is left, dead or alive."""
    keep = ctypes.CDLL(None).prctl
    keep(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ours = _children()
    try:
        yield
    finally:
        keep(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for child in _children() - ours:
            with suppress(ChildProcessError):  # somebody else has heard of its end
                os.waitpid(child, os.WNOHANG)


def _children() -> set[int]:
    me = str(os.getpid())
    stats = [_text(str(entry / "stat")) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {int(stat.split()[0]) for stat in stats if stat.rpartition(")")[2].split()[1:2] == [me]}


def _listener(family: int, address: str | tuple[str, int]) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    listener.setblocking(False)
    return listener


def _reached(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def _address() -> str:
    """Return an address of this machine that is not the loopback's, where it has one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _litter(folder: Path) -> list[str]:
    """Return the files with the mark of these programs where they try to leave them, and all in the open folder."""
    places = ("/", "/tmp", "/dev/shm", "/var/tmp", "/etc", "/root", str(Path.cwd()))
    found = [str(path) for place in places for path in _entries(place) if MARK in path.name and path != folder]
    return found + sorted(path.name for path in folder.iterdir())


def _entries(folder: str) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except OSError:
        return []


def _descendants() -> set[int]:
    """Return the processes below this one; the dead among them are reaped first."""
    parents: dict[int, int] = {}
    for entry in _entries("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry.name)] = int(fields[1])
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _lines(path: str) -> int:
    return len(_text(path).splitlines())


def _name_server() -> str:
    """Return the first name server that is another machine, or nothing."""
    words = [line.split() for line in _text("/etc/resolv.conf").splitlines()]
    servers = [each[1] for each in words if len(each) > 1 and each[0] == "nameserver"]
    return next((each for each in servers if not each.startswith("127.")), "")


def _changes(before: dict[str, int | list[str]], now: dict[str, int | list[str]]) -> list[str]:
    more = {"containers": _MORE_CONTAINERS, "descriptors": _MORE_DESCRIPTORS}
    changed = []
    for what, was in before.items():
        seen = now[what]
        if isinstance(was, int) and isinstance(seen, int):
            if seen > was + more.get(what, 0):
                changed.append(f"{seen} {what} instead of {was}")
        elif seen != was:
            changed.append(f"{what}: {seen} instead of {was}")
    return changed
