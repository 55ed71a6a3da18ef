"""Shared libraries that compiled packages expect of every system, and that an image made of a Python alone has not.

Wheels for Linux bring all libraries but a short list that the packaging standards name (PEP 600). Of that list a bare
Python lacks those of the C++ compiler, and the parts that the C library once had apart.
"""

import ctypes
from pathlib import Path

from executor.sandbox.archive import inside
from executor.sandbox.probe import loaded_libraries

_EXPECTED = (
    "libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2",
)  # fmt: skip


def expected_libraries() -> dict[str, Path]:
    """Return this machine's copies of these libraries by their path in an image; those that it has."""
    for name in _EXPECTED:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue  # a package that needs it will say so
    loaded = [Path(each) for each in loaded_libraries()]
    return {inside(str(path)): path for path in loaded if path.name in _EXPECTED}


def compiled(folder: Path) -> bool:
    """Whether a folder of unpacked wheels holds a shared library."""
    return any(".so" in path.suffixes for path in folder.rglob("*.so*"))
