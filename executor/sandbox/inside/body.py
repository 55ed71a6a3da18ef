"""The locked child: runs one body once and answers on a pipe of its own.

Rules. The order is: wire the pipes, wait for the request, limit, lock, and only then touch the code.
The answer is one JSON object: `{id, value, arguments}` (for a script the arguments are null) or
`{id, problem: [category, message, traceback]}`. It never travels on the body's standard output, so
nothing that a body prints can be taken for it. The child leaves by `os._exit` whatever happens, and
never returns to the zygote.

What this does NOT do: hold a body to the truth about its own call. A body shares its process with
this code and can inspect the interpreter, so it can say what it likes about its own value and its
own arguments. It can say nothing about another call.
"""

import builtins
import fcntl
import json
import linecache
import math
import os
import resource
import sys
import traceback
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn, TextIO

from executor.sandbox.inside import program
from executor.sandbox.inside.clock import start_clock_at
from executor.sandbox.inside.helpers import Helpers
from executor.sandbox.inside.plain import NotPlainError, as_plain
from executor.sandbox.inside.seccomp import lock_system_calls, prepare_lock

CODE_NAME = "<body>"
EXIT_BROKEN = 99
_RESULT = 3
_FILE_BYTES = 16 * 2**20
_MESSAGE_CHARACTERS = 2000
_TRACEBACK_CHARACTERS = 4000


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
    prepare_lock()
    _rehearse()


def run(feed: int, result: int, out: int, err: int) -> NoReturn:
    """Run the request that arrives on `feed`; the other descriptors take the answer and prints."""
    try:
        printed = sys.stdout, sys.stderr
        feed = _wire(feed, result, out, err)
        _rehearse()
        with os.fdopen(feed, "rb", buffering=0) as stream:
            request = json.loads(stream.read())
        if "job" in request:
            program.run(request, _RESULT)
        _limit(request["memory_mb"], request["seconds"])
        lock_system_calls()
        answer = _answer(request)
        _flush(printed)
        _write_all(_RESULT, answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, it must not reach the zygote's loop
        os._exit(EXIT_BROKEN)


def _rehearse() -> None:
    """Compile, run and encode something of our own, so that the memory for that is there before a request is."""
    compiled = compile("def body(x):\n    return [x]", CODE_NAME, "exec", dont_inherit=True)
    scope: dict[str, Any] = {}
    exec(compiled, scope)  # noqa: S102 - the text above
    _encoded({"value": as_plain(scope["body"](json.loads("1.5")))})


def _wire(feed: int, result: int, out: int, err: int) -> int:
    """Give the child descriptors 0 to 3 and no others but `feed`, which may get another number."""
    os.setsid()
    feed = fcntl.fcntl(feed, fcntl.F_DUPFD, _RESULT + 1)  # above those that are about to be taken
    for source, target in ((out, 1), (err, 2), (result, _RESULT)):
        os.dup2(source, target)
    os.closerange(_RESULT + 1, feed)
    os.closerange(feed + 1, 1024)
    return feed


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


def _answer(request: dict[str, Any]) -> bytes:
    identity = request["id"]
    try:
        return _called(request)
    except MemoryError:
        problem = ["memory", "the body needs more memory than its limit", ""]
    except ImportError as error:
        problem = _described("import", error)
    except NotPlainError as error:
        problem = ["protocol", str(error), ""]
    except BaseException as error:  # noqa: BLE001 - a body may raise anything, SystemExit included
        problem = _described("runtime", error)
    return _refused(identity, *problem)


def _called(request: dict[str, Any]) -> bytes:
    """Run the code, as a function or as a script; return the answer. Raises what the body raises."""
    identity, code = request["id"], request["code"]
    linecache.cache[CODE_NAME] = (len(code), None, code.splitlines(keepends=True), CODE_NAME)
    try:
        helpers = Helpers(request["files"])
        compiled = compile(code, CODE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        return _refused(identity, *_described("syntax", error))
    if request["files"]:
        sys.meta_path.insert(0, helpers)
    module = ModuleType("__main__" if request["form"] == "script" else "body")
    module.__dict__["__builtins__"] = builtins
    sys.modules[module.__name__] = module  # dataclasses and typing look a class's module up by name
    if request["clock"] is not None:
        start_clock_at(request["clock"])
    arguments = request["arguments"]
    if request["form"] == "script":
        return _encoded({"id": identity, "value": _run_script(compiled, module, arguments), "arguments": None})
    exec(compiled, module.__dict__)  # noqa: S102 - what this process is locked for
    function = module.__dict__.get(request["entry_point"])
    if not callable(function):
        return _refused(identity, "runtime", f"the code defines no function {request['entry_point']}", "")
    value = as_plain(function(**arguments))
    after = as_plain(arguments, "the arguments after the call")
    return _encoded({"id": identity, "value": value, "arguments": after})


def _run_script(compiled: CodeType, module: ModuleType, context: dict[str, Any]) -> Any:
    """Run a script with its context values; return what it leaves in `result`."""
    module.__dict__.update(context)
    try:
        exec(compiled, module.__dict__)  # noqa: S102 - what this process is locked for
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    return as_plain(module.__dict__.get("result"))


def _refused(identity: str, *problem: str) -> bytes:
    """Encode a problem; what is not text in a message is shown instead of sent."""
    texts = [each.encode("utf-8", "backslashreplace").decode() for each in problem]
    return _encoded({"id": identity, "problem": texts})


def _encoded(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False).encode()


def _described(category: str, error: BaseException) -> list[str]:
    """Describe an exception whose own methods may raise or return nonsense."""
    kind = type(error).__name__
    try:
        message = f"{kind}: {error!s:.{_MESSAGE_CHARACTERS}}"
    except BaseException:  # noqa: BLE001 - `__str__` belongs to the body
        message = f"{kind}, whose text cannot be read"
    try:
        lines = traceback.format_exception(type(error), error, _frames_of_the_body(error), limit=-8)
        trace = "".join(lines)[-_TRACEBACK_CHARACTERS:]
    except BaseException:  # noqa: BLE001 - as above
        trace = ""
    return [category, message, trace]


def _frames_of_the_body(error: BaseException) -> TracebackType | None:
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != CODE_NAME:
        frame = frame.tb_next
    return frame


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
