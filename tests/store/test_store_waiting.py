"""What waits for approval: bounded, whole or not at all, in no list of versions; what was rejected stays rejected."""

import pytest
import redis

from executor.store import Store
from htn.errors import UsageError
from tests.store.store_places import Place


def test_what_is_kept_can_be_read_until_it_is_withdrawn(store: Store) -> None:
    waiting = store.waiting()
    assert waiting.keep("v1", "one", most=9)
    assert waiting.text("v1") == "one"
    assert [(p.version, p.text) for p in waiting.all()] == [("v1", "one")]
    assert store.domains() == [] and store.document("v1") is None
    waiting.withdraw("v1")
    waiting.withdraw("v1")
    assert waiting.text("v1") is None
    assert waiting.versions() == []


def test_the_newest_are_kept_and_the_others_go_with_their_texts(place: Place) -> None:
    with place.open() as store:
        waiting = store.waiting()
        for n in range(5):
            waiting.keep(f"v{n}", f"text {n}", most=2)
        assert [p.version for p in waiting.all()] == ["v3", "v4"]
        keys = list(place.client().scan_iter(f"{place.prefix}:proposal:*"))
        assert sorted(keys) == [f"{place.prefix}:proposal:v3", f"{place.prefix}:proposal:v4"]


def test_the_same_version_again_is_one_proposal(store: Store) -> None:
    waiting = store.waiting()
    waiting.keep("v1", "one", most=9)
    waiting.keep("v1", "two", most=9)
    assert [p.text for p in waiting.all()] == ["two"]


def test_what_is_rejected_waits_no_longer_and_is_not_kept_again(store: Store) -> None:
    waiting = store.waiting()
    waiting.keep("v1", "one", most=9)
    assert waiting.reject("shop", "total", "v1", "wrong", "rejected")
    assert waiting.all() == []
    assert waiting.rejected("v1") == "wrong"
    assert waiting.rejected("v2") is None
    assert not waiting.keep("v1", "one", most=9)
    assert waiting.all() == []
    assert [e.text for e in store.pointers().history("shop", "total")] == ["rejected"]


def test_what_was_said_first_of_a_rejected_version_stays(store: Store) -> None:
    waiting = store.waiting()
    assert waiting.reject("shop", "total", "v1", "wrong", "first")
    assert not waiting.reject("shop", "total", "v1", "right after all", "second")
    assert waiting.rejected("v1") == "wrong"
    assert [e.text for e in store.pointers().history("shop", "total")] == ["first"]


def test_what_waits_is_there_after_a_restart(place: Place) -> None:
    with place.open() as store:
        store.waiting().keep("v1", "one", most=9)
        store.waiting().reject("shop", "total", "v2", "wrong", "")
    with place.open() as store:
        assert store.waiting().text("v1") == "one"
        assert store.waiting().rejected("v2") == "wrong"


def test_a_rejection_that_meets_a_key_of_another_kind_changes_nothing(place: Place) -> None:
    with place.open() as store:
        store.waiting().keep("v1", "one", most=9)
        client: redis.Redis = place.client()
        client.set(f"{place.prefix}:history:shop:total", "not a list")
        with pytest.raises(Exception, match="other things under the keys"):
            store.waiting().reject("shop", "total", "v1", "wrong", "event")
        assert store.waiting().text("v1") == "one"
        assert store.waiting().rejected("v1") is None


@pytest.mark.parametrize("version", ["", "a:b", "v1 ", "../x", "a" * 200])
def test_what_is_no_version_is_refused(store: Store, version: str) -> None:
    with pytest.raises(UsageError):
        store.waiting().keep(version, "one", most=9)
    with pytest.raises(UsageError):
        store.waiting().rejected(version)


def test_a_text_that_is_too_large_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="too large"):
        store.waiting().keep("v1", "x" * 1_000_001, most=9)
    assert store.waiting().all() == []
