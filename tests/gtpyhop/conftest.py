"""Each test has process settings of its own, and no output unless it asks for it."""

from collections.abc import Iterator

import pytest

from htn.gtpyhop.settings import PROCESS, Settings
from tests.gtpyhop.binding import bound_as_gtpyhop


@pytest.fixture(autouse=True)
def nobodys_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROCESS, "settings", Settings(verbose=0))
    monkeypatch.setattr(PROCESS, "domains", [])


@pytest.fixture
def bound() -> Iterator[None]:
    with bound_as_gtpyhop():
        yield
