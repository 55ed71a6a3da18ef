"""The log of a run: a step is begun by one and committed once, whoever comes late, twice or from the dead."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis

from executor.store import Claim, LeaseLost, LeaseTimes, RunLogs, Store, event_text
from htn.errors import UsageError
from tests.store.store_places import Place

RUN = "nightly"


@dataclass
class Log:
    """One run in a store, as drivers use it."""

    store: Store
    client: redis.Redis
    logs: RunLogs = field(init=False)

    def __post_init__(self) -> None:
        self.logs = self.store.runs()
        assert self.logs.create(RUN, '{"id":"nightly"}', event_text("created"))

    def lease(self, holder: str) -> bool:
        return self.store.leases(LeaseTimes(lifetime=60)).take(self.store.run_lease(RUN), holder)

    def leave(self, holder: str) -> None:
        self.store.leases().release(self.store.run_lease(RUN), holder)

    def append(self, kind: str, holder: str, *, state: str = "", ended: bool = False) -> None:
        self.logs.append(RUN, event_text(kind, by=holder), holder=holder, state=state, ended=ended, keep_ms=60_000)

    def drive(self, holder: str, kind: str = "resume") -> None:
        assert self.lease(holder)
        self.append(kind, holder, state="running")

    def claim(self, step: str, mark: str, *, holder: str = "", again: bool = True) -> tuple[str, Claim]:
        text = event_text("start", step=step)
        return self.logs.claim(RUN, step, text, mark, lives_ms=60_000, again=again, holder=holder)

    def commit(self, claim: Claim, *writes: str, reads: tuple[str, ...] = ()) -> str:
        return self.logs.commit(RUN, claim, event_text("finish", step=claim.step), writes, reads)[0]

    def do(self, step: str, *writes: str, mark: str = "") -> None:
        status, claim = self.claim(step, mark or f"mark-{step}")
        assert status == "claimed"
        assert self.commit(claim, *writes) == "done"

    def kinds(self) -> list[str]:
        return [json.loads(text)["kind"] for _, text in self.logs.events(RUN)]

    def let_lapse(self, step: str) -> None:
        assert sum(self.client.delete(key) for key in self.client.scan_iter(f"*:{RUN}:claim:{step}")) == 1

    def keys(self) -> set[str]:
        return {str(key).partition(":")[2] for key in self.client.scan_iter(f"*:run:{RUN}*")}


@pytest.fixture
def log(place: Place) -> Iterator[Log]:
    with place.open() as store, place.client() as client:
        yield Log(store, client)


def test_a_driver_that_wakes_up_after_the_run_has_ended_begins_no_step_of_it_again(log: Log) -> None:
    log.drive("first", "begin")
    log.do("1.1")
    log.leave("first")  # it was suspended, and its lease has lapsed
    log.drive("second")
    log.append("complete", "second", state="done", ended=True)
    before = log.kinds()
    assert log.claim("1.1", "late", again=False)[0] == "gone"
    assert log.claim("1.2", "late")[0] == "gone"
    assert log.kinds() == before


def test_a_driver_that_another_one_followed_begins_no_step_and_the_other_one_does(log: Log) -> None:
    log.drive("first", "begin")
    assert log.claim("1.1", "a", holder="first")[0] == "claimed"
    log.leave("first")
    log.drive("second")
    assert log.claim("1.2", "b", holder="first")[0] == "lost"
    assert log.claim("1.2", "c", holder="second")[0] == "claimed"
    log.leave("second")  # and it is gone, too, so that nobody holds the lease
    assert log.claim("1.3", "d", holder="first")[0] == "lost"


def test_a_lease_that_lapsed_is_taken_anew_only_while_nobody_else_has_driven_the_run(log: Log) -> None:
    log.drive("first", "begin")
    log.leave("first")
    assert log.logs.keep(RUN, "first", lives_ms=60_000)
    log.append("wait", "first")
    log.leave("first")
    assert log.lease("second")
    assert not log.logs.keep(RUN, "first", lives_ms=60_000)
    log.append("stop", "second", state="failed")
    log.leave("second")
    assert not log.logs.keep(RUN, "first", lives_ms=60_000)
    with pytest.raises(LeaseLost):
        log.append("complete", "first", state="done", ended=True)
    assert log.kinds() == ["created", "begin", "wait", "stop"]


def test_a_claim_that_is_sent_again_after_it_has_lapsed_is_still_the_senders(log: Log) -> None:
    assert log.claim("1.1", "mine", again=False)[0] == "claimed"
    log.let_lapse("1.1")  # the server was away for longer than a claim lives, and the answer was lost
    status, claim = log.claim("1.1", "mine", again=False)
    assert status == "claimed"
    assert log.kinds() == ["created", "start"]
    assert log.logs.claimed(RUN, ["1.1"]) == [True]
    assert log.commit(claim) == "done"


def test_whoever_comes_late_to_a_step_whose_claim_has_lapsed_is_refused(log: Log) -> None:
    _, first = log.claim("1.1", "first")
    log.let_lapse("1.1")
    _, second = log.claim("1.1", "second")
    assert log.commit(first) == "refused"
    assert not log.logs.give_up(RUN, first, event_text("fail", step="1.1"))
    assert log.commit(second) == log.commit(second) == "done"
    assert log.kinds() == ["created", "start", "release", "start", "finish"]


def test_what_has_ended_leaves_its_record_and_its_log_and_nothing_else(log: Log) -> None:
    log.drive("first", "begin")
    for step in ("1.1", "1.2"):
        _, claim = log.claim(step, f"try-{step}")
        log.logs.give_up(RUN, claim, event_text("retry", step=step))
        log.do(step, f'loc "{step}"')
    log.append("complete", "first", state="done", ended=True)
    log.leave("first")
    assert log.keys() == {f"run:{RUN}", f"run:{RUN}:events"}
    (run,) = (key for key in log.client.scan_iter(f"*:run:{RUN}"))
    assert set(log.client.hkeys(run)) == {"record", "mark", "commits", "state", "holder", "last:first"}


def test_a_place_that_was_written_since_is_a_conflict_by_entry_and_as_a_whole(log: Log) -> None:
    _, stale = log.claim("1.1", "stale")
    log.do("1.2", 'loc "a"')
    assert log.commit(stale, reads=('loc "b"',)) == "done"
    _, stale = log.claim("1.3", "staler")
    log.do("1.4", 'loc "a"')
    for reads in (('loc "a"',), ("loc",)):
        assert log.commit(stale, reads=reads) == "conflict"
    assert log.commit(stale, 'loc "a"') == log.commit(stale, "loc") == "conflict"


def test_nothing_is_kept_of_a_run_that_is_not_there(log: Log) -> None:
    log.logs.remove(RUN)
    _, claim = log.claim("1.1", "mark")
    assert log.claim("1.1", "mark")[0] == "gone"
    assert log.commit(claim) == "refused"
    with pytest.raises(UsageError, match="no run"):
        log.append("begin", "")


def test_a_run_that_failed_ends_its_time_unless_somebody_goes_on_with_it(log: Log) -> None:
    for run, goes_on in (("late", False), ("saved", True)):
        assert log.logs.create(run, "{}", event_text("created"))
        log.logs.append(run, event_text("stop"), state="failed", keep_ms=60_000)
        if goes_on:
            log.logs.append(run, event_text("resume"), state="running")
        keys = list(log.client.scan_iter(f"*:run:{run}*"))
        lifetimes = {bool(log.client.pttl(key) == -1) for key in keys}
        assert keys and lifetimes == {goes_on}
