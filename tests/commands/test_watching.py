"""What is seen of uses, as a person meets it: in processes of their own that share one library."""

from pathlib import Path

import pytest

from executor.library import Library
from executor.retries import Retries
from executor.store import open_store
from tests.commands.shell import Shell
from tests.executor.shop import LARGEST, contract
from tests.executor.test_library import entry

SHOP = (
    f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    "from tests.executor.shop import shop\nd = shop()\n"
)


@pytest.fixture
def wrong(htn: Shell) -> str:
    """An operator in the library whose body breaks its contract on the first order."""
    promise = contract(ensures=["output.total == sum(amounts)"])
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        one = entry(code=LARGEST).model_copy(update={"contract": promise.to_json()})
        return Library(store).admit(one, "trusted", [])


def test_a_broken_contract_is_shown_with_the_test_that_it_became(htn: Shell, wrong: str) -> None:
    htn.write("market.py", SHOP)
    said = htn("run", "market.py", "check_out(tea)", "--json", "--learn", "never")
    assert (said.code, said.json["error"]) == (4, "contract")
    assert said.json["run_id"] in said.json["hints"][-1]
    shown = htn("library", "show", "order_total")
    assert "1 on which some version was wrong" in shown.out
    (kept,) = htn("library", "show", "order_total", "--json").json["counterexamples"]
    assert (kept["origin"], kept["version"]) == ("use", wrong)
    assert kept["inputs"] == {"arguments": ["tea"], "state": {"cart": {"tea": [4.0, 4.0, 1.5]}, "total": {}}}
    assert "demoted by the host" in htn("library", "history", "order_total").out


def test_how_a_body_broke_its_contract_is_said_where_the_run_goes_on_without_it(htn: Shell, wrong: str) -> None:
    htn.write("market.py", SHOP)
    said = htn("run", "market.py", "check_out(tea)", "--learn", "never")
    (replanned,) = (at for at, line in enumerate(said.err.splitlines()) if line.startswith("✗ replan"))
    assert "output.total == sum(amounts)" in said.err.splitlines()[replanned + 1]


def test_the_retries_of_a_run_are_told_in_another_process(htn: Shell) -> None:
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        retries = Retries(store)
        for step in ("2-pay", "2-pay", "1-fetch"):
            retries.again("nightly", step)
    assert htn("retries", "nightly").out == "1-fetch  1 of 3\n2-pay  2 of 3\n"
    found = htn("retries", "nightly", "--json").json
    assert (found["run_id"], found["most"], found["retries"]) == ("nightly", 3, {"1-fetch": 1, "2-pay": 2})
    assert htn("retries", "another", "--json").json["retries"] == {}
    refused = htn("retries", "a:b", "--json")
    assert (refused.code, refused.json["error"]) == (2, "usage")


POST = """
from pathlib import Path
from htn import Domain, State

post = Domain("post")

@post.operator
def send(state, text):
    return state

@post.command("send", retry=True)
def by_mail(state, text):
    tried = Path("tried.txt")
    count = int(tried.read_text()) if tried.exists() else 0
    tried.write_text(str(count + 1))
    if count < 2:
        raise OSError("no line")
    return state

@post.initial_state
def start():
    return State(sent={})
"""


def test_a_command_that_may_be_repeated_is_tried_again_and_the_run_says_so(htn: Shell) -> None:
    said = htn("run", htn.write("post.py", POST), "send(x)", "--run-id", "nightly", "--json")
    assert (said.code, said.json["ok"], said.json["run_id"]) == (0, True, "nightly")
    assert said.json["steps"][0]["retries"] == 2
    assert htn("retries", "nightly", "--json").json["retries"] == {}


def test_each_try_is_a_line_of_the_progress(htn: Shell) -> None:
    said = htn("run", htn.write("post.py", POST), "send(x)")
    assert said.err.count("again") == 2
    assert "1. send(x): send raised OSError: no line" in said.err


def test_how_often_is_a_setting(htn: Shell) -> None:
    said = htn("run", htn.write("post.py", POST), "send(x)", "--json", HTN_STEP_RETRIES="1")
    assert (said.code, said.json["steps"][0]["retries"]) == (4, 1)
    assert "HTN_STEP_RETRIES allows: 1" in "\n".join(said.json["hints"])


def test_an_id_that_cannot_be_one_is_refused(htn: Shell) -> None:
    said = htn("run", htn.write("post.py", POST), "send(x)", "--run-id", "a:b", "--json")
    assert (said.code, said.json["error"]) == (2, "usage")
    assert not (htn.folder / "tried.txt").exists()
