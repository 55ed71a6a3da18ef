"""What an enemy would try with a run: late, twice, in the middle, with values that nobody expects, with a bad log."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.actor import Actor
from executor.begun import Begun
from executor.carry_on import carry_on
from executor.durable import RunCancelled, RunTimes, Undertaking, begin, read_state, read_view
from executor.journal import MemoryJournal, StoredJournal
from executor.pursue import Pursuit
from executor.run import Event, Logged, Run, RunRecord, RunState, RunView, StepState
from executor.run.log import changed, places_of, read_writes, written
from executor.run.record import Choices
from executor.run.view import state_of
from executor.runs import Runs
from executor.sandbox import SandboxLimits
from executor.schedule import order_of
from executor.store import Claim, LeaseLost, Store, event_text
from executor.store.sizes import MOST_OF_A_RUN
from htn.domain import Domain
from htn.errors import ExecutionError, HtnError, ServiceMissing, UsageError
from htn.plan import Plan
from htn.search import find_plan
from htn.state import State

Command = Callable[[State, str], State]
TIMES = RunTimes(lease_seconds=60)


def unused() -> Any:
    raise AssertionError("a plan of written operators opens nothing")


def workshop(command: Command) -> Domain:
    """Parts are made, each by itself."""
    domain = Domain("workshop")

    @domain.operator
    def make(state: State, name: str) -> State:
        state.made[name] = True
        return state

    domain.command("make", delivery="at least once")(command)

    @domain.method("build")
    def each(state: State, *names: str) -> list[tuple[Any, ...]]:
        return [("make", name) for name in names]

    return domain


def start() -> State:
    return State(made=dict.fromkeys("abcd", False), seen={})


def make(state: State, name: str) -> State:
    state.made[name] = True
    return state


def planned(domain: Domain, names: str) -> Plan:
    plan = find_plan(domain, start(), [("build", *names)])
    assert isinstance(plan, Plan)
    return plan


@dataclass
class Under:
    """A run under way in a store, and its plan."""

    under: Undertaking
    domain: Domain
    plan: Plan
    state: State
    parallel: int

    @property
    def journal(self) -> StoredJournal:
        assert isinstance(self.under.journal, StoredJournal)
        return self.under.journal

    def act(
        self, listener: Callable[[Event], None] = lambda event: None, journal: Any = None, *, write: bool = True
    ) -> Run:
        order = order_of(self.domain, self.state, self.plan, self.parallel)
        if write:
            self.under.append("planned", number=1, plan=self.plan.to_json(), left=[], **order.to_json())
        actor = Actor(self.domain, unused, unused, SandboxLimits(), parallel=self.parallel, stop=self.under.stop)
        begun = Begun(1, order, catch_up=self.under.catch_up)
        run_id = self.under.run_id
        return actor.act(self.plan, self.state, listener, run_id=run_id, journal=journal or self.journal, begun=begun)


@contextmanager
def run_in(store: Store, command: Command, names: str = "ab", *, parallel: int = 1, name: str = "r") -> Iterator[Under]:
    domain, state = workshop(command), start()
    plan, tasks, choices = planned(domain, names), [("build", *names)], Choices(parallel=parallel)
    with begin(
        lambda: store, domain, tasks, state, run_id=name, choices=choices, times=TIMES, note=lambda text: None
    ) as under:  # fmt: skip
        yield Under(under, domain, plan, state, parallel)


def let_lapse(journal: StoredJournal, step: str) -> None:
    """Let a claim lapse, as if its process had been suspended for long."""
    journal.logs._connection.run(
        lambda client, again: client.delete(journal.logs._keys.run_claim(journal.run_id, step))
    )


def another(journal: StoredJournal) -> StoredJournal:
    """A worker of another process."""
    return StoredJournal(journal.logs, journal.run_id, "another")


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_step_that_another_process_did_while_this_one_slept_is_done_once_and_merged(
    store: Store, parallel: int
) -> None:
    def sleepy(state: State, name: str) -> State:
        if name == "a":
            let_lapse(run.journal, "1.1")
            other = another(run.journal)
            _, claim = other.claim("1.1", again=True)
            assert other.commit(claim, [["made", "a", "elsewhere"]], (), 0.0)[0] == "done"
        return make(state, name)

    with run_in(store, sleepy, parallel=parallel) as run:
        came = run.act()
    assert came.done
    assert (run.state.made["a"], run.state.made["b"]) == ("elsewhere", True)
    assert read_state(store, "r") == run.state


@dataclass
class Deaf:
    """A journal whose answer is lost once, when a step has committed."""

    inner: StoredJournal
    lost: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def commit(self, claim: Claim, *rest: Any, **more: Any) -> tuple[str, str]:
        came = self.inner.commit(claim, *rest, **more)
        if not self.lost:
            self.lost = True
            raise ServiceMissing("the answer is lost")
        return came


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_step_that_committed_although_nobody_heard_is_done_once_and_merged(store: Store, parallel: int) -> None:
    with run_in(store, make, "abc", parallel=parallel) as run:
        came = run.act(journal=Deaf(run.journal))
    assert came.done
    assert [run.state.made[name] for name in "abc"] == [True] * 3
    assert read_state(store, "r") == run.state
    assert [step.state for step in read_view(store, "r").steps[0]] == [StepState.DONE] * 3


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("parallel", [1, 2])
def test_whoever_listens_and_breaks_ends_the_run_and_does_not_hang_it(store: Store, parallel: int, kept: bool) -> None:
    def broken(event: Event) -> None:
        if event.kind == "finish":
            raise BrokenPipeError("nobody reads on")

    with run_in(store, make, "abcd", parallel=parallel) as run, pytest.raises(BrokenPipeError):
        run.act(broken, None if kept else MemoryJournal("m"))


def test_a_server_that_lost_what_was_committed_is_found_out_at_the_next_step(store: Store) -> None:
    def forgetful(state: State, name: str) -> State:
        if name == "b":
            journal = run.journal
            journal.logs._connection.run(
                lambda client, again: client.hset(journal.logs._keys.run(journal.run_id), "commits", "0")
            )
        return make(state, name)

    with run_in(store, forgetful, "abc") as run, pytest.raises(ServiceMissing, match="lost"):
        run.act()


@pytest.mark.parametrize("kept", [True, False])
def test_what_cannot_be_written_down_is_a_conflict_all_the_same(store: Store, kept: bool) -> None:
    barrier = threading.Barrier(2, timeout=20)

    def endless(state: State, name: str) -> State:
        barrier.wait()
        state.made[name] = True
        state.seen["last"] = float("inf") if name == "a" else name
        return state

    with run_in(store, endless, "ab", parallel=2) as run:
        came = run.act(journal=None if kept else MemoryJournal("m"))
    assert sorted(str(step.state) for step in came.steps) == ["done", "failed"]
    assert came.failed is not None and "both touched seen" in came.failed.detail


@pytest.mark.parametrize("kept", [True, False])
def test_a_key_that_json_cannot_write_is_told_and_the_step_is_done(store: Store, kept: bool) -> None:
    def huge(state: State, name: str) -> State:
        state.seen[10**5000] = name
        return make(state, name)

    with run_in(store, huge, "ab") as run:
        assert run.act(journal=None if kept else MemoryJournal("m")).done
    assert run.state.seen == {10**5000: "b"}


def test_keys_that_are_equal_are_one_place() -> None:
    keys = [1, True, 1.0, (0, True), (0.0, 1), "1"]
    one, two, three, four, five, six = (places_of([("x", key)]) for key in keys)
    assert one == two == three != four == five
    assert six not in (one, four)


KEYS = st.sampled_from(["a", "b", "*", "?", "$tuple", 0, 1, 2, 1.5, True, (1, 2), ("a", (None, False)), frozenset({1})])
VALUES = st.sampled_from([None, True, 1, 1.0, "x", (1, 2), [1], {"a": {1: 2}}, {1, 2}, ABSENT := "absent"])
NAMES = st.sampled_from(["loc", "day"])
OPS = st.one_of(
    st.tuples(st.just("plain"), NAMES, st.sampled_from([None, True, 1, 1.0, "x"])),
    st.tuples(st.just("empty"), NAMES, st.none()),
    st.tuples(st.just("whole"), NAMES, st.dictionaries(KEYS, VALUES, max_size=3)),
    st.tuples(st.just("delete"), NAMES, st.none()),
    st.tuples(st.just("put"), NAMES, st.tuples(KEYS, VALUES)),
    st.tuples(st.just("pop"), NAMES, KEYS),
)


def change(state: State, kind: str, name: str, data: Any) -> None:
    if kind in ("plain", "whole"):
        setattr(state, name, data)
    elif kind == "empty":
        setattr(state, name, {})
    elif name in state and kind == "delete":
        delattr(state, name)
    elif name in state and isinstance(getattr(state, name), dict):
        if kind == "put":
            getattr(state, name)[data[0]] = data[1]
        elif kind == "pop":
            getattr(state, name).pop(data, None)


@given(st.lists(OPS, max_size=8), st.lists(OPS, max_size=8))
def test_whatever_a_step_changes_is_read_back_as_it_was(before: list[Any], step: list[Any]) -> None:
    state = State(loc={"a": 1}, day=1)
    for op in before:
        change(state, *op)
    copy, names = state.copy(), tuple(state)
    mark = state.mark()
    for op in step:
        change(state, *op)
    rows = json.loads(json.dumps(written(changed(state, mark, names))))
    read_writes(rows, copy)
    assert exact(copy) == exact(state)


def exact(state: State) -> Any:
    """A state with the types of its values, so that True is not 1."""
    return {
        name: {repr(key): repr(value) for key, value in found.items()} if isinstance(found, dict) else repr(found)
        for name, found in ((name, getattr(state, name)) for name in sorted(state))
    }


RECORD = RunRecord(id="r", domain="workshop", source="workshop", tasks=[["build", "a"]], state=start().to_json())
PLANNED = {"kind": "planned", "number": 1, "left": [], "before": [[]], "plan": None}
SPOILED = [
    "[" * 100_000,
    "[]",
    "null",
    '{"kind":5}',
    '{"kind":"finish","step":5}',
    '{"kind":"finish","step":"1.1"}',
    '{"kind":"start","step":"7.1"}',
    '{"kind":"start","step":"1.9"}',
    '{"kind":"start","step":"1.0"}',
    '{"kind":"complete"}',
    '{"kind":"begin","error":5}',
    '{"kind":"planned"}',
    '{"kind":"planned","plan":5}',
    '{"kind":"planned","plan":{"opaque":"no"}}',
    '{"kind":"planned","plan":{"nodes":[{}]}}',
    '{"kind":"replan"}',
    '{"kind":"replan","ways":5}',
    '{"kind":"wait","for":5}',
    '{"kind":"settle","step":"1.1","writes":5}',
    '{"kind":"finish","step":"1.1","writes":[5]}',
    '{"kind":"finish","step":"1.1","writes":[["made","a",1,2,3]]}',
    '{"kind":"finish","step":"1.1","writes":[[]]}',
    '{"kind":"finish","step":"1.1","writes":[[5,5,5]]}',
    '{"kind":"finish","step":"1.1","writes":[["made",{"$map":[[1,2]]},5]]}',
    '{"kind":"finish","step":"1.1","writes":[["made",{"$tuple":[[1]]},5]]}',
    '{"kind":"finish","step":"1.1","writes":[["made",null]]}',
    '{"kind":"finish","step":"1.1","writes":[["__class__",null,5]]}',
    '{"kind":"finish","step":"1.1","writes":[["made","a",' + "[" * 2000 + "]" * 2000 + "]]}",
    '{"kind":"finish","step":"1.1","seconds":"soon"}',
]


@pytest.mark.parametrize("text", SPOILED, ids=lambda text: text[:60])
def test_a_spoiled_log_is_told_in_words_and_breaks_nothing(text: str) -> None:
    plan = planned(workshop(make), "a").to_json()
    before = [
        Logged("1-1", "begin", {}),
        Logged("1-2", "planned", {**PLANNED, "plan": plan}),
    ]
    for read in (RunView.of, state_of):
        try:
            read(RECORD, [*before, Logged.read("1-3", text)])
        except HtnError as error:
            assert not isinstance(error, UsageError) and error.message


@pytest.mark.parametrize("after", ["", "$", "*", "5-", "x-y", "-1", "9" * 40, "1-2-3", "0-0\n"])
def test_what_is_no_place_in_a_log_is_said_to_be_none(store: Store, after: str) -> None:
    with run_in(store, make) as run:
        run.act()
    runs = Runs(store)
    with pytest.raises(UsageError, match="place in the log"):
        runs.events("r", after)
    with pytest.raises(UsageError, match="place in the log"):
        next(runs.follow("r", after))
    assert [event.kind for event in runs.events("r", "0")][:2] == ["created", "begin"]


@pytest.mark.parametrize("record", ["", "[]", "{", '{"tasks":5}', '{"tasks":[5]}', '{"domain":5}'])
def test_a_run_whose_record_is_spoiled_does_not_hide_the_others(store: Store, record: str) -> None:
    with run_in(store, make) as run:
        run.act()
    store.runs().create("bad", record, event_text("created"))
    with pytest.raises(ExecutionError):
        Runs(store).show("bad")
    assert {row.id for row in Runs(store).list()} == {"r", "bad"}


class CutOff:
    """A pursuit whose step fails because somebody cancels the run."""

    def __init__(self, run: Under, reason: str) -> None:
        self.run, self.reason = run, reason

    def go(self, left: Any, current: Any) -> tuple[Plan, Run]:
        self.run.under.stop.set(self.reason)
        steps = [Event(0, "start"), Event(0, "fail", detail="it was cut off")]
        return self.run.plan, Run.of(self.run.plan.actions, steps, run_id="r")


@pytest.mark.parametrize(("reason", "error"), [("cancelled", RunCancelled), ("lost", LeaseLost)])
def test_a_step_that_fails_because_the_run_is_cut_off_is_not_why_it_ends(
    store: Store, reason: str, error: type[HtnError]
) -> None:
    with run_in(store, make) as run, pytest.raises(error):
        carry_on(run.under, cast("Pursuit", CutOff(run, reason)), lambda: ((), 0), [])
    assert str(read_view(store, "r").state) == ("cancelled" if reason == "cancelled" else "running")


def test_a_run_whose_plan_could_not_be_written_down_can_be_shown_and_followed(store: Store) -> None:
    with run_in(store, make) as run:
        run.under.append("planned", number=1, plan={"opaque": "an argument is a file"}, left=[], before=[[], [0]])
        run.act(journal=StoredJournal(run.journal.logs, "r", "me"), write=False)
        run.under.end("complete", RunState.DONE)
    view = Runs(store).show("r")
    assert (str(view.state), view.commits, view.steps) == ("done", 2, [[]])
    assert Runs(store).state("r") == run.state
    assert view.to_json()["steps"] == []


def test_a_state_that_is_too_large_to_keep_is_acted_on_all_the_same(store: Store) -> None:
    notes: list[str] = []
    domain, state = workshop(make), State(made={}, seen={"all": "x" * MOST_OF_A_RUN})
    with begin(
        lambda: store, domain, [("build", "a")], state, run_id="r", choices=Choices(), times=TIMES, note=notes.append
    ) as under:  # fmt: skip
        assert not under.is_kept
    assert "cannot be resumed" in notes[0]


def test_steps_of_a_run_that_was_cancelled_after_its_driver_died_do_not_look_as_if_they_were_under_way(
    store: Store,
) -> None:
    with run_in(store, make) as run:
        run.under.append("planned", number=1, plan=run.plan.to_json(), left=[], before=[[], [0]])
        run.journal.claim("1.1", again=False)
        let_lapse(run.journal, "1.1")
    runs = Runs(store)
    assert runs.cancel("r") == "cancelled"
    assert [str(step.state) for step in runs.show("r").steps[0]] == ["unsure", "pending"]
