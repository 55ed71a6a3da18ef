"""The container's first program takes secrets from files, and only those that it knows."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.server.running import Running
from tests.services import landlock_works, require_or_skip

IMAGE = Path(__file__).parents[2] / "deploy" / "image"


def program(name: str) -> ModuleType:
    """Load a program of the image, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, IMAGE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", program("start").SECRETS)
def test_the_text_of_a_secret_s_file_becomes_the_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("a secret of some length\n")
    environment = {f"{name}_FILE": str(tmp_path / "secret"), "PATH_FILE": "/etc/passwd", "HOME": "/"}
    program("start").take_secrets(environment)
    assert environment == {name: "a secret of some length", "PATH_FILE": "/etc/passwd", "HOME": "/"}


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (None, {}, "cannot read the file that REDIS_URL_FILE names"),
        (b"\xff\xfe", {}, "cannot read the file that REDIS_URL_FILE names"),
        (b" \n", {}, "is empty"),
        (b"redis:6379", {"REDIS_URL": "other:6379"}, "both REDIS_URL and REDIS_URL_FILE are set"),
    ],
)
def test_a_secret_that_cannot_be_taken_is_told_and_nothing_of_it_is_shown(
    tmp_path: Path, content: bytes | None, more: dict[str, str], said: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        program("start").take_secrets({"REDIS_URL_FILE": str(tmp_path / "secret"), **more})
    assert said in str(caught.value)
    assert "redis:6379" not in str(caught.value)


def test_the_health_check_sees_whether_the_service_answers(tmp_path: Path) -> None:
    require_or_skip("landlock", landlock_works())
    answers = program("healthy").answers
    with Running(tmp_path) as service:
        port = int(service.url.rpartition(":")[2])
        assert answers(port)
    assert not answers(port)
