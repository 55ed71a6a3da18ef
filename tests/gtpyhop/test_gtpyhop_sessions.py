"""Sessions: answers as data, limits, and threads that see nothing of each other."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import htn.gtpyhop as gtpyhop
from htn.gtpyhop import Domain, PlannerSession, State


def counting(amount: int, name: str = "counting") -> Domain:
    """Return a domain that counts in steps of `amount`."""
    domain = Domain(name)

    def step(state: State) -> State:
        # What holds for the session is what the domain's functions see.
        assert gtpyhop.current_domain is domain
        state.n["done"] += amount
        state.log.append(gtpyhop.verbose)
        return state

    def go_on(state: State, until: int) -> list[Any]:
        return [("step",), ("count", until)] if state.n["done"] < until else []

    gtpyhop.declare_actions(step)
    gtpyhop.declare_task_methods("count", go_on)
    return domain


def start() -> State:
    return State("start", n={"done": 0}, log=[])


def ticking(step: float) -> Callable[[], float]:
    """Return a clock that goes on by `step` seconds each time it is read."""

    def times() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += step

    clock = times()
    return lambda: next(clock)


def test_a_result_tells_the_plan_or_why_there_is_none() -> None:
    domain = counting(1)
    with PlannerSession("mine", domain=domain, strategy="recursive_dfs") as session:
        good = session.find_plan(start(), [("count", 3)])
        bad = session.find_plan(start(), [("step", "too", "many")])

    assert good
    assert (good.plan, good.error, good.session_id) == ([("step",)] * 3, None, "mine")
    assert good.stats["strategy"] == "recursive_dfs"
    assert good.stats["expansions"] == 7
    assert not bad
    assert bad.plan == []
    assert bad.error is not None
    assert "step does not take" in bad.error
    assert session.get_stats()["plans_generated"] == session.get_stats()["errors"] == 1


def test_a_failure_explains_itself_with_the_line_that_refused() -> None:
    domain = Domain("shop")

    def pay(state: State, price: int) -> State | None:
        if state.cash >= price:
            state.cash -= price
            return state
        return None

    gtpyhop.declare_actions(pay)

    result = PlannerSession(domain=domain).find_plan(State("poor", cash=3), [("pay", 5)])

    assert result.error == "No plan found"
    assert result.failure is not None
    assert "if state.cash >= price:" in result.failure.explain()


def test_a_session_sees_its_own_settings_and_leaves_all_others_as_they_were() -> None:
    ours, other = counting(1, "ours"), counting(1, "other")
    with PlannerSession(domain=ours, verbose=0).isolated_execution() as session:
        gtpyhop.verbose = 2
        assert gtpyhop.current_domain is ours
        assert session.find_plan(start(), [("count", 1)])
        made_inside = Domain("inside")
        assert gtpyhop.current_domain is made_inside
    assert gtpyhop.current_domain is other
    assert gtpyhop.verbose == 0


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Let threads take turns after microseconds, so that what they share is shared at the worst moments."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless_threads")
def test_threads_with_sessions_of_their_own_never_disturb_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """In GTPyhop two threads with a session each spoil 11 and 39 of 120 plans."""
    threads, rounds = 6, 40
    domains = [counting(amount, f"by {amount}") for amount in range(1, threads + 1)]
    together = threading.Barrier(threads)
    wrong: list[str] = []

    def work(number: int) -> None:
        together.wait()
        for turn in range(rounds):
            session = PlannerSession(domain=domains[number], strategy=gtpyhop.settings.STRATEGIES[turn % 3])
            result = session.find_plan(start(), [("count", 60)])
            acted = session.run_lazy_lookahead(start(), [("count", 60)])
            if result.plan != [("step",)] * (60 // (number + 1)) or result.error:
                wrong.append(f"{number}: {result.error or result.plan}")
            if not acted or acted.final_state is None or acted.final_state.n != {"done": 60}:
                wrong.append(f"{number}: {acted.error}")
            if gtpyhop.current_domain is not domains[-1]:
                wrong.append(f"{number}: the process has another domain")

    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()

    assert wrong == []
    assert capsys.readouterr().out == ""


def test_a_timeout_of_milliseconds_stops_the_search() -> None:
    """GTPyhop rounds it up to a second, and its iterative strategies may swallow it."""
    session = PlannerSession(domain=counting(0), clock=ticking(0.001))

    result = session.find_plan(start(), [("count", 1)], timeout_ms=20)

    assert not result.success
    assert result.error == "Planning timeout: stopped after 20 ms"
    assert session.get_stats()["timeouts"] == 1


def test_a_timeout_holds_in_a_thread_that_is_not_the_main_one() -> None:
    """GTPyhop sets an alarm, which only the main thread may do."""
    domain, errors = counting(0), []

    def work() -> None:
        session = PlannerSession(domain=domain, clock=ticking(0.001))
        errors.append(session.find_plan(start(), [("count", 1)], timeout_ms=20).error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert errors == ["Planning timeout: stopped after 20 ms"]


def test_a_plan_that_is_found_in_time_is_not_spoilt_by_its_timeout() -> None:
    assert PlannerSession(domain=counting(1)).find_plan(start(), [("count", 3)], timeout_ms=60_000).success


@pytest.mark.parametrize(("allowed", "enough"), [(6, False), (7, True)])
def test_the_limit_of_expansions_is_exact(allowed: int, enough: bool) -> None:
    """GTPyhop takes `max_expansions` and does not look at it."""
    result = PlannerSession(domain=counting(1)).find_plan(start(), [("count", 3)], max_expansions=allowed)

    assert result.success is enough
    assert (result.error is None) is enough
    assert enough or result.error == "Planning error: stopped after 6 expansions"


def test_a_session_acts_with_commands() -> None:
    """GTPyhop's sessions look for a command with the action's own name, so they never run c_ commands."""
    domain, acted = counting(1), []

    def c_step(state: State) -> State:
        acted.append("c_step")
        state.n["done"] += 1
        return state

    gtpyhop.declare_commands(c_step)
    before = start()

    result = PlannerSession(domain=domain).run_lazy_lookahead(before, [("count", 2)])

    assert result
    assert acted == ["c_step", "c_step"]
    assert (result.executed_actions, result.tries_used) == ([("step",), ("step",)], 2)
    assert result.final_state is not None
    assert result.final_state.n == {"done": 2}
    assert before == start()


def test_acting_that_cannot_finish_says_so() -> None:
    """GTPyhop's sessions report success, whatever was done."""
    domain = counting(1)

    def c_step(state: State) -> None:
        return None

    gtpyhop.declare_commands(c_step)
    session = PlannerSession(domain=domain)

    assert session.run_lazy_lookahead(start(), [("count", 2)], max_tries=3).error == "Too many tries"
    assert session.run_lazy_lookahead(start(), [("step", "x")]).error is not None
    stopped = PlannerSession(domain=domain, clock=ticking(1)).run_lazy_lookahead(start(), [("count", 2)], timeout_ms=5)
    assert stopped.error == "Execution timeout: stopped after 5 ms"


def test_a_trace_holds_every_attempt_with_its_state() -> None:
    domain = Domain("traced")

    def take(state: State, what: str) -> State | None:
        if what in state.here:
            state.here.remove(what)
            return state
        return None

    def first(state: State) -> list[Any]:
        return [("take", "a"), ("take", "a")]

    def never(state: State) -> None:
        return None

    def last(state: State) -> list[Any]:
        return [("take", "b")]

    gtpyhop.declare_actions(take)
    gtpyhop.declare_task_methods("get", first, never, last)

    result = PlannerSession(domain=domain).find_plan(State("s", here=["a", "b"]), [("get",)], trace_state=True)

    assert result.plan == [("take", "b")]
    assert result.trace is not None
    assert [(event.item[0], event.status, event.depth) for event in result.trace.events] == [
        ("get", "method_applicable", 0),
        ("take", "applied", 0),
        ("take", "not_applicable", 1),
        ("get", "method_not_applicable", 0),
        ("get", "method_applicable", 0),
        ("take", "applied", 0),
    ]
    dead_end = result.trace.dead_end
    assert dead_end is not None
    assert dead_end.item == ("take", "a")
    assert dead_end.state is not None
    assert dead_end.state.here == ["b"]
    assert result.trace.applied_before_dead_end == 1


def test_sessions_are_found_again_by_their_names() -> None:
    made = gtpyhop.create_session("by name", domain=counting(1))
    assert gtpyhop.get_session("by name") is made
    assert "by name" in gtpyhop.list_sessions()
    assert gtpyhop.destroy_session("by name")
    with pytest.raises(ValueError, match="no session"):
        gtpyhop.get_session("by name")


def test_an_unknown_strategy_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match="no strategy 'recursive_dsf'") as caught:
        PlannerSession(strategy="recursive_dsf")
    assert "did you mean recursive_dfs?" in caught.value.explain()  # type: ignore[attr-defined]  # it is ours too
    gtpyhop.reset_planning_strategy()
    with pytest.raises(Exception, match="no planning strategy is set"):
        gtpyhop.find_plan(start(), [])
