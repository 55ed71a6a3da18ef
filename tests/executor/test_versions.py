"""Going back, pinning and retiring change what every plan uses, at once, and leave a trace that says who and why."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from executor.library import Library
from executor.store import Store
from executor.versions import LEAST_USES, Versions
from htn.domain import Domain
from htn.errors import ExecutionError, UsageError
from tests.executor.shop import FIRST, LARGEST, RIGHT, contract, shop
from tests.executor.test_library import entry

ME: dict[str, Any] = {"who": "ada", "why": "it is better"}


@pytest.fixture
def versions(library: Library, store: Store) -> Versions:
    return Versions(library, store)


def admitted(library: Library, *codes: str, trust: str = "probation") -> list[str]:
    return [library.admit(entry(code=code), trust, []) for code in codes]


def test_going_back_is_seen_by_every_later_plan_of_everybody(versions: Versions, store: Store) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    another = Library(store)
    assert another.in_plans(shop(), "order_total") == second
    assert versions.rollback("order_total", first[:12], **ME) == first
    assert another.in_plans(shop(), "order_total") == first
    assert versions.rollback("order_total", second, **ME) == second
    assert another.in_plans(shop(), "order_total") == second


def test_the_history_says_what_was_done_by_whom_and_why(versions: Versions) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    versions.rollback("order_total", first, **ME)
    versions.library.demote(first, {"detail": "it broke"})
    rows = [(h.event.kind, h.event.version, h.event.who, h.event.why) for h in versions.history("order_total")]
    assert rows == [
        ("admitted", first, "", "t"),
        ("admitted", second, "", "t"),
        ("rolled back", first, "ada", "it is better"),
        ("demoted", first, "the host", "it broke"),
    ]
    assert versions.history("order_total")[2].event.before == second


def test_a_deed_without_a_reason_is_refused(versions: Versions) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    with pytest.raises(UsageError, match="needs a reason"):
        versions.rollback("order_total", first, who="ada", why=" ")
    assert versions.library.in_plans(shop(), "order_total") == second


def test_there_is_no_way_back_to_what_no_plan_would_use(versions: Versions) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    versions.library.demote(first, {"detail": "it broke"})
    with pytest.raises(UsageError, match="is quarantined, so no plan would use it"):
        versions.rollback("order_total", first, **ME)
    assert versions.one("order_total").version == second


@pytest.mark.parametrize("wrong", ["", "abc", "ffffffffffff", "0" * 64, "htn:entry"])
def test_a_version_that_is_none_is_refused_with_those_that_there_are(versions: Versions, wrong: str) -> None:
    (first,) = admitted(versions.library, RIGHT)
    with pytest.raises(UsageError) as caught:
        versions.rollback("order_total", wrong, **ME)
    assert first[:12] in caught.value.hints[0]


def test_while_a_version_is_pinned_nothing_else_becomes_current(versions: Versions) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    versions.pin("order_total", first, **ME)
    assert versions.library.in_plans(shop(), "order_total") == first
    (third,) = admitted(versions.library, LARGEST, trust="trusted")
    assert versions.library.in_plans(shop(), "order_total") == first
    assert versions.library.versions("shop", "order_total") == [first, second, third]
    deeds: tuple[Callable[[], str], ...] = (
        lambda: versions.rollback("order_total", second, **ME),
        lambda: versions.pin("order_total", second, **ME),
        lambda: versions.retire("order_total", force=True, **ME),
    )
    for deed in deeds:
        with pytest.raises(UsageError, match=f"is pinned to {first[:12]}"):
            deed()


def test_after_unpinning_the_trust_is_what_it_was_and_others_may_become_current(versions: Versions) -> None:
    first, second = admitted(versions.library, RIGHT, FIRST)
    versions.pin("order_total", first, **ME)
    assert versions.library.trust(first) == "pinned"
    assert versions.unpin("order_total", **ME) == first
    assert versions.library.trust(first) == "probation"
    assert versions.rollback("order_total", second, **ME) == second
    with pytest.raises(UsageError, match="is not pinned"):
        versions.unpin("order_total", **ME)


def test_a_pinned_version_that_breaks_its_contract_is_out_of_plans_all_the_same(versions: Versions) -> None:
    (first,) = admitted(versions.library, RIGHT)
    versions.pin("order_total", first, **ME)
    versions.library.demote(first, {"detail": "it broke"})
    assert versions.library.in_plans(shop(), "order_total") is None
    versions.unpin("order_total", **ME)
    assert versions.library.trust(first) == "quarantined"


def test_retiring_needs_evidence_or_force(versions: Versions) -> None:
    (first,) = admitted(versions.library, RIGHT)
    with pytest.raises(UsageError, match="was used 0 times") as caught:
        versions.retire("order_total", **ME)
    assert "--force" in caught.value.hints[0]
    for _ in range(LEAST_USES):
        versions.library.used(first, None)
    assert versions.retire("order_total", **ME) == first
    assert versions.library.in_plans(shop(), "order_total") is None
    assert versions.history("order_total")[-1].event.kind == "retired"
    assert versions.library.evidence(first)[-1]["detail"] == "it is better (ada)"


def test_retiring_by_force_needs_none(versions: Versions) -> None:
    (first,) = admitted(versions.library, RIGHT)
    assert versions.retire("order_total", force=True, **ME) == first
    assert versions.library.trust(first) == "retired"


def test_the_difference_of_two_versions_is_that_of_contract_and_code(versions: Versions) -> None:
    first = versions.library.admit(entry(), "probation", [])
    second = versions.library.admit(entry(code=FIRST, ensures=["output.total >= 0"]), "probation", [])
    rows = versions.diff("order_total", first, "current").split("\n")
    assert rows[0] == f"--- {first[:12]} contract"
    assert "+  ensures output.total >= 0" in rows
    assert "-    total = sum(amounts)" in rows
    assert "+    total = amounts[0]" in rows
    assert versions.diff("order_total", second, second) == ""


def test_what_the_body_or_the_contract_names_is_kept_and_can_be_asked_for(versions: Versions) -> None:
    first = versions.library.admit(entry(), "probation", [])
    code = RIGHT.replace("order_total", "refund") + "    # the opposite of order_total\n"
    other = versions.library.admit(entry("refund", code=code, learned_for=Domain("shop")), "probation", [])
    assert versions.library.entry(other).dependencies == {"order_total": first}
    assert versions.library.entry(first).dependencies == {}
    assert [(e.name, trust) for e, trust in versions.dependents("order_total")] == [("refund", "probation")]
    assert versions.dependents("refund") == []


def test_dependencies_are_no_part_of_the_version(versions: Versions) -> None:
    code = RIGHT.replace("order_total", "refund") + "    # the opposite of order_total\n"
    alone = entry("refund", code=code, learned_for=Domain("shop"))
    versions.library.admit(entry(), "probation", [])
    assert versions.library.admit(alone, "probation", []) == alone.version


def test_a_damaged_entry_is_listed_with_what_to_do_and_the_others_beside_it(versions: Versions, store: Store) -> None:
    good = versions.library.admit(entry("refund", learned_for=Domain("shop")), "probation", [])
    store.admit("shop", "order_total", "b" * 64, "{}", trust="trusted", evidence=[])
    damaged, whole = versions.listed()
    assert (whole.version, whole.problem) == (good, None)
    assert "is damaged" in str(damaged.problem)
    assert "htn library rollback shop.order_total" in damaged.remedy
    assert versions.one("order_total") == damaged
    with pytest.raises(ExecutionError, match="is damaged"):
        versions.pin("order_total", "b" * 64, **ME)
    versions.retire("order_total", **ME)


def test_a_damaged_current_version_can_be_left_for_an_earlier_one(versions: Versions, store: Store) -> None:
    first = versions.library.admit(entry(), "probation", [])
    store.admit("shop", "order_total", "b" * 64, "{}", trust="trusted", evidence=[])
    versions.rollback("order_total", first, **ME)
    assert versions.one("order_total").problem is None
    assert versions.library.in_plans(shop(), "order_total") == first


def test_of_two_who_go_back_at_once_each_sees_where_it_stands(versions: Versions) -> None:
    first, second, _ = admitted(versions.library, RIGHT, FIRST, LARGEST)
    refused: list[UsageError] = []

    def go(to: str) -> None:
        try:
            versions.rollback("order_total", to, **ME)
        except UsageError as error:
            refused.append(error)

    threads = [threading.Thread(target=go, args=(to,)) for to in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = [h.event for h in versions.history("order_total") if h.event.kind == "rolled back"]
    assert len(moves) + len(refused) == 2
    assert versions.one("order_total").version == moves[-1].version


def test_going_back_holds_also_where_two_domains_share_the_name(versions: Versions) -> None:
    other = shop(promised=contract())
    first, second = admitted(versions.library, RIGHT, FIRST)
    versions.rollback("order_total", first, **ME)
    versions.library.admit(entry(learned_for=other), "probation", [])
    assert versions.library.in_plans(shop(), "order_total") == first
    assert second != first
