"""The locked child: runs one body once and answers on a pipe of its own.

Rules. The order is: wire the pipes, wait for the request, limit, lock, and only then touch the code
(`answer`). The answer never travels on the body's standard output, so nothing that a body prints can
be taken for it. The child leaves by `os._exit` whatever happens, and never returns to the zygote.
"""

import fcntl
import json
import math
import os
import resource
import sys
from typing import NoReturn, TextIO

from executor.sandbox.inside import program
from executor.sandbox.inside.answer import answer_to, rehearse
from executor.sandbox.inside.landlock import restrict
from executor.sandbox.inside.seccomp import lock_system_calls, prepare_lock

EXIT_BROKEN = 99
_RESULT = 3
_FILE_BYTES = 16 * 2**20


def prepare() -> None:
    """Do in the zygote what is the same for every child: it need not be done again, and costs a child no memory.

    The environment goes, the streams are made (their descriptors get their ends in each child), the
    names of these modules are left to helper files, and what a call needs is used once.
    """
    os.environ.clear()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the streams outlive this function
    sys.stdout, sys.stderr = (
        open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - as above
        for number in (1, 2)
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "executor"]:
        del sys.modules[name]
    for wide in (False, True):
        prepare_lock(wide=wide)
    rehearse()


def run(fence: int | None, feed: int, result: int, out: int, err: int) -> NoReturn:
    """Run the request that arrives on `feed`; the other descriptors take the answer and prints.

    `fence` is a ruleset of landlock for bodies in Python, where there is one that the zygote has not taken on itself.
    """
    try:
        printed = sys.stdout, sys.stderr
        feed, fence = _wire(feed, result, out, err, fence)
        rehearse()
        with os.fdopen(feed, "rb", buffering=0) as stream:
            request = json.loads(stream.read())
        is_program = "job" in request
        if fence is not None:
            if not is_program:
                restrict(fence)
            os.close(fence)
        if is_program:
            program.run(request, _RESULT)
        _limit(request["memory_mb"], request["seconds"])
        lock_system_calls(wide=request["wide"])
        answer = answer_to(request)
        _flush(printed)
        _write_all(_RESULT, answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, it must not reach the zygote's loop
        os._exit(EXIT_BROKEN)


def _wire(feed: int, result: int, out: int, err: int, fence: int | None) -> tuple[int, int | None]:
    """Give the child descriptors 0 to 3 and no others but `feed` and `fence`, which may get other numbers."""
    os.setsid()
    # Above those that are about to be taken.
    feed = fcntl.fcntl(feed, fcntl.F_DUPFD_CLOEXEC, _RESULT + 1)
    last = feed
    if fence is not None:
        last = fence = fcntl.fcntl(fence, fcntl.F_DUPFD_CLOEXEC, feed + 1)
    for source, target in ((out, 1), (err, 2), (result, _RESULT)):
        os.dup2(source, target)
    os.closerange(_RESULT + 1, feed)
    os.closerange(feed + 1, last)
    os.closerange(last + 1, 1024)
    return feed, fence


def _limit(memory_mb: int, seconds: float) -> None:
    memory, processor = memory_mb * 2**20, math.ceil(seconds) + 1
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, processor, processor + 1),
        (resource.RLIMIT_FSIZE, _FILE_BYTES, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _flush(streams: tuple[TextIO, TextIO]) -> None:
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the body closed it; what it printed before has left already


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
