"""The shell completes what is known, and starts nothing to find it out."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from commands.main import htn as group
from executor.agent import Agent
from executor.library import Library
from executor.load import load_domain, load_state
from executor.settings import Settings
from executor.store import open_store
from tests.commands.shell import Shell
from tests.executor.test_library import entry


@pytest.fixture
def data(htn: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a library of its own, which the settings of this process name."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("HTN_REDIS_URL", raising=False)
    monkeypatch.setenv("HTN_DATA_DIR", htn.environment["HTN_DATA_DIR"])
    monkeypatch.chdir(htn.folder)
    return Path(htn.environment["HTN_DATA_DIR"])


def completed(*words: str) -> list[str]:
    return [each.value for each in ShellComplete(group, {}, "htn", "_HTN").get_completions([*words[:-1]], words[-1])]


def test_domains_tasks_and_sandboxes_are_completed(data: Path) -> None:
    assert completed("plan", "tr") == ["travel"]
    assert completed("plan", "travel", "wa") == ["walk("]
    assert completed("plan", "nowhere", "wa") == []
    assert "lockdown" in completed("run", "travel", "--sandbox", "")


def test_completing_starts_no_server(data: Path) -> None:
    for words in (("runs", "show", ""), ("library", "show", ""), ("retries", "")):
        assert completed(*words) == []
    assert not data.exists()


def test_operators_and_runs_of_a_server_that_runs_are_completed(data: Path) -> None:
    with Agent(Settings.load(data_dir=data)) as agent:
        domain = load_domain("travel")
        agent.run(domain, [("travel", "alice", "home", "park")], load_state(domain, None), run_id="nightly")
        Library(agent.store).admit(entry(), "probation", [])
        assert completed("library", "show", "ord") == ["order_total"]
        assert completed("library", "rollback", "shop.") == ["shop.order_total"]
        for command in (("runs", "show"), ("resume",), ("watch",), ("replay",), ("retries",)):
            assert completed(*command, "ni") == ["nightly"]


def test_a_server_that_does_not_answer_gives_no_words(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "127.0.0.1:9")
    assert completed("runs", "show", "") == []


def test_looking_whether_a_server_runs_leaves_it_running(data: Path) -> None:
    with open_store(redis_url=None, data_dir=data) as store:
        assert completed("library", "show", "") == []
        assert store.status().kind == "embedded"
