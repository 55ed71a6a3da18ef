"""How a model and the address of its server may be written."""

import subprocess
import sys

import pytest

from executor.model import open_model, split_spec
from executor.model.endpoint import endpoint_url, is_loopback
from htn.errors import UsageError


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("localhost:11434", "http://localhost:11434"),
        ("localhost", "http://localhost:11434"),
        ("http://box:8080", "http://box:8080"),
        ("https://models.example/ollama/", "https://models.example/ollama"),
        ("[::1]:11434", "http://[::1]:11434"),
        (" 127.0.0.1:1 ", "http://127.0.0.1:1"),
    ],
)
def test_an_address_is_accepted_as_people_write_it(written: str, url: str) -> None:
    assert endpoint_url(written) == url


@pytest.mark.parametrize("written", ["", "http://", "ftp://box", "box:port", "box:99999", "b?q=1", "a b", "[::1"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="not an address"):
        endpoint_url(written)


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_url("http://me:hunter2@box:1")
    assert "hunter2" not in caught.value.explain()


def test_loopback_is_this_machine_and_nothing_else() -> None:
    assert is_loopback("http://localhost:1") and is_loopback("http://[::1]:1")
    assert not is_loopback("http://box:1") and not is_loopback("http://10.0.0.1")


def name_of(spec: str) -> str:
    return open_model(spec, endpoint="localhost", api_key=None, timeout=1, num_ctx=1024, max_calls=1).name


def test_a_model_is_named_with_or_without_its_provider() -> None:
    assert name_of("ollama:qwen3") == name_of("qwen3") == "ollama:qwen3"
    assert name_of("qwen3:8b") == name_of("ollama:qwen3:8b") == "ollama:qwen3:8b"


@pytest.mark.parametrize("spec", ["openai:gpt-4o-mini", "openai:ft:gpt-4o:us", "anthropic:claude-sonnet-4-5"])
def test_other_providers_are_named_before_the_colon(spec: str) -> None:
    assert name_of(spec) == spec


def test_a_name_without_a_provider_belongs_to_the_one_that_is_set() -> None:
    assert split_spec("gpt-4o-mini", "openai") == ("openai", "gpt-4o-mini")
    assert split_spec("org/model:free", "openai") == ("openai", "org/model:free")
    assert split_spec("ollama:qwen3:8b", "openai") == ("ollama", "qwen3:8b")


@pytest.mark.parametrize("spec", ["", "ollama:", "openai:", "anthropic:"])
def test_a_model_without_a_name_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="no model is named"):
        name_of(spec)


def test_opening_a_model_imports_no_client() -> None:
    lines = [
        "import sys",
        "from executor.model import open_model",
        "open_model('m', endpoint='h', api_key=None, timeout=1, num_ctx=9, max_calls=1)",
        "sys.exit('ollama' in sys.modules or 'httpx' in sys.modules)",
    ]
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0
