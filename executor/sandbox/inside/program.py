"""The locked child of a call in another language: it starts a program, or watches over a shell or a compiler.

A request of this kind has a `job`, made by `executor.sandbox.languages`:

    files        name -> text, in base64 where `packed`: what is written before the lock, in the
                 folder of the job; a name that begins with `work/` is for the body to read
    executable   a program in base64 and zlib that is started from memory, or nothing
    command      what is started, or `commands`; their words may hold {folder}, their folder is `place`
    environment  all that is in the environment
    data_mb      bound of the memory that is written to, beside the container's; null for none
    way          start | shell | compile

    start        The child becomes the program: a runtime with our driver, or a compiled body. Request on descriptor 4,
                 answer on 3. It may start nothing else.
    shell        The child stays, runs bash, and answers with what it heard (`shell`).
    compile      The child stays, runs the commands of a compiler, and answers with the file that they made.

Whatever is written lies in the folders that the supervisor empties.
"""

import base64
import ctypes
import json
import math
import os
import resource
import signal
import zlib
from pathlib import Path
from typing import Any, NoReturn

from executor.sandbox.inside import tools
from executor.sandbox.inside.process import libc
from executor.sandbox.inside.program_calls import lock_for_runtime, lock_for_tools

FOLDER = "/tmp/call"  # noqa: S108 - the container's own, emptied after each call
_REQUEST, _EXECUTABLE, _DESCRIPTORS = 4, 5, 256
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


def run(request: dict[str, Any], answer: int) -> NoReturn:
    """Run the request of a child whose pipes are wired; its answer goes to the descriptor `answer`."""
    job = request["job"]
    _write_files(job["files"], job["packed"])
    os.chdir(f"{FOLDER}/{job['place']}")
    _limit(job, request["seconds"])
    if job["way"] == "start":
        _start(request, job)
    os.set_inheritable(answer, False)  # what the tools start cannot answer
    lock_for_tools()
    tools.run(request, answer, FOLDER)


def _write_files(files: dict[str, str], packed: list[str]) -> None:
    Path(FOLDER, "work").mkdir(parents=True)
    for name, text in files.items():
        path = Path(FOLDER, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(text) if name in packed else text.encode())


def _limit(job: dict[str, Any], seconds: float) -> None:
    for name in (*_IGNORED_BY_PYTHON, "SIGTERM", "SIGHUP", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    processor, size = math.ceil(seconds) + 1, job["file_mb"] * 2**20
    limits = [
        (resource.RLIMIT_CPU, processor, processor + 1),
        (resource.RLIMIT_FSIZE, size, size),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS, _DESCRIPTORS),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if job["data_mb"]:
        limits.append((resource.RLIMIT_DATA, job["data_mb"] * 2**20, job["data_mb"] * 2**20))
    for kind, soft, hard in limits:
        resource.setrlimit(kind, (soft, hard))


def _start(request: dict[str, Any], job: dict[str, Any]) -> NoReturn:
    """Become the program. The lock comes first, so it allows this one `execve`."""
    names = list(request["arguments"])
    told = {key: request[key] for key in ("id", "entry_point", "form", "clock")}
    told |= {"names": names, "values": [request["arguments"][name] for name in names]}
    _in_memory(_REQUEST, json.dumps(told, ensure_ascii=False, allow_nan=False).encode())
    command = [word.format(folder=FOLDER) for word in job["command"]]
    path = tools.find_program(command[0], job["environment"]["PATH"])
    if job["executable"]:
        _in_memory(_EXECUTABLE, zlib.decompress(base64.b64decode(job["executable"])))
        os.set_inheritable(_EXECUTABLE, False)
        path = f"/proc/self/fd/{_EXECUTABLE}"
    environment = [f"{name}={value}".format(folder=FOLDER) for name, value in job["environment"].items()]
    parts = (ctypes.create_string_buffer(path.encode()), _texts(command), _texts(environment))
    lock_for_runtime(tuple(ctypes.addressof(part) for part in parts))  # type: ignore[arg-type]  # there are three
    libc().execve(*(ctypes.byref(part) for part in parts))
    os.write(2, f"{command[0]}: {os.strerror(ctypes.get_errno())}\n".encode())
    os._exit(tools.EXIT_NO_PROGRAM)


def _texts(words: list[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*(word.encode() for word in words), None)


def _in_memory(descriptor: int, data: bytes) -> None:
    """Give the program a file that lies nowhere but in memory, as a given descriptor."""
    made = os.memfd_create("call", 0)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(made, rest) :]
    os.lseek(made, 0, os.SEEK_SET)
    if made != descriptor:
        os.dup2(made, descriptor)
        os.close(made)
