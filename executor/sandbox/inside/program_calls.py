"""The system calls of a call in another language: an allow-list that is wider than a Python body's.

A runtime that is not ours (node, a Java machine, a compiled program, a shell) needs more of the
kernel than an interpreter that is loaded already. Two lists, each what `seccomp` allows and more:

    runtime   files in the writable folders, timers, polling, threads; no process beside its own,
              and one `execve`: the one that starts it
    tools     as runtime, and processes: a shell and compilers start other programs

What neither may do: sockets, namespaces, mounts, tracing, keys, io_uring, bpf, perf, other users,
other priorities. What one process could do to another one of the same user is allowed by argument
only: signals to the caller and to processes that are younger, limits of the caller itself.

Theory of the one `execve`. A filter sees the addresses of the arguments, not what they hold. The
locked child allows the call with the addresses of its own three arguments, which lie at random
places. The program that it becomes does not know them and cannot try 2^40 of them within a call.
"""

import os
import platform
from dataclasses import dataclass

from executor.sandbox.inside.seccomp import Instruction, allowed_calls, as_bytes, install, when

# The calls that both lists have beside those of `seccomp`: x86_64, then aarch64.
_MORE = {
    "mkdirat": (258, 34), "unlinkat": (263, 35), "renameat": (264, 38), "renameat2": (316, 276),
    "linkat": (265, 37), "symlinkat": (266, 36), "fchmodat": (268, 53), "fchmod": (91, 52),
    "ftruncate": (77, 46), "truncate": (76, 45), "fallocate": (285, 47), "utimensat": (280, 88),
    "fsync": (74, 82), "fdatasync": (75, 83), "flock": (73, 32), "pwrite64": (18, 68),
    "preadv": (295, 69), "pwritev": (296, 70), "sendfile": (40, 71), "copy_file_range": (326, 285),
    "splice": (275, 76), "umask": (95, 166), "chdir": (80, 49), "fchdir": (81, 50),
    "getxattr": (191, 8), "lgetxattr": (192, 9), "fgetxattr": (193, 10), "listxattr": (194, 11),
    "llistxattr": (195, 12), "statfs": (137, 43), "fstatfs": (138, 44), "mknodat": (259, 33),
    "fadvise64": (221, 223), "close_range": (436, 436), "msync": (26, 227), "mincore": (27, 232),
    "mlock": (149, 228), "munlock": (150, 229), "get_mempolicy": (239, 236),
    "pkey_mprotect": (329, 288), "pkey_alloc": (330, 289), "pkey_free": (331, 290),
    "wait4": (61, 260), "waitid": (247, 95), "getpgid": (121, 155), "getsid": (124, 156),
    "setpgid": (109, 154), "setsid": (112, 157), "getgroups": (115, 158), "getresuid": (118, 148),
    "getresgid": (120, 150), "capget": (125, 90), "setrlimit": (160, 164), "getpriority": (140, 141),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133), "restart_syscall": (219, 128), "signalfd4": (289, 74),
    "timer_create": (222, 107), "timer_settime": (223, 110), "timer_gettime": (224, 108),
    "timer_getoverrun": (225, 109), "timer_delete": (226, 111), "timerfd_create": (283, 85),
    "timerfd_settime": (286, 86), "timerfd_gettime": (287, 87), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "eventfd2": (290, 19),
}  # fmt: skip
_OLD_X86_64 = {
    "mkdir": 83, "rmdir": 84, "unlink": 87, "rename": 82, "link": 86, "symlink": 88, "chmod": 90,
    "creat": 85, "pipe": 22, "epoll_create": 213, "epoll_wait": 232, "eventfd": 284, "utime": 132,
    "utimes": 235, "time": 201, "mknod": 133, "getpgrp": 111, "pause": 34,
}  # fmt: skip


@dataclass(frozen=True)
class _Numbers:
    """The calls that are treated by argument, and those that make processes, on one architecture."""

    execve: int
    kill: int
    tgkill: int
    prctl: int
    prlimit64: int
    clone: int
    ioctl: int
    fcntl: int
    socketpair: int
    tools: tuple[int, ...]  # pidfd_open, memfd_create, and where there are such calls fork and vfork


_NUMBERS = {
    "x86_64": _Numbers(59, 62, 234, 157, 302, 56, 16, 72, 53, (434, 319, 57, 58)),
    "aarch64": _Numbers(221, 129, 131, 167, 261, 220, 29, 25, 199, (434, 279)),
}
_PRCTL = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, which names memory
_IOCTL = (0x5451, 0x5421, 0x541B)  # FIOCLEX, FIONBIO, FIONREAD
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # as for a body, and locks of files
_AF_UNIX = 1
_CLONE_THREAD = 0x00010000
_CLONE_REFUSED = 0x7E028000  # every new namespace, and children that belong to the zygote
_MOST_POSITIVE = 0x7FFFFFFF
_CLONE3, _X32_BIT = 435, 0x40000000

_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS, _ENOTTY = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050019
_NUMBER, _ARCHITECTURE, _ARGUMENTS, _WORD = 0, 4, 16, 4


def lock_for_runtime(addresses: tuple[int, int, int]) -> None:
    """Allow what a runtime needs, and one `execve` with arguments at these addresses. Raises `OSError`."""
    _lock(tools=False, execve=_the_execve_at(addresses))


def lock_for_tools() -> None:
    """Allow what a shell and compilers need, processes too. Raises `OSError`."""
    _lock(tools=True, execve=[(_RETURN, 0, 0, _ALLOW)])


def _lock(*, tools: bool, execve: list[Instruction]) -> None:
    machine = platform.machine()
    identity, allowed = allowed_calls(machine)
    numbers = _NUMBERS[machine]
    more = {pair[machine == "aarch64"] for pair in _MORE.values()}
    more |= set(_OLD_X86_64.values()) if machine == "x86_64" else set()
    more |= set(numbers.tools) if tools else set()
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, identity),
        (_RETURN, 0, 0, _EPERM),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _EPERM),
    ]
    for number in sorted(allowed | more):
        program += when(number, [(_RETURN, 0, 0, _ALLOW)])
    program += when(_CLONE3, [(_RETURN, 0, 0, _ENOSYS)])
    program += when(numbers.clone, _any_process() if tools else _threads_only())
    program += when(numbers.execve, execve)
    for number, argument, values, otherwise in (
        (numbers.fcntl, 1, _FCNTL, _EPERM),
        (numbers.ioctl, 1, _IOCTL, _ENOTTY),
        (numbers.prctl, 0, _PRCTL, _EPERM),
        (numbers.prlimit64, 0, (0,), _EPERM),
        (numbers.socketpair, 0, (_AF_UNIX,), _EPERM),  # a pair leads nowhere else; Java begins with one
    ):
        program += when(number, _one_of(argument, values, otherwise))
    # A program may signal itself, a shell and compilers what they have started, and nobody what is older.
    younger = _process_between(os.getpid() - (not tools), _MOST_POSITIVE)
    program += when(numbers.kill, younger) + when(numbers.tgkill, younger)
    program.append((_RETURN, 0, 0, _EPERM))
    install(as_bytes(program))


def _one_of(argument: int, values: tuple[int, ...], otherwise: int) -> list[Instruction]:
    """Allow a call whose argument is one of some values."""
    block: list[Instruction] = [_load(argument)]
    for value in values:
        block += when(value, [(_RETURN, 0, 0, _ALLOW)])
    return [*block, (_RETURN, 0, 0, otherwise)]


def _process_between(least: int, most: int) -> list[Instruction]:
    """Allow a call whose first argument is a process above the one and at most the other."""
    return [
        _load(0),
        (_GREATER, 0, 2, least),
        (_GREATER, 1, 0, most),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]


def _threads_only() -> list[Instruction]:
    return [_load(0), (_ANY_BIT, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]


def _any_process() -> list[Instruction]:
    return [_load(0), (_ANY_BIT, 1, 0, _CLONE_REFUSED), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]


def _the_execve_at(addresses: tuple[int, int, int]) -> list[Instruction]:
    block: list[Instruction] = []
    for argument, address in enumerate(addresses):
        for half, value in enumerate((address & 0xFFFFFFFF, address >> 32)):
            block += [_load(argument, half), (_EQUAL, 1, 0, value), (_RETURN, 0, 0, _EPERM)]
    return [*block, (_RETURN, 0, 0, _ALLOW)]


def _load(argument: int, half: int = 0) -> Instruction:
    """Load half of an argument: 0 is the lower one, on both architectures."""
    return (_LOAD, 0, 0, _ARGUMENTS + 2 * _WORD * argument + _WORD * half)
