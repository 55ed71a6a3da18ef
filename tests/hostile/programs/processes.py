"""Programs that start, keep, hide, signal or trace processes and threads."""

from tests.hostile.program import CONTAINED, Hostile, endless, program, tries

_FORK = """
import os
child = os.fork()
if child == 0:
    {}
    os._exit(0)
"""

PROCESSES: tuple[Hostile, ...] = (
    program("a fork bomb", "import os\ndef body():\n    while True: os.fork()", "runtime", seconds=1.0),
    program(
        "a fork bomb at import",
        "import os\nwhile True: os.fork()\ndef body(): return 1",
        "runtime",
        seconds=1.0,
    ),
    tries("a child", "os.fork()", "import os"),
    tries("a child with a terminal", "os.forkpty()", "import os"),
    tries(
        "a child by the C library",
        "child",
        "import ctypes\nchild = ctypes.CDLL(None).fork()\nif child < 0: raise OSError",
    ),
    tries(
        "a child by vfork",
        "child",
        "import ctypes\nchild = ctypes.CDLL(None).vfork()\nif child < 0: raise OSError",
    ),
    tries("a child that outlives the call", "child", _FORK.format("import time; time.sleep(600)")),
    tries(
        "a child that ignores SIGTERM",
        "child",
        _FORK.format("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"),
    ),
    tries(
        "a daemon that leaves the process group by two forks",
        "child",
        _FORK.format("os.setsid(); os.fork(); import time; time.sleep(600)"),
    ),
    tries("a session of its own", "os.setsid()", "import os"),
    tries("a process group of its own", "os.setpgid(0, 0)", "import os"),
    tries("a program by subprocess", "subprocess.run([sys.executable, '-V'])", "import subprocess, sys"),
    tries("a shell", "status", "import os\nstatus = os.system('true')\nif status: raise OSError"),
    tries("a program by popen", "os.popen('id').read()", "import os"),
    tries("a program by posix_spawn", "os.posix_spawn('/bin/true', ['true'], {})", "import os"),
    tries("another program in its place", "os.execv('/usr/bin/python3', ['python3', '-V'])", "import os"),
    tries("a program by its descriptor", "os.execve(os.open('/bin/sh', 0), ['sh'], {})", "import os"),
    program(
        "a program written to the work folder and run",
        """
        import os
        def body():
            tried = []
            for folder in ("/tmp", "/dev/shm", "."):
                path = f"{folder}/htn-hostile-program"
                try:
                    with open(path, "w") as file:
                        file.write("#!/bin/sh\\necho 1\\n")
                    os.chmod(path, 0o755)
                    os.execv(path, [path])
                except OSError:
                    tried.append(folder)
            return len(tried)
        """,
        value=3,
    ),
    tries(
        "a pool of processes",
        "started.exitcode",
        "import multiprocessing\nstarted = multiprocessing.get_context('fork').Process(target=print)\nstarted.start()",
    ),
    program(
        "a thread that sleeps on",
        """
        import threading, time
        def body():
            threading.Thread(target=time.sleep, args=(600,)).start()
            return "done"
        """,
        value="done",
    ),
    program(
        "a thread that holds the pipes and floods them after the answer",
        """
        import os, threading
        def flood():
            while True:
                os.write(3, b"x")
        def body():
            threading.Thread(target=flood, daemon=True).start()
            return "done"
        """,
        "value",
        "protocol",
        "output",
        value="done",
    ),
    program(
        "a thread that is started at exit",
        """
        import atexit, threading, time
        def later():
            threading.Thread(target=time.sleep, args=(600,)).start()
        def body():
            atexit.register(later)
            return "done"
        """,
        value="done",
    ),
    program(
        "threads without number",
        """
        import threading, time
        def body():
            threading.stack_size(65536)
            started = 0
            try:
                while started < 20000:
                    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
                    started += 1
            except (RuntimeError, MemoryError):
                return "contained"
            return started
        """,
        "value",
        "memory",
        "timeout",
        "killed",
        value=CONTAINED,
        seconds=1.5,
    ),
    endless(
        "threads that all compute and never end",
        """
        import hashlib, threading
        def spin():
            while True: hashlib.sha256(bytes(1 << 16)).digest()
        def body():
            threading.stack_size(262144)
            for _ in range(8): threading.Thread(target=spin).start()
            spin()
        """,
    ),
    endless(
        "waiting for a thread that never ends",
        """
        import threading
        def body():
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        """,
    ),
    tries("a signal to the runner", "os.kill(os.getppid(), 9)", "import os"),
    tries("a stop signal to the runner", "os.kill(os.getppid(), 19)", "import os"),
    tries("a signal to process 1", "os.kill(1, 9)", "import os"),
    tries("SIGINT to process 1", "os.kill(1, 2)", "import os"),
    tries("a signal to everybody", "os.kill(-1, 9)", "import os"),
    tries("a signal to its process group", "os.killpg(0, 9)", "import os"),
    tries("a signal by a descriptor", "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)", "import os, signal"),
    tries("aiming a signal at the runner", "fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())", "import fcntl, os"),
    tries("choosing the signal that is aimed", "fcntl.fcntl(1, fcntl.F_SETSIG, 9)", "import fcntl"),
    program(
        "an alarm that kills it",
        "import signal, time\ndef body():\n    signal.setitimer(signal.ITIMER_REAL, 0.01)\n    time.sleep(9)",
        "killed",
    ),
    endless(
        "ignoring every signal, and running on",
        """
        import signal
        def body():
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            while True:
                try:
                    while True: pass
                except BaseException:
                    pass
        """,
    ),
    program("a crash", "import ctypes\ndef body(): return ctypes.string_at(0)", "killed"),
    program("aborting, for a core file", "import os\ndef body(): os.abort()", "killed"),
    tries("more priority", "os.nice(-5)", "import os"),
    tries("less priority", "os.nice(5)", "import os"),
    tries("another processor", "os.sched_setaffinity(0, {0})", "import os"),
    tries("a real-time schedule", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))", "import os"),
    tries(
        "more memory than its limit",
        "done",
        "import resource\ndone = True\ntry: resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\n"
        "except ValueError: raise OSError",
    ),
    tries(
        "more processor time than its limit",
        "done",
        "import resource\ndone = True\ntry: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))\n"
        "except ValueError: raise OSError",
    ),
)
