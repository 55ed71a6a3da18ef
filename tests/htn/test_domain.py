"""Declaring what is known, and asking for it."""

from typing import Any

import pytest

from domains.travel import travel
from htn.domain import Arity, Domain, Operator
from htn.errors import DomainError, UsageError


def small() -> Domain:
    domain = Domain("small")

    @domain.operator
    def step(state: Any, at: int, to: int = 0) -> Any:
        """Go one step."""
        return state

    @domain.method("walk")
    def by_steps(state: Any, *places: int) -> Any:
        return [("step", place) for place in places]

    domain.declare("fly", {"where": "string", "how": {"enum": ["fast", "slow"]}}, "Fly there.")
    return domain


def named(name: str) -> Any:
    def function(state: Any) -> Any:
        return state

    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("declare", "complaint"),
    [
        (lambda d: d.operator(named("step")), "has an operator step already"),
        (lambda d: d.operator(named("walk")), "walk is a task with methods"),
        (lambda d: d.declare("step", {}, ""), "has an operator step already"),
        (lambda d: d.declare("walk", {}, ""), "walk is a task with methods"),
        (lambda d: d.method("step")(named("m")), "step is an operator of small"),
        (lambda d: d.method("walk")(named("by_steps")), "walk has a method by_steps already"),
        (lambda d: d.command("stepp")(named("c")), "stepp has a command but is no operator"),
        (lambda d: d.command("walk")(named("c")), "walk has a command but is no operator"),
        (lambda d: d.declare("x; import os", {}, ""), "not a usable name"),
        (lambda d: d.declare("swim", {"a": "fish"}, ""), "has type 'fish'"),
        (lambda d: d.variable("class"), "not a usable name"),
        (lambda d: d.variable("depth", {"type": "metres"}), "has type 'metres'"),
        (lambda d: Domain("../x"), "not a usable name"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_meant_says_why(declare: Any, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        declare(small())


def test_a_command_for_an_operator_that_was_mistyped_suggests_the_right_one() -> None:
    with pytest.raises(DomainError) as caught:
        small().command("stepp")(named("c"))
    assert caught.value.hints == ("did you mean step?",)


def test_what_is_declared_carries_its_description_and_types() -> None:
    domain = small()
    assert domain.operators["step"].description == "Go one step."
    assert [str(p) for p in domain.operators["fly"].parameters] == ["where: text", 'how: "fast" or "slow"']
    assert domain.operators["fly"].apply is None


@pytest.mark.parametrize(
    ("task", "hints"),
    [
        (("wlak", 1), ("did you mean walk?",)),
        (("xyzzy",), ("it has fly, step, walk",)),
        (("step",), ("write step(at, to)",)),
        (("step", 1, 2, 3), ("write step(at, to)",)),
        (("fly", "home"), ("write fly(where, how)",)),
    ],
)
def test_a_task_that_was_mistyped_is_answered_with_the_right_form(
    task: tuple[Any, ...], hints: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        small().check_typed(task)
    assert caught.value.hints == hints


@pytest.mark.parametrize("task", [("step", 1), ("step", 1, 2), ("walk",), ("walk", 1, 2, 3), ("fly", "home", "fast")])
def test_a_task_that_somebody_knows_is_accepted(task: tuple[Any, ...]) -> None:
    small().check_typed(task)


def test_a_method_for_a_task_with_other_arity_is_refused_when_it_is_declared() -> None:
    domain = small()
    domain.method("rest")(named("shortly"))
    with pytest.raises(DomainError, match=r"takes \(hours\), but rest has methods that take \(\)"):
        domain.method("rest")(lambda state, hours: [])


def test_methods_of_a_task_may_take_further_arguments_that_others_do_not() -> None:
    domain = small()
    domain.method("rest")(named("shortly"))
    domain.method("rest")(lambda state, hours=8: [])
    domain.check_typed(("rest",))
    domain.check_typed(("rest", 3))
    with pytest.raises(UsageError) as caught:
        domain.check_typed(("rest", 3, 4))
    assert caught.value.hints == ("write rest() or rest(hours)",)


def operator(name: str) -> Operator:
    return Operator(name, Arity((), 0), named(name), version="v1")


def test_a_learned_operator_closes_a_gap_and_replaces_nothing_that_was_written() -> None:
    domain = small()
    larger = domain.extended_by([operator("step"), operator("walk"), operator("fly"), operator("swim")])
    learned = {name for name, known in larger.operators.items() if known.is_learned}
    assert learned == {"fly", "swim"}
    assert larger.operators["step"] is domain.operators["step"]


def test_extending_a_domain_leaves_it_as_it_was() -> None:
    domain = small()
    domain.extended_by([operator("swim")])
    assert not domain.knows("swim")


def test_examples_belong_to_their_operator() -> None:
    domain = small()
    domain.example("fly", "home", "fast", given={"loc": {"me": "park"}}, then={"loc": {"me": "home"}})
    assert [example.arguments for example in domain.examples_of("fly")] == [("home", "fast")]
    assert domain.examples_of("step") == ()


def test_the_bundled_domain_starts_in_a_state_with_its_declared_variables() -> None:
    assert travel.make_state is not None
    assert set(travel.make_state()) == set(travel.variables)
