"""How fast questions are put: at most so many in any minute, and nobody waits for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model import CallBudget, LocalTurns, Pace
from executor.model.standin import StandIn
from htn.errors import LimitReached, UsageError
from tests.model.questions import QUESTION, RIGHT, Sum, model_of, script


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.integers(1, 5), st.lists(st.floats(0, 70), min_size=1, max_size=30))
def test_no_minute_has_more_requests_than_allowed(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    pace = Pace(LocalTurns(per_minute, clock), patience=120, sleep=clock.sleep)
    went: list[float] = []
    for pause in pauses:
        clock.now += pause
        pace.wait("a")
        went.append(clock.now)
    for first, later in zip(went, went[per_minute:], strict=False):
        assert later - first >= 60 - 1e-6


@given(st.integers(1, 5))
def test_as_many_as_allowed_go_out_at_once(per_minute: int) -> None:
    clock = Clock()
    pace = Pace(LocalTurns(per_minute, clock), patience=0, sleep=clock.sleep)
    for _ in range(per_minute):
        pace.wait("a")
    assert clock.now == 1000
    with pytest.raises(LimitReached, match="another 60 s") as caught:
        pace.wait("adding")
    assert caught.value.where == "the call for adding"


def test_a_request_that_had_no_turn_is_no_call_and_costs_nothing() -> None:
    class Never:
        def take(self) -> float:
            return 1e6

    budget = CallBudget(1)
    with StandIn(script(RIGHT)) as server:
        model = model_of("ollama", server.endpoint, budget=budget, turns=Never())
        with pytest.raises(LimitReached, match="no request may go"):
            model.ask(QUESTION, Sum, purpose="a")
        assert server.requests == ()
    assert model.calls == () and budget.remaining == 1


def test_a_model_takes_its_turns_where_a_number_is_set() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_of("ollama", server.endpoint, requests_per_minute=2, timeout=5.0)
        model.ask(QUESTION, Sum, purpose="a")
        model.ask(QUESTION, Sum, purpose="a")
        with pytest.raises(LimitReached, match="no request may go"):
            model.ask(QUESTION, Sum, purpose="a")
        assert len(server.requests) == 2


def test_no_request_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one request"):
        LocalTurns(0)
