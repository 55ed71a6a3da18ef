"""Programs that make system calls for which Python has no function, or none that is this plain.

Each call must be answered "not permitted" or "no such call", by the filter, before the kernel looks at it.
"""

from tests.hostile.program import Hostile, program

# The call, its number on x86_64 and on aarch64 (None: it has none), and what it is called with.
_CALLS: dict[str, tuple[int, int | None, tuple[int, ...]]] = {
    "mount": (165, 40, (0, 0, 0, 0, 0)),
    "umount2": (166, 39, (0, 2)),
    "pivot_root": (155, 41, (0, 0)),
    "unshare a user namespace": (272, 97, (0x10000000,)),
    "setns": (308, 268, (0, 0)),
    "clone a process": (56, 220, (17, 0, 0, 0, 0)),
    "clone into a user namespace": (56, 220, (0x10000011, 0, 0, 0, 0)),
    "clone3": (435, 435, (0, 0)),
    "execveat": (322, 281, (-100, 0, 0, 0, 0)),
    "ptrace": (101, 117, (16, 1, 0, 0)),
    "process_vm_readv": (310, 270, (1, 0, 0, 0, 0, 0)),
    "process_vm_writev": (311, 271, (1, 0, 0, 0, 0, 0)),
    "pidfd_open": (434, 434, (1, 0)),
    "pidfd_getfd": (438, 438, (3, 0, 0)),
    "kcmp": (312, 272, (1, 1, 0, 0, 0)),
    "tgkill": (234, 131, (1, 1, 9)),
    "rt_sigqueueinfo": (129, 138, (1, 9, 0)),
    "keyctl": (250, 219, (0, -3, 0)),
    "add_key": (248, 217, (0, 0, 0, 0, -3)),
    "request_key": (249, 218, (0, 0, 0, 0)),
    "io_uring_setup": (425, 425, (8, 0)),
    "io_setup": (206, 0, (8, 0)),
    "bpf": (321, 280, (0, 0, 0)),
    "perf_event_open": (298, 241, (0, 0, -1, -1, 0)),
    "userfaultfd": (323, 282, (0,)),
    "memfd_create": (319, 279, (0, 0)),
    "memfd_secret": (447, 447, (0,)),
    "shmget": (29, 194, (0, 4096, 0o1666)),
    "semget": (64, 190, (0, 1, 0o1666)),
    "msgget": (68, 186, (0, 0o1666)),
    "mq_open": (240, 180, (0, 0, 0, 0)),
    "prctl, to be dumpable": (157, 167, (4, 1, 0, 0, 0)),
    "prctl, to outlive the runner": (157, 167, (1, 0, 0, 0, 0)),
    "seccomp": (317, 277, (1, 0, 0)),
    "personality": (135, 92, (0x0040000,)),
    "setuid": (105, 146, (0,)),
    "setgroups": (116, 159, (0, 0)),
    "capset": (126, 91, (0, 0)),
    "setrlimit of another": (302, 261, (1, 9, 0, 0)),
    "sched_setattr": (314, 274, (0, 0, 0)),
    "ioprio_set": (251, 30, (1, 0, 0)),
    "settimeofday": (164, 170, (0, 0)),
    "clock_settime": (227, 112, (0, 0)),
    "adjtimex": (159, 171, (0,)),
    "sethostname": (170, 161, (0, 0)),
    "reboot": (169, 142, (0, 0, 0, 0)),
    "kexec_load": (246, 104, (0, 0, 0, 0)),
    "init_module": (175, 105, (0, 0, 0)),
    "finit_module": (313, 273, (0, 0, 0)),
    "swapon": (167, 224, (0, 0)),
    "quotactl": (179, 60, (0, 0, 0, 0)),
    "acct": (163, 89, (0,)),
    "syslog": (103, 116, (2, 0, 0)),
    "iopl": (172, None, (3,)),
    "modify_ldt": (154, None, (0, 0, 0)),
    "open_by_handle_at": (304, 265, (0, 0, 0)),
    "name_to_handle_at": (303, 264, (0, 0, 0, 0, 0)),
    "fanotify_init": (300, 262, (0, 0)),
    "signalfd4": (289, 74, (-1, 0, 8, 0)),
    "eventfd2": (290, 19, (0, 0)),
    "timerfd_create": (283, 85, (0, 0)),
    "epoll_create1": (291, 20, (0,)),
    "move_pages": (279, 239, (1, 0, 0, 0, 0, 0)),
    "mbind": (237, 235, (0, 0, 0, 0, 0, 0)),
    "open_tree": (428, 428, (0, 0, 0)),
    "fsopen": (430, 430, (0, 0)),
    "landlock_create_ruleset": (444, 444, (0, 0, 1)),
    "getpid through the x32 door": (0x40000000 + 39, None, ()),
}


def _makes(name: str, x86: int, arm: int | None, words: tuple[int, ...]) -> Hostile:
    return program(f"the system call {name}", """
        def body(x86, arm, words):
            try:
                import ctypes, platform
                number = {"x86_64": x86, "aarch64": arm}.get(platform.machine())
                if number is None: return "refused"
                libc = ctypes.CDLL(None, use_errno=True)
            except (ImportError, OSError, TypeError):
                return "refused"
            answer = libc.syscall(*[ctypes.c_long(word) for word in (number, *words)])
            return "refused" if answer == -1 and ctypes.get_errno() in (1, 38) else [answer, ctypes.get_errno()]
        """, value="refused", x86=x86, arm=arm, words=list(words))  # fmt: skip


KERNEL: tuple[Hostile, ...] = (
    *(_makes(name, x86, arm, words) for name, (x86, arm, words) in _CALLS.items()),
    program("the 32-bit door of the kernel", """
        def body():
            try:
                import ctypes, mmap
                # int 0x80 with getpid's 32-bit number; then return
                code = bytes.fromhex("b814000000cd80c3")
                page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
                page.write(code)
                function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
            except (ImportError, OSError, AttributeError):
                return "refused"
            return "refused" if function() in (-1, -38) else "answered"
        """, "value", "killed", value="refused"),
    program("typing into the terminal of the host", """
        import fcntl, termios
        def body():
            try:
                fcntl.ioctl(0, termios.TIOCSTI, b"x")
            except OSError:
                return "refused"
            return "typed"
        """, "value", "import", value="refused"),
)  # fmt: skip
