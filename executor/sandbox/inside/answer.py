"""From a request to an answer: runs one body once, in a process that is fenced already.

The answer is one JSON object: `{id, value, arguments}` (for a script the arguments are null) or
`{id, problem: [category, message, traceback]}`.

What this does NOT do: hold a body to the truth about its own call. A body shares its process with
this code and can inspect the interpreter, so it can say what it likes about its own value and its
own arguments. It can say nothing about another call.
"""

import builtins
import json
import linecache
import sys
import traceback
from types import CodeType, ModuleType, TracebackType
from typing import Any

from executor.sandbox.inside.clock import start_clock_at
from executor.sandbox.inside.helpers import Helpers
from executor.sandbox.inside.plain import NotPlainError, as_plain

CODE_NAME = "<body>"
# Where an image has the packages that a body declares. It comes last: no package can stand before a standard module.
PACKAGES = "/opt/htn/packages"
_MESSAGE_CHARACTERS = 2000
_TRACEBACK_CHARACTERS = 4000


def answer_to(request: dict[str, Any]) -> bytes:
    """Run a request and return the answer. Never raises, but for what ends the process."""
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


def rehearse() -> None:
    """Compile, run and encode something of our own, so that the memory for that is there before a request is."""
    compiled = compile("def body(x):\n    return [x]", CODE_NAME, "exec", dont_inherit=True)
    scope: dict[str, Any] = {}
    exec(compiled, scope)  # noqa: S102 - the text above
    _encoded({"value": as_plain(scope["body"](json.loads("1.5")))})


def _called(request: dict[str, Any]) -> bytes:
    """Run the code, as a function or as a script; return the answer. Raises what the body raises."""
    identity, code = request["id"], request["code"]
    linecache.cache[CODE_NAME] = (len(code), None, code.splitlines(keepends=True), CODE_NAME)
    try:
        helpers = Helpers(request["files"])
        compiled = compile(code, CODE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        return _refused(identity, *_described("syntax", error))
    _forget_ourselves()
    if request.get("packages"):
        sys.path.append(PACKAGES)
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


def _forget_ourselves() -> None:
    """Leave the names of these modules to helper files; the body has no use for them."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "executor"]:
        del sys.modules[name]


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
