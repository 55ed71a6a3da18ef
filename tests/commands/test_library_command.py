"""htn library, in processes of its own: going back, pinning, retiring, comparing, and files out and in."""

from pathlib import Path

import pytest

from executor.asserted import FIELD, KeptTest
from executor.library import Library
from executor.store import open_store
from tests.commands.shell import Shell
from tests.executor.shop import FIRST, RIGHT
from tests.executor.test_library import ORIGIN, entry

WHY = ("--why", "a test", "--by", "ada")
SHOP = (
    f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    "from tests.executor.shop import shop\nd = shop()\n"
)


@pytest.fixture
def two(htn: Shell) -> tuple[str, str]:
    """Two versions of an operator in the library of the shell."""
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        library = Library(store)
        first, second = (library.admit(entry(code=code), "trusted", []) for code in (RIGHT, FIRST))
    return first, second


def test_the_history_of_a_rollback_can_be_read_by_people_and_programs(htn: Shell, two: tuple[str, str]) -> None:
    first, second = two
    assert htn("library", "rollback", "order_total", first[:8], *WHY).code == 0
    assert "* " in htn("library", "history", "order_total").out.splitlines()[-1]
    said = htn("library", "history", "shop.order_total", "--json").json
    assert (said["current"], said["pinned"]) == (first, None)
    last = said["events"][-1]
    assert (last["kind"], last["who"], last["why"], last["before"]) == ("rolled back", "ada", "a test", second)


def test_pin_and_unpin(htn: Shell, two: tuple[str, str]) -> None:
    first, second = two
    assert htn("library", "pin", "order_total", first, *WHY, "--json").json["version"] == first
    refused = htn("library", "rollback", "order_total", second, *WHY)
    assert (refused.code, "is pinned to" in refused.err, "htn library unpin" in refused.err) == (2, True, True)
    assert htn("library", "unpin", "order_total", *WHY).code == 0
    assert htn("library", "rollback", "order_total", second, *WHY).code == 0


def test_retire_says_that_there_is_too_little_evidence(htn: Shell, two: tuple[str, str]) -> None:
    refused = htn("library", "retire", "order_total", *WHY)
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert htn("library", "retire", "order_total", "--force", *WHY).code == 0
    assert htn("library", "list", "--json").json[0]["trust"] == "retired"


def test_diff_shows_what_changed(htn: Shell, two: tuple[str, str]) -> None:
    said = htn("library", "diff", "order_total", two[0])
    assert "-    total = sum(amounts)\n+    total = amounts[0]" in said.out
    assert htn("library", "diff", "order_total", two[1]).out == "contract and code are the same\n"


def test_a_run_records_inputs_on_which_versions_are_compared(htn: Shell, two: tuple[str, str]) -> None:
    htn.write("market.py", SHOP)
    assert htn("library", "compare", "order_total", two[0]).code == 2
    ran = htn("run", "market.py", "check_out(tea)")
    assert ran.code == 0, ran.err
    found = htn("library", "compare", "order_total", two[0], "--json").json
    assert [found[result] for result in ("same", "different", "failed")] == [0, 1, 0]
    assert found["inputs"][0]["detail"] == "a: total[tea] = 9.5; b: total[tea] = 4.0"
    assert "0 same, 1 different, 0 failed of 1" in htn("library", "compare", "order_total", two[0]).out


def test_an_exported_file_plans_by_itself_and_runs_where_it_was_imported(htn: Shell, two: tuple[str, str]) -> None:
    assert htn("library", "export", "order_total", "out.py", "--version", two[0][:12]).code == 0
    again = htn("library", "export", "order_total", "out.py")
    assert (again.code, "--force" in again.err) == (2, True)
    elsewhere = {"HTN_DATA_DIR": str(htn.folder / "other")}
    planned = htn("plan", "out.py", "order_total(books)", **elsewhere)
    assert planned.code == 0, planned.err
    refused = htn("run", "out.py", "order_total(books)", **elsewhere)
    assert (refused.code, "htn library import FILE" in refused.err) == (4, True)
    said = htn("library", "import", "out.py", "--anew", *WHY, "--json", **elsewhere)
    assert [(row["version"], row["trust"], row["current"]) for row in said.json] == [(two[0], "probation", True)]
    ran = htn("run", "out.py", "order_total(books)", "--json", **elsewhere)
    assert ran.code == 0, ran.err


def test_a_bundle_goes_from_one_library_into_another(htn: Shell, two: tuple[str, str]) -> None:
    assert htn("library", "export", "shop.order_total", "all.json").code == 0
    elsewhere = {"HTN_DATA_DIR": str(htn.folder / "other")}
    assert htn("library", "import", "all.json", *WHY, **elsewhere).code == 0
    (row,) = htn("library", "list", "--json", **elsewhere).json
    assert (row["version"], row["trust"]) == (two[1], "probation")


def test_a_damaged_entry_is_listed_and_shown_with_what_to_do(htn: Shell, two: tuple[str, str]) -> None:
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        store.admit("shop", "order_total", "b" * 64, "{}", trust="trusted", evidence=[])
    listed = htn("library", "list")
    assert (listed.code, "damaged:" in listed.out, "hint:" in listed.out) == (0, True, True)
    assert "damaged" in htn("library", "list", "--json").json[0]
    shown = htn("library", "show", "order_total")
    assert (shown.code, "hint:" in shown.out) == (0, True)
    assert htn("library", "rollback", "order_total", two[0], *WHY).code == 0
    assert "damaged" not in htn("library", "list").out


DEEDS: dict[str, list[str]] = {
    "history": [], "rollback": ["abcd", *WHY], "diff": ["abcd"], "retire": [*WHY], "pin": [*WHY], "unpin": [*WHY],
    "compare": ["abcd"], "export": ["out.py"],
}  # fmt: skip


def test_a_name_almost_right_is_answered_with_the_right_one(htn: Shell, two: tuple[str, str]) -> None:
    for deed, more in DEEDS.items():
        said = htn("library", deed, "order_totl", *more, "--json")
        assert (said.code, said.json["error"]) == (2, "usage"), deed
        assert "did you mean" in said.json["hints"][0], deed


def test_show_names_the_language_what_it_ran_on_and_who_wrote_the_tests(htn: Shell) -> None:
    origin = ORIGIN.model_copy(update={"runs_on": "docker sha256:1 javascript sha256:2"})
    test = KeptTest({"arguments": ["a"], "state": {"cart": {"a": [1.0]}}}, {"total[a]": 1.0}, ("m #0", "m #1"))
    tried = {"rung": 5, "name": "independent tests", "passed": True, "detail": "", FIELD: [test.to_json()]}
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        Library(store).admit(entry(code="function f() {}", language="javascript", origin=origin), "trusted", [tried])
    shown = htn("library", "show", "order_total").out.splitlines()
    assert "body (javascript)" in shown
    assert "on        docker sha256:1 javascript sha256:2" in shown
    assert "tests     1 of the user's, 1 of writers (m #0, m #1)" in shown
    said = htn("library", "show", "order_total", "--json").json["tests"]
    assert [each["origin"] for each in said] == [["the user"], ["m #0", "m #1"]]
