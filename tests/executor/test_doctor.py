"""The doctor looks at each thing that the program stands on, and goes on where one is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from executor.doctor import Check, examine
from executor.model.standin import StandIn
from executor.settings import Settings

Script = Callable[..., StandIn]


def checks(folder: Path, **settings: Any) -> dict[str, Check]:
    chosen = {"data_dir": folder, "sandbox": "lockdown", "ollama_endpoint": "127.0.0.1:9", **settings}
    return {check.name: check for check in examine(Settings.load(**chosen))}


def test_it_looks_at_everything_in_order(folder: Path, script: Script) -> None:
    found = checks(folder, model="scripted", ollama_endpoint=script().endpoint)
    assert list(found) == ["Python", "Redis", "Docker", "image", "sandbox", "model", "models"]
    assert found["Python"].ok and found["Redis"].ok and found["sandbox"].ok and found["model"].ok
    assert "append-only file" in found["Redis"].found
    assert "lockdown" in found["sandbox"].found


def test_what_is_missing_is_said_with_what_to_do(folder: Path) -> None:
    found = checks(folder, redis_url="127.0.0.1:9")
    for name in ("Redis", "model"):
        assert not found[name].ok
        assert found[name].hints
        assert "127.0.0.1:9" in found[name].found


def test_a_model_that_cannot_be_named_is_a_finding_and_not_the_end(folder: Path) -> None:
    found = checks(folder, model="openai:")
    assert not found["model"].ok
    assert found["model"].found == "no model is named"


def test_a_model_that_the_server_lacks_is_answered_with_those_it_has(folder: Path, script: Script) -> None:
    found = checks(folder, model="ollama:other", ollama_endpoint=script().endpoint)
    assert not found["model"].ok
    assert any("scripted" in hint for hint in found["model"].hints)


def test_a_model_of_another_provider_is_looked_up_where_it_is(folder: Path, script: Script) -> None:
    at = script().endpoint
    places = {"openai_endpoint": f"{at}/v1", "anthropic_endpoint": at}
    for provider, service in (("openai", "the server"), ("anthropic", "Anthropic's API")):
        found = checks(folder, model=f"{provider}:scripted", **places)["model"]
        assert found.ok and f"{provider}:scripted is on {service} at {at}" in found.found
        found = checks(folder, model=f"{provider}:other", **places)["model"]
        assert not found.ok and found.hints == ("it has: scripted",)


def test_a_server_that_lists_no_models_is_good_enough_and_said_to_be_one(folder: Path, script: Script) -> None:
    found = checks(folder, model="openai:x", openai_endpoint=f"{script().endpoint}/elsewhere")["model"]
    assert found.ok and "openai:x may be on the server" in found.found
    assert "shows when it is asked" in found.hints[0]


def test_a_provider_without_a_model_is_said(folder: Path) -> None:
    found = checks(folder, llm_provider="anthropic")["model"]
    assert not found.ok and "no model is named" in found.found
    assert "name one: --model anthropic:NAME, or LLM_MODEL" in found.hints


def test_a_password_is_not_shown(folder: Path) -> None:
    found = checks(folder, redis_url="redis://user:hunter2@127.0.0.1:9")
    assert "hunter2" not in repr(found)
