"""A server that fails too often in a row is left alone by all processes, until one call has found out that it works."""

import pytest

from executor.store import Breakers, BreakerTimes, Store
from htn.errors import UsageError
from tests.store.store_places import Place

SERVER, OTHER = "a" * 64, "b" * 64
LONG, SHORT = BreakerTimes(), BreakerTimes(recovery=0.001)


def fail(breakers: Breakers, times: int, *, begin: int = 0) -> None:
    for number in range(begin, begin + times):
        breakers.failed(SERVER, f"failed {number}", why=f"broken {number}")


def admitted(breakers: Breakers, mark: str) -> str:
    return breakers.admit(SERVER, mark, probe_seconds=60)[0]


def half_open(store: Store) -> Breakers:
    breakers = store.breakers(SHORT)
    fail(breakers, 5)
    while breakers.state(SERVER).state == "open":
        pass  # for a millisecond
    return breakers


def test_it_opens_at_the_fifth_failure_in_a_row_and_says_for_how_long(store: Store) -> None:
    breakers = store.breakers(LONG)
    fail(breakers, 4)
    assert (breakers.state(SERVER).state, breakers.state(SERVER).failures) == ("closed", 4)
    assert admitted(breakers, "x") == "passes"
    fail(breakers, 1, begin=4)
    state = breakers.state(SERVER)
    assert (state.state, state.why) == ("open", "broken 4")
    how, seconds = breakers.admit(SERVER, "y", probe_seconds=60)
    assert how == "open" and 0 < seconds <= 300
    assert breakers.admit(OTHER, "y", probe_seconds=60)[0] == "passes"


def test_an_answer_in_between_starts_the_count_again(store: Store) -> None:
    breakers = store.breakers(LONG)
    fail(breakers, 4)
    breakers.worked(SERVER, "well")
    fail(breakers, 4, begin=4)
    assert breakers.state(SERVER).state == "closed"


def test_a_failure_that_is_told_again_counts_once(store: Store) -> None:
    breakers = store.breakers(LONG)
    for _ in range(5):
        breakers.failed(SERVER, "the same")
    assert breakers.state(SERVER).failures == 1


def test_half_open_it_lets_one_call_through_and_its_answer_closes_it(store: Store) -> None:
    breakers = half_open(store)
    assert breakers.state(SERVER).state == "half-open"
    assert [admitted(breakers, mark) for mark in ("one", "two", "one")] == ["probes", "probed", "probes"]
    breakers.worked(SERVER, "two")
    assert admitted(breakers, "three") == "probed"
    breakers.worked(SERVER, "one")
    assert (breakers.state(SERVER).state, breakers.state(SERVER).failures) == ("closed", 0)
    assert admitted(breakers, "three") == "passes"


def test_a_probe_that_fails_opens_it_again_at_once(store: Store) -> None:
    admitted(half_open(store), "probe")
    breakers = store.breakers(LONG)
    breakers.failed(SERVER, "probe", why="still broken")
    assert (breakers.state(SERVER).state, breakers.state(SERVER).why) == ("open", "still broken")


def test_an_answer_to_a_call_from_before_does_not_close_it(store: Store) -> None:
    breakers = store.breakers(LONG)
    fail(breakers, 5)
    breakers.worked(SERVER, "slow")
    assert breakers.state(SERVER).state == "open"


def test_a_probe_that_says_nothing_or_dies_makes_room_for_another(store: Store) -> None:
    breakers = half_open(store)
    assert admitted(breakers, "one") == "probes"
    breakers.leave(SERVER, "one")
    assert breakers.admit(SERVER, "two", probe_seconds=0)[0] == "probes"  # dies with its process
    assert admitted(breakers, "three") == "probes"


def test_of_the_calls_of_many_processes_one_is_the_probe(store: Store, place: Place) -> None:
    half_open(store)
    code = f"""
marks = [f"{{os.getpid()}} {{n}}" for n in range(20)]
print(sum(store.breakers().admit({SERVER!r}, mark, probe_seconds=60)[0] == "probes" for mark in marks))
"""
    others = [place.process(code) for _ in range(3)]
    assert sum(int(other.communicate()[0]) for other in others) == 1


def test_failures_of_several_processes_open_it_for_all(store: Store, place: Place) -> None:
    code = f"""
for n in range(3): store.breakers().failed({SERVER!r}, f"{{os.getpid()}} {{n}}")
"""
    for other in [place.process(code) for _ in range(2)]:
        other.communicate()
    assert store.breakers().state(SERVER).state == "open"


def test_a_server_that_asks_to_wait_rests_and_is_asked_by_everybody_after(store: Store) -> None:
    breakers = store.breakers(LONG)
    breakers.failed(SERVER, "busy", asked=30)
    how, seconds = breakers.admit(SERVER, "x", probe_seconds=60)
    assert how == "rests" and 0 < seconds <= 30
    assert breakers.state(SERVER).state == "resting"
    breakers.worked(SERVER, "from before")
    assert admitted(breakers, "x") == "rests"
    breakers.reset(SERVER)
    breakers.failed(SERVER, "busy again", asked=0.001)
    while breakers.state(SERVER).state == "resting":
        pass  # for a millisecond
    assert [admitted(breakers, mark) for mark in ("one", "two")] == ["passes", "passes"]


def test_one_looks_whether_it_answers_and_the_others_take_what_was_seen(store: Store) -> None:
    breakers = store.breakers(LONG)
    assert breakers.reachable(SERVER)  # nobody knows better
    assert [breakers.look_is_due(SERVER, seconds=60) for _ in range(3)] == [True, False, False]
    breakers.seen(SERVER, answers=False, why="nobody is there")
    assert not breakers.reachable(SERVER)
    assert breakers.state(SERVER).unanswered == "nobody is there"
    assert not breakers.look_is_due(SERVER, seconds=60)
    assert store.breakers(BreakerTimes(look=0)).look_is_due(SERVER, seconds=60)


def test_an_answer_to_a_call_is_as_good_as_a_look(store: Store) -> None:
    breakers = store.breakers(LONG)
    breakers.seen(SERVER, answers=False, why="nobody is there")
    breakers.worked(SERVER, "well")
    assert breakers.reachable(SERVER)
    assert not breakers.look_is_due(SERVER, seconds=60)


def test_reset_forgets_all_of_it(store: Store) -> None:
    breakers = store.breakers(LONG)
    fail(breakers, 5)
    breakers.seen(SERVER, answers=False)
    breakers.reset(SERVER)
    assert (breakers.state(SERVER).state, breakers.state(SERVER).failures) == ("closed", 0)
    assert admitted(breakers, "x") == "passes" and breakers.reachable(SERVER)


def test_what_is_no_name_of_a_server_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        store.breakers().state("x:y")


def test_a_tally_counts_each_call_once_and_keeps_the_latest(store: Store) -> None:
    tallies = store.tallies()
    for number in range(120):
        for _ in range(2):  # the second time as if the answer of the first was lost
            tallies.add(
                SERVER,
                "openai:x",
                f"{number:032x}",
                well=number % 2 == 0,
                ms=number,
                prompt_tokens=3,
                answer_tokens=2,
                cost=7,
            )
    (tally,) = tallies.all()
    assert (tally.name, tally.calls, tally.well, tally.ms) == ("openai:x", 120, 60, sum(range(120)))
    assert (tally.prompt_tokens, tally.answer_tokens, tally.cost) == (360, 240, 840)
    assert tally.latest[:2] == ((False, 119), (True, 118)) and len(tally.latest) == 100
