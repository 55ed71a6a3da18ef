"""Whether tasks were carried out in an order that a network allows."""

from itertools import permutations
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from htn.network import TaskNetwork, sequence, unordered
from htn.order import Span, fits
from htn.replay import form
from tests.htn.random_networks import networks

tasks = st.sampled_from([("a",), ("b",), ("c",)])


def leaves_of(part: Any, path: tuple[tuple[int, bool], ...] = ()) -> list[tuple[Any, tuple[tuple[int, bool], ...]]]:
    """Return the tasks, each with the way to it: at every network which part it is in, and whether it is ordered."""
    if not isinstance(part, TaskNetwork):
        return [(part, path)]
    return [leaf for at, inner in enumerate(part.parts) for leaf in leaves_of(inner, (*path, (at, part.ordered)))]


def must_precede(one: tuple[tuple[int, bool], ...], other: tuple[tuple[int, bool], ...]) -> bool:
    """Say whether the first network in which two ways part is ordered, and the one comes first there."""
    for (at, ordered), (there, _) in zip(one, other, strict=False):
        if at != there:
            return ordered and at < there
    return False


def fits_plainly(network: TaskNetwork, spans: list[Span]) -> bool:
    leaves = leaves_of(network)
    return len(leaves) == len(spans) and any(
        all(form(task) == span.task for (task, _), span in zip(leaves, chosen, strict=True))
        and all(
            span.end <= later.begin
            for (_, way), span in zip(leaves, chosen, strict=True)
            for (_, other), later in zip(leaves, chosen, strict=True)
            if must_precede(way, other)
        )
        for chosen in permutations(spans)
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[TaskNetwork, list[Span]]:
    network = TaskNetwork(tuple(draw(st.lists(networks(tasks), max_size=3))))
    done = draw(st.permutations([task for task, _ in leaves_of(network)]).map(lambda order: order[:6]))
    if draw(st.booleans()):
        done = [task for task, _ in leaves_of(network)][:6]
    spans: list[Span] = []
    for at, task in enumerate(done):
        spans.append(Span(form(task), 2 * at, 2 * at + draw(st.sampled_from([1, 1, 2, 3, 5]))))
    return network, spans


@given(cases())
def test_it_is_what_trying_every_assignment_of_tasks_to_leaves_gives(case: tuple[TaskNetwork, list[Span]]) -> None:
    network, spans = case
    expected = fits_plainly(network, spans)
    event(f"{expected}")
    assert fits(network.parts, spans) is expected


def spans(*names: str) -> list[Span]:
    return [Span(form((name,)), at, at + 1) for at, name in enumerate(names)]


def test_a_long_sequence_is_looked_at_task_by_task() -> None:
    count = 20_000
    assert fits([("a",)] * count, spans(*["a"] * count))
    assert not fits([("a",)] * count, spans(*["a"] * (count - 1), "b"))


def test_the_same_network_object_at_two_places_is_two_networks() -> None:
    twice = unordered(("a",), ("b",))
    assert fits([twice, twice], spans("a", "b", "b", "a"))
    assert not fits([twice, twice], spans("a", "a", "b", "b"))


def test_too_many_ways_to_tell_are_given_up() -> None:
    threads = [sequence(("a",), ("a",), (f"end{at}",)) for at in range(8)]
    ends = [f"end{at}" for at in range(8)]
    assert fits([unordered(*threads)], spans(*["a"] * 15, *ends, "a")) is None
    assert fits([unordered(*threads)], spans(*["a"] * 16, *ends)) is True
