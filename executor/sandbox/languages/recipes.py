"""What each language needs in an image, as one table.

A toolchain comes from packages (`packages.py`), the interpreter of our own processes from this
machine (`interpreter.py`). What no body needs is left out: documentation, tests, graphics,
compilers of other languages, parts for debuggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Part of every image's hash: changes when the same packages would give another image.
FORMAT = "1"


@dataclass(frozen=True)
class Recipe:
    """The packages of a toolchain; which of all that they need are kept, and left out; paths left out; links to add.

    A link leads to the first path that matches its pattern: folders of packages carry their version.
    """

    packages: tuple[str, ...]
    kept: tuple[str, ...] = ("*",)
    left_out: tuple[str, ...] = ()
    trimmed: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


_SANITIZERS = ("libasan*", "liblsan*", "libtsan*", "libubsan*", "libgprofng*", "libcc1-*", "libitm*", "libquadmath*")
_NETWORK_SERVICES = ("libtirpc*", "libnsl*", "rpcsvc-proto", "libssl*", "libkeyutils*")
_LINKER_ONLY = (
    "usr/lib/gcc/*/cc1*", "usr/lib/gcc/*/lto*", "usr/lib/gcc/*/plugin/*", "usr/lib/gcc/*/libgcov*",
    "usr/lib/gcc/*/libasan*", "usr/lib/gcc/*/lib[ltu]san*", "usr/lib/gcc/*/libhwasan*", "usr/bin/*gold*",
    "usr/bin/*-dwp", "usr/bin/rustdoc", "usr/bin/*cpp-*", "usr/bin/*gprof*", "usr/bin/*lto-dump*",
)  # fmt: skip
# C++ needs its compiler, not the one of C.
_COMPILER_OF_CPP = (*(pattern for pattern in _LINKER_ONLY if "cc1" not in pattern), "usr/lib/gcc/*/cc1")

RECIPES: Mapping[str, Recipe] = {
    "javascript": Recipe(("nodejs",), trimmed=("usr/share/nodejs/*/test*",)),
    "bash": Recipe(
        ("bash", "coreutils", "jq", "grep", "sed", "mawk", "findutils", "diffutils"),
        left_out=("dpkg", "tar", "base-files"),
        links={"usr/bin/awk": "usr/bin/mawk", "usr/bin/sh": "usr/bin/bash"},
    ),
    "go": Recipe(
        ("golang-go",),
        trimmed=(
            "usr/share/go-*/test/*", "usr/share/go-*/api/*", "usr/share/go-*/src/*_test.go",
            "usr/share/go-*/src/*/testdata/*", "usr/share/go-*/src/cmd/*", "usr/lib/go-*/pkg/*_race/*",
            "usr/lib/go-*/pkg/*_dynlink/*", "usr/lib/go-*/pkg/*_shared/*", "usr/lib/go-*/pkg/linux_*/cmd/*",
            "usr/lib/go-*/pkg/tool/*/[dftv]*", "usr/lib/go-*/pkg/tool/*/pprof",
            "usr/lib/go-*/pkg/tool/*/api", "usr/lib/go-*/pkg/tool/*/cgo", "usr/lib/go-*/pkg/tool/*/cover",
        ),
    ),
    "java": Recipe(
        ("default-jdk-headless",),
        # The closure serves desktops, printers and mail as well; a Java without a screen starts from these.
        kept=("default-jdk-headless", "openjdk-*", "libc6", "libgcc-s1", "gcc-*-base", "libstdc++6", "zlib1g"),
        trimmed=(
            "usr/lib/jvm/*/jmods/*", "usr/lib/jvm/*/lib/libawt*", "usr/lib/jvm/*/lib/libmlib*",
            "usr/lib/jvm/*/lib/ct.sym", "usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
            "usr/lib/jvm/*/man/*", "usr/lib/debug/*",
        ),
        links={f"usr/bin/{name}": f"usr/lib/jvm/java-*-openjdk-*/bin/{name}" for name in ("java", "javac")},
    ),
    "c++": Recipe(
        ("g++", "nlohmann-json3-dev"), left_out=(*_SANITIZERS, *_NETWORK_SERVICES), trimmed=_COMPILER_OF_CPP,
    ),
    "rust": Recipe(
        ("rustc",), left_out=(*_SANITIZERS, *_NETWORK_SERVICES), trimmed=(*_LINKER_ONLY, "usr/include/*"),
    ),
}  # fmt: skip
