"""A folder of memory for one locked tree: bounded, seen by nobody else, gone with the last process that sees it.

Theory. In a user namespace of its own a process without privileges may mount (Linux 3.8). What it mounts is seen in
its own mount namespace only, and the kernel takes it away with the namespace's last process, also after `kill -9`.
The tree keeps its user and gains nothing: all capabilities are renounced right afterwards.

Where user namespaces are forbidden there is no folder; a program that wants one then finds none.
"""

import ctypes
import os
import sys
import sysconfig
from pathlib import Path

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_NO_SET_USER, _NO_DEVICES, _NO_EXECUTION, _ALL_BELOW, _PRIVATE = 2, 4, 8, 0x4000, 0x40000
_SIZE = b"size=16m,nr_inodes=4096,mode=700"
# Where Python's `tempfile` looks, in its order.
_PLACES = ("/tmp", "/var/tmp")  # noqa: S108 - covered by a folder of our own


def private_folder() -> str:
    """Mount an empty folder where temporary files go, for this process and its children; return it, or nothing."""
    place = next((each for each in _PLACES if _free(each)), "")
    if not place or not _apart():
        return ""
    try:
        _mount(None, "/", None, _ALL_BELOW | _PRIVATE, None)
        _mount("tmpfs", place, "tmpfs", _NO_SET_USER | _NO_DEVICES | _NO_EXECUTION, _SIZE)
    except OSError:
        return ""
    return place


def _free(place: str) -> bool:
    """Whether nothing that this interpreter reads is below a folder."""
    needed = (sys.executable, sys.base_prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    inside = any(Path(each).resolve().is_relative_to(place) for each in needed)
    return Path(place).is_dir() and not inside


def _apart() -> bool:
    """Enter a user and a mount namespace of our own; return whether that worked."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_MOUNTS):
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return True


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [each.encode() if each is not None else None for each in (source, target, kind)]
    if libc.mount(*texts, ctypes.c_ulong(flags), options):
        raise OSError(ctypes.get_errno(), f"mounting at {target} failed")
