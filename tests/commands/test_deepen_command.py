"""htn learn --deepen: two models, both stand-ins of one server, write bodies and tests for what one of them wrote."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from executor.model.standin import StandIn
from tests.commands.shell import Shell
from tests.executor.shop import LARGEST, RIGHT, writes
from tests.executor.test_deepen import BY_HALVES, GOOD, LOOP, ONLY_POSITIVE, ONLY_POSITIVE_TOO, OTHER, suite

Scripted = Callable[..., StandIn]
DOMAIN = "from tests.executor.shop import contract, shop\n\nDOMAIN = shop(promised=contract())\n"
TASK = "order_total(tea)"
LEARN = ("learn", "shop_domain.py", TASK, "--model", "ollama:m0")
DEEPEN = (*LEARN, "--deepen", "--more-models", "ollama:m1", "--max-calls", "30")
SILENT = suite(([1.0], 1.0), ([2.0, 3.0], 5.0))  # what is below zero is in none of its tests
SEVEN = suite(([1.0], 7.0), ([2.0, 3.0], 8.0))


@pytest.fixture
def shop_learned(htn: Shell, scripted: Scripted) -> None:
    """The domain of the shop in a file, and its operator in the library, on probation."""
    htn.write("shop_domain.py", DOMAIN)
    said = htn(*LEARN, OLLAMA_ENDPOINT=two(scripted, [RIGHT]).endpoint)
    assert said.code == 0, said.err


def two(
    scripted: Scripted, first: Sequence[str], second: Sequence[str] = (), tests: Sequence[list[Any]] = ([], [])
) -> StandIn:
    """One server that answers for m0 and m1, each with its own bodies and tests."""
    answers = []
    for model, bodies, suites in (("m0", first, tests[0]), ("m1", second, tests[1])):
        for form, replies in (("BodyAnswer", list(map(writes, bodies))), ("SuiteAnswer", suites)):
            answers += [{"when": {"schema": form, "model": model}, "replies": replies}] if replies else []
    server: StandIn = scripted({"model": "m0", "more_models": ["m1"], "answers": answers})
    return server


def asked(server: StandIn) -> list[str]:
    return [r["body"]["model"] for r in server.requests if r["path"] == "/api/chat"]


def trust(htn: Shell) -> list[str]:
    return [entry["trust"] for entry in htn("library", "list", "--json").json]


@pytest.mark.usefixtures("shop_learned")
def test_two_models_that_agree_make_it_trusted(htn: Shell, scripted: Scripted) -> None:
    server = two(scripted, [BY_HALVES, LOOP], [LOOP, BY_HALVES], ([GOOD], [OTHER]))
    said = htn(*DEEPEN, "--json", OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 0, said.err
    assert (said.json["trust"], said.json["question"]) == ("trusted", "")
    assert set(asked(server)) == {"m0", "m1"}
    assert said.json["model_calls"] == len(asked(server))
    assert trust(htn) == ["trusted"]
    shown = htn("library", "show", "order_total", "--json").json
    assert [e["rung"] for e in shown["evidence"][-4:]] == [5, 6, 7, 9]


@pytest.mark.usefixtures("shop_learned")
def test_where_nothing_could_be_decided_the_trust_stays_and_a_question_is_the_answer(
    htn: Shell, scripted: Scripted
) -> None:
    def divided() -> StandIn:
        return two(scripted, [ONLY_POSITIVE, ONLY_POSITIVE_TOO], [LOOP, BY_HALVES], ([SILENT], [SILENT]))

    said = htn(*DEEPEN, OLLAMA_ENDPOINT=divided().endpoint)
    assert said.code == 0, said.err
    assert "shop.order_total  probation  " in said.out
    assert "what is right here? Give it as an example." in said.out.partition("question: ")[2]
    again = htn(*DEEPEN, "--json", OLLAMA_ENDPOINT=divided().endpoint)
    assert (again.code, again.json["trust"]) == (0, "probation")
    assert "what is right here? Give it as an example." in again.json["question"]
    assert trust(htn) == ["probation"]


@pytest.mark.usefixtures("shop_learned")
def test_a_body_that_the_tests_of_both_find_wrong_is_exit_code_5_and_stays_as_it_was(
    htn: Shell, scripted: Scripted
) -> None:
    server = two(scripted, [LARGEST], [LARGEST], ([SEVEN], [SEVEN]))
    said = htn(*DEEPEN, "--json", "--max-retries", "1", OLLAMA_ENDPOINT=server.endpoint)
    assert (said.code, said.json["error"]) == (5, "gap")
    assert "order_total was not made trusted: its body fails at rung 5" in said.json["message"]
    assert "plans go on with it as it is; to learn another: --again" in said.json["hints"]
    assert trust(htn) == ["probation"]


@pytest.mark.usefixtures("shop_learned")
def test_a_second_model_that_is_not_there_buys_less_and_is_told(htn: Shell, scripted: Scripted) -> None:
    server = two(scripted, [BY_HALVES, LOOP], [], ([GOOD, OTHER], []))
    words = ["ollama:nowhere" if word == "ollama:m1" else word for word in DEEPEN]
    said = htn(*words, OLLAMA_ENDPOINT=server.endpoint)
    assert said.code == 0, said.err
    assert "has no model 'nowhere'" in said.err


def test_what_was_never_learned_cannot_be_deepened(htn: Shell, scripted: Scripted) -> None:
    htn.write("shop_domain.py", DOMAIN)
    said = htn(*DEEPEN, OLLAMA_ENDPOINT=two(scripted, []).endpoint)
    assert said.code == 2
    assert "learn it first, without --deepen" in said.err
