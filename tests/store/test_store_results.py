"""What the cache of results promises, on both kinds of server."""

import json
import math
import threading

import pytest

from executor.store import ResultLimits, Results, Store
from htn.errors import ServiceMissing, UsageError
from tests.store.store_places import Place

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def results(store: Store) -> Results:
    return store.results()


def used_longest_ago(place: Place, *names: str) -> None:
    """Set when results were used last: the first name the longest time ago."""
    client = place.client()
    client.zadd(f"{place.prefix}:results:used", {name: at for at, name in enumerate(names)})
    client.close()


def aged(place: Place, name: str, hours: float) -> None:
    """Make a result look as if it had been kept so many hours earlier."""
    client = place.client()
    client.zincrby(f"{place.prefix}:results:kept", -hours * 3.6e9, name)
    client.close()


def test_what_is_kept_is_found_again(results: Results) -> None:
    assert results.put(A, 'text "ü" 😀 \x00')
    assert results.get(A) == 'text "ü" 😀 \x00'
    assert results.get(B) is None


def test_a_later_text_takes_the_place_of_an_earlier_one_and_of_its_bytes(results: Results) -> None:
    results.put(A, "x" * 100)
    results.put(A, "ü")
    assert results.get(A) == "ü"
    assert (results.statistics().entries, results.statistics().bytes) == (1, 2)


def test_hits_and_misses_are_counted_for_all_processes_together(results: Results, place: Place) -> None:
    results.put(A, "one")
    code = f"r = store.results()\nfor name in ({A!r}, {A!r}, {B!r}): r.get(name)"
    other = place.process(code)
    assert other.wait() == 0, other.stderr
    other.communicate()
    results.get(A)
    found = results.statistics()
    assert (found.hits, found.misses, found.kept) == (3, 1, 1)
    assert found.hit_rate == 0.75


def test_a_cache_that_was_never_asked_has_a_hit_rate_of_zero(results: Results) -> None:
    assert results.statistics().hit_rate == 0


def test_of_too_many_entries_the_one_used_longest_ago_goes(store: Store, place: Place) -> None:
    results = store.results(ResultLimits(entries=2))
    results.put(A, "a")
    results.put(B, "b")
    used_longest_ago(place, B, A)
    results.put(C, "c")
    assert [results.get(name) for name in (A, B, C)] == ["a", None, "c"]
    assert results.statistics().evicted == 1


def test_to_be_read_is_to_be_used(store: Store, place: Place) -> None:
    results = store.results(ResultLimits(entries=2))
    results.put(A, "a")
    results.put(B, "b")
    used_longest_ago(place, A, B)
    results.get(A)
    results.put(C, "c")
    assert results.get(A) == "a"
    assert results.get(B) is None


def test_of_too_many_bytes_as_many_entries_go_as_are_needed(store: Store, place: Place) -> None:
    results = store.results(ResultLimits(bytes=1600))
    names = [f"{n:064x}" for n in range(16)]
    for name in names:
        results.put(name, "x" * 100)
    used_longest_ago(place, *names)
    results.put(A, "y" * 50)
    results.put(B, "z" * 60)
    found = results.statistics()
    assert found.bytes <= 1600
    assert [results.get(name) for name in names[:3]] == [None, None, "x" * 100]
    assert found.evicted == 2


def test_one_text_that_would_drive_out_many_is_not_kept(store: Store) -> None:
    results = store.results(ResultLimits(bytes=1600))
    assert not results.put(A, "x" * 101)
    assert results.get(A) is None
    assert results.statistics().entries == 0


def test_a_result_ends_after_its_time(store: Store, place: Place) -> None:
    store.results(ResultLimits(hours=1e-6)).put(A, "a")
    store.results().put(B, "b")
    while store.results().get(A) is not None:  # it has 4 milliseconds
        pass
    found = store.results().statistics()
    assert (found.entries, found.bytes, found.expired) == (1, 1, 1)
    client = place.client()
    assert client.zrange(f"{place.prefix}:results:kept", 0, -1) == [B]
    assert client.ttl(f"{place.prefix}:result:{B}") > 0
    client.close()


def test_the_old_ones_can_be_cleared(results: Results, place: Place) -> None:
    for name in (A, B, C):
        results.put(name, "x")
    aged(place, A, hours=5)
    aged(place, B, hours=2)
    assert results.clear(older_than_hours=3) == 1
    assert [results.get(name) for name in (A, B, C)] == [None, "x", "x"]
    assert results.clear(older_than_hours=0) == 2
    assert results.statistics().kept == 3


def test_clearing_all_leaves_no_key_and_no_count(results: Results, store: Store, place: Place) -> None:
    store.admit("travel", "pay", "v1", "document", trust="trusted", evidence=[])
    results.put(A, "x")
    results.get(A)
    assert results.clear() == 1
    assert results.statistics().hits == 0
    client = place.client()
    assert not list(client.scan_iter(f"{place.prefix}:result*"))
    client.close()
    assert store.document("v1") == "document"


@pytest.mark.parametrize("hours", [-1.0, math.nan, math.inf, 1e9])
def test_an_age_that_is_none_is_refused(results: Results, hours: float) -> None:
    with pytest.raises(UsageError, match="hours"):
        results.clear(older_than_hours=hours)


@pytest.mark.parametrize("name", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", "*" * 64, "../" + "a" * 61])
def test_a_name_that_is_no_hash_is_refused(results: Results, name: str) -> None:
    with pytest.raises(UsageError, match="name of a result"):
        results.get(name)
    with pytest.raises(UsageError, match="name of a result"):
        results.put(name, "x")


@pytest.mark.parametrize(
    ("name", "value"), [("entries", 0), ("bytes", 0), ("hours", 0), ("hours", math.nan), ("bytes", 2**41)]
)
def test_limits_that_make_no_sense_cannot_be_made(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        ResultLimits(**{name: value})  # type: ignore[arg-type]


def test_what_cannot_be_used_counts_as_a_miss_and_is_gone(results: Results) -> None:
    results.put(A, "forged")
    results.get(A)
    results.spoiled(A)
    found = results.statistics()
    assert (found.entries, found.bytes, found.hits, found.misses) == (0, 0, 0, 1)


def test_a_result_that_the_server_dropped_is_a_miss_and_can_be_kept_again(results: Results, place: Place) -> None:
    results.put(A, "one")
    client = place.client()
    client.delete(f"{place.prefix}:result:{A}")
    client.close()
    assert results.get(A) is None
    results.put(A, "four")
    assert results.get(A) == "four"
    assert (results.statistics().entries, results.statistics().bytes) == (1, 4)


def test_many_processes_that_write_at_once_leave_sound_counts(store: Store, place: Place) -> None:
    code = f"""
import hashlib
from executor.store import ResultLimits
results = store.results(ResultLimits(entries=20, bytes=4000))
for n in range(100):
    name = hashlib.sha256(str(n % 37).encode()).hexdigest()
    if results.get(name) is None: results.put(name, "{"x" * 10}" * (n % 20))
"""
    workers = [place.process(code) for _ in range(4)]
    for worker in workers:
        _, said = worker.communicate()
        assert worker.returncode == 0, said
    client = place.client()
    names = [str(name) for name in client.zrange(f"{place.prefix}:results:used", 0, -1)]
    sizes = {name: int(size) for name, size in client.hgetall(f"{place.prefix}:results:sizes").items()}
    real = {name: client.strlen(f"{place.prefix}:result:{name}") for name in names}
    client.close()
    found = store.results().statistics()
    assert sizes == real
    assert (found.entries, found.bytes) == (len(real), sum(real.values()))
    assert found.entries <= 20 and found.bytes <= 4000
    assert found.hits + found.misses == 400


def test_a_foreign_key_in_its_place_is_said(results: Results, place: Place) -> None:
    client = place.client()
    client.set(f"{place.prefix}:results:used", "mine")
    with pytest.raises(ServiceMissing, match="other things under the keys"):
        results.put(A, "x")
    assert client.get(f"{place.prefix}:results:used") == "mine"
    client.close()


def test_threads_may_share_a_cache(results: Results) -> None:
    def work(n: int) -> None:
        results.put(f"{n:064x}", json.dumps(n))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results.get(f"{n:064x}") for n in range(8)] == [json.dumps(n) for n in range(8)]


def test_answers_are_kept_beside_results_and_counted_and_cleared_by_themselves(store: Store) -> None:
    store.results().put(A, "a result")
    store.answers().put(A, "an answer")
    assert (store.results().get(A), store.answers().get(A)) == ("a result", "an answer")
    assert (store.results().statistics().hits, store.answers().statistics().hits) == (1, 1)
    assert store.results().clear() == 1
    assert (store.results().get(A), store.answers().get(A)) == (None, "an answer")


def test_what_is_removed_is_gone_with_its_bytes_and_counts_as_nothing(results: Results) -> None:
    results.put(A, "xyz")
    results.get(A)
    results.remove(A)
    results.remove(B)
    found = results.statistics()
    assert (found.entries, found.bytes, found.hits, found.misses) == (0, 0, 1, 0)
