"""A run whose steps are carried out by workers: as if one process had done them, whatever the transport loses."""

import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.adopt import Adopter
from executor.agent import Agent, Listener
from executor.coordinate import Pace
from executor.crew import Crew, WorkerCard
from executor.durable import RunCancelled, StepUnsure
from executor.load import load_domain, load_state
from executor.pursue import Report
from executor.run import Logged
from executor.runs import Runs
from executor.sandbox import Sandbox
from executor.settings import Settings
from executor.shelf import Shelf
from executor.store import Store, event_text
from executor.transport import Threads, Work
from executor.worker import Worker
from htn.domain import Domain
from htn.errors import ServiceMissing
from htn.state import State
from tests.executor.mill import write_mill
from tests.executor.shop import RIGHT, shop, state_of
from tests.executor.test_library import entry

STEPS = 40
MORE = """
@mill.operator
def fetch(state, name):
    state.place[name] = state.place["here"] + 1
    return state


@mill.command("fetch")
def once(state, name):
    return fetch(state, name)


@mill.operator
def count_atoms(state, name):
    state.place[name] = 0
    return state


@mill.command("count_atoms")
def leaves_what_cannot_be_written(state, name):
    state.place[name] = 10**5000
    return state


@mill.operator(label="gpu")
def paint(state, name):
    state.place[name] = 2
    return state


@mill.method("either")
def by_luck(state, name):
    return [("fail", name)]


@mill.method("either")
def by_hand(state, name):
    return [("paint", name)]


@mill.operator
def fail(state, name):
    state.place[name] = 3
    return state


@mill.command("fail")
def fails(state, name):
    raise ValueError("no " + name)
"""


@dataclass
class Loss:
    """A transport that loses some messages and brings others twice, to threads that work for a worker elsewhere."""

    threads: Threads
    chance: random.Random
    lost: float = 0.0
    twice: float = 0.0
    sent: Counter[str] = field(default_factory=Counter)
    sizes: set[int] = field(default_factory=set)

    def dispatch(self, run_id: str, steps: Sequence[str], label: str) -> None:
        self.sent.update(steps)
        self.sizes.add(len(steps))
        if self.chance.random() >= self.lost:
            self.threads.dispatch(run_id, steps, label)
        if self.chance.random() < self.twice:
            self.threads.dispatch(run_id, steps, label)


class Site:
    """A driver and workers on threads, with one store and a domain in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = write_mill(folder, MORE)
        self.domain = load_domain(str(self.file))
        self.notes: list[str] = []
        self.agent = Agent(
            Settings.load(data_dir=folder / "data", distributed=True), Listener(note=self.notes.append)
        )  # fmt: skip
        self.labels: tuple[str, ...] = ("python",)
        self.transport: Loss
        self.hired: list[Threads] = []

    @property
    def store(self) -> Store:
        return self.agent.store

    def worker(self, shelf: Shelf | None = None) -> Worker:
        return self.agent.worker(shelf or Shelf(), threads=True)

    def employ(self, work: Work, *, most: int = 3, lost: float = 0.0, twice: float = 0.0, seed: int = 1) -> Loss:
        """Let steps be sent to `work`."""
        hired = Threads(work, most)
        self.hired.append(hired)
        self.transport = Loss(hired, random.Random(seed), lost, twice)
        card = WorkerCard("w", self.labels, most, 0.0)
        hands = self.agent._hands
        here = Threads(self.agent._hands._worker.carry_out, 2)
        hands.__dict__["crew"] = Crew(
            self.transport, here, lambda: [card] if self.labels else [], self.notes.append, patience=0.2
        )  # fmt: skip
        return self.transport

    def run(self, *tasks: tuple[Any, ...], run_id: str = "r") -> tuple[Report, State]:
        state = load_state(self.domain, None)
        return self.agent.run(self.domain, list(tasks) or [("mill", STEPS, 7)], state, run_id=run_id), state

    def events(self, run_id: str = "r") -> list[Logged]:
        return [Logged.read(*row) for row in self.store.runs().events(run_id)]

    def finished(self, run_id: str = "r") -> Counter[str]:
        return Counter(str(event.data["step"]) for event in self.events(run_id) if event.kind == "finish")


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    made = Site(folder)
    with made.agent:
        yield made
    for threads in made.hired:
        threads.close()


def undisturbed(site: Site, *tasks: tuple[Any, ...]) -> State:
    state = load_state(site.domain, None)
    with Agent(Settings.load(data_dir=site.agent.settings.data_dir)) as alone:
        report = alone.run(site.domain, list(tasks) or [("mill", STEPS, 7)], state)
    assert report.run is not None and report.run.done
    return state


def left_behind(store: Store, run_id: str = "r") -> list[str]:
    def keys(client: Any, again: bool) -> list[str]:
        return sorted(str(key) for key in client.keys("*") if f":{run_id}:" in str(key))

    return [key for key in store._connection.run(keys) if not key.endswith(":events")]


def test_workers_come_to_the_state_that_one_process_comes_to(site: Site) -> None:
    site.employ(site.worker().carry_out)
    report, state = site.run()
    assert report.run is not None and report.run.done
    assert state == undisturbed(site) == Runs(site.store).state("r")
    assert left_behind(site.store) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_what_the_transport_loses_or_brings_twice_is_done_once(site: Site, seed: int) -> None:
    site.employ(site.worker().carry_out, lost=0.1, twice=0.5, seed=seed)
    report, state = site.run()
    assert report.run is not None and report.run.done
    assert state == undisturbed(site)
    assert set(site.finished().values()) == {1} and len(site.finished()) == STEPS


def test_without_a_worker_the_run_is_carried_out_by_its_own_process_and_says_so(site: Site) -> None:
    site.labels = ()
    sent = site.employ(lambda run, step: None)
    report, state = site.run()
    assert report.run is not None and report.run.done and state == undisturbed(site)
    assert not sent.sent
    assert [note for note in site.notes if "no worker answers for python" in note]


def test_a_step_goes_to_a_worker_with_its_label_and_the_others_elsewhere(site: Site) -> None:
    site.labels = ("python",)
    sent = site.employ(site.worker().carry_out)
    report, _ = site.run(("grind", 0, 7), ("paint", "wall"))
    assert report.run is not None and report.run.done
    assert set(sent.sent) == {"1.1"}
    assert [note for note in site.notes if "no worker answers for gpu" in note]


def test_a_step_whose_worker_is_gone_is_carried_out_by_another(site: Site) -> None:
    alive = site.worker()
    gone: list[str] = []

    def work(run: str, step: str) -> None:
        if not gone:  # it claims a step, and is not heard of again
            gone.append(step)
            text = event_text("start", step=step, by="gone")
            site.store.runs().claim(run, step, text, "gone", lives_ms=100, again=True)
            return
        alive.carry_out(run, step)

    site.employ(work)
    report, state = site.run()
    assert report.run is not None and report.run.done and state == undisturbed(site)
    kinds = [event.kind for event in site.events() if event.data.get("step") == gone[0]]
    assert kinds == ["start", "release", "start", "finish"]


def test_of_a_command_that_may_be_done_once_nobody_knows_and_a_person_says(site: Site) -> None:
    def work(run: str, step: str) -> None:
        text = event_text("start", step=step, by="gone")
        site.store.runs().claim(run, step, text, "gone", lives_ms=100, again=False)

    site.employ(work)
    with pytest.raises(StepUnsure):
        site.run(("fetch", "box"))
    site.employ(site.worker().carry_out)
    report = site.agent.resume("r", did=["1.1"])
    assert report.run is not None and report.run.done
    assert Runs(site.store).state("r").look_up("place", "box") == 2


def test_a_step_that_fails_ends_the_run_with_its_reason_and_a_late_message_begins_nothing(site: Site) -> None:
    worker = site.worker()
    site.employ(worker.carry_out)
    site.agent.settings = site.agent.settings.model_copy(update={"parallel": 1})  # one after the other
    report, _ = site.run(("grind", 0, 7), ("fail", "luck"), ("grind", 1, 7))
    assert report.run is not None and report.run.failed
    assert "ValueError: no luck" in report.run.failed.detail
    before = site.events()
    assert worker.carry_out("r", "1.3") == "closed"
    assert site.events() == before


def test_a_late_message_of_a_run_that_is_done_begins_nothing(site: Site) -> None:
    worker = site.worker()
    site.employ(worker.carry_out)
    site.run(("grind", 0, 7))
    assert worker.carry_out("r", "1.1") == "closed"
    assert Runs(site.store).list(only_open=True) == []


def test_cancelling_reaches_the_worker_and_ends_the_run(site: Site) -> None:
    worker = site.worker()

    def work(run: str, step: str) -> None:
        if step == "1.3":
            Runs(site.store).cancel(run, "enough")
        worker.carry_out(run, step)

    site.employ(work, most=1)
    with pytest.raises(RunCancelled):
        site.run()
    assert Runs(site.store).show("r").state == "cancelled"
    assert left_behind(site.store) == []


def test_a_worker_with_another_file_leaves_the_steps_to_who_has_the_right_one(site: Site) -> None:
    with site.file.open("a", encoding="utf-8") as file:  # the driver has loaded it before
        file.write("\n# another version\n")
    site.domain.source = "mill"  # it is in no file by now
    site.employ(site.worker().carry_out)
    report, _ = site.run(("grind", 0, 7))
    assert report.run is not None and report.run.done
    assert [note for note in site.notes if "does not carry out steps of this run" in note]


def test_what_cannot_be_written_down_fails_the_step_because_nobody_else_would_know_it(site: Site) -> None:
    site.employ(site.worker().carry_out)
    report, _ = site.run(("count_atoms", "sea"))
    assert report.run is not None and report.run.failed
    assert report.run.failed.trouble is not None
    assert "carry the run out in one process: without --distributed" in report.run.failed.trouble.hints


def test_another_driver_goes_on_while_the_workers_work(site: Site) -> None:
    worker, reached = site.worker(), threading.Event()

    class Killed(BaseException):
        """The driver's process ends at once."""

    def work(run: str, step: str) -> None:
        if step == "1.20":
            reached.set()
        worker.carry_out(run, step)

    def dies(event: Any) -> None:
        if reached.is_set():
            raise Killed

    site.employ(work, most=2)
    site.agent.listener = Listener(step=dies, note=site.notes.append)
    with suppress(Killed):
        site.run()
    site.agent.listener = Listener(note=site.notes.append)
    report = site.agent.resume("r")
    assert report.run is not None and report.run.done
    assert report.state == undisturbed(site)
    assert set(site.finished().values()) == {1} and len(site.finished()) == STEPS


def test_a_worker_that_leaves_begins_nothing_more(site: Site) -> None:
    worker = site.worker()
    worker.leave()
    assert worker.carry_out("r", "1.1") == "leaving"


def test_a_run_that_is_gone_is_no_error_of_the_worker(site: Site) -> None:
    assert site.worker().carry_out("nothing", "1.1") == "gone"


def test_a_domain_with_no_file_is_carried_out_by_the_process_that_has_it(site: Site) -> None:
    domain = Domain("loose")

    @domain.operator
    def count(state: State, name: str) -> State:
        state.counts[name] = state.counts.get(name, 0) + 1
        return state

    site.employ(site.worker().carry_out)
    state = State(counts={})
    report = site.agent.run(domain, [("count", "a"), ("count", "a")], state, run_id="r")
    assert report.run is not None and report.run.done
    assert state == State(counts={"a": 2})


def test_learned_bodies_run_in_the_workers_sandbox(site: Site, box: Sandbox) -> None:
    site.agent.__dict__["sandbox"] = box
    site.domain = shop()
    site.agent.library.admit(entry(), "trusted", [])
    site.employ(site.worker(Shelf((shop(),))).carry_out)
    report = site.agent.run(site.domain, [("check_out", "tea")], state_of(site.domain), run_id="r")
    assert report.run is not None and report.run.done
    assert report.state.look_up("total", "tea") == 9.5


def test_a_body_that_runs_on_a_worker_ends_when_the_run_is_cancelled(site: Site, box: Sandbox) -> None:
    site.agent.__dict__["sandbox"] = box
    site.agent.settings = site.agent.settings.model_copy(update={"lease_seconds": 1.0, "execution_timeout": 60.0})
    site.domain = shop()
    endless = RIGHT.replace("    total", "    while True:\n        pass\n    total")
    site.agent.library.admit(entry(code=endless), "trusted", [])
    worker = site.worker(Shelf((shop(),)))
    ended: list[str] = []

    def work(run: str, step: str) -> None:
        threading.Timer(0.5, lambda: Runs(site.store).cancel(run, "enough")).start()
        ended.append(worker.carry_out(run, step))

    site.employ(work)
    with pytest.raises(RunCancelled):
        site.agent.run(site.domain, [("check_out", "tea")], state_of(site.domain), run_id="r")
    assert ended == ["release"]


def test_a_lost_run_is_adopted_and_one_that_somebody_drives_is_not(site: Site) -> None:
    class Killed(BaseException):
        """The driver's process ends at once."""

    def dies(event: Any) -> None:
        raise Killed

    site.labels = ()
    site.employ(site.worker().carry_out)
    site.agent.listener = Listener(step=dies, note=site.notes.append)
    with suppress(Killed):
        site.run()
    adopter = Adopter(site.agent.settings, site.store, Shelf(), site.notes.append)
    assert adopter.look() == []  # it may have begun just now
    assert adopter.look() == ["r"]
    for thread in adopter.driving():
        thread.join()
    assert Runs(site.store).show("r").state == "done"
    assert adopter.look() == adopter.look() == []


@given(st.lists(st.floats(0, 100), max_size=30))
def test_a_message_has_one_step_until_steps_are_known_to_be_quick(seconds: list[float]) -> None:
    pace = Pace()
    for one in seconds:
        pace.add(one)
    last = sorted(seconds[-9:])
    quick = len(last) == 9 and last[4] <= 0.01
    assert (pace.handful > 1) == quick
    assert 1 <= pace.handful <= 8


def test_steps_that_are_sent_together_are_each_done(site: Site) -> None:
    sent = site.employ(site.worker().carry_out, most=1)
    report, _ = site.run(("mill", 150, 3))
    assert report.run is not None and report.run.done
    assert max(sent.sizes) > 1
    assert set(site.finished().values()) == {1} and len(site.finished()) == 150


def test_a_worker_that_was_given_domains_loads_no_other_file(site: Site) -> None:
    site.employ(site.worker(Shelf((shop(),))).carry_out)
    report, _ = site.run(("grind", 0, 7))
    assert report.run is not None and report.run.done
    assert [note for note in site.notes if "it was given other domains" in note]


@pytest.mark.parametrize("step", ["", "x", "1", "1.", "0.1", "1.0", "9.1", "1.99", "-1.1", "1.1.1"])
def test_a_message_that_names_no_step_is_nothing(site: Site, step: str) -> None:
    site.employ(site.worker().carry_out)
    site.run(("grind", 0, 7))
    before = site.events()
    assert site.worker().carry_out("r", step) == "gone"
    assert site.events() == before


def test_without_celery_the_error_says_how_it_is_installed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, "executor.transport.celery_app", raising=False)
    with pytest.raises(ServiceMissing) as caught:
        site.run(("grind", 0, 7))
    assert "pip install 'htn-planner[distributed]'" in caught.value.hints
    assert Runs(site.store).show("r").state == "paused"


def test_a_step_that_failed_is_recovered_with_another_plan_and_late_messages_of_the_first_begin_nothing(
    site: Site,
) -> None:
    worker = site.worker()
    site.employ(worker.carry_out)
    report, state = site.run(("either", "way"), ("grind", 0, 7))
    assert report.run is not None and report.run.done
    assert state.look_up("place", "way") == 2
    assert worker.carry_out("r", "1.1") in ("gone", "closed")  # whichever the worker hears of first
    assert Runs(site.store).show("r").state == "done"


def test_a_body_on_a_worker_that_leaves_is_released_for_another(site: Site, box: Sandbox) -> None:
    site.agent.__dict__["sandbox"] = box
    site.agent.settings = site.agent.settings.model_copy(update={"execution_timeout": 60.0})
    site.domain = shop()
    endless = RIGHT.replace("    total", "    while True:\n        pass\n    total")
    site.agent.library.admit(entry(code=endless), "trusted", [])
    leaving = site.worker(Shelf((shop(),)))
    ended: list[str] = []

    def work(run: str, step: str) -> None:
        if not ended:
            threading.Timer(0.5, leaving.leave).start()
            ended.append(leaving.carry_out(run, step))
            return
        Runs(site.store).cancel(run)  # it has come once more, which is all that is asked

    site.employ(work, most=1)
    with pytest.raises(RunCancelled):
        site.agent.run(site.domain, [("check_out", "tea")], state_of(site.domain), run_id="r")
    assert ended == ["release"]


def test_steps_of_a_run_that_are_under_way_are_as_many_as_it_may_have(site: Site) -> None:
    may_end = threading.Event()
    worker = site.worker()

    def work(run: str, step: str) -> None:
        if step == "1.1":
            threading.Timer(1.0, look).start()
        may_end.wait(20)
        worker.carry_out(run, step)

    site.agent.settings = site.agent.settings.model_copy(update={"parallel": 3})
    sent = site.employ(work, most=9)
    seen: list[int] = []

    def look() -> None:
        seen.append(len(sent.sent))
        may_end.set()

    report, _ = site.run(*(("fetch", name) for name in "abcdefgh"))
    assert report.run is not None and report.run.done
    assert seen == [3]


def test_a_run_whose_code_a_person_approves_is_not_carried_out_by_workers(site: Site) -> None:
    site.agent.settings = site.agent.settings.model_copy(update={"approve": "always"})
    worker = site.worker()
    sent = site.employ(worker.carry_out)
    report, _ = site.run(("grind", 0, 7))
    assert report.run is not None and report.run.done
    assert not sent.sent
    assert worker.carry_out("r", "1.1") == "refused"


def test_whoever_has_driven_runs_leaves_no_thread_behind_that_would_wake_the_store_again(folder: Path) -> None:
    before = set(threading.enumerate())
    made = Site(folder)
    with made.agent:
        made.labels = ()
        made.employ(lambda run, step: None)
        report, _ = made.run()
        assert report.run is not None and report.run.done
        assert {thread.name for thread in set(threading.enumerate()) - before} & {"heart", "worker 1"}
        here = made.agent._hands.crew.here
    assert isinstance(here, Threads)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
