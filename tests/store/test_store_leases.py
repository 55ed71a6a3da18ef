"""A lease has one holder, of all processes and threads; it lives as long as its holder, and no longer."""

import os
import signal
import threading

import pytest

from executor.store import Lease, LeaseLost, LeaseTimes, Store
from htn.errors import UsageError
from tests.store.store_places import Place

NAME = "a" * 64
QUICK = LeaseTimes(lifetime=0.5, look=0.02)


def test_a_lease_has_one_holder_and_goes_to_the_next_when_it_is_given_back(store: Store) -> None:
    leases = store.leases()
    assert leases.take(NAME, "one")
    assert leases.take(NAME, "one")  # sent again, it finds its own
    assert not leases.take(NAME, "two")
    assert not leases.release(NAME, "two")
    assert leases.release(NAME, "one")
    assert leases.take(NAME, "two")


def test_of_many_threads_one_at_a_time_is_inside(store: Store) -> None:
    inside, most, waited = [0], [0], []

    def work() -> None:
        with store.leases(QUICK).holding(NAME) as lease:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            threading.Event().wait(0.02)
            inside[0] -= 1
            waited.append(lease.waited)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(waited) == 5
    assert waited.count(False) >= 1


def test_a_heartbeat_keeps_a_lease_for_longer_than_its_lifetime(store: Store) -> None:
    with store.leases(QUICK).holding(NAME):
        threading.Event().wait(3 * QUICK.lifetime)
        assert not store.leases().take(NAME, "another")
    assert store.leases().take(NAME, "another")


def test_work_that_hangs_loses_its_lease(store: Store) -> None:
    with store.leases(LeaseTimes(lifetime=0.3, look=0.02, longest=0.3)).holding(NAME) as lease:
        threading.Event().wait(1.5)
        assert not store.leases().extend(NAME, lease.holder)


def test_the_lease_of_a_killed_process_lapses_and_the_next_one_goes_on(place: Place) -> None:
    code = (
        "from executor.store import LeaseTimes\n"
        f"with store.leases(LeaseTimes(lifetime=0.5)).holding({NAME!r}):\n"
        "    print('inside', flush=True)\n"
        "    sys.stdin.readline()"
    )
    with place.open() as store:
        holder = place.process(code)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        assert not store.leases().take(NAME, "another")
        threading.Event().wait(1.0)  # twice its lifetime, and its heart still beats
        assert not store.leases().take(NAME, "another")
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate(timeout=60)
        waits: list[str] = []
        with store.leases(QUICK).holding(NAME, on_wait=lambda: waits.append("waits")) as lease:
            assert lease.waited == bool(waits)


def test_what_is_written_under_a_lease_that_has_lapsed_is_refused(store: Store) -> None:
    store.leases().take(NAME, "somebody else")
    with pytest.raises(LeaseLost):
        store.admit("shop", "pay", "v1", "one", trust="probation", evidence=["e"], lease=Lease(NAME, "me", False))
    assert store.names() == []
    assert store.document("v1") is None
    store.admit("shop", "pay", "v1", "one", trust="probation", evidence=[], lease=Lease(NAME, "somebody else", False))
    assert store.current("shop", "pay") == "v1"


def test_a_lease_with_times_that_make_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="the lifetime of a lease cannot be 0"):
        LeaseTimes(lifetime=0)


def test_a_lease_has_a_name_that_can_be_no_other_key(store: Store) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a lease"):
        store.leases().take("htn:entry", "me")
