"""The wasm level: what its worker survives, and what comes after a worker that did not."""

import os
import signal
import socket
from collections.abc import Iterator
from textwrap import dedent

import pytest

from executor.sandbox import JSON, Outcome, PoolSettings, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.wasm import WasmSandbox, wasm_version
from htn.errors import ServiceMissing
from tests.services import require_or_skip


@pytest.fixture(scope="module")
def wasm() -> Iterator[Sandbox]:
    require_or_skip("wasm", bool(wasm_version()))
    with open_sandbox(kind="wasm") as opened:
        yield opened


def call(sandbox: Sandbox, code: str, *, seconds: float = 5, **arguments: JSON) -> Outcome:
    return sandbox.call(Program(dedent(code), "body"), arguments, limits=SandboxLimits(seconds=seconds))


def category(outcome: Outcome) -> str:
    return str(outcome.problem.category) if outcome.problem else "none"


HOSTILE = {
    "recursion that aborts the worker": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef body(): return body()",
        "killed",
    ),
    "endless printing": ("def body():\n    while True: print('x' * 1000)", "output"),
    "endless errors": ("import sys\ndef body():\n    while True: sys.stderr.write('x' * 1000)", "output"),
    "a memory bomb": ("def body():\n    kept = []\n    while True: kept.append(bytearray(10**7))", "memory"),
    "a loop in C": ("import re\ndef body(): re.match('(a+)+$', 'a' * 60 + 'b')", "timeout"),
    "a huge number": ("def body(): return len(str(10 ** 10 ** 8))", "timeout"),
    "leaving": ("import os\ndef body(): os._exit(0)", "killed"),
    "a huge result": ("def body(): return 'x' * 10**7", "output"),
    "deep nesting": ("def body():\n    x = []\n    for _ in range(100_000): x = [x]\n    return x", "killed"),
    "a file": ("def body(): return open('/etc/passwd').read()", "runtime"),
    "a folder": ("import os\ndef body(): return os.listdir('/')", "runtime"),
    "writing": ("def body(): open('/tmp/x', 'w')", "runtime"),
    "a process": ("import subprocess\ndef body(): subprocess.run(['true'])", "runtime"),
    "a socket": ("import socket\ndef body(): socket.create_connection(('127.0.0.1', 80), 1)", "runtime"),
    "a signal": ("import os, signal\ndef body(): os.kill(os.getppid(), signal.SIGKILL)", "runtime"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_held_and_the_next_call_is_right(wasm: Sandbox, name: str) -> None:
    code, expected = HOSTILE[name]
    assert category(call(wasm, code, seconds=1.5)) == expected
    assert call(wasm, "def body(x): return x + 1", x=1).value == 2


def test_nothing_is_left_from_one_call_to_the_next(wasm: Sandbox) -> None:
    change = "import builtins, json\ndef body():\n    builtins.len = None\n    json.dumps = json.loads\n    return 1"
    call(wasm, change)
    assert call(wasm, "import json\ndef body(): return json.dumps(len('abc'))").value == "3"


def test_the_environment_holds_nothing_of_the_hosts(wasm: Sandbox) -> None:
    outcome = call(wasm, "import os\ndef body(): return sorted(os.environ)")
    assert outcome.value == ["PYTHONHOME", "PYTHONPATH", "PYTHONUNBUFFERED"]


def test_a_listening_neighbour_is_not_reached(wasm: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        port = neighbour.getsockname()[1]
        code = "import socket\ndef body(port): socket.create_connection(('127.0.0.1', port), 1)"
        assert category(call(wasm, code, port=port)) == "runtime"
        neighbour.settimeout(0)
        with pytest.raises(BlockingIOError):
            neighbour.accept()


def test_what_is_written_to_a_descriptor_itself_forges_nothing(wasm: Sandbox) -> None:
    code = """
        import os
        def body():
            for number in range(8):
                try:
                    os.write(number, b'{"id": "x", "sizes": [0, 0, 0]}\\n')
                except OSError:
                    continue
            return "mine"
    """
    outcome = call(wasm, code)
    assert outcome.value == "mine"
    assert outcome.stdout == outcome.stderr == ""


def test_what_was_printed_before_too_much_is_kept(wasm: Sandbox) -> None:
    outcome = call(wasm, "def body():\n    print('first')\n    while True: print('x' * 1000)")
    assert outcome.stdout.startswith("first\nxxx")
    assert outcome.truncated
    assert len(outcome.stdout.encode()) == wasm.limits.output_bytes


def test_a_worker_that_is_killed_is_replaced(wasm: Sandbox) -> None:
    assert isinstance(wasm, WasmSandbox)
    call(wasm, "def body(): return 1")
    for worker in wasm.workers():
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    assert call(wasm, "def body(): return 2").value == 2


def test_it_says_that_the_order_of_sets_is_no_evidence(wasm: Sandbox) -> None:
    assert any("hash seed" in each for each in wasm.does_not_cover)


def test_where_pyeryx_is_missing_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.sandbox.wasm.sandbox.wasm_version", lambda: "")
    with pytest.raises(ServiceMissing, match="pyeryx is not installed") as caught:
        WasmSandbox(SandboxLimits(), PoolSettings())
    assert "[wasm]" in caught.value.hints[0]
