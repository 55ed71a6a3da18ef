"""Other programs started within one call: a shell that runs a body, or the commands of a compiler.

The locked child stays and answers itself, so what it starts cannot answer in its place. It waits
for the program that it started, never for the end of a pipe: a program in the background may hold
the pipe for longer, and the supervisor ends it.

A shell's value arrives on a pipe: `=` and what the function printed or the script left in
`result`; nothing when a script left nothing; `-` when there is no such function. Printed text that
is JSON is that value, other text is itself, without the newline at its end.
"""

import base64
import io
import json
import os
import select
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from executor.sandbox.inside.plain import NotPlainError, as_plain

_CHUNK = 65536
_TOLD_CHARACTERS = 8000
_NOT_FOUND, _KILLED = 127, 9
EXIT_NO_PROGRAM = 98
_HIGH = 64  # above every descriptor that is in use
_NO_MEMORY = ("cannot allocate", "Cannot allocate memory", "memory exhausted", "out of memory")

Answer = dict[str, Any]


@dataclass
class Heard:
    """What arrives on one pipe: the first `limit` bytes, or the last ones of what is passed on to `forward`.

    Where it is `strict`, more than that ends the program.
    """

    limit: int
    forward: int | None = None
    strict: bool = False
    data: bytearray = field(default_factory=bytearray)
    over: bool = False

    def read(self, descriptor: int) -> bool:
        """Take what is there; return False at the end of the pipe."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if self.forward is not None:
            write_all(self.forward, chunk)
            self.data = (self.data + chunk)[-self.limit :]  # of what is passed on, the end is kept
        else:
            self.over = self.over or (self.strict and len(self.data) + len(chunk) > self.limit)
            self.data += chunk[: self.limit - len(self.data)]
        return bool(chunk)

    def text(self) -> str:
        """Return what was heard as text."""
        return bytes(self.data).decode("utf-8", "replace")[-_TOLD_CHARACTERS:]


def run(request: dict[str, Any], answer: int, folder: str) -> NoReturn:
    """Do the job of a request and leave."""
    ways: dict[str, Callable[[dict[str, Any], str], Answer | bytes]] = {"shell": _shell, "compile": _compile}
    try:
        result = ways[request["job"]["way"]](request, folder)
    except NotPlainError as error:
        result = _problem("protocol", str(error))
    except MemoryError:
        result = _problem("memory", "the body needs more memory than its limit")
    if isinstance(result, dict):
        result = json.dumps({"id": request["id"], **result}, allow_nan=False).encode()
    write_all(answer, result)
    os._exit(0)


def _problem(category: str, message: str, trace: str = "") -> Answer:
    return {"problem": [category, message, trace]}


def _shell(request: dict[str, Any], folder: str) -> Answer | bytes:
    """Check the syntax of a body, run it, and read its value."""
    job = request["job"]
    environment = {name: value.format(folder=folder) for name, value in job["environment"].items()}
    body, driver = f"{folder}/body.sh", f"{folder}/driver.sh"
    words = _in_words(request)
    if words is None:
        return _problem("protocol", "an argument holds a NUL character, which no variable of a shell can hold")
    said = Heard(_CHUNK)
    if _run([job["command"][0], "-n", body], environment, {2: said}):
        return _problem("syntax", said.text().strip().partition("\n")[0], said.text())
    value, errors = Heard(job["result_bytes"], strict=True), Heard(_CHUNK, forward=2)
    words_file = os.memfd_create("words")
    write_all(words_file, words)
    os.lseek(words_file, 0, os.SEEK_SET)
    command = [*job["command"], driver, request["form"], request["entry_point"], body]
    status = _run(command, environment, {2: errors, 5: value}, {1: 1, 4: words_file})
    if value.over:
        return bytes(value.data) + b" " * _CHUNK  # more than the supervisor takes
    if value.data[:1] == b"-":
        return _problem("runtime", f"the code defines no function {request['entry_point']}")
    if status:
        return _ended(status, request, errors.text())
    return {"value": _value(bytes(value.data), request["form"]), "arguments": {}}


def _in_words(request: dict[str, Any]) -> bytes | None:
    """Return the arguments as a shell takes them, each with a NUL behind it; None where a text holds one."""
    words: list[str] = []
    for name, value in request["arguments"].items():
        words += [name] if request["form"] == "script" else []
        words.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    if any("\0" in word for word in words):
        return None
    return "".join(f"{word}\0" for word in words).encode()


def _ended(status: int, request: dict[str, Any], errors: str) -> Answer:
    what = "the script" if request["form"] == "script" else f"the function {request['entry_point']}"
    if status == -_KILLED or any(sign in errors for sign in _NO_MEMORY):
        return _problem("memory", "the body needs more memory than its limit", errors)
    if status < 0:
        return _problem("runtime", f"{what} was ended by signal {-status}", errors)
    last = (errors.strip().splitlines() or [""])[-1]
    category = "import" if status == _NOT_FOUND else "runtime"
    return _problem(category, f"{what} returned {status}" + (f": {last}" if last else ""), errors)


def _value(data: bytes, form: str) -> Any:
    if not data or (form == "function" and data == b"="):
        return None
    try:
        text = data[1:].decode()
    except UnicodeDecodeError:
        raise NotPlainError("the value is not UTF-8 text") from None
    try:
        return as_plain(json.loads(text, parse_constant=_refuse), "the value")
    except RecursionError:
        raise NotPlainError("the value is nested too deep") from None
    except NotPlainError:
        raise
    except ValueError:
        return text.removesuffix("\n")


def _refuse(word: str) -> NoReturn:
    """Read NaN and its like as texts: JSON has no such numbers."""
    raise ValueError(word)


def _compile(request: dict[str, Any], folder: str) -> Answer:
    """Run the commands of a compiler; return what they made as text: base64 of a zlib stream, or of a zip."""
    job = request["job"]
    environment = {name: value.format(folder=folder) for name, value in job["environment"].items()}
    for command in job["commands"]:
        said = Heard(_CHUNK)
        words = [word.format(folder=folder) for word in command]
        if status := _run(words, environment, {1: said, 2: said}):
            text = said.text().replace(f"{folder}/work/", "").replace(f"{folder}/", "")
            if status == -_KILLED or "signal terminated program" in text:
                return _problem("memory", "the compiler ran out of memory", text)
            return _problem("syntax", text.strip().partition("\n")[0] or f"{words[0]} ended with {status}", text)
    made = Path(folder, job["made"])
    data = _zipped(made) if made.is_dir() else zlib.compress(made.read_bytes(), 6)
    return {"value": base64.b64encode(data).decode(), "arguments": {}}


def _zipped(folder: Path) -> bytes:
    import zipfile  # noqa: PLC0415 - the zygote of every Python body would carry it

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes())
    return stream.getvalue()


def _run(
    command: list[str], environment: dict[str, str], heard: dict[int, Heard], given: dict[int, int] | None = None
) -> int:
    """Run a program to its end; return its exit status, or less than zero for a signal.

    `heard` are its descriptors that are read, `given` those that it shares with this process.
    """
    nothing = os.open("/dev/null", os.O_RDWR)
    sources = {0: nothing, 1: nothing, 2: nothing, **(given or {})}
    reading: dict[int, Heard] = {}
    ends: dict[int, int] = {}
    for number, each in heard.items():
        if id(each) not in ends:
            ours, ends[id(each)] = os.pipe()
            os.set_blocking(ours, False)
            reading[ours] = each
        sources[number] = ends[id(each)]
    # First above all targets, so that none is overwritten before it is copied.
    actions: list[tuple[int, ...]] = []
    for at, source in enumerate(sources.values()):
        actions.append((os.POSIX_SPAWN_DUP2, source, _HIGH + at))
    for at, number in enumerate(sources):
        actions += [(os.POSIX_SPAWN_DUP2, _HIGH + at, number), (os.POSIX_SPAWN_CLOSE, _HIGH + at)]
    try:
        program = find_program(command[0], environment["PATH"])
        started = os.posix_spawn(program, command, environment, file_actions=actions)
    except FileNotFoundError:
        write_all(2, f"{command[0]}: there is no such program in this image\n".encode())
        os._exit(EXIT_NO_PROGRAM)
    for descriptor in (nothing, *ends.values()):
        os.close(descriptor)
    return _until_it_ends(started, reading)


def _until_it_ends(process: int, reading: dict[int, Heard]) -> int:
    ended = os.pidfd_open(process)
    poll = select.poll()
    for descriptor in (ended, *reading):
        poll.register(descriptor, select.POLLIN)
    status = None
    while status is None:
        for descriptor, _ in poll.poll():
            if descriptor == ended:
                status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            elif not reading[descriptor].read(descriptor):
                poll.unregister(descriptor)
        if status is None and any(each.over for each in reading.values()):
            os.kill(process, _KILLED)
    for descriptor, each in reading.items():
        while not each.over and each.read(descriptor):
            continue
        os.close(descriptor)
    os.close(ended)
    return status


def find_program(name: str, path: str) -> str:
    """Return where a program lies; its name where it is not to be found, which fails when it is started."""
    places = [f"{folder}/{name}" for folder in path.split(":")] if "/" not in name else []
    return next((place for place in places if os.access(place, os.X_OK)), name)


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
