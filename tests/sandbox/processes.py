"""Which processes descend from the one that runs the tests."""

import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 20.0


def parent_of(process: str) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def numbers_in_proc() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def started(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])


def below(ancestor: int) -> set[int]:
    """Return the processes that descend from one, zombies of ours left out."""
    parents = {int(name): parent_of(name) for name in numbers_in_proc()}
    found = {ancestor}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {ancestor}


def settled() -> set[int]:
    """Return our descendants when none is just ending: an answer may be there before its call's process is gone."""
    seen = below(os.getpid())
    while True:
        time.sleep(0.1)
        now = below(os.getpid())
        if now == seen:
            return now
        seen = now


def serving() -> set[int]:
    """Return our descendants that stay from call to call; below them another child waits for each call."""
    found = settled()
    return found & {parent_of(str(each)) for each in found}


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def running(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
