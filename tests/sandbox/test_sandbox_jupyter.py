"""Stateful kernels: in a container, as a plain process, and on a Jupyter server that somebody else runs."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.sandbox import SandboxLimits
from executor.sandbox.jupyter import (
    Cell,
    Error,
    Html,
    Image,
    Json,
    Kernel,
    Latex,
    Stream,
    Text,
    attach_kernel,
    open_kernel,
    run_cells,
)
from executor.sandbox.jupyter.attached import JupyterServer
from executor.sandbox.jupyter.output import read_output
from htn.errors import ServiceMissing, UsageError

TOKEN = "a-token-of-the-tests"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LIMITS = SandboxLimits(seconds=30, result_bytes=200_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Jupyter server that runs on this machine."""
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--allow-root")
    environment = {**os.environ, "HOME": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    log = (folder / "log").open("wb")
    command = [sys.executable, "-m", "jupyter_server", *words, f"--ServerApp.root_dir={folder}"]
    running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=1).close()
                break
            except OSError:
                assert running.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        running.terminate()
        running.wait()
        log.close()


Open = Callable[[], Kernel]


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.docker), "local", "attached"])
def opening(request: pytest.FixtureRequest) -> Open:
    """How a kernel of one level is opened."""
    if request.param == "docker":
        request.getfixturevalue("needs_docker")
        return lambda: open_kernel(limits=LIMITS)
    if request.param == "local":
        return lambda: open_kernel(kind="local", limits=LIMITS, on_progress=lambda text: None)
    address = request.getfixturevalue("server")
    return lambda: attach_kernel(address, TOKEN, limits=LIMITS)


@pytest.fixture(scope="module")
def kernel(opening: Open) -> Iterator[Kernel]:
    with opening() as opened:
        yield opened


def category(cell: Cell) -> str:
    return str(cell.problem.category) if cell.problem else "none"


def test_a_kernel_keeps_its_variables(kernel: Kernel) -> None:
    first = kernel.run("x = 41")
    second = kernel.run("print('so far'); x + 1")
    assert first.ok and second.ok
    assert second.outputs == (Stream("stdout", "so far\n"), Text("42"))
    assert second.printed == "so far\n"
    assert first.count is not None and second.count == first.count + 1


def test_a_cell_says_what_fenced_it(kernel: Kernel) -> None:
    assert kernel.run("1").level == kernel.level
    assert kernel.does_not_cover


def test_both_streams_are_kept_apart(kernel: Kernel) -> None:
    cell = kernel.run("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert Stream("stdout", "out\n") in cell.outputs
    assert Stream("stderr", "err\n") in cell.outputs


def test_things_that_are_shown_are_typed_values(kernel: Kernel) -> None:
    shown = f"""
from IPython.display import HTML, JSON, SVG, Image, Latex, display
display(Image(data={PNG!r}, format="png"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg"></svg>'))
display(HTML("<b>bold</b>"))
display(Latex("$x^2$"))
display(JSON({{"a": [1, None]}}))
display("plain")
"""
    picture, drawing, html, formula, value, plain = kernel.run(shown).outputs
    assert isinstance(picture, Image) and (picture.format, picture.data) == ("png", PNG)
    assert isinstance(drawing, Image) and drawing.format == "svg" and drawing.data.startswith(b"<svg")
    assert isinstance(html, Html) and html.html == "<b>bold</b>"
    assert isinstance(formula, Latex) and formula.latex == "$x^2$"
    assert isinstance(value, Json) and value.value == {"a": [1, None]}
    assert plain == Text("'plain'")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1 / 0", "runtime"),
        ("def (", "syntax"),
        ("import no_such_module", "import"),
        ("raise SystemExit(3)", "runtime"),
        ("bytearray(10**13)", "memory"),
    ],
)
def test_a_cell_that_fails_has_a_category_and_a_traceback(kernel: Kernel, code: str, expected: str) -> None:
    cell = kernel.run(code)
    assert category(cell) == expected
    assert cell.problem is not None and cell.problem.message
    assert [each for each in cell.outputs if isinstance(each, Error)]
    assert kernel.run("1 + 1").outputs == (Text("2"),)


def test_several_blocks_run_until_one_fails(kernel: Kernel) -> None:
    cells = run_cells(kernel, ["y = 1", "y += 1", "y / 0", "y = 100"])
    assert [each.ok for each in cells] == [True, True, False]
    assert kernel.run("y").outputs == (Text("2"),)


def test_a_cell_that_takes_too_long_is_interrupted_and_the_variables_stay(kernel: Kernel) -> None:
    kernel.run("kept = 'yes'")
    cell = kernel.run("import time\ntime.sleep(600)", seconds=0.5)
    assert category(cell) == "timeout"
    assert kernel.run("kept").outputs == (Text("'yes'"),)


def test_a_cell_can_be_interrupted_from_outside(kernel: Kernel) -> None:
    found: list[Cell] = []
    running = threading.Thread(target=lambda: found.append(kernel.run("import time\ntime.sleep(600)", seconds=600)))
    running.start()
    while running.is_alive():
        kernel.interrupt()
        running.join(0.3)
    assert category(found[0]) == "runtime"
    assert "KeyboardInterrupt" in str(found[0].problem)
    assert kernel.run("1").ok


def test_to_interrupt_nothing_does_nothing(kernel: Kernel) -> None:
    kernel.interrupt()
    assert kernel.run("1").ok


def test_more_output_than_allowed_is_cut(kernel: Kernel) -> None:
    # Not as fast as it can be: a Jupyter server drops what is shown faster than it likes.
    cell = kernel.run("import time\nwhile True:\n    print('x' * 1000)\n    time.sleep(0.002)")
    assert category(cell) == "output"
    assert cell.truncated
    assert sum(len(each.text) for each in cell.outputs if isinstance(each, Stream)) <= LIMITS.result_bytes
    assert kernel.run("1").ok


def test_it_does_not_wait_for_input(kernel: Kernel) -> None:
    assert category(kernel.run("input()", seconds=20)) == "runtime"


def test_one_kernel_sees_nothing_of_another(opening: Open, kernel: Kernel) -> None:
    kernel.run("secret = 1")
    with opening() as other:
        assert category(other.run("secret")) == "runtime"


def test_a_kernel_that_ends_says_so_and_leaves_nothing_running(opening: Open) -> None:
    with opening() as other:
        assert category(other.run("import os\nos._exit(3)")) == "killed"


def test_a_closed_kernel_runs_nothing(opening: Open) -> None:
    other = opening()
    other.close()
    other.close()
    with pytest.raises(UsageError, match="closed"):
        other.run("1")


@pytest.mark.docker
def test_a_kernel_in_a_container_reaches_neither_network_nor_host(needs_docker: None) -> None:
    with open_kernel(limits=LIMITS) as kernel:
        connect = "import socket\nsocket.create_connection(('{}', 80), 2)"
        for host in ("169.254.169.254", "172.17.0.1", "1.1.1.1"):
            assert category(kernel.run(connect.format(host))) == "runtime"
        assert kernel.run("import os\nos.getuid()").outputs == (Text("65534"),)
        assert category(kernel.run("open('/opt/here', 'w')")) == "runtime"
        assert kernel.run("sorted(set(os.environ) & {'DOCKER_HOST', 'HTN_TEST_REDIS_URL'})").outputs == (Text("[]"),)


@pytest.mark.docker
def test_a_cell_cannot_forge_the_end_of_a_cell(needs_docker: None) -> None:
    forged = """
import glob, os
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        with open(path, "wb", buffering=0) as stream:
            stream.write(b'{"id": "x", "ending": "done", "count": 1, "seconds": 0.1}\\n')
    except OSError:
        continue
print("done")
"""
    with open_kernel(limits=LIMITS) as kernel:
        cell = kernel.run(forged, seconds=10)
        assert category(cell) in ("none", "killed", "timeout")
        if cell.ok:
            assert cell.printed == "done\n"


def test_a_plain_kernel_says_that_there_is_no_sandbox() -> None:
    said: list[str] = []
    with open_kernel(kind="local", limits=LIMITS, on_progress=said.append) as kernel:
        assert kernel.level == "local"
    assert "without a sandbox" in said[0]


def test_a_plain_kernel_ends_with_its_caller(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom executor.sandbox.jupyter import open_kernel\n"
        "kernel = open_kernel(kind='local')\n"
        "print(kernel.run('import os; print(os.getpid())').printed, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    number = int(done.stdout)
    with pytest.raises(ProcessLookupError):
        while True:
            os.kill(number, 0)
            time.sleep(0.05)


def test_a_kernel_that_runs_already_is_joined_and_left(server: str) -> None:
    with attach_kernel(server, TOKEN) as first:
        first.run("shared = 'both'")
        with attach_kernel(server, TOKEN, kernel=first.identity) as second:
            assert second.run("shared").outputs == (Text("'both'"),)
        assert first.run("shared").ok


def test_a_kernel_that_was_started_for_us_is_ended(server: str) -> None:
    with attach_kernel(server, TOKEN) as kernel:
        identity = kernel.identity
    running = JupyterServer(server, TOKEN).ask("GET", "kernels")
    assert identity not in [each["id"] for each in running]


def test_a_wrong_token_is_said_and_not_shown(server: str) -> None:
    with pytest.raises(ServiceMissing, match="refuses the token") as caught:
        attach_kernel(server, "wrong-token")
    assert "wrong-token" not in str(caught.value) + caught.value.message
    assert TOKEN not in repr(JupyterServer(server, TOKEN))


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(ServiceMissing, match="does not answer"):
        attach_kernel("http://127.0.0.1:9", TOKEN)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8888", "ftp://host", "file:///etc/passwd", "http://u:p@host", "http://host/?token=x", ""]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        attach_kernel(address)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="no kind of kernel"):
        open_kernel(kind="lockdown")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {"name": "stdlog", "text": "x"}),
        ("stream", {"name": "stdout", "text": 1}),
        ("display_data", {"data": "x"}),
        ("display_data", {"data": {"image/png": "not base64"}}),
        ("display_data", {"data": {"image/png": base64.b64encode(b"no picture").decode()}}),
        ("display_data", {"data": {"application/json": {"a": float("nan")}}}),
        ("display_data", {"data": {"application/javascript": "alert(1)"}}),
        ("error", {"ename": "E"}),
        ("comm_open", {"data": {"text/plain": "x"}}),
    ],
)
def test_what_has_not_the_form_that_it_claims_is_left_out(kind: str, content: dict[str, Any]) -> None:
    assert read_output(kind, content) is None


def test_a_picture_that_is_none_gives_way_to_the_text() -> None:
    shown = read_output("display_data", {"data": {"image/png": "AAAA", "text/plain": "a picture"}})
    assert shown == Text("a picture")


@given(st.dictionaries(st.text(max_size=20), st.none() | st.text() | st.lists(st.text()) | st.integers()))
def test_no_message_is_too_odd_to_read(content: dict[str, Any]) -> None:
    for kind in ("stream", "display_data", "error", "execute_result", "status", "x"):
        read_output(kind, content)
        read_output(kind, {"data": content})
        read_output(kind, json.loads(json.dumps(content)))
