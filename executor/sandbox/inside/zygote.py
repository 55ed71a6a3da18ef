"""The zygote: imports once, then forks a child per call, and never reads a request.

Theory. A child inherits its parent's memory. A parent that has read a request leaves it in the
memory of every later child, where it can be found. So the process that forks knows nothing: the
supervisor passes it the ends of four pipes, and it passes them on.

A dead child is kept as a zombie until the supervisor acknowledges its end, so that the number of
the process cannot belong to another one while the supervisor may still kill it. The kernel gives
its account of a child's memory only with that last word, so it comes as a message of its own.
"""

import gc
import os
import signal
import socket
import struct
from typing import NoReturn

from executor.sandbox.inside import body
from executor.sandbox.inside.landlock import fence_of_a_container
from executor.sandbox.inside.process import become_the_first_victim, die_with

USUAL_MODULES = (
    "abc", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "csv",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq",
    "io", "itertools", "json", "math", "operator", "random", "re", "statistics", "string",
    "textwrap", "time", "traceback", "typing", "unicodedata", "urllib.parse",
)  # fmt: skip

STARTED, ENDED, REAPED = struct.Struct("i"), struct.Struct("ii"), struct.Struct("q")
PIPES = 4


def run(control: socket.socket, supervisor: int, *, contained: bool) -> NoReturn:
    """Serve the supervisor at the other end of `control` until it goes; `contained` says that it is in a container."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    die_with(supervisor)
    become_the_first_victim()  # and so do its children, which are larger whenever memory runs out
    fence = fence_of_a_container() if contained else None
    body.prepare()
    gc.collect()
    gc.freeze()
    me = os.getpid()
    while True:
        message, pipes, _, _ = socket.recv_fds(control, 1, PIPES)
        if not message or len(pipes) != PIPES:
            os._exit(0)
        child = os.fork()
        if child == 0:
            control.close()
            die_with(me)
            body.run(fence, *pipes)
        for pipe in pipes:
            os.close(pipe)
        control.send(STARTED.pack(child))
        end = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert end is not None  # None is the answer of WNOHANG only
        control.send(ENDED.pack(end.si_code != os.CLD_EXITED, end.si_status))
        if not control.recv(1):
            os._exit(0)
        control.send(REAPED.pack(os.wait4(child, 0)[2].ru_maxrss * 1024))
