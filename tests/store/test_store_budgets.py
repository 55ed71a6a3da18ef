"""What models may take is held before each call, by all processes together, and never passes a limit."""

import random
import uuid
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.store import Store
from htn.errors import UsageError
from tests.store.store_places import Place

RUN, DAY, MODEL = "run:nightly-17", "day:2026-01-31", f"model:2026-01-31:{'a' * 64}"


def test_what_is_held_is_gone_from_what_is_left_and_comes_back_as_far_as_it_was_not_used(store: Store) -> None:
    budgets = store.budgets()
    limits = {RUN: {"tokens": 100}}
    first = budgets.hold(limits, {"calls": 1, "tokens": 60}, lifetime=60)
    assert first.fits == "yes"
    second = budgets.hold(limits, {"calls": 1, "tokens": 60}, lifetime=60)
    assert (second.fits, second.account, second.kind, second.held) == ("later", RUN, "tokens", 60)
    budgets.settle([RUN], first.mark, {"calls": 1, "tokens": 40, "prompt_tokens": 30, "answer_tokens": 10})
    assert budgets.hold(limits, {"calls": 1, "tokens": 60}, lifetime=60).fits == "yes"
    used = budgets.used(RUN)
    assert (used["calls"], used["tokens"], used["prompt_tokens"], used["held_calls"]) == (1, 40, 30, 1)


def test_what_can_never_fit_is_said_to(store: Store) -> None:
    found = store.budgets().hold({RUN: {"cost": 5}}, {"cost": 6}, lifetime=60)
    assert (found.fits, found.kind, found.used) == ("never", "cost", 0)


def test_a_call_is_held_in_all_accounts_or_in_none(store: Store) -> None:
    budgets = store.budgets()
    found = budgets.hold({RUN: {}, DAY: {"calls": 0}, MODEL: {}}, {"calls": 1}, lifetime=60)
    assert (found.fits, found.account) == ("never", DAY)
    assert budgets.used(RUN)["held_calls"] == budgets.used(MODEL)["held_calls"] == 0


def test_time_is_granted_as_far_as_there_is_some_but_no_less_than_a_second(store: Store) -> None:
    budgets = store.budgets()
    first = budgets.hold({RUN: {"ms": 5000}}, {"ms": 300_000}, lifetime=60)
    assert first.ms == 5000
    assert budgets.hold({RUN: {"ms": 5000}}, {"ms": 300_000}, lifetime=60).fits == "later"
    budgets.settle([RUN], first.mark, {"ms": 1200})
    second = budgets.hold({RUN: {"ms": 5000}}, {"ms": 300_000}, lifetime=60)
    assert second.ms == 3800
    budgets.settle([RUN], second.mark, {"ms": 3500})
    assert budgets.hold({RUN: {"ms": 5000}}, {"ms": 300_000}, lifetime=60).fits == "never"


def test_what_is_settled_twice_counts_once(store: Store) -> None:
    budgets = store.budgets()
    mark = budgets.hold({RUN: {}}, {"calls": 1, "tokens": 9}, lifetime=60).mark
    for _ in range(2):
        budgets.settle([RUN], mark, {"calls": 1, "tokens": 7})
    assert (budgets.used(RUN)["calls"], budgets.used(RUN)["tokens"]) == (1, 7)


def test_what_nobody_settles_counts_at_its_worst_once_its_time_is_over(store: Store, place: Place) -> None:
    budgets = store.budgets()
    lost = budgets.hold({RUN: {"tokens": 100}}, {"calls": 1, "tokens": 60}, lifetime=0)
    assert budgets.hold({RUN: {"tokens": 100}}, {"calls": 1, "tokens": 60}, lifetime=60).fits == "never"
    assert (budgets.used(RUN)["tokens"], budgets.used(RUN)["held_calls"]) == (60, 0)
    budgets.settle([RUN], lost.mark, {"tokens": 1})  # whoever held it was only slow
    assert budgets.used(RUN)["tokens"] == 60


def test_accounts_do_not_stay_for_ever(store: Store, place: Place) -> None:
    budgets = store.budgets()
    mark = budgets.hold({RUN: {}}, {"calls": 1}, lifetime=60).mark
    client = place.client()
    assert client.pttl(f"{place.prefix}:held:{RUN}") > 0
    budgets.settle([RUN], mark, {"calls": 1})
    assert client.pttl(f"{place.prefix}:spent:{RUN}") > 0
    client.close()


@pytest.mark.parametrize("account", ["run:", "run:a:b", "run:../x", "day:today", "model:2026-01-31:x", "week:1"])
def test_what_is_no_account_is_refused(store: Store, account: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        store.budgets().used(account)


Deeds = list[tuple[str, int, int]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(0, 60),
    deeds=st.lists(st.tuples(st.sampled_from(["hold", "settle"]), st.integers(0, 30), st.integers(0, 30)), max_size=20),
)
def test_it_decides_as_whoever_keeps_the_book_by_hand(store: Store, limit: int, deeds: Deeds) -> None:
    budgets, account = store.budgets(), f"run:{uuid.uuid4().hex}"
    spent, held = 0, dict[str, int]()
    for deed, amount, used in deeds:
        if deed == "hold":
            found = budgets.hold({account: {"tokens": limit}}, {"tokens": amount}, lifetime=60)
            total = spent + sum(held.values())
            wanted = "never" if spent + amount > limit else "later" if total + amount > limit else "yes"
            assert found.fits == wanted
            held |= {found.mark: amount} if found.fits == "yes" else {}
        elif held:
            mark, most = held.popitem()
            budgets.settle([account], mark, {"tokens": min(used, most)})
            spent += min(used, most)
        assert spent + sum(held.values()) <= limit
        assert budgets.used(account)["tokens"] == spent


@pytest.mark.parametrize("seed", range(3))
def test_threads_that_hold_and_settle_at_random_never_pass_the_limit(store: Store, place: Place, seed: int) -> None:
    limit, seen = 200, list[int]()
    budgets = store.budgets()

    def work(number: int) -> None:
        dice = random.Random(f"{seed} {number}")
        for _ in range(30):
            worst = dice.randint(1, 80)
            found = budgets.hold({RUN: {"tokens": limit}, DAY: {}}, {"calls": 1, "tokens": worst}, lifetime=60)
            if found.fits == "yes":
                budgets.settle([RUN, DAY], found.mark, {"calls": 1, "tokens": dice.randint(0, worst // 4)})
            seen.append(budgets.used(RUN)["tokens"])

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) <= limit
    assert budgets.used(RUN)["tokens"] == budgets.used(DAY)["tokens"] <= limit


def test_processes_share_a_budget_and_use_it_up_exactly(store: Store, place: Place) -> None:
    code = f"""
budgets, got = store.budgets(), 0
while (found := budgets.hold({{{RUN!r}: {{"calls": 40}}}}, {{"calls": 1}}, lifetime=60)).fits != "never":
    if found.fits == "yes":
        budgets.settle([{RUN!r}], found.mark, {{"calls": 1}})
        got += 1
print(got)
"""
    others = [place.process(code) for _ in range(2)]
    got = [int(other.communicate()[0]) for other in others]
    assert sum(got) == 40
    assert store.budgets().used(RUN)["calls"] == 40
