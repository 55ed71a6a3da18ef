"""An image that comes from a registry: a real one, on this machine, filled by the test."""

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from executor.sandbox import LanguageSettings, Program, open_sandbox
from executor.sandbox.engine import Engine, connect
from executor.sandbox.image import ensure_image
from executor.sandbox.languages.images import build_image
from htn.errors import ServiceMissing
from tests.services import require_or_skip

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("needs_docker")]

CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    connected = connect(30)
    yield connected
    connected.client.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of a registry with nothing in it."""
    program = shutil.which("docker-registry")
    require_or_skip("registry", program is not None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path / "images", port=port))
    running = subprocess.Popen([str(program), "serve", str(config)], stderr=subprocess.DEVNULL)
    address = f"127.0.0.1:{port}"
    for _ in range(100):
        with suppress(OSError), urllib.request.urlopen(f"http://{address}/v2/"):
            break
        time.sleep(0.1)
    yield address
    running.terminate()
    running.wait()


def test_an_image_is_pulled_by_its_digest_once_and_bodies_run_in_it(engine: Engine, registry: str) -> None:
    built = engine.client.images.get(ensure_image(engine, None, lambda text: None).reference)
    repository = f"{registry}/htn-sandbox"
    built.tag(repository, "test")
    pushed = list(engine.client.api.push(repository, "test", stream=True, decode=True))
    digest = next(step["aux"]["Digest"] for step in pushed if "aux" in step)
    engine.client.images.remove(f"{repository}:test")
    reference = f"{repository}@{digest}"
    heard: list[str] = []
    try:
        with open_sandbox(kind="docker", image=reference, on_progress=heard.append) as sandbox:
            assert sandbox.call(Program("def body(n): return n + 1", "body"), {"n": 1}).value == 2
            assert reference in sandbox.description
        assert any("pulled" in text for text in heard)
        heard.clear()
        with open_sandbox(kind="docker", image=reference, on_progress=heard.append):
            assert heard == []
    finally:
        engine.client.images.remove(reference)


def test_an_image_that_the_registry_does_not_have_is_said_to_be_missing(registry: str) -> None:
    with pytest.raises(ServiceMissing, match="pulling") as missing:
        open_sandbox(kind="docker", image=f"{registry}/nothing:1")
    assert any("build one" in hint for hint in missing.value.hints)


def test_the_image_of_a_language_is_pulled_when_it_is_built_and_never_within_a_call(
    engine: Engine, registry: str
) -> None:
    built = engine.client.images.get(build_image(engine, "bash", None, print).reference)
    repository = f"{registry}/htn-bash"
    built.tag(repository, "test")
    pushed = list(engine.client.api.push(repository, "test", stream=True, decode=True))
    digest = next(step["aux"]["Digest"] for step in pushed if "aux" in step)
    engine.client.images.remove(f"{repository}:test")
    reference = f"{repository}@{digest}"
    program = Program("body() { echo 2; }", "body", "bash")
    with open_sandbox(kind="docker", languages=LanguageSettings(images={"bash": reference})) as sandbox:
        missing = sandbox.call(program, {}).problem
        assert missing is not None
        assert "htn sandbox build bash" in missing.message
        assert build_image(engine, "bash", reference, print).how == "pulled"
        assert sandbox.call(program, {}).value == 2
    engine.client.images.remove(reference)
