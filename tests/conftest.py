"""What all tests share: the account of what could not run, and settings that are nobody's own."""

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.commands.shell"]

# In CI the same change gives the same result: there Hypothesis takes the same examples each time. Elsewhere it looks
# further each time.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

NOT_RUN: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOT_RUN] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        item.config.stash[NOT_RUN][report.longrepr[2].removeprefix("Skipped: ")] += 1
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say, as the last line, how many tests did not run and why; nothing is left out in silence."""
    missing = config.stash.get(NOT_RUN, Counter())
    reasons = "; ".join(f"{count} because {reason}" for reason, count in sorted(missing.items()))
    total = sum(missing.values())
    print(f"not run: {total} tests: {reasons}" if total else "not run: nothing")


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings or the library of whoever runs it."""
    for name in list(os.environ):
        if name.startswith("HTN_") and not name.startswith(("HTN_TEST_", "HTN_REQUIRE")):
            monkeypatch.delenv(name)
    for name in ("REDIS_URL", "LLM_PROVIDER", "LLM_API_KEY", "LLM_MODEL", "OLLAMA_ENDPOINT", "MAX_RETRIES",
                 "EXECUTION_TIMEOUT", "DOCKER_TIMEOUT", "DOCKER_MEMORY_LIMIT"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    home: Path = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
