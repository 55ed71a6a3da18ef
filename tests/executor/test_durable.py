"""A run that is left is gone on with where it was left: nothing is lost, nothing is done twice without a word."""

import shutil
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.actor import Actor
from executor.agent import Agent, Listener
from executor.driving import RunTaken
from executor.durable import StepUnsure, take_up
from executor.journal import MemoryJournal
from executor.load import load_domain
from executor.run import Logged, RunState
from executor.runs import Runs
from executor.sandbox import SandboxLimits
from executor.settings import Settings
from htn import find_plan
from htn.delivery import Delivery, idempotency_key
from htn.domain import Domain
from htn.errors import ExecutionError, LimitReached, ServiceMissing, UsageError
from htn.network import Task
from htn.plan import Plan
from htn.state import State
from tests.executor.doomed import Fate, dies
from tests.executor.shop import state_of
from tests.executor.test_actor import nothing
from tests.executor.test_pursue import BREAKS, TICKED, detours, knows

Open = Callable[..., Agent]
RUN = "r"


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent, each time another as if in another process, with a store of the test's own."""
    with ExitStack() as stack:

        def opened(listener: Listener | None = None, **chosen: Any) -> Agent:
            given = Settings.load(
                data_dir=folder, sandbox="lockdown", model="ollama:scripted", lease_seconds=0.5, **chosen
            )
            return stack.enter_context(Agent(given, listener or Listener()))

        yield opened


def letters(effects: list[str], delivery: Delivery = "at most once") -> Domain:
    """Three letters are sent, one after the other; `effects` are the keys with which somebody outside saw them."""
    domain = Domain("post")

    @domain.operator
    def send(state: State, name: str) -> State:
        state.sent[name] = len(state.sent) + 1
        return state

    @domain.command("send", delivery=delivery)
    def really(state: State, name: str) -> State:
        effects.append(f"{name} {idempotency_key()}")
        return send_of(state, name)

    def send_of(state: State, name: str) -> State:
        state.sent[name] = len(state.sent) + 1
        return state

    return domain


LETTERS: list[Task] = [("send", "a"), ("send", "b"), ("send", "c")]


def begun(agent: Open, domain: Domain, fate: Fate, tasks: list[Task] | None = None, state: State | None = None) -> None:
    one = agent()
    assert dies(fate, lambda: one.run(domain, tasks or LETTERS, state or State(sent={}), run_id=RUN))


def runs_of(agent: Open) -> Runs:
    return Runs(agent().store)


def kinds(events: Any) -> list[str]:
    return [f"{e.kind} {e.data['step']}" if "step" in e.data else e.kind for e in events]


def test_a_run_is_begun_written_down_as_it_goes_and_done(agent: Open) -> None:
    agent().run(letters([]), LETTERS[:1], State(sent={}), run_id=RUN)
    runs = runs_of(agent)
    assert kinds(runs.events(RUN)) == ["created", "begin", "planned", "start 1.1", "finish 1.1", "complete"]
    assert (runs.show(RUN).state, runs.state(RUN)) == (RunState.DONE, State(sent={"a": 1}))


def test_an_id_that_another_run_has_is_refused(agent: Open) -> None:
    agent().run(letters([]), LETTERS, State(sent={}), run_id=RUN)
    with pytest.raises(UsageError, match="there is a run r already") as refused:
        agent().run(letters([]), LETTERS, State(sent={}), run_id=RUN)
    assert "go on with it: htn resume r" in refused.value.hints


def test_what_was_done_before_the_process_died_stays_and_is_not_done_again(agent: Open) -> None:
    effects: list[str] = []
    domain = letters(effects)
    begun(agent, domain, Fate(1, only="commit", late=True))
    assert runs_of(agent).list()[0].is_lost
    report = agent().resume(RUN, domain=domain)
    assert report.run is not None and report.run.done
    assert effects == ["a r/1.1", "b r/1.2", "c r/1.3"]
    assert report.state == runs_of(agent).state(RUN) == State(sent={"a": 1, "b": 2, "c": 3})


def test_a_step_that_is_done_at_most_once_and_whose_process_died_is_unsure_until_a_person_says_that_it_was_done(
    agent: Open,
) -> None:
    effects: list[str] = []
    domain = letters(effects)
    begun(agent, domain, Fate(1, only="commit"))
    with pytest.raises(StepUnsure, match=r"nobody knows whether send\(b\) was carried out") as unsure:
        agent().resume(RUN, domain=domain)
    assert unsure.value.exit_code == 8
    assert runs_of(agent).show(RUN).state is RunState.PAUSED
    assert any("htn resume r --did 1.2" in hint for hint in unsure.value.hints)
    report = agent().resume(RUN, domain=domain, did=["1.2"])
    assert effects == ["a r/1.1", "b r/1.2", "c r/1.3"]
    assert report.state == State(sent={"a": 1, "b": 2, "c": 3})


def test_a_person_may_have_an_unsure_step_carried_out_again(agent: Open) -> None:
    effects: list[str] = []
    domain = letters(effects)
    begun(agent, domain, Fate(0, only="commit"))
    with pytest.raises(StepUnsure):
        agent().resume(RUN, domain=domain)
    agent().resume(RUN, domain=domain, redo=["1.1"])
    assert effects == ["a r/1.1", "a r/1.1", "b r/1.2", "c r/1.3"]


def test_a_step_that_nobody_doubts_cannot_be_settled_and_the_run_rests_again(agent: Open) -> None:
    domain = letters([])
    begun(agent, domain, Fate(1, only="commit", late=True))
    with pytest.raises(UsageError, match=r"the run r has no step 1\.3 of which nobody knows"):
        agent().resume(RUN, domain=domain, did=["1.3"])
    assert runs_of(agent).show(RUN).state is RunState.PAUSED
    assert agent().resume(RUN, domain=domain).state == State(sent={"a": 1, "b": 2, "c": 3})


def test_a_step_that_may_be_done_again_is_begun_anew_with_the_same_key(agent: Open) -> None:
    effects: list[str] = []
    domain = letters(effects, "at least once")
    begun(agent, domain, Fate(1, only="commit"))
    agent().resume(RUN, domain=domain)
    assert effects == ["a r/1.1", "b r/1.2", "b r/1.2", "c r/1.3"]


def test_a_run_that_has_ended_cannot_be_gone_on_with(agent: Open) -> None:
    agent().run(letters([]), LETTERS, State(sent={}), run_id=RUN)
    with pytest.raises(UsageError, match="the run r is done, so there is nothing to go on with"):
        agent().resume(RUN, domain=letters([]))


def test_an_unknown_run_cannot_be_gone_on_with(agent: Open) -> None:
    with pytest.raises(UsageError, match="there is no run 'q'"):
        agent().resume("q", domain=letters([]))


def test_two_processes_cannot_drive_one_run(agent: Open) -> None:
    domain = letters([])
    begun(agent, domain, Fate(0, only="claim"))
    first, second = agent(), agent()
    with (
        take_up(first.store, RUN, times=first._times),
        pytest.raises(RunTaken, match="another process drives the run r"),
    ):
        second.resume(RUN, domain=domain)


@pytest.mark.parametrize("error", [ExecutionError("no stamps"), LimitReached("too many"), ServiceMissing("no post")])
def test_a_run_that_failed_or_rests_goes_on_when_the_reason_is_mended(agent: Open, error: Exception) -> None:
    broken, effects = [error], list[str]()
    domain = letters(effects)
    really = domain.commands["send"]

    def at_times(state: State, name: str) -> Any:
        if name == "b" and broken:
            raise broken.pop()
        return really(state, name)

    domain.command("send")(at_times)
    report = agent().run(domain, LETTERS, State(sent={}), run_id=RUN)
    assert report.run is not None and report.run.failed
    assert runs_of(agent).show(RUN).state is RunState.FAILED
    report = agent().resume(RUN, domain=domain)
    assert report.run is not None and report.run.done
    assert effects == ["a r/1.1", "b r/1.2", "c r/1.3"]


def test_a_run_that_was_interrupted_is_paused_and_goes_on(agent: Open) -> None:
    effects: list[str] = []
    domain, pressed = letters(effects, "at least once"), [KeyboardInterrupt()]
    really = domain.commands["send"]

    def at_times(state: State, name: str) -> Any:
        if name == "b" and pressed:
            raise pressed.pop()
        return really(state, name)

    domain.command("send", delivery="at least once")(at_times)
    with pytest.raises(KeyboardInterrupt):
        agent().run(domain, LETTERS, State(sent={}), run_id=RUN)
    assert runs_of(agent).show(RUN).state is RunState.PAUSED
    assert agent().resume(RUN, domain=domain).state == State(sent={"a": 1, "b": 2, "c": 3})
    assert effects == ["a r/1.1", "b r/1.2", "c r/1.3"]


def test_a_state_that_cannot_be_written_down_is_said_and_the_run_ends_with_its_process(agent: Open) -> None:
    heard: list[str] = []
    one = agent(Listener(note=heard.append))
    report = one.run(letters([]), LETTERS, State(sent={}, far=float("inf")), run_id=RUN)
    assert report.run is not None and report.run.done
    assert [text for text in heard if text.startswith("this run cannot be resumed")]
    assert one.kept_run is None and not runs_of(agent).list()


def test_a_run_whose_step_left_what_cannot_be_written_down_cannot_be_gone_on_with(agent: Open) -> None:
    domain = letters([])

    def far(state: State, name: str) -> State:
        state.sent[name] = float("inf")
        return state

    domain.command("send")(far)
    begun(agent, domain, Fate(1, only="claim"))
    with pytest.raises(ExecutionError, match="the state of the run r is not known: send") as refused:
        agent().resume(RUN, domain=domain)
    assert refused.value.hints == ("run it again",)


PLACES = """
from htn import Domain, State
domain = Domain("places")

@domain.initial_state
def start():
    return State(sent={{}})

@domain.operator
def send(state, name):
    state.sent[name] = {value!r}
    return state

@domain.method("both")
def one_by_one(state):
    return [("send", "a"), ("send", {second!r})]
"""


def test_a_run_whose_domain_has_changed_keeps_what_was_done_and_plans_the_rest_anew(agent: Open, folder: Path) -> None:
    file = folder / "places.py"
    file.write_text(PLACES.format(value=1, second="b"))
    domain = load_domain(str(file))
    begun(agent, domain, Fate(1, only="claim"), [("both",)])
    file.write_text(PLACES.format(value=2, second="c"))
    heard: list[str] = []
    report = agent(Listener(note=heard.append)).resume(RUN)
    assert "the domain has changed since the run began: what is left is planned anew" in heard
    assert report.state == State(sent={"a": 1, "b": 2})  # the tasks that were left, as the domain does them by now
    assert len(runs_of(agent).show(RUN).plans) == 2


def sensing(seen: list[str]) -> Domain:
    """Whether the second letter is sent depends on a value that the first step finds out."""
    domain = Domain("sensing")

    @domain.operator
    def ask(state: State) -> State:
        from htn.unknown import Unknown  # noqa: PLC0415

        state.answer["post"] = Unknown("what the post says")
        return state

    @domain.command("ask")
    def really(state: State) -> State:
        seen.append("asked")
        state.answer["post"] = "yes"
        return state

    @domain.operator
    def send(state: State, name: str) -> State:
        state.sent[name] = True
        return state

    @domain.method("write")
    def if_they_say_so(state: State) -> list[Task]:
        return [("send", "a")] if state.answer["post"] == "yes" else []

    return domain


@pytest.mark.parametrize(
    "fate", [Fate(0, only="commit", late=True), Fate(1, only="planned"), Fate(1, only="claim")], ids=str
)
def test_a_run_in_stages_is_gone_on_with_in_the_stage_where_it_was_left(agent: Open, fate: Fate) -> None:
    seen: list[str] = []
    domain = sensing(seen)
    begun(agent, domain, fate, [("ask",), ("write",)], State(answer={}, sent={}))
    report = agent().resume(RUN, domain=domain)
    assert (report.run is not None and report.run.done, seen) == (True, ["asked"])
    assert report.state == State(answer={"post": "yes"}, sent={"a": True})


@pytest.mark.parametrize(
    "fate", [Fate(0, only="replan"), Fate(0, only="replan", late=True), Fate(1, only="planned"), Fate(1, only="claim")]
)
def test_a_run_whose_process_died_while_it_planned_around_a_broken_body_goes_on_without_it(
    agent: Open, fate: Fate
) -> None:
    one = agent(learn="never")
    knows(one, BREAKS)
    assert dies(fate, lambda: one.run(detours(), TICKED, state_of(detours()), run_id=RUN))
    report = agent().resume(RUN, domain=detours())
    assert report.run is not None and report.run.done
    assert [step.action.name for step in report.run.steps] == ["tick", "first_price", "pay", "tick"]
    assert report.state.paid == {"ticks": 2, "tea": True}


def test_a_place_that_two_steps_write_at_once_stops_a_kept_run_and_one_by_one_it_is_done(agent: Open) -> None:
    barrier = threading.Barrier(2, timeout=20)
    domain = letters([])

    def careless(state: State, name: str) -> State:
        if not barrier.broken:
            barrier.wait()
        state.last = name
        return state

    domain.command("send", delivery="at least once")(careless)
    tasks = LETTERS[:2]
    domain.operators["send"] = replace(domain.operators["send"], apply=lambda state, name: state)
    report = agent(parallel=2).run(domain, tasks, State(sent={}, last=""), run_id=RUN)
    assert report.run is not None and report.run.failed is not None
    assert "both touched last" in report.run.failed.detail
    barrier.abort()
    report = agent().resume(RUN, domain=domain)
    assert report.run is not None and report.run.done


def test_a_log_that_was_spoiled_by_hand_is_told_with_its_place(agent: Open) -> None:
    begun(agent, letters([]), Fate(1, only="claim"))
    one = agent()
    one.store.runs().append(RUN, '{"kind":"finish","step":"7.1","writes":[]}')
    place = one.store.runs().events(RUN)[-1][0]
    with pytest.raises(ExecutionError, match=f"the log of the run r is spoiled at {place}"):
        agent().resume(RUN, domain=letters([]))
    with pytest.raises(ExecutionError, match="is spoiled at"):
        Runs(one.store).show(RUN)


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"no": "kind"}'])
def test_an_event_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ExecutionError, match="the log of the run is spoiled at 1-0"):
        Logged.read("1-0", text)


def woven(graph: list[list[int]], effects: Counter[str]) -> Domain:
    """Steps of which each adds up what those gave that it needs; `effects` counts by key what was seen outside."""
    domain = Domain("woven")

    def work(state: State, at: int) -> State | None:
        if any(one not in state.made for one in graph[at]):
            return None
        state.made[at] = at + 1 + 3 * sum(state.made[one] for one in graph[at])
        return state

    def seen(state: State, at: int) -> State | None:
        effects[idempotency_key()] += 1
        return work(state, at)

    domain.operator(work)
    domain.command("work", delivery="at least once")(seen)
    return domain


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 9))
    return [sorted(draw(st.sets(st.integers(0, at - 1), max_size=3))) if at else [] for at in range(size)]


def expected(graph: list[list[int]]) -> dict[int, int]:
    made: dict[int, int] = {}
    for at, needs in enumerate(graph):
        made[at] = at + 1 + 3 * sum(made[one] for one in needs)
    return made


def work_of(graph: list[list[int]]) -> list[Task]:
    return [("work", at) for at in range(len(graph))]


@given(graphs(), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_steps_at_the_same_time_lead_where_they_lead_one_by_one(graph: list[list[int]], parallel: int) -> None:
    effects: Counter[str] = Counter()
    domain, state = woven(graph, effects), State(made={})
    plan = find_plan(domain, state, work_of(graph))
    assert isinstance(plan, Plan)
    run = Actor(domain, nothing, nothing, SandboxLimits(), parallel=parallel).act(plan, state, journal=MemoryJournal())
    assert run.done and state == State(made=expected(graph))
    assert set(effects.values()) == {1} and len(effects) == len(graph)


@pytest.fixture(scope="module")
def long_lived() -> Iterator[Agent]:
    """One store for many runs."""
    folder = Path(tempfile.mkdtemp(prefix="htn-"))
    with Agent(
        Settings.load(data_dir=folder, sandbox="lockdown", model="ollama:scripted", lease_seconds=0.5)
    ) as opened:
        yield opened
    shutil.rmtree(folder, ignore_errors=True)


@given(graphs(), st.integers(1, 4), st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=3))
@settings(max_examples=30, deadline=None)
def test_wherever_its_processes_die_a_run_comes_to_the_same_end_and_each_step_commits_once(
    long_lived: Agent, graph: list[list[int]], parallel: int, deaths: list[tuple[int, bool]]
) -> None:
    effects: Counter[str] = Counter()
    domain, run_id = woven(graph, effects), uuid.uuid4().hex
    chosen = long_lived.settings.model_copy(update={"parallel": parallel})
    runs, known = Runs(long_lived.store), False

    def go() -> object:
        with Agent(chosen) as one:
            one.__dict__["store"] = long_lived.store
            if known:
                return one.resume(run_id, domain=domain)
            return one.run(domain, work_of(graph), State(made={}), run_id=run_id)

    for calls, late in [*deaths, (10**9, False)]:
        if known and runs.show(run_id).ended:
            break
        dies(Fate(calls, late=late), go)
        known = any(run.id == run_id for run in runs.list(1000))
    assert runs.show(run_id).state is RunState.DONE
    assert runs.state(run_id) == State(made=expected(graph))
    finished = Counter(e.data["step"] for e in runs.events(run_id) if e.kind == "finish")
    assert finished == Counter(f"1.{at + 1}" for at in range(len(graph)))
    assert set(effects) == {f"{run_id}/{step}" for step in finished}
