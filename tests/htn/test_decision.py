"""Somebody may choose which method is tried first; a choice never makes a plan wrong, nor one that there is not."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htn import find_plan
from htn.decided import Option, decided_by
from htn.decision import Decision
from htn.domain import Domain
from htn.errors import DomainError, UsageError
from htn.failure import Failure
from htn.levels import Level, Mode
from htn.network import Task
from htn.plan import Plan
from htn.state import State
from htn.unknown import Unknown
from htn.verify import verify_plan

Asked = list[tuple[Decision, Task, tuple[Option, ...]]]
WAYS = ("on_foot", "by_bus", "by_taxi")


def travel() -> Domain:
    """Three ways to travel; a bus needs a ticket, a taxi money, and who is ill cannot walk."""
    domain = Domain("travel")
    domain.decision("travel", "Which way suits the weather?", about=["weather"])

    @domain.operator
    def go(state: State, who: str, how: str) -> State:
        state.went[who] = how
        return state

    @domain.operator
    def arrive(state: State, who: str) -> State | None:
        return state if state.went.get(who) in state.open else None

    @domain.method("travel")
    def on_foot(state: State, who: str) -> list[Task] | None:
        """Walk."""
        return None if state.ill else [("go", who, "foot"), ("arrive", who)]

    @domain.method("travel")
    def by_bus(state: State, who: str) -> list[Task] | None:
        """Take the bus."""
        return [("go", who, "bus"), ("arrive", who)] if state.ticket else None

    @domain.method("travel")
    def by_taxi(state: State, who: str) -> Any:
        """Take a taxi."""
        if state.money > 10:
            yield [("go", who, "taxi"), ("arrive", who)]

    return domain


def start(*, ill: bool = False, ticket: bool = True, money: int = 20, ways: str = "foot bus taxi") -> State:
    return State(went={}, ill=ill, ticket=ticket, money=money, open=tuple(ways.split()), weather="rain")


def choosing(name: str | None, asked: Asked | None = None) -> Callable[..., str | None]:
    def choose(decision: Decision, task: Task, state: State, options: tuple[Option, ...]) -> str | None:
        if asked is not None:
            asked.append((decision, task, options))
        return name

    return choose


def method_of(result: Plan | Failure) -> str | None:
    assert isinstance(result, Plan), result.explain()
    return result.nodes[0].method


def test_what_is_chosen_is_tried_first_and_asked_with_what_applies() -> None:
    asked: Asked = []
    domain = travel()
    result = find_plan(decided_by(domain, choosing("by_taxi", asked)), start(ticket=False), [("travel", "ann")])
    assert method_of(result) == "by_taxi"
    ((decision, task, options),) = asked
    assert decision == Decision("travel", "Which way suits the weather?", ("weather",))
    assert task == ("travel", "ann")
    assert list(map(str, options)) == ["Walk.: go(ann, foot), arrive(ann)", "Take a taxi.: go(ann, taxi), arrive(ann)"]


def test_nobody_is_asked_where_one_method_applies_or_none() -> None:
    asked: Asked = []
    domain = decided_by(travel(), choosing(None, asked))
    assert method_of(find_plan(domain, start(ill=True, ticket=False), [("travel", "ann")])) == "by_taxi"
    assert isinstance(find_plan(domain, start(ill=True, ticket=False, money=0), [("travel", "ann")]), Failure)
    assert asked == []


def test_nobody_is_asked_where_it_depends_on_what_only_execution_can_know() -> None:
    asked: Asked = []
    state = start()
    state.ticket = Unknown("whether there is a ticket")
    find_plan(decided_by(travel(), choosing("by_taxi", asked)), state, [("travel", "ann")])
    assert asked == []


def test_a_domain_without_decisions_is_left_as_it_is() -> None:
    domain = travel()
    domain.decisions = ()
    assert decided_by(domain, choosing("by_taxi")) is domain


@settings(deadline=None)
@given(
    st.sampled_from([*WAYS, None, "by_rocket"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 20]),
    st.sets(st.sampled_from(["foot", "bus", "taxi"])),
)
def test_a_decision_never_changes_whether_there_is_a_plan_and_every_plan_is_right(
    chosen: str | None, ill: bool, ticket: bool, money: int, ways: set[str]
) -> None:
    domain, state = travel(), start(ill=ill, ticket=ticket, money=money, ways=" ".join(sorted(ways)))
    without = find_plan(domain, state, [("travel", "ann")])
    decided = find_plan(decided_by(domain, choosing(chosen)), state, [("travel", "ann")])
    assert isinstance(decided, Plan) == isinstance(without, Plan)
    if isinstance(decided, Plan):
        assert verify_plan(domain, state, decided) == ()
        applies = {"on_foot": not ill, "by_bus": ticket, "by_taxi": money > 10}
        leads = {name for name, way in zip(WAYS, ("foot", "bus", "taxi"), strict=True) if applies[name] and way in ways}
        # The naive rule: the chosen one where it leads there, else the first in the declared order that does.
        expected = chosen if chosen in leads and sum(applies.values()) > 1 else next(n for n in WAYS if n in leads)
        assert method_of(decided) == expected


def test_a_decision_about_a_task_without_methods_is_refused_when_the_domain_is_used() -> None:
    domain = travel()
    domain.decision("travle", "Which?")
    with pytest.raises(DomainError, match="a decision about travle, which has no methods") as refused:
        domain.check()
    assert refused.value.hints == ("did you mean travel?",)


def test_a_domain_says_how_it_is_acted_in() -> None:
    domain = travel()
    domain.acting(level="intelligent")
    domain.acting(mode="strict")
    assert (domain.level, domain.mode) == (Level.INTELLIGENT, Mode.STRICT)
    with pytest.raises(UsageError, match="is no mode of acting") as refused:
        domain.acting(mode="strikt")
    assert refused.value.hints == ("did you mean strict?",)
