"""The system calls that a body may make: an allow-list, checked by the kernel.

Rules. What pure computation needs is allowed: memory, reading files, writing to descriptors that
are open, clocks, its own signals, threads. Everything else answers EPERM as if it were forbidden,
or ENOSYS as if the kernel were older (`clone3`, whose flags a filter cannot see, so that the C
library falls back to `clone`). Nothing answers with a kill: a body that tries gets an ordinary
`PermissionError` that says so.

Two calls are allowed by argument. `clone` makes threads only, so there are no processes to leave
behind. `fcntl` duplicates and reads flags only: `F_SETOWN` and `F_SETSIG` would aim any signal at
any process of the same user.

What the strict profile breaks, on purpose: `subprocess`, `multiprocessing`, `socket`, `asyncio`,
`tempfile` (it could create but not remove), file locks. A body is a pure function.

The wide profile adds what `asyncio` and `tempfile` need, for bodies of which somebody has said that
they may: pairs of connected stream sockets, which lead nowhere but to their other end (a datagram
socket could be sent to an address, and so could an address be given to `sendto`: both are refused),
epoll, eventfd, and to make, rename and remove files and folders where the container or landlock
lets a file be written at all.

What it does NOT do: bound memory, time or output (limits and the supervisor do), hide files
(the container or landlock does), or protect from a fault in the kernel calls that it allows.
"""

import ctypes
import platform
import struct
from functools import cache
from typing import Any

from executor.sandbox.inside.process import libc

# Names that both architectures have, then what only the older one has beside them.
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "pread64": 17, "readv": 19, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28,
    "dup": 32, "nanosleep": 35, "getitimer": 36, "setitimer": 38, "getpid": 39, "exit": 60,
    "uname": 63, "getcwd": 79, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "times": 100,
    "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
    "getdents64": 217, "set_tid_address": 218, "clock_gettime": 228, "clock_getres": 229,
    "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
    "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273,
    "dup3": 292, "pipe2": 293, "getcpu": 309, "getrandom": 318, "membarrier": 324, "statx": 332,
    "rseq": 334, "faccessat2": 439,
    "open": 2, "stat": 4, "lstat": 6, "poll": 7, "access": 21, "select": 23, "dup2": 33,
    "alarm": 37, "readlink": 89, "getrlimit": 97, "arch_prctl": 158,
}  # fmt: skip
_AARCH64 = {
    "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222,
    "mprotect": 226, "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "pread64": 67, "readv": 65, "writev": 66, "sched_yield": 124,
    "mremap": 216, "madvise": 233, "dup": 23, "nanosleep": 101, "getitimer": 102,
    "setitimer": 103, "getpid": 172, "exit": 93, "uname": 160, "getcwd": 17,
    "gettimeofday": 169, "getrusage": 165, "sysinfo": 179, "times": 153, "getuid": 174,
    "getgid": 176, "geteuid": 175, "getegid": 177, "getppid": 173, "sigaltstack": 132,
    "gettid": 178, "futex": 98, "sched_getaffinity": 123, "getdents64": 61,
    "set_tid_address": 96, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
    "exit_group": 94, "openat": 56, "newfstatat": 79, "readlinkat": 78, "faccessat": 48,
    "pselect6": 72, "ppoll": 73, "set_robust_list": 99, "dup3": 24, "pipe2": 59, "getcpu": 168,
    "getrandom": 278, "membarrier": 283, "statx": 291, "rseq": 293, "faccessat2": 439,
    "getrlimit": 163,
}  # fmt: skip

_WIDE_X86_64 = {
    "pwrite64": 18, "recvfrom": 45, "shutdown": 48, "getsockname": 51, "getpeername": 52,
    "getsockopt": 55, "fsync": 74, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84,
    "unlink": 87, "epoll_create": 213, "epoll_wait": 232, "epoll_ctl": 233, "mkdirat": 258,
    "unlinkat": 263, "renameat": 264, "epoll_pwait": 281, "eventfd2": 290, "epoll_create1": 291,
    "renameat2": 316, "epoll_pwait2": 441,
}  # fmt: skip
_WIDE_AARCH64 = {
    "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "mkdirat": 34,
    "unlinkat": 35, "renameat": 38, "ftruncate": 46, "pwrite64": 68, "fsync": 82,
    "getsockname": 204, "getpeername": 205, "recvfrom": 207, "getsockopt": 209, "shutdown": 210,
    "renameat2": 276, "epoll_pwait2": 441,
}  # fmt: skip

# The identity of the architecture in the kernel's audit interface, its allow-list, and the
# numbers of the calls that are treated by argument: ioctl, clone, fcntl; under the wide profile
# besides them socketpair and sendto.
_ARCHITECTURES = {
    "x86_64": (0xC000003E, _X86_64, (16, 56, 72), _WIDE_X86_64, (53, 44)),
    "aarch64": (0xC00000B7, _AARCH64, (29, 220, 25), _WIDE_AARCH64, (199, 206)),
}
_CLONE3 = 435
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC

_FIONBIO = 0x5421  # makes a descriptor blocking or not: how Python does it for sockets
_STREAM, _KIND_OF_SOCKET = 1, 0xF

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _MASK = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT, _FIFTH_ARGUMENT = 0, 4, 16, 24, 48
_ALLOW = 0x7FFF0000
_EPERM, _ENOSYS, _ENOTTY = 0x00050000 | 1, 0x00050000 | 38, 0x00050000 | 25

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

Instruction = tuple[int, int, int, int]


def when(number: int, block: list[Instruction]) -> list[Instruction]:
    """Run `block`, which must end in a return, when the call is `number`; else skip it."""
    return [(_EQUAL, 0, len(block), number), *block]


def allowed_calls(machine: str) -> tuple[int, frozenset[int]]:
    """Return the identity of an architecture and the calls that are allowed whatever their arguments are.

    Raises `OSError` for an unknown one.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(f"no list of system calls for the architecture {machine}")
    identity, allowed, *_ = _ARCHITECTURES[machine]
    return identity, frozenset(allowed.values())


def filter_program(machine: str, *, wide: bool = False) -> bytes:
    """Return the filter as the kernel reads it, or raise `OSError` for an unknown architecture."""
    if machine not in _ARCHITECTURES:
        raise OSError(f"no list of system calls for the architecture {machine}")
    identity, allowed, (ioctl, clone, fcntl), more, (socketpair, sendto) = _ARCHITECTURES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, identity),
        (_RETURN, 0, 0, _EPERM),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _EPERM),
    ]
    for number in sorted({*allowed.values(), *(more.values() if wide else ())}):
        program += when(number, [(_RETURN, 0, 0, _ALLOW)])
    if wide:
        program += _wide_by_argument(ioctl, socketpair, sendto)
    program += when(ioctl, [(_RETURN, 0, 0, _ENOTTY)])
    program += when(_CLONE3, [(_RETURN, 0, 0, _ENOSYS)])
    threads_only: list[Instruction] = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    program += when(clone, threads_only)
    commands: list[Instruction] = [(_LOAD, 0, 0, _SECOND_ARGUMENT)]
    for command in _FCNTL_COMMANDS:
        commands += when(command, [(_RETURN, 0, 0, _ALLOW)])
    program += when(fcntl, [*commands, (_RETURN, 0, 0, _EPERM)])
    program.append((_RETURN, 0, 0, _EPERM))
    return as_bytes(program)


def as_bytes(program: list[Instruction]) -> bytes:
    """Return a filter as the kernel reads it."""
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _wide_by_argument(ioctl: int, socketpair: int, sendto: int) -> list[Instruction]:
    """Return what the wide profile allows of three calls; it falls through for what it does not."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)
    not_blocking: list[Instruction] = [
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_EQUAL, 0, 1, _FIONBIO),
        allow,
        (_RETURN, 0, 0, _ENOTTY),
    ]
    stream_only: list[Instruction] = [
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_MASK, 0, 0, _KIND_OF_SOCKET),
        (_EQUAL, 0, 1, _STREAM),
        allow,
        refuse,
    ]
    no_address: list[Instruction] = [
        (_LOAD, 0, 0, _FIFTH_ARGUMENT),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _FIFTH_ARGUMENT + 4),
        (_EQUAL, 0, 1, 0),
        allow,
        refuse,
    ]
    return [*when(ioctl, not_blocking), *when(socketpair, stream_only), *when(sendto, no_address)]


class _Program(ctypes.Structure):
    """`struct sock_fprog` of the kernel."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


@cache
def prepare_lock(*, wide: bool = False) -> tuple[_Program, Any]:
    """Make the filter of this machine ready, with the memory that it lies in; a fork hands it on."""
    return _described(filter_program(platform.machine(), wide=wide))


def lock_system_calls(*, wide: bool = False) -> None:
    """Let this process and its threads make allowed calls only, for ever. Raises `OSError`."""
    _install(prepare_lock(wide=wide)[0])


def install(program: bytes) -> None:
    """Hold this process, its threads and whatever it starts to a filter. Raises `OSError`."""
    described, _memory = _described(program)
    _install(described)


def _described(program: bytes) -> tuple[_Program, Any]:
    memory = ctypes.create_string_buffer(program, len(program))
    return _Program(len(program) // 8, ctypes.addressof(memory)), memory


def _install(described: _Program) -> None:
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    if libc().prctl(_PR_SET_SECCOMP, mode, ctypes.byref(described), None, None):
        raise OSError(ctypes.get_errno(), "the kernel refuses the system call filter (seccomp)")
