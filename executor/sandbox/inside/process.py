"""What a process of the sandbox does to itself: small wrappers of `prctl` and `capset`."""

import ctypes
import os
import resource
import signal
import struct
from functools import cache

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITY_VERSION_3 = 0x20080522


@cache
def libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int) -> None:
    words = [ctypes.c_ulong(word) for word in (argument, 0, 0, 0)]
    if libc().prctl(option, *words):
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def hide() -> None:
    """Hide this process's entries in /proc from its own user and forbid to trace it."""
    _prctl(_PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def renounce() -> None:
    """Give up every capability, for ever."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if libc().capset(struct.pack("Ii", _CAPABILITY_VERSION_3, 0), struct.pack("6I", *[0] * 6)):
        raise OSError(ctypes.get_errno(), "capset failed")


def die_with(parent: int, notice: signal.Signals = signal.SIGKILL) -> None:
    """Be sent `notice` when the parent ends, or end at once where it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, notice)
    if os.getppid() != parent:
        os._exit(0)


def volunteer_for_the_oom_killer() -> None:
    """Be the first to go when memory runs out. Works only before `hide` or while dumpable."""
    try:
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)
    except OSError:
        return  # /proc is fenced off: the value inherited from the parent stands


def become_the_first_victim() -> None:
    """Raise the score of a process that is hidden already, then hide it again; what it forks inherits the score."""
    _prctl(_PR_SET_DUMPABLE, 1)
    volunteer_for_the_oom_killer()
    _prctl(_PR_SET_DUMPABLE, 0)
