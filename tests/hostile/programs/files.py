"""Programs that fill, litter, read or change files."""

from tests.hostile.program import CONTAINED, REFUSED, Hostile, program, tries

_MARK = "htn-hostile-file"


def fills(name: str, folder: str) -> Hostile:
    """Return a program that writes 100 MB to a folder."""
    return program(name, f"""
        def body():
            written = 0
            try:
                for number in range(100):
                    with open(f"{folder}/{_MARK}-{{number}}", "wb") as file:
                        file.write(bytes(1 << 20))
                    written += 1
            except OSError:
                pass
            return "contained" if written <= 16 else written
        """, value=CONTAINED)  # fmt: skip


def writes(name: str, path: str) -> Hostile:
    """Return a program that opens a file to write."""
    return tries(name, f"open({path!r}, 'ab')")


def reads(name: str, path: str) -> Hostile:
    """Return a program that reads a file."""
    return tries(name, f"open({path!r}, 'rb').read(4096)")


FILES: tuple[Hostile, ...] = (
    fills("a full work folder", "/tmp"),
    fills("a full shared memory", "/dev/shm"),
    program("one file that grows without end", f"""
        def body():
            written = 0
            try:
                with open("/tmp/{_MARK}", "wb", 0) as file:
                    for _ in range(100): written += file.write(bytes(1 << 20))
            except OSError:
                pass
            return "contained" if written <= 16 << 20 else written
        """, value=CONTAINED),
    program("files without number", f"""
        def body():
            made = 0
            for folder in ("/tmp", "/dev/shm"):
                try:
                    for number in range(20_000):
                        open(f"{{folder}}/{_MARK}-{{number}}", "w").close()
                        made += 1
                except OSError:
                    continue
            return "contained" if made < 30_000 else made
        """, "value", "memory", "timeout", value=CONTAINED, seconds=3.0),
    tries("a file of a terabyte with nothing in it", f"os.truncate('/tmp/{_MARK}', 2 ** 40)",
          f"import os\nopen('/tmp/{_MARK}', 'w').close()"),
    tries("space that is taken ahead", "os.posix_fallocate(file.fileno(), 0, 2 ** 34)",
          f"import os\nfile = open('/tmp/{_MARK}', 'wb')"),
    tries("a folder", f"os.mkdir('/tmp/{_MARK}')", "import os"),
    tries("folders, 1,500 deep", "depth", """
        import os
        depth = 0
        os.chdir("/tmp")
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
            depth += 1
        """),
    tries("a folder that nobody may open", f"os.chmod('/tmp/{_MARK}', 0)", f"import os\nos.mkdir('/tmp/{_MARK}')"),
    tries("a link to a file of the host", f"os.symlink('/etc/passwd', '/tmp/{_MARK}')", "import os"),
    tries("a second name of a file", f"os.link('/etc/passwd', '/tmp/{_MARK}')", "import os"),
    tries("a named pipe", f"os.mkfifo('/tmp/{_MARK}')", "import os"),
    tries("a device", f"os.mknod('/tmp/{_MARK}', 0o60600, os.makedev(8, 0))", "import os"),
    program("a file without a name that grows", """
        import os
        def body():
            written = 0
            try:
                file = os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
                for _ in range(100): written += os.write(file, bytes(1 << 20))
            except (OSError, AttributeError):
                pass
            return "contained" if written <= 16 << 20 else written
        """, value=CONTAINED),
    tries("a file that outlives the call, moved away", f"os.rename('/tmp/{_MARK}', '/dev/shm/{_MARK}')",
          f"import os\nopen('/tmp/{_MARK}', 'w').close()"),
    program("names that are odd", f"""
        def body():
            for name in ("plain", ".hidden", "odd \\n name", "\\udcff", "-rf", "a" * 255):
                for folder in ("/tmp", "/dev/shm"):
                    try:
                        open(f"{{folder}}/{_MARK}{{name}}"[:260], "w").close()
                    except OSError:
                        pass
            return "done"
        """, value="done"),
    tries("another owner", "os.chown('/tmp', 0, 0)", "import os"),
    tries("the setuid bit", f"os.chmod('/tmp/{_MARK}', 0o4755)", f"import os\nopen('/tmp/{_MARK}', 'w').close()"),
    tries("another mode for its folder", "os.chmod('/tmp', 0)", "import os"),
    tries("another attribute", "os.setxattr('/tmp', 'user.htn-hostile', b'x')", "import os"),
    tries("another time stamp", "os.utime('/tmp', (0, 0))", "import os"),
    writes("a file at the root", f"/{_MARK}"),
    writes("a file in /etc", f"/etc/{_MARK}"),
    writes("a file in the home folder", f"/root/{_MARK}"),
    writes("a file in /var/tmp", f"/var/tmp/{_MARK}"),
    writes("the list of users", "/etc/passwd"),
    writes("a setting of the kernel", "/proc/sys/kernel/core_pattern"),
    writes("the trigger of a restart", "/proc/sysrq-trigger"),
    writes("a control group", "/sys/fs/cgroup/cgroup.procs"),
    writes("the memory of the machine", "/dev/mem"),
    writes("the log of the kernel", "/dev/kmsg"),
    writes("a disk", "/dev/sda"),
    writes("the virtual machine's device", "/dev/kvm"),
    writes("the terminal", "/dev/tty"),
    tries("its own standard library", "open(os.__file__, 'ab')", "import os"),
    tries("a compiled file in the standard library", "open(path, 'wb')",
          "import json\npath = json.__cached__"),
    tries("removing from the standard library", "os.remove(os.__file__)", "import os"),
    tries("a file in a folder of the host", "open(place + '/htn-hostile-file', 'w')", place="the open folder"),
    tries("reading a file of the host", "open(place).read()", place="the secret file"),
    reads("the passwords", "/etc/shadow"),
    reads("the kernel's memory", "/proc/kcore"),
    reads("the environment of process 1", "/proc/1/environ"),
    reads("the memory map of process 1", "/proc/1/maps"),
    reads("keys of the home folder", "/root/.ssh/id_rsa"),
    tries("the root of process 1", "os.listdir('/proc/1/root')", "import os"),
    tries("the descriptors of the runner", "os.listdir(f'/proc/{os.getppid()}/fd')", "import os"),
    tries("the environment of the runner", "open(f'/proc/{os.getppid()}/environ').read()", "import os"),
    tries("the memory of the runner", "open(f'/proc/{os.getppid()}/mem', 'rb')", "import os"),
    tries("its own memory", "open('/proc/self/mem', 'rb').read(1)"),
    tries("its own escape from the killer of processes", "open('/proc/self/oom_score_adj', 'w')"),
    tries("the folder of another root", "os.chroot('/tmp')", "import os"),
    tries("another folder to work in", "os.chdir('/proc')", "import os"),
    tries("watching files", "descriptor", """
        import ctypes
        descriptor = ctypes.CDLL(None).inotify_init()
        if descriptor < 0: raise OSError
        """),
    tries("locking a file", "fcntl.flock(open('/dev/null'), fcntl.LOCK_EX)", "import fcntl"),
    program("the folders of the host", """
        import os
        def body(place):
            found = []
            for folder in ("/", "/home", "/root", place):
                try:
                    found += [name for name in os.listdir(folder) if "htn-hostile" in name]
                except OSError:
                    continue
            return found or "refused"
        """, value=REFUSED, place="the open folder"),
)  # fmt: skip
