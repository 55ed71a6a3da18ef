"""Run by an interpreter about itself: where it lives, and which shared libraries it loads.

It loads every extension module of its standard library and asks the dynamic loader what is loaded
then. This gives the names under which libraries are looked up, in one process of 0.2 s; running
`ldd` on each module takes ten times as long.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import sys
import sysconfig

UNWANTED = ("_tkinter", "_test", "_ctypes_test", "_xxtestfuzz", "xxlimited", "xxsubtype")


class _Loaded(ctypes.Structure):
    """The start of `struct dl_phdr_info`."""

    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


def loaded_libraries() -> list[str]:
    """Return the paths of the shared objects in this process, as the loader names them."""
    names: list[str] = []

    def visit(loaded: ctypes._Pointer[_Loaded], _size: int, _data: int) -> int:
        names.append(os.fsdecode(loaded.contents.name or b""))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Loaded), ctypes.c_size_t, ctypes.c_void_p)
    ctypes.CDLL(None).dl_iterate_phdr(callback(visit), None)
    return sorted(name for name in set(names) if name.startswith("/"))


def load_extensions(folder: str) -> None:
    """Load the extension modules of a folder; one whose libraries are missing is left out."""
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - runs before pathlib is worth its import
        if name.endswith(".so") and not name.startswith(UNWANTED):
            try:
                ctypes.CDLL(f"{folder}/{name}", mode=os.RTLD_LAZY)
            except OSError:
                continue


def describe() -> dict[str, object]:
    """Return the description of this interpreter."""
    standard = sysconfig.get_path("stdlib")
    extensions = sysconfig.get_config_var("DESTSHARED") or f"{standard}/lib-dynload"
    if os.path.isdir(extensions):  # noqa: PTH112 - as above
        load_extensions(extensions)
    return {
        "executable": os.path.realpath(sys.executable),
        "prefix": sys.base_prefix,
        "standard": standard,
        "extensions": extensions,
        "version": "{}.{}".format(*sys.version_info),
        "machine": platform.machine(),
        "libraries": loaded_libraries(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe()))
