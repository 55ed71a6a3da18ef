"""Which step of a plan may be carried out when; a schedule under which some never could is refused."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.schedule import Schedule
from htn.errors import ExecutionError

Before = list[set[int]]


@st.composite
def acyclic(draw: st.DrawFn) -> Before:
    count = draw(st.integers(1, 12))
    return [draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set() for at in range(count)]


@given(acyclic(), st.data())
def test_a_step_is_begun_when_all_before_it_are_done_and_the_first_in_the_plan_comes_first(
    before: Before, data: st.DataObject
) -> None:
    schedule, done, running = Schedule(before), set[int](), set[int]()
    while len(done) < len(before):
        ready = [at for at, those in enumerate(before) if at not in done | running and those <= done]
        if ready and (not running or data.draw(st.booleans())):
            assert schedule.ready == len(ready)
            assert schedule.next() == ready[0]
            running.add(ready[0])
        else:
            step = data.draw(st.sampled_from(sorted(running)))
            schedule.done(step)
            running.remove(step)
            done.add(step)
    assert (schedule.next(), schedule.left) == (None, set())


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n)))
def test_a_schedule_is_refused_exactly_when_its_graph_has_a_circle(before: Before) -> None:
    graph = nx.DiGraph([(one, step) for step, those in enumerate(before) for one in those])
    if nx.is_directed_acyclic_graph(graph):
        Schedule(before)
    else:
        with pytest.raises(ExecutionError, match=r"can never begin: steps .* wait for each other"):
            Schedule(before)


def test_a_step_that_waits_for_one_that_there_is_not_is_found_at_once() -> None:
    with pytest.raises(ExecutionError, match="step 1 waits for step 8, which there is not"):
        Schedule([{7}])


def test_what_was_done_before_is_not_begun_again() -> None:
    schedule = Schedule([set(), {0}, {1}], done=[0])
    assert (schedule.next(), schedule.next()) == (1, None)


def test_a_step_that_was_put_back_is_begun_again() -> None:
    schedule = Schedule([set(), set()])
    assert schedule.next() == 0
    schedule.put_back(0)
    assert (schedule.next(), schedule.next()) == (0, 1)
