"""Landlock: a process and all that it starts see the standard library and nothing else, or a container without /proc.

Theory. A process without privileges hands the kernel a set of rights that it gives up, and the
few paths for which it keeps some (Linux 5.13, Salaün 2021). What is given up stays given up.

Kept: reading the standard library without the packages installed beside it, reading the system's
shared libraries, `/dev/null`, `/dev/urandom`. Given up: every other file to read, and every file
to write, make, remove or run, but in a private folder where the tree has one; from ABI 4 on TCP,
from ABI 6 on signals and abstract sockets to processes outside.

What it does NOT do: hide that a path exists (`stat` still answers), or forbid other kinds of
socket; the system call filter does that.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 2, 4, 8
_REMOVE, _MAKE, _MOVE, _TRUNCATE = 16 | 32, 128 | 256, 1 << 13, 1 << 14

_SYSTEM_LIBRARIES = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_NOT_STANDARD = {"site-packages", "dist-packages"}


def landlock_version() -> int:
    """Return the kernel's landlock ABI, or 0 where it has none."""
    return max(0, _system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def _system_call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call; return its answer, -1 when it failed."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(libc.syscall(ctypes.c_long(number), *words))


def _rights_of_files(version: int) -> int:
    """Return every right to files that this version knows."""
    last = 12 + (version >= 2) + (version >= 3) + (version >= 5)
    return (1 << (last + 1)) - 1


def _given_up(version: int) -> bytes:
    """Return `struct landlock_ruleset_attr` with every right that this version knows."""
    files = _rights_of_files(version)
    if version < 4:
        return struct.pack("Q", files)
    if version < 6:
        return struct.pack("QQ", files, 3)
    return struct.pack("QQQ", files, 3, 3)


def _kept() -> dict[str, int]:
    """Return the rights that are kept, by path."""
    rights = {"/dev/null": _READ_FILE | _WRITE_FILE, "/dev/urandom": _READ_FILE}
    rights["/etc/ld.so.cache"] = _READ_FILE
    for name in ("stdlib", "platstdlib"):
        library = Path(sysconfig.get_path(name))
        rights[str(library)] = _READ_DIR
        for entry in library.iterdir():
            if entry.name not in _NOT_STANDARD:
                rights[str(entry)] = _READ_FILE | _READ_DIR
    multiarch = sysconfig.get_config_var("MULTIARCH")
    for folder in _SYSTEM_LIBRARIES:
        if multiarch and Path(folder, multiarch).is_dir():
            rights[f"{folder}/{multiarch}"] = _READ_FILE | _READ_DIR
        elif folder.endswith("64"):
            rights[folder] = _READ_FILE | _READ_DIR
    # Interpreters that bring their own libraries keep them beside their standard library.
    for library in Path(sys.base_prefix, "lib").glob("*.so*"):
        rights[str(library)] = _READ_FILE
    return rights


def fence(folder: str = "") -> int:
    """Give up the file system for this process and all its children; return the ABI version.

    In `folder`, where one is named, files and folders may still be made, written and removed.
    Raises `OSError` when the kernel has no landlock or refuses. Needs no privilege, but
    `PR_SET_NO_NEW_PRIVS` must be set.
    """
    version = landlock_version()
    if not version:
        raise OSError("the kernel has no landlock (Linux 5.13 or newer, not disabled at boot)")
    kept = _kept()
    if folder:
        kept[folder] = _writing(version)
    ruleset = _ruleset(version, kept)
    restrict(ruleset)
    os.close(ruleset)
    return version


def fence_of_a_container() -> int | None:
    """Return a descriptor that `restrict` takes, or None where the kernel has no landlock.

    It leaves the file system of the container as it is and takes `/proc` and `/sys` away: they tell what the engine
    mounted where, how the kernel was started, and what else runs.
    """
    version = landlock_version()
    if not version:
        return None
    reading = _READ_FILE | _READ_DIR
    kept = {str(path): reading for path in Path("/").iterdir() if path.name not in ("proc", "sys", "dev")}
    kept |= dict.fromkeys(("/dev/null", "/dev/zero", "/dev/full"), _READ_FILE | _WRITE_FILE)
    kept |= dict.fromkeys(("/dev/random", "/dev/urandom"), _READ_FILE)
    kept |= dict.fromkeys(("/tmp", "/dev/shm"), _writing(version))  # noqa: S108 - the container's own
    return _ruleset(version, kept)


def restrict(ruleset: int) -> None:
    """Hold this process and all its children to a ruleset. Raises `OSError`."""
    if _system_call(_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "the kernel refuses landlock for this process")


def _writing(version: int) -> int:
    writing = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE | _MAKE | _MOVE | _TRUNCATE
    return writing & _rights_of_files(version)


def _ruleset(version: int, kept: dict[str, int]) -> int:
    """Return the descriptor of a ruleset that gives up all rights but those kept, by path."""
    attributes = _given_up(version)
    ruleset = _system_call(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses a landlock ruleset")
    for path, rights in kept.items():
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = rights if Path(path).is_dir() else rights & (_READ_FILE | _WRITE_FILE | _TRUNCATE)
        rule = struct.pack("=Qi", allowed, descriptor)
        failed = _system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
        os.close(descriptor)
        if failed:
            raise OSError(ctypes.get_errno(), f"landlock refuses a rule for {path}")
    return ruleset
