"""The parts that know no protocol: the log of a piece of work, lines of standard input, how much goes on at once."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.run import RunRecord
from executor.settings import Settings
from executor.store import event_text
from htn.domain import Domain
from htn.errors import LimitReached, UsageError
from htn.state import State
from mcp_server import HttpPlace, Service, Shelf, serve_http, service
from mcp_server.bounds import MOST_AT_ONCE, MOST_BODY, MOST_KEPT
from mcp_server.job import Job
from mcp_server.stdio import Lines
from mcp_server.threads import Threads
from mcp_server.works import FIRST, Seen, Wanted
from tests.executor.conftest import folder
from tests.mcp_server.inside import Inside

__all__ = ["folder"]


def gated(gate: Event) -> Domain:
    """A domain whose one step takes until the gate is open."""
    domain = Domain("gated")

    @domain.initial_state
    def start() -> State:
        return State(done={})

    @domain.operator
    def wait(state: State, what: str) -> State:
        state.done[what] = True
        return state

    @domain.command("wait")
    def wait_for_the_gate(state: State, what: str) -> State:
        gate.wait(60)
        state.done[what] = True
        return state

    return domain


def wanted(domain: Domain, what: str = "tea") -> Wanted:
    return Wanted("run", domain, (("wait", what),), State(done={}))


@pytest.fixture
def gate() -> Iterator[Event]:
    opened = Event()
    yield opened
    opened.set()


@pytest.fixture
def works(folder: Path) -> Iterator[Threads]:
    settings = Settings.load(data_dir=folder, learn="never", sandbox="lockdown")
    with Service(settings, Shelf({})) as service, Threads(service) as opened:
        yield opened


def place(identity: str) -> tuple[int, int]:
    moment, _, number = identity.partition("-")
    return int(moment), int(number)


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=30))
def test_the_ids_of_events_only_grow_whatever_the_clock_does(moments: list[float]) -> None:
    clock = iter([*moments, *[0.0] * 100])
    job = Job("j", wanted(gated(Event())), lambda: next(clock))
    for _ in moments:
        job.listener().note("something")
    ids = [event["id"] for event in job.events(FIRST, 0)]
    assert len(ids) == len(moments) + 1
    assert [place(one) for one in ids] == sorted({place(one) for one in ids})
    for at, one in enumerate(ids):
        assert [event["id"] for event in job.events(one, 0)] == ids[at + 1 :]


def test_what_has_ended_stays_so() -> None:
    job = Job("j", wanted(gated(Event())))
    job.become("cancelled")
    job.become("done")
    job.stop()
    assert job.seen.state == "cancelled"
    assert [event["kind"] for event in job.events(FIRST, 0)] == ["created", "cancelled"]


def test_who_waits_for_an_event_gets_it_when_it_comes() -> None:
    job = Job("j", wanted(gated(Event())))
    (first,) = job.events(FIRST, 0)
    teller = Thread(target=lambda: job.listener().note("now"))
    teller.start()
    found = job.events(first["id"], 60)
    teller.join()
    assert [event["detail"] for event in found] == ["now"]


def test_what_is_too_much_at_once_is_refused_and_begins_when_there_is_room(works: Threads, gate: Event) -> None:
    domain = gated(gate)
    handles = [works.start(wanted(domain, str(number)), None) for number in range(MOST_AT_ONCE)]
    with pytest.raises(LimitReached, match="as many as this server carries out at once"):
        works.start(wanted(domain), None)
    assert works.start(wanted(domain, "0"), handles[0]) == handles[0]  # it is followed, not begun
    gate.set()
    for handle in handles:
        while not works.seen(handle).ended:
            works.events(handle, FIRST, 0.05)
        assert works.seen(handle).state == "done"
    last = works.start(wanted(domain), None)
    assert [seen.handle for seen in works.listed()] == [last, *handles[::-1]]


def test_the_oldest_that_ended_are_forgotten_and_none_that_goes_on(
    works: Threads, gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_server.threads.MOST_KEPT", 3)
    assert MOST_KEPT > 3
    going, free = gated(gate), gated(gate)
    del free.commands["wait"]  # then its operator does it, at once
    first = works.start(wanted(going), "first")
    for number in range(6):
        handle = works.start(wanted(free), f"n{number}")
        while not works.seen(handle).ended:
            works.events(handle, FIRST, 0.05)
    assert set(works._jobs) == {first, "n4", "n5"}
    # What became of the others is in the store.
    assert [seen.handle for seen in works.listed()] == ["n5", "n4", first, "n3", "n2", "n1", "n0"]
    here, kept = works.seen("n5"), works.seen("n0")
    assert (kept.state, kept.tasks, kept.changed) == (here.state, here.tasks, here.changed)
    assert works.start(wanted(free), "n0") == "n0"  # it has ended, and is not begun again
    assert [event["kind"] for event in works.events("n0", FIRST, 0)].count("start") == 1


def test_a_run_that_a_server_left_when_it_ended_is_taken_up_by_the_next(folder: Path, gate: Event) -> None:
    done: list[str] = []
    domain = gated(gate)

    @domain.command("wait")
    def wait(state: State, what: str) -> State:
        gate.wait(60)
        done.append(what)
        state.done[what] = True
        return state

    both = Wanted("run", domain, (("wait", "a"), ("wait", "b")), State(done={}))
    with Inside(folder, (domain,)) as first:
        first.works.start(both, "kettle")
        while not [event for event in first.works.events("kettle", FIRST, 1) if event["kind"] == "start"]:
            pass
        first.works._jobs["kettle"].interrupt()
        gate.set()
    with Inside(folder, (domain,)) as second:
        left = second.works.seen("kettle")
        assert (left.state, left.domain, left.tasks) == ("paused", "gated", ("wait(a)", "wait(b)"))
        assert second.works.start(both, "kettle") == "kettle"
        ended = settled(second.works, "kettle")
    assert (ended.state, done) == ("done", ["a", "b"])
    assert {(change.key, change.value) for change in ended.changed} == {("a", True), ("b", True)}


def test_a_run_whose_process_is_gone_is_taken_up_and_one_that_is_driven_is_followed(folder: Path, gate: Event) -> None:
    domain = gated(gate)
    record = RunRecord(id="lost", domain="gated", source="gated", tasks=[["wait", "tea"]], state={"done": {}})
    with Inside(folder, (domain,)) as first, Inside(folder, (domain,)) as second:
        assert first.agent.store.runs().create("lost", record.text(), event_text("created", by="nobody"))
        left = second.works.seen("lost")
        assert (left.state, left.trouble and left.trouble.code) == ("paused", "interrupted")
        first.works.start(wanted(domain), "lost")
        while not [event for event in second_events(second, "lost") if event["kind"] == "start"]:
            pass
        assert second.works.start(wanted(domain), "lost") == "lost"
        assert second.works.seen("lost").state == "running" and "lost" not in second.works._jobs
        gate.set()
        assert settled(first.works, "lost").state == "done"
        assert settled(second.works, "lost").state == "done"


def test_a_run_of_another_server_is_cancelled_by_its_handle(folder: Path, gate: Event) -> None:
    domain = gated(gate)
    with Inside(folder, (domain,)) as first, Inside(folder, (domain,)) as second:
        first.works.start(Wanted("run", domain, (("wait", "a"), ("wait", "b")), State(done={})), "kettle")
        while not [event for event in second_events(second, "kettle") if event["kind"] == "start"]:
            pass
        second.works.cancel("kettle")
        gate.set()
        assert settled(first.works, "kettle").state == "cancelled"
        assert second.works.seen("kettle").state == "cancelled"


def settled(works: Threads, handle: str) -> Seen:
    """How far work is when nothing more happens by itself."""
    while (seen := works.seen(handle)).state in ("created", "running"):
        works.events(handle, FIRST, 0.05)
    return seen


def second_events(inside: Inside, handle: str) -> Any:
    """The events of a run that another server may not have written down yet."""
    try:
        return inside.works.events(handle, FIRST, 0.05)
    except UsageError:
        return []


def test_a_search_that_finds_no_turn_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_PATIENCE", 0.01)
    with Inside(folder, ()) as inside:
        for _ in range(MOST_AT_ONCE):
            assert inside.service._turns.acquire(blocking=False)
        with pytest.raises(LimitReached, match="busy"):
            inside.service.plan("travel", ["travel(alice, home, park)"], None)
        inside.service._turns.release()
        assert inside.service.plan("travel", ["travel(alice, home, park)"], None).ok


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=40), max_size=12))
def test_lines_are_the_same_however_they_arrive(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    expected = [line.decode("utf-8", "replace") for line in whole.split(b"\n")]
    found = anyio.run(read, chunks)
    assert found == (expected[:-1] if expected[-1] == "" else expected)


def test_a_line_that_is_larger_than_a_message_ends_the_talk() -> None:
    assert anyio.run(read, [b"first\n", b"x" * (MOST_BODY + 100_000)]) == ["first"]


async def read(chunks: list[bytes]) -> list[str]:
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb", buffering=0) as pipe:
            for chunk in chunks:
                try:
                    pipe.write(chunk)
                except BrokenPipeError:
                    return

    writer = Thread(target=write)
    writer.start()
    try:
        found: list[Any] = [line async for line in Lines(out)]
    finally:
        os.close(out)
    writer.join()
    return found


def test_a_server_answers_to_names_of_this_machine_and_to_those_that_were_allowed() -> None:
    open_to_all = HttpPlace("0.0.0.0", names=["htn.example", "proxy.example:443"])
    assert set(open_to_all.hosts(8765)) == {
        "127.0.0.1:8765", "localhost:8765", "[::1]:8765", "htn.example", "htn.example:8765", "proxy.example:443",
    }  # fmt: skip
    assert "[fd00::1]:8765" in HttpPlace("fd00::1").hosts(8765)
    assert [HttpPlace(host).is_near for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "fd00::1")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_an_address_that_cannot_be_listened_on_is_said(folder: Path) -> None:
    with Inside(folder, ()) as inside, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve_http(inside.server, HttpPlace(port=port), "token", lambda address: None)
