"""Runs from outside: they are listed, followed, cancelled and played again, whoever carries them out."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent, Listener
from executor.durable import RunCancelled
from executor.retries import Retries
from executor.run import RunState
from executor.runs import Runs
from executor.sandbox import Sandbox
from executor.settings import Settings
from htn.errors import UsageError
from htn.network import Task
from htn.state import State
from tests.executor.doomed import Fate
from tests.executor.shop import RETURN, shop, state_of
from tests.executor.test_durable import LETTERS, RUN, begun, letters
from tests.executor.test_library import entry

Open = Callable[..., Agent]
ENDLESS = f"def order_total(order, amounts):\n    total = 0\n    while True:\n        pass\n    {RETURN}\n"
TASKS: list[Task] = [("check_out", "tea")]


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(listener: Listener | None = None, **settings: Any) -> Agent:
            given = {"sandbox": "lockdown", "model": "ollama:scripted", "lease_seconds": 0.5, **settings}
            return stack.enter_context(Agent(Settings.load(data_dir=folder, **given), listener or Listener()))

        yield opened


def test_a_run_whose_body_would_run_for_long_is_cancelled_from_elsewhere_and_leaves_nothing_behind(
    agent: Open, box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    began = threading.Event()
    one = agent(Listener(step=lambda event: began.set() if event.kind == "start" else None), learn="never",
                execution_timeout=600)  # fmt: skip
    one.__dict__["sandbox"] = box
    one.library.admit(entry(code=ENDLESS), "trusted", [])
    other = agent()

    def cancel() -> None:
        began.wait(60)
        Runs(other.store).cancel(RUN, "the wrong order", by="ada")

    Retries(other.store).again(RUN, "1-order_total")
    canceller = threading.Thread(target=cancel)
    canceller.start()
    state = state_of(shop())
    with pytest.raises(RunCancelled, match="the run r was cancelled"):
        one.run(shop(), TASKS, state, run_id=RUN)
    canceller.join()
    runs = Runs(other.store)
    assert runs.show(RUN).state is RunState.CANCELLED
    assert [e.kind for e in runs.events(RUN)][-4:] == ["start", "cancel", "release", "cancelled"]
    assert state == runs.state(RUN) == state_of(shop())
    assert Retries(other.store).status(RUN) == {}
    logs = other.store.runs()
    assert not caplog.records
    assert (logs.started(RUN), logs.claimed(RUN, ["1.1", "1.2"]), runs.is_driven(RUN)) == ({}, [False, False], False)


def test_a_run_that_nobody_drives_is_cancelled_on_the_spot(agent: Open) -> None:
    begun(agent, letters([]), Fate(1, only="claim"))
    runs = Runs(agent().store)
    assert runs.cancel(RUN, by="ada") is RunState.CANCELLED
    assert runs.cancel(RUN) is RunState.CANCELLED
    assert runs.list(only_open=True) == []
    with pytest.raises(UsageError, match="the run r is cancelled"):
        agent().resume(RUN, domain=letters([]))


def test_runs_are_listed_the_newest_first_and_open_ones_apart(agent: Open) -> None:
    one = agent()
    for name in ("a", "b"):
        one.run(letters([]), LETTERS, State(sent={}), run_id=name)
    begun(agent, letters([]), Fate(1, only="claim"))
    runs = Runs(one.store)
    assert [(run.id, run.state, run.is_lost) for run in runs.list()] == [
        ("r", RunState.RUNNING, True), ("b", RunState.DONE, False), ("a", RunState.DONE, False),
    ]  # fmt: skip
    assert [run.id for run in runs.list(only_open=True)] == ["r"]
    assert runs.list()[0].tasks == ("send(a)", "send(b)", "send(c)")


def test_who_follows_a_run_sees_each_event_once_wherever_they_begin(agent: Open) -> None:
    seen: list[str] = []
    one, other = agent(), agent()
    go_on = threading.Event()
    domain = letters([])
    really = domain.commands["send"]

    def held(state: State, name: str) -> Any:
        go_on.wait(30)
        return really(state, name)

    domain.command("send")(held)
    runner = threading.Thread(target=lambda: one.run(domain, LETTERS, State(sent={}), run_id=RUN))
    runner.start()
    runs = Runs(other.store)
    while not any(run.id == RUN for run in runs.list()):
        time.sleep(0.02)
    for event, _ in runs.follow(RUN):
        seen.append(event.id)
        if event.kind == "start":
            go_on.set()
    runner.join()
    events = [event.id for event in runs.events(RUN)]
    assert seen == events
    assert [event.id for event, _ in runs.follow(RUN, events[3])] == events[4:]


def test_following_a_run_that_is_lost_ends(agent: Open) -> None:
    begun(agent, letters([]), Fate(1, only="claim"))
    runs = Runs(agent().store)
    assert [event.kind for event, _ in runs.follow(RUN)] == [event.kind for event in runs.events(RUN)]


def test_playing_a_run_again_runs_nothing_and_ends_in_its_state(agent: Open) -> None:
    effects: list[str] = []
    one = agent()
    one.run(letters(effects), LETTERS, State(sent={}), run_id=RUN)
    before = list(effects)
    sizes = [len(state.sent) for event, _, state in Runs(one.store).replay(RUN) if event.kind == "finish"]
    *_, (_, view, state) = Runs(one.store).replay(RUN)
    assert (sizes, view.state, state, effects) == ([1, 2, 3], RunState.DONE, Runs(one.store).state(RUN), before)


def test_a_run_that_is_removed_is_gone_and_one_that_is_driven_stays(agent: Open) -> None:
    one = agent()
    one.run(letters([]), LETTERS, State(sent={}), run_id=RUN)
    runs = Runs(one.store)
    runs.remove(RUN)
    assert runs.list() == []
    with pytest.raises(UsageError, match="there is no run 'r'"):
        runs.show(RUN)


def test_an_unknown_run_is_answered_with_what_may_have_been_meant(agent: Open) -> None:
    one = agent()
    one.run(letters([]), LETTERS, State(sent={}), run_id="nightly-17")
    with pytest.raises(UsageError) as unknown:
        Runs(one.store).show("nightly-71")
    assert "did you mean nightly-17?" in unknown.value.hints
