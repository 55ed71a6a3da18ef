"""The system calls of a container: our own profile in place of the engine's.

Theory. The engine's profile is for any program. It leaves open what programs in a sandbox never
need and attackers like: io_uring and the older asynchronous input and output, pipes that share
pages (`splice`, `tee`, `vmsplice`), System V memory, file handles, sockets of every family. This
one is an allow-list without them, and without `keyctl`, `userfaultfd`, `bpf`, `perf_event_open`,
`ptrace`, `process_vm_readv`, namespaces, mounts and modules. It is wide enough for interpreters and
compilers: Python, Node, a shell, Go, Java, C++ and Rust.

It is the outer of two filters: a Python body locks itself further (`inside.seccomp`).

What it does NOT do: protect from a fault in the calls that it allows.
"""

from functools import cache
from typing import Any

_FILES = """
access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr
flistxattr flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents
getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link
linkat listxattr llistxattr lseek lstat lstat64 mkdir mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2
pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2
rmdir sendfile sendfile64 stat stat64 statfs statfs64 statx symlink symlinkat sync_file_range truncate truncate64 umask
unlink unlinkat utime utimensat utimes write writev _llseek
"""
_PROCESSES = """
arch_prctl capget capset execve exit exit_group fork getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups
getgroups32 getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit getrusage
getsid gettid getuid getuid32 kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open
pidfd_send_signal prctl prlimit64 restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield seccomp set_robust_list get_robust_list set_thread_area get_thread_area set_tid_address
setgid setgid32 setgroups setgroups32 setpgid setpriority setresgid setresgid32 setresuid setresuid32 setrlimit setsid
setuid setuid32 sysinfo tgkill tkill uname ugetrlimit vfork wait4 waitid waitpid
"""
_MEMORY = """
brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap msync munlock munlockall
munmap pkey_alloc pkey_free pkey_mprotect
"""
_TIME_AND_SIGNALS = """
alarm clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getcpu
getitimer getrandom gettimeofday nanosleep pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4
sigprocmask sigreturn time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
"""
_WAITING = """
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex
futex_time64 futex_waitv poll ppoll ppoll_time64 pselect6 pselect6_time64 select _newselect
"""
_SOCKETS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmsg send sendmmsg
sendmsg sendto setsockopt shutdown
"""
_FAMILIES = (1, 2, 10)  # unix, and the two of the internet, which reach nobody in a container without a network
_NAMESPACE_FLAGS = 0x7E020000
_ENOSYS = 38


@cache
def profile() -> dict[str, Any]:
    """Return the profile as the engine reads it."""
    names = " ".join((_FILES, _PROCESSES, _MEMORY, _TIME_AND_SIGNALS, _WAITING, _SOCKETS)).split()
    no_namespaces = {"index": 0, "value": _NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    sockets = [
        {
            "names": ["socket", "socketpair"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": family, "op": "SCMP_CMP_EQ"}],
        }
        for family in _FAMILIES
    ]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        # Without these a call in another format would end its process instead of getting an error.
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
        ],
        "syscalls": [
            {"names": sorted(names), "action": "SCMP_ACT_ALLOW"},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [no_namespaces]},
            # Its flags are in memory, where a filter cannot look: as on an older kernel, so that `clone` is used.
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
            *sockets,
        ],
    }
