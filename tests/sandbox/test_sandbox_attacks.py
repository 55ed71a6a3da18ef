"""Bodies that attack: what they read, write, reach, use up and leave behind."""

import os
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.sandbox import Kind, Outcome, Sandbox

Run = Callable[..., Outcome]

# Each body tries something that must be refused; it returns what it got instead.
FORBIDDEN = {
    "connect to an address": "import socket; socket.create_connection(('1.1.1.1', 80), 1)",
    "open a unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "open a netlink socket": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "read a file of the system": "open('/etc/shadow').read()",
    "write to the root": "open('/file', 'w')",
    "write to the library": "open(__import__('os').__file__, 'a')",
    "make a folder": "import os; os.mkdir('/tmp/folder')",
    "make a link": "import os; os.symlink('/etc/passwd', '/tmp/link')",
    "change a mode": "import os; os.chmod('/tmp', 0o777)",
    "fork": "import os; os.fork()",
    "run a program": "import subprocess, sys; subprocess.run([sys.executable, '-V'])",
    "replace itself": "import os; os.execv('/usr/bin/python3', ['python3'])",
    "signal the supervisor": "import os; os.kill(os.getppid(), 9)",
    "signal process 1": "import os; os.kill(1, 9)",
    "signal everybody": "import os; os.kill(-1, 9)",
    "become root": "import os; os.setuid(0)",
    "change its root": "import os; os.chroot('/tmp')",
    "change its folder": "import os; os.chdir('/proc')",
    "raise a limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "change its priority": "import os; os.nice(-5)",
    "aim a signal at another process": ("import fcntl, os; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())"),
    "choose the signal it aims": "import fcntl; fcntl.fcntl(1, fcntl.F_SETSIG, 9)",
    "read its own memory through /proc": "open('/proc/self/mem', 'rb').read(1)",
    "read the supervisor's environment": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "read the supervisor's memory": "import os; open(f'/proc/{os.getppid()}/mem', 'rb')",
    "list the supervisor's descriptors": "import os; os.listdir(f'/proc/{os.getppid()}/fd')",
    "read process 1's environment": "open('/proc/1/environ').read()",
    "find Docker's socket": "open('/var/run/docker.sock')",
}

# System calls that Python has no function for: x86_64 numbers and arguments.
RAW_CALLS = {
    "io_uring_setup": (425, 8, 0),
    "ptrace": (101, 16, 1, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "userfaultfd": (323, 0),
    "bpf": (321, 0, 0, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "keyctl": (250, 0, -3, 0),
    "unshare a user namespace": (272, 0x10000000),
    "clone a process": (56, 17, 0, 0, 0, 0),
    "clone3": (435, 0, 0),
    "memfd_create": (319, 0, 0),
    "shmget": (29, 0, 4096, 0o1666),
    "msgget": (68, 0, 0o1666),
    "mq_open": (240, 0, 0, 0, 0),
    "pidfd_open": (434, 1, 0),
    "pidfd_getfd": (438, 3, 0, 0),
    "prctl (be dumpable)": (157, 4, 1, 0, 0, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "setns": (308, 0, 0),
    "getpid through the x32 door": (0x40000000 + 39,),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_body_cannot(run: Run, what: str) -> None:
    *setup, attempt = FORBIDDEN[what].split("; ")
    lines = [*setup, "try:", f"    got = {attempt}", "except (OSError, ValueError) as error:"]
    code = "\n    ".join(["def body():", *lines, "    return ['refused', str(error)]"])
    outcome = run(code + "\n    return repr(got)")
    assert outcome.ok, outcome.problem
    assert isinstance(outcome.value, list), f"it got {outcome.value}"
    assert outcome.value[0] == "refused"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize("what", RAW_CALLS)
def test_a_body_cannot_make_the_system_call(run: Run, what: str) -> None:
    code = """
        import ctypes
        def body(words):
            libc = ctypes.CDLL(None, use_errno=True)
            answer = libc.syscall(*[ctypes.c_long(word) for word in words])
            return [answer, ctypes.get_errno()]
    """
    value = run(code, words=list(RAW_CALLS[what])).value
    assert value in ([-1, 1], [-1, 38]), value


def test_a_container_runs_bodies_as_nobody(run: Run, level: Kind) -> None:
    code = "import os\ndef body(): return [os.getuid(), os.geteuid(), os.getgid()]"
    expected = [65534] * 3 if level == "docker" else [os.getuid(), os.geteuid(), os.getgid()]
    assert run(code).value == expected


def test_a_body_sees_no_environment(run: Run) -> None:
    secret = os.environ["HTN_TEST_SECRET"]
    code = """
        import ctypes, os
        def body():
            found = [dict(os.environ)]
            environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')
            index = 0
            while environ and environ[index] is not None:
                found.append(environ[index].decode())
                index += 1
            return found
    """
    outcome = run(code)
    assert outcome.ok, outcome.problem
    assert secret not in str(outcome.value)
    assert outcome.value == [{}]


def test_a_body_sees_no_file_of_the_host(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("read")
    tmp_path.chmod(0o755)
    secret.chmod(0o644)
    code = """
        import glob, os
        def body(path):
            try:
                return open(path).read()
            except OSError as error:
                return type(error).__name__
    """
    assert run(code, path=str(secret)).value in ("FileNotFoundError", "PermissionError")


@pytest.mark.parametrize(
    "path",
    [Path(pytest.__file__).parent.parent, Path(sysconfig.get_path("stdlib")) / "site-packages"],
)
def test_a_body_cannot_import_what_is_installed_on_the_host(run: Run, path: Path) -> None:
    code = """
        import sys
        def body(path):
            sys.path.append(path)
            try:
                import pytest
            except ImportError:
                import pip
    """
    outcome = run(code, path=str(path))
    assert outcome.problem is not None
    assert outcome.problem.category in ("import", "runtime")
    assert "Error" in outcome.problem.message


def test_a_body_has_only_its_own_descriptors(run: Run) -> None:
    code = """
        import os
        def body():
            found = []
            for number in range(1024):
                try:
                    os.fstat(number)
                    found.append(number)
                except OSError:
                    pass
            return found
    """
    assert run(code).value == [0, 1, 2, 3]


def test_module_globals_do_not_reach_the_next_call(run: Run) -> None:
    code = """
        import math, builtins, sys
        def body():
            seen = [getattr(math, 'mark', 0), getattr(builtins, 'mark', 0), 'mark' in sys.modules]
            math.mark = builtins.mark = 1
            sys.modules['mark'] = math
            return seen
    """
    assert run(code).value == run(code).value == [0, 0, False]


def test_the_memory_of_a_call_does_not_reach_the_next(run: Run) -> None:
    # Memory is read through a pipe, which refuses what is not mapped. The two halves are looked
    # for one after the other, so that the search finds no trace of itself.
    code = """
        import ctypes, gc, os
        ARENA, PAGE = 1 << 20, 4096
        def memory_at(start):
            receive, send = os.pipe()
            pages = []
            for page in range(start, start + ARENA, PAGE):
                written = ctypes.CDLL(None).write(send, ctypes.c_void_p(page), PAGE)
                pages.append(os.read(receive, PAGE) if written > 0 else bytes(PAGE))
            os.close(receive)
            os.close(send)
            return b''.join(pages)
        def body(first, second, own):
            first, second = first.encode(), second.encode()
            heap = ctypes.addressof(ctypes.create_string_buffer(64))
            addresses = [id(each) for each in gc.get_objects()] + [id(first), id(own), heap]
            for start in {address // ARENA * ARENA for address in addresses}:
                memory = memory_at(start)
                at = memory.find(first)
                while at >= 0:
                    end = at + len(first)
                    if memory[end:end + len(second)] == second:
                        return True
                    at = memory.find(first, at + 1)
            return False
    """
    halves = {"first": "leak-of-", "second": "an-earlier-call"}
    whole = "leak-of-an-earlier-call"
    assert run(code, **halves, own=whole).value is True
    for _ in range(3):
        run("def body(own): return own", own=whole)
        assert run(code, **halves, own="").value is False


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_files_do_not_reach_the_next_call(run: Run, folder: str) -> None:
    write = """
        import os
        def body(folder):
            try:
                for name in ('plain', '.hidden', 'odd \\n name'):
                    open(f'{folder}/{name}', 'w').write('x')
            except OSError:
                return 'cannot write'
            return 'written'
    """
    look = """
        import os
        def body(folder):
            try:
                return os.listdir(folder)
            except OSError:
                return []
    """
    assert run(write, folder=folder).ok
    assert run(look, folder=folder).value == []


def test_a_full_folder_is_empty_for_the_next_call(run: Run, level: Kind) -> None:
    fill = """
        def body():
            made = 0
            try:
                for number in range(5000):
                    open(f'/tmp/{number}', 'w').close()
                    made += 1
            except OSError:
                pass
            try:
                with open('/dev/shm/large', 'wb') as file:
                    for _ in range(64):
                        file.write(b'x' * 2**20)
            except OSError:
                pass
            return made
    """
    made = run(fill).value
    assert isinstance(made, int)
    assert made < 4200 if level == "docker" else made == 0
    assert run("import os\ndef body(): return os.path.exists('/tmp/1')").value is False


def test_a_fork_bomb_does_not_start(run: Run) -> None:
    code = "import os\ndef body():\n    while True: os.fork()"
    outcome = run(code, seconds=2)
    assert outcome.problem is not None
    assert outcome.problem.category == "runtime"
    assert "PermissionError" in outcome.problem.message


def test_a_daemon_cannot_be_left_behind(run: Run) -> None:
    code = """
        import ctypes, os
        def body():
            started = []
            for start in (os.fork, os.forkpty, lambda: ctypes.CDLL(None).vfork()):
                try:
                    started.append(start())
                except OSError:
                    started.append(-1)
            return started
    """
    assert run(code).value == [-1, -1, -1]


def test_threads_that_go_on_do_not_hold_the_call_up(run: Run) -> None:
    code = """
        import threading, time
        def body():
            threading.Thread(target=time.sleep, args=(60,)).start()
            return 'done'
    """
    assert run(code).value == "done"


def test_a_thread_bomb_is_contained(run: Run) -> None:
    code = """
        import threading, time
        def body():
            threading.stack_size(65536)
            started = 0
            try:
                while True:
                    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                    started += 1
            except (RuntimeError, MemoryError):
                return started
    """
    run(code, seconds=2)
    assert run("def body(): return 1").value == 1


@pytest.mark.parametrize(
    "bomb",
    [
        "bytearray(2**40)",
        "[0] * 10**10",
        "'x' * 2**32",
        "list(iter(lambda: bytes(2**20), 1))",
        "10 ** 10 ** 10",
        "__import__('mmap').mmap(-1, 2**34)",
    ],
)
def test_a_memory_bomb_is_contained(run: Run, bomb: str) -> None:
    outcome = run(f"def body(): return {bomb}", seconds=1)
    assert outcome.problem is not None
    assert outcome.problem.category in ("memory", "timeout", "runtime", "killed")
    assert run("def body(): return 1").value == 1


def test_an_endless_flood_of_output_ends_the_call(run: Run) -> None:
    outcome = run("def body():\n    while True: print('x' * 1000)")
    assert outcome.problem is not None
    assert outcome.problem.category == "output"
    assert len(outcome.stdout) <= 65536


def test_a_body_that_catches_everything_still_times_out(run: Run) -> None:
    code = """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        def body():
            while True:
                try:
                    while True: pass
                except BaseException:
                    pass
    """
    outcome = run(code, seconds=0.5)
    assert outcome.problem is not None
    assert outcome.problem.category == "timeout"


def test_code_outside_of_the_function_is_fenced_as_well(run: Run) -> None:
    outcome = run("import os\nos.fork()\ndef body(): return 1")
    assert outcome.problem is not None
    assert "PermissionError" in outcome.problem.message
    timed = run("while True: pass", seconds=0.5)
    assert timed.problem is not None
    assert timed.problem.category == "timeout"


def test_after_all_attacks_the_same_supervisor_serves_on(sandbox: Sandbox, run: Run) -> None:
    for code in ("import os\ndef body(): os._exit(1)", "def body(): return {1}", "def body(:"):
        assert run(code).problem is not None
    assert run("def body(): return 'well'").value == "well"
