"""Lessons and the reads of many entries, on both kinds of server."""

import threading

from executor.store import Changes, Standing, Store
from executor.store.lessons import StoredLessons
from tests.store.store_places import Place

A, B, C = "a" * 64, "b" * 64, "c" * 64


def limited(store: Store, most: int) -> StoredLessons:
    return StoredLessons(store._connection, store._keys, most)


def test_a_lesson_is_counted_with_its_words_and_the_last_advice(store: Store) -> None:
    lessons = store.lessons()
    assert lessons.note("shop", A, "about", "one", ["mean", "column", "mean"]) == 1
    assert lessons.note("shop", A, "about", "two", ["mean"]) == 2
    (found,) = lessons.read("shop")
    assert (found.about, found.advice, found.count) == ("about", "two", 2)
    assert found.words == {"mean": 2, "column": 1}
    assert found.seen > 1_600_000_000_000


def test_notes_at_the_same_time_are_all_counted(store: Store, place: Place) -> None:
    def note() -> None:
        with place.open() as own:
            for _ in range(20):
                own.lessons().note("shop", A, "about", "", ["mean"])

    threads = [threading.Thread(target=note) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (found,) = store.lessons().read("shop")
    assert (found.count, found.words) == (80, {"mean": 80})


def test_what_goes_is_gone_with_all_its_keys(store: Store, place: Place) -> None:
    lessons = limited(store, 2)
    for name in "abc":
        lessons.note("shop", name * 64, name, "", ["word"])
    assert [lesson.about for lesson in lessons.read("shop")] == ["c", "b"]
    lessons.note("zoo", A, "a", "", [])
    assert lessons.domains() == ["zoo", "shop"]
    assert (lessons.forget("shop"), lessons.forget("zoo")) == (2, 1)
    client = place.client()
    assert list(client.scan_iter(f"{place.prefix}:*")) == []
    client.close()


def test_noted_again_is_noted_last(store: Store) -> None:
    lessons = limited(store, 2)
    for name in "abac":
        lessons.note("shop", name * 64, name, "", [])
    assert [lesson.about for lesson in lessons.read("shop")] == ["c", "a"]


def test_the_words_of_a_lesson_are_limited_and_those_that_are_there_go_on_being_counted(store: Store) -> None:
    lessons = store.lessons()
    lessons.note("shop", A, "about", "", ["first"])
    for start in range(0, 600, 60):
        lessons.note("shop", A, "about", "", [f"word{number}" for number in range(start, start + 60)])
    lessons.note("shop", A, "about", "", ["first"])
    (found,) = lessons.read("shop")
    assert len(found.words) < 310
    assert found.words["first"] == 2


def test_many_entries_are_read_at_once(store: Store) -> None:
    store.admit("shop", "mean", A, "one", trust="trusted", evidence=[])
    store.admit("shop", "pay", B, "two", trust="probation", evidence=[])
    store.used(A, "", most=1)
    bulk = store.bulk()
    assert bulk.changes("shop", 0) == Changes(2, {"mean": A, "pay": B}, whole=True)
    assert bulk.documents([A, "c" * 64, B]) == {A: "one", B: "two"}
    assert bulk.standings([A, "c" * 64]) == {A: Standing("trusted", 1), "c" * 64: Standing("", 0)}
    assert bulk.documents([]) == {}


def test_more_entries_than_fit_into_one_round_trip_are_read(store: Store) -> None:
    versions = [f"{number:064}" for number in range(2_345)]
    store.bulk().keep_vectors("a model", {version: version for version in versions})
    assert store.bulk().vectors("a model", versions) == {version: version for version in versions}
    assert store.bulk().vectors("another", versions) == {}


def test_of_what_has_changed_only_that_is_read(store: Store) -> None:
    store.admit("shop", "mean", A, "one", trust="trusted", evidence=[])
    store.admit("shop", "pay", B, "two", trust="probation", evidence=[])
    changes = store.bulk().changes
    assert changes("shop", 2) == Changes(2, {}, whole=False)
    assert changes("shop", 1) == Changes(2, {"pay": B}, whole=False)
    store.admit("shop", "mean", C, "three", trust="trusted", evidence=[])
    assert changes("shop", 2) == Changes(3, {"mean": C}, whole=False)
    store.pointers().move("shop", "mean", A, expected=C)
    assert changes("shop", 3) == Changes(4, {"mean": A}, whole=False)
    store.pointers().pin("shop", "mean", C, "pinned", "")
    assert changes("shop", 4) == Changes(5, {"mean": C}, whole=False)
    store.admit("shop", "mean", "d" * 64, "four", trust="trusted", evidence=[])  # not current: another is pinned
    assert changes("shop", 5) == Changes(5, {}, whole=False)


def test_where_it_cannot_be_told_what_has_changed_all_names_are_read(store: Store, place: Place) -> None:
    for name, version in (("mean", A), ("pay", B)):
        store.admit("shop", name, version, name, trust="trusted", evidence=[])
    everything = {"mean": A, "pay": B}
    assert store.bulk().changes("shop", 99) == Changes(2, everything, whole=True)
    client = place.client()
    client.zrem(f"{place.prefix}:moves:shop", "mean")  # as if it had been there before the moves were kept
    client.close()
    assert store.bulk().changes("shop", 1) == Changes(2, everything, whole=True)
    store.admit("shop", "mean", C, "three", trust="trusted", evidence=[])
    assert store.bulk().changes("shop", 2) == Changes(3, {"mean": C}, whole=False)
