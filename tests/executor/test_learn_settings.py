"""Settings, library and lessons reach what is learned: how deep, in which language and order, with which hints."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.learn_settings import alone_of, depth_of, language_of
from executor.model.standin import StandIn
from executor.settings import Settings
from htn.domain import Domain
from htn.errors import UsageError
from htn.failure import Gap
from htn.state import State
from tests.executor.shop import LARGEST, RIGHT, contract, gap_in, says, shop, state_of, writes

Open = Callable[..., Agent]
SUITE = {
    "json": {
        "tests": [
            {"arguments": {"order": "a"}, "reads": {"amounts": amounts}, "outputs": {"total": total}}
            for amounts, total in (([1.0], 1.0), ([2.0, 3.0], 5.0), ([-1.0, 4.0], 3.0))
        ]
    }
}


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent with a library of the test's own."""
    with ExitStack() as stack:

        def opened(**settings: Any) -> Agent:
            chosen = {"sandbox": "lockdown", "model": "scripted", **settings}
            return stack.enter_context(Agent(Settings.load(data_dir=folder, **chosen)))

        yield opened


def gap_of(description: str) -> tuple[Domain, Gap]:
    domain = Domain("d")
    domain.declare("compute", {"x": "number"}, description)
    return domain, Gap(("compute", 1), (), State(), declared=True, remaining=0)


def test_how_much_evidence_is_bought_is_a_setting() -> None:
    amounts: dict[str, Any] = {
        "samples": 4,
        "suites": 2,
        "most_samples": 3,
        "fuzz": 7,
        "agree_models": 3,
        "agree_share": 0.75,
    }
    depth = depth_of(Settings.load(depth="trusted", **amounts))
    assert (depth.level, depth.samples, depth.suites, depth.fuzz) == ("trusted", 4, 2, 7)
    assert depth.most_samples == 4  # there are never fewer than the samples that are asked for anyway
    assert (depth.thresholds.models, depth.thresholds.share) == (3, 0.75)


def test_the_order_of_the_ladder_is_a_setting() -> None:
    chosen = Settings.load(ladder="0,1,8,2,3,4,7,5,6,9")
    assert [rung.number for rung in alone_of(chosen)] == [0, 1, 8, 2, 3, 4]
    assert [rung.number for rung in depth_of(chosen).compared] == [7, 5, 6, 9]


@pytest.mark.parametrize("order", ["1,0,2,3,4,8,5,6,7,9", "0,1,2", "0,1,2,3,4,8,5,6,7,7", "a", ""])
def test_an_order_that_leaves_a_rung_out_or_runs_code_unseen_is_refused(order: str) -> None:
    with pytest.raises(UsageError, match="ladder"):
        Settings.load(ladder=order)


def test_the_language_is_the_one_that_is_set_else_the_one_that_the_description_names() -> None:
    assert language_of(Settings.load(), *gap_of("Add two numbers.")) == "python"
    assert language_of(Settings.load(), *gap_of("Add two numbers, in JavaScript.")) == "javascript"
    assert language_of(Settings.load(language="golang"), *gap_of("Add two numbers, in JavaScript.")) == "go"
    with pytest.raises(UsageError, match="language"):
        Settings.load(language="cobol")


def test_what_went_wrong_before_and_what_is_alike_stand_in_the_next_prompts(agent: Open, script: Any) -> None:
    first = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    agent(ollama_endpoint=first.endpoint).run(shop(), [("check_out", "tea")], state_of(shop()))
    domain = shop()
    domain.declare("order_sum", {"order": "string"}, "Add up what an order costs, again.", contract("order_sum"))
    second = script(BodyAnswer=[writes(RIGHT.replace("order_total", "order_sum"))])
    agent(ollama_endpoint=second.endpoint, suites=0).learn(domain, gap_in(domain, ("order_sum", "tea")))
    prompt = second.requests[0]["body"]["messages"][-1]["content"]
    alike = prompt[prompt.index("OPERATORS that are like it") : prompt.index("WHAT WENT WRONG")]
    lessons = prompt[prompt.index("WHAT WENT WRONG") : prompt.index("Answer with")]
    assert "order_total(order: text)" in alike
    assert "comes out differently" in lessons


def test_bodies_and_tests_are_asked_of_all_models_in_turn(agent: Open) -> None:
    """Both are behind one address, as they are with one Ollama server; the stand-in tells them apart by name."""
    with StandIn(
        {"model": "scripted", "answers": [
            {"when": {"schema": "BodyAnswer"}, "replies": [writes(RIGHT)]},
            {"when": {"schema": "SuiteAnswer"}, "replies": [SUITE]},
        ]}
    ) as server:  # fmt: skip
        domain = shop(promised=contract())
        learned = agent(
            ollama_endpoint=server.endpoint, depth="trusted", more_models="scripted:latest", max_calls=30
        ).learn(domain, gap_in(domain))
        names = [request["body"]["model"] for request in server.requests]
    assert learned.version is not None
    assert {"scripted", "scripted:latest"} == set(names)
