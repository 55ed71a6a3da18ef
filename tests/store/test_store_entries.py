"""What the store promises about documents, on both kinds of server."""

from typing import Any

import pytest

from executor.store import Store, StoredEntry
from htn.errors import ServiceMissing, UsageError
from tests.store.store_places import Place


def admit(store: Store, version: str = "v1", document: str = "one", **more: Any) -> bool:
    given: dict[str, Any] = {"trust": "probation", "evidence": ["ran once"]}
    name = more.pop("name", "pay")
    return store.admit("travel", name, version, document, **(given | more))


def test_what_is_admitted_can_be_read_back(store: Store) -> None:
    assert admit(store, evidence=["example 1", "example 2"])
    assert store.current("travel", "pay") == "v1"
    assert store.versions("travel", "pay") == ["v1"]
    assert store.document("v1") == "one"
    assert store.trust("v1") == "probation"
    assert store.evidence("v1") == ["example 1", "example 2"]
    assert store.names() == store.names("travel") == [("travel", "pay")]


def test_what_was_never_admitted_is_not_there(store: Store) -> None:
    assert store.current("travel", "pay") is None
    assert store.document("v1") is None and store.trust("v1") is None
    assert store.versions("travel", "pay") == [] == store.evidence("v1")
    assert store.names() == [] == store.names("travel")
    assert store.snapshot("travel") == []


def test_any_text_comes_back_as_it_was(store: Store) -> None:
    text = 'line\nline\r\n"ü" \x00 😀'
    admit(store, document=text, evidence=[text, ""])
    assert store.document("v1") == text
    assert store.evidence("v1") == [text, ""]


def test_versions_are_in_the_order_of_their_admission(store: Store) -> None:
    for version in ("b", "c", "a"):
        assert admit(store, version, f"document {version}")
    assert store.versions("travel", "pay") == ["b", "c", "a"]
    assert store.current("travel", "pay") == "a"
    assert store.document("b") == "document b"


def test_the_same_version_again_adds_evidence_and_points_at_it(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v2", "two")
    assert not admit(store, "v1", "one", trust="trusted", evidence=["again"])
    assert store.versions("travel", "pay") == ["v1", "v2"]
    assert store.current("travel", "pay") == "v1"
    assert store.trust("v1") == "trusted"
    assert store.evidence("v1") == ["ran once", "again"]


def test_another_document_under_the_same_version_is_refused(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v2", "two")
    with pytest.raises(UsageError, match="v1 is stored already, with another document"):
        admit(store, "v1", "ONE", trust="trusted", evidence=["forged"])
    assert store.document("v1") == "one"
    assert store.trust("v1") == "probation"
    assert store.evidence("v1") == ["ran once"]
    assert store.current("travel", "pay") == "v2"


def test_one_version_may_be_known_under_two_names(store: Store) -> None:
    admit(store, name="pay")
    assert admit(store, name="settle")
    assert store.names("travel") == [("travel", "pay"), ("travel", "settle")]
    assert store.versions("travel", "settle") == ["v1"]


def test_rolling_back_moves_the_pointer_and_keeps_the_versions(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v2", "two")
    assert store.pointers().move("travel", "pay", "v1", expected="v2")
    assert store.current("travel", "pay") == "v1"
    assert store.versions("travel", "pay") == ["v1", "v2"]
    assert [entry.document for entry in store.snapshot("travel")] == ["one"]


def test_the_pointer_moves_only_from_where_it_is_expected(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v2", "two")
    assert not store.pointers().move("travel", "pay", "v1", expected="v1")
    assert not store.pointers().move("travel", "pay", "v1", expected=None)
    assert store.current("travel", "pay") == "v2"


def test_the_pointer_goes_to_no_version_that_the_name_does_not_have(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v9", "nine", name="other")
    for version in ("v9", "v3"):
        with pytest.raises(UsageError, match="has no version"):
            store.pointers().move("travel", "pay", version, expected="v1")
    assert store.current("travel", "pay") == "v1"


def test_trust_changes_together_with_the_record_of_why(store: Store) -> None:
    admit(store)
    store.set_trust("v1", "quarantined", "counterexample 7")
    assert store.trust("v1") == "quarantined"
    assert store.evidence("v1") == ["ran once", "counterexample 7"]
    store.append_evidence("v1", "looked at it")
    assert store.evidence("v1")[-1] == "looked at it"
    assert store.trust("v1") == "quarantined"


def test_an_unknown_version_gets_no_trust_and_no_evidence(store: Store) -> None:
    with pytest.raises(UsageError, match="no version v1"):
        store.set_trust("v1", "trusted", "because")
    with pytest.raises(UsageError, match="no version v1"):
        store.append_evidence("v1", "because")
    assert store.evidence("v1") == []


def test_the_same_record_twice_is_two_records(store: Store) -> None:
    admit(store)
    store.append_evidence("v1", "used")
    store.append_evidence("v1", "used")
    assert store.evidence("v1") == ["ran once", "used", "used"]


def test_a_snapshot_has_the_current_entries_of_one_domain_in_order(store: Store) -> None:
    admit(store, "v1", "one")
    admit(store, "v2", "two")
    admit(store, "v3", "three", name="call", trust="trusted")
    store.admit("kitchen", "boil", "v4", "four", trust="pinned", evidence=[])
    assert store.snapshot("travel") == [
        StoredEntry("call", "v3", "three", "trusted"),
        StoredEntry("pay", "v2", "two", "probation"),
    ]
    assert store.names() == [("kitchen", "boil"), ("travel", "call"), ("travel", "pay")]


def test_a_snapshot_of_a_thousand_entries_is_one_command(embedded: Place) -> None:
    with embedded.open() as store, embedded.client() as client:
        for number in range(1000):
            admit(store, f"v{number}", f"document {number}", name=f"n{number:04}")
        store.snapshot("travel")
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        entries = store.snapshot("travel")
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert [entry.document for entry in entries] == [f"document {n}" for n in range(1000)]


def test_nothing_expires(place: Place) -> None:
    with place.open() as store, place.client() as client:
        admit(store)
        store.set_trust("v1", "trusted", "why")
        keys = list(client.scan_iter(f"{place.prefix}:*"))
        assert len(keys) == 6
        assert all(client.ttl(key) == -1 for key in keys)


@pytest.mark.parametrize("bad", ["", "a:b", "a b", "a\n", "1a", "ä", "../x", "*", "a" * 129])
def test_hostile_names_are_refused(store: Store, bad: str) -> None:
    for place in ({"domain": bad}, {"name": bad}, {"trust": bad}):
        given: dict[str, Any] = {"domain": "travel", "name": "pay", "version": "v1", "document": "d", "trust": "t"}
        with pytest.raises(UsageError, match="cannot be a name"):
            store.admit(**(given | place), evidence=[])
    with pytest.raises(UsageError):
        store.snapshot(bad)
    with pytest.raises(UsageError):
        store.current("travel", bad)
    assert store.names() == []


@pytest.mark.parametrize("bad", ["", "a:b", "a b", "v\n", "-1", "ä", "*", "a" * 129])
def test_hostile_versions_are_refused(store: Store, bad: str) -> None:
    with pytest.raises(UsageError, match="cannot be a version"):
        admit(store, version=bad)
    with pytest.raises(UsageError, match="cannot be a version"):
        store.document(bad)
    with pytest.raises(UsageError, match="cannot be a version"):
        store.pointers().move("travel", "pay", bad, expected=None)


def test_a_hostile_prefix_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match="the prefix"):
        Place(place.redis_url, place.data_dir, "a:*").open()


def test_documents_are_at_most_a_megabyte(store: Store) -> None:
    assert admit(store, "v1", "ü" * 500_000)
    with pytest.raises(UsageError, match="too large to store"):
        admit(store, "v2", "ü" * 500_000 + "x")
    with pytest.raises(UsageError, match="too large to store"):
        store.append_evidence("v1", "x" * 1_000_001)
    assert store.versions("travel", "pay") == ["v1"]


def test_what_is_no_text_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="lone surrogate"):
        admit(store, document="\ud800")
    assert store.names() == []


@pytest.mark.parametrize("key", ["domains", "current:travel", "versions:travel:pay", "entry:v1", "evidence:v1"])
def test_an_admission_that_fails_leaves_nothing_half_written(place: Place, key: str) -> None:
    with place.open() as store, place.client() as client:
        client.set(f"{place.prefix}:{key}", "something else")
        with pytest.raises(ServiceMissing, match="other things under the keys") as caught:
            admit(store)
        assert list(client.scan_iter(f"{place.prefix}:*")) == [f"{place.prefix}:{key}"]
    assert "choose another prefix" in caught.value.hints


def test_the_status_says_what_kind_of_server_it_is(place: Place) -> None:
    with place.open() as store:
        status = store.status()
        keys = list(place.client().scan_iter(f"{place.prefix}:*"))
    assert status.kind == ("server" if place.redis_url else "embedded")
    assert status.version.startswith(("redis ", "valkey "))
    assert status.writable and not status.evicting
    assert keys == []
    if status.kind == "embedded":
        assert status.appendonly and status.hints == ()
    elif not status.appendonly:
        assert any("appendonly yes" in hint for hint in status.hints)
