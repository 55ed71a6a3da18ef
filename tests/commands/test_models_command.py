"""htn models, and what a run may cost."""

from collections.abc import Callable

from executor.model.standin import StandIn
from tests.commands.shell import Shell

Scripted = Callable[..., StandIn]


def test_models_are_listed_with_how_they_do_and_a_server_is_asked_again_on_demand(htn: Shell) -> None:
    (listed,) = htn("models", "--json").json
    assert (listed["model"], listed["health"], listed["breaker"]) == ("ollama:scripted", "offline", "closed")
    assert listed["stats"]["calls"] == 0
    assert htn("models", "reset", "ollama").out == "asked again at once: ollama:scripted\n"
    wrong = htn("models", "reset", "olama")
    assert wrong.code == 2 and "did you mean ollama?" in wrong.err


def test_a_price_asks_nobody_and_runs_nothing(htn: Shell) -> None:
    said = htn("run", "reports", "report(seattle, temp_max)", "--dry-run", "--max-calls", "3")
    assert said.code == 0 and "at most 3 calls" in said.out and "0.00 in money" in said.out
    assert "nothing was sent, and nothing was run" in said.err
    assert htn("library", "list", "--json").json == []
