"""Declaring what is known, and asking for it."""

from typing import Any

import pytest

from domains.travel import travel
from htn.domain import Arity, Domain, Example, Operator
from htn.errors import DomainError, UsageError
from htn.state import State


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


def with_example(*arguments: Any, of: str = "fly", **said: Any) -> Domain:
    """The example stands before what it is an example of."""
    domain = Domain("small")
    domain.example(of, *arguments, given=said.get("given", {}), then=said.get("then", {}))
    domain.variable("loc", "string")
    domain.variable("route", {"type": "array", "items": {"type": "string"}})
    domain.operators |= small().operators
    return domain


MISTAKEN: dict[str, tuple[Domain, str, tuple[str, ...]]] = {
    "a misspelt operator": (
        with_example("home", "fast", of="fyl"), "an example of fyl, which is no operator", ("did you mean fly?",),
    ),
    "a task with methods": (with_example(of="walk"), "an example of walk, which is no operator", ()),
    "an argument too few": (with_example("home"), "an example of fly has 1 arguments", ("it takes (where, how)",)),
    "an argument of another type": (
        with_example("home", "often"), "how is 'often', not one of 'fast', 'slow'",
        ('fly is declared with how: "fast" or "slow"',),
    ),
    "an unknown variable before": (
        with_example("home", "fast", given={"lok": {}}), "names lok, which is no state variable",
        ("did you mean loc?",),
    ),
    "an unknown variable after": (with_example("home", "fast", then={"x": 1}), "names x, which is no", ()),
    "a value of another type": (
        with_example("home", "fast", then={"loc": {"me": 3}}), r"loc\[me\] is 3, not text", (),
    ),
    "a plain value of another type": (with_example("home", "fast", given={"loc": 3}), "loc is 3, not text", ()),
}  # fmt: skip


@pytest.mark.parametrize(("domain", "why", "hints"), MISTAKEN.values(), ids=MISTAKEN)
def test_an_example_that_cannot_be_meant_is_said_when_the_domain_is_used(
    domain: Domain, why: str, hints: tuple[str, ...]
) -> None:
    with pytest.raises(DomainError, match=why) as caught:
        domain.check()
    assert caught.value.hints == hints


def test_an_example_may_stand_before_its_operator_and_name_what_only_the_state_has() -> None:
    said: dict[str, Any] = {
        "given": {"loc": {"me": "park"}, "day": 3, "route": {"me": ["a"]}},
        "then": {"loc": {"me": State.ABSENT}},
    }
    with_example("home", "fast", **said).check(State(day=1))
    with pytest.raises(DomainError, match="names day"):
        with_example("home", "fast", **said).check()


def test_a_domain_that_declares_no_variables_lets_examples_name_any() -> None:
    domain = small()
    domain.example("fly", "home", "fast", given={}, then={"loc": {"me": "home"}})
    domain.check()


def test_an_example_knows_what_it_does_not_name() -> None:
    said = Example("f", (), {"a": {"x": 1}, "b": 2}, {"a": {"x": 3}})
    assert said.beyond({("a", "x"): 5, ("b", None): 2, ("a", "y"): State.ABSENT}) == {}
    extra = {("b", None): 3, ("a", "y"): 1, ("b", "z"): 0}
    assert said.beyond(extra) == extra
    assert said.beyond({("b", None): State.ABSENT}) == {("b", None): State.ABSENT}


def test_an_example_is_written_with_what_is_gone() -> None:
    said = Example("f", (("a", 1),), {"a": {"x": 1, "y": 2}, "b": 2}, {"a": {"x": State.ABSENT}, "b": State.ABSENT})
    assert said.to_json() == {
        "arguments": [{"$tuple": ["a", 1]}],
        "given": {"a": {"x": 1, "y": 2}, "b": 2},
        "then": {},
        "gone": [["a", "x"], ["b", None]],
    }
    assert "gone" not in Example("f", (), {}, {"a": {"x": 1}}).to_json()
