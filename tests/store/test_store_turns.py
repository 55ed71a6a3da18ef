"""Turns at a service are taken by all processes together."""

import pytest

from executor.store import Store
from htn.errors import UsageError
from tests.store.store_places import Place

NAME, OTHER = "a" * 64, "b" * 64


def test_as_many_turns_are_given_as_are_allowed_and_then_the_wait_is_told(store: Store) -> None:
    turns = store.turns(NAME, per_minute=3)
    assert [turns.take() for _ in range(3)] == [0, 0, 0]
    assert 0 < turns.take() <= 60


def test_other_services_have_turns_of_their_own(store: Store) -> None:
    assert store.turns(NAME, per_minute=1).take() == 0
    assert store.turns(OTHER, per_minute=1).take() == 0
    assert store.turns(NAME, per_minute=1).take() > 0


def test_processes_take_turns_together(store: Store, place: Place) -> None:
    code = f"turns = store.turns({NAME!r}, per_minute=5)\nprint(sum(turns.take() == 0 for _ in range(4)))"
    others = [place.process(code) for _ in range(3)]
    given = sum(int(other.communicate()[0]) for other in others)
    assert given == 5
    assert store.turns(NAME, per_minute=5).take() > 0


def test_a_turn_that_is_a_minute_old_is_free_again(store: Store, place: Place) -> None:
    turns = store.turns(NAME, per_minute=2)
    turns.take()
    turns.take()
    client = place.client()
    key = f"{place.prefix}:turns:{NAME}"
    client.zincrby(key, -60_000_000, str(client.zrange(key, 0, 0)[0]))
    assert 0 < client.pttl(key) <= 60_000
    client.close()
    assert turns.take() == 0
    assert turns.take() > 0


def test_what_is_no_number_or_name_of_turns_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="at least one request"):
        store.turns(NAME, per_minute=0)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        store.turns("x:y", per_minute=1)
