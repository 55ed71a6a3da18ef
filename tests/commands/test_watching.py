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
    assert len(said.json["run_id"]) == 32
    shown = htn("library", "show", "order_total")
    assert "tests     1 kept, on which some version was wrong" in shown.out
    (kept,) = htn("library", "show", "order_total", "--json").json["counterexamples"]
    assert (kept["origin"], kept["version"]) == ("use", wrong)
    assert kept["inputs"] == {"arguments": ["tea"], "state": {"cart": {"tea": [4.0, 4.0, 1.5]}, "total": {}}}
    assert "demoted by the host" in htn("library", "history", "order_total").out


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
