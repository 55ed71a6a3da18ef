"""The locked child: runs one body once and answers on a pipe of its own.

Rules. The order is: read the request, wire the pipes, limit, lock, and only then touch the code
(`answer`). The answer never travels on the body's standard output, so nothing that a body prints can
be taken for it. The child leaves by `os._exit` whatever happens, and never returns to the zygote.
"""

import io
import json
import math
import os
import resource
import signal
import sys
from typing import NoReturn

from executor.sandbox.inside.answer import answer_to
from executor.sandbox.inside.process import become_the_first_victim
from executor.sandbox.inside.seccomp import lock_system_calls

EXIT_BROKEN = 99
_RESULT = 3
_FILE_BYTES = 16 * 2**20


def run(feed: int, result: int, out: int, err: int) -> NoReturn:
    """Run the request that arrives on `feed`; the other descriptors take the answer and prints."""
    try:
        with os.fdopen(feed, "rb") as stream:
            request = json.loads(stream.read())
        printed = _wire(result, out, err)
        _limit(request["memory_mb"], request["seconds"])
        lock_system_calls(wide=request["wide"])
        answer = answer_to(request)
        _flush(printed)
        _write_all(_RESULT, answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, it must not reach the zygote's loop
        os._exit(EXIT_BROKEN)


def _wire(result: int, out: int, err: int) -> tuple[io.TextIOBase, io.TextIOBase]:
    """Give the child descriptors 0 to 3 and no others, and fresh text streams."""
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (err, 2), (result, _RESULT)):
        os.dup2(source, target)
    os.closerange(_RESULT + 1, 1024)
    os.environ.clear()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the stream outlives this function
    streams = [
        open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - as above
        for number in (1, 2)
    ]
    sys.stdout, sys.stderr = streams
    return streams[0], streams[1]


def _limit(memory_mb: int, seconds: float) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    become_the_first_victim()
    memory, processor = memory_mb * 2**20, math.ceil(seconds) + 1
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, processor, processor + 1),
        (resource.RLIMIT_FSIZE, _FILE_BYTES, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _flush(streams: tuple[io.TextIOBase, io.TextIOBase]) -> None:
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the body closed it; what it printed before has left already


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
