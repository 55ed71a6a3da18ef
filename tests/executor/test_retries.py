"""What may pass is tried again, as often as the count allows that all processes share, and nothing else is."""

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import pytest

from executor.actor import Actor
from executor.begun import Begun
from executor.library import Library
from executor.retries import Retries, step_id, workflow_id
from executor.run import Event, Run
from executor.sandbox import Outcome, Program, Sandbox, SandboxLimits
from executor.schedule import Order
from executor.store import Store
from htn.domain import Domain
from htn.errors import ExecutionError, ServiceMissing, UsageError
from htn.plan import Decomposition, Plan
from htn.state import State
from tests.executor.shop import LARGEST, RIGHT, contract, shop, state_of, total_is
from tests.executor.test_library import entry

Command = Callable[..., Any]


def plan_of(*tasks: tuple[Any, ...], version: str | None = None) -> Plan:
    return Plan("d", tasks, tuple(Decomposition(task, None, None, version) for task in tasks))


def sending(command: Command, *, retry: bool) -> Domain:
    """A domain whose one action is carried out by this command."""
    domain = Domain("d")

    @domain.operator
    def send(state: State, text: str) -> State:
        return state

    domain.command("send", retry=retry)(command)
    return domain


class Post:
    """A command that raises so many times, then does its work."""

    def __init__(self, failures: int, error: Callable[[], BaseException] = lambda: OSError("no line")) -> None:
        self.failures, self.tries, self.error = failures, 0, error

    def __call__(self, state: State, text: str) -> State:
        self.tries += 1
        state.sent[text] = self.tries
        if self.tries <= self.failures:
            raise self.error()
        return state


@dataclasses.dataclass
class Acted:
    run: Run
    state: State
    events: list[Event]
    slept: list[float]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def act(domain: Domain, retries: Retries | None, *, run_id: str | None = None) -> Acted:
    events: list[Event] = []
    slept: list[float] = []
    state = State(sent={})
    given = None if retries is None else (lambda: retries)
    actor = Actor(domain, unused, unused, SandboxLimits(), retries=given, sleep=slept.append)
    run = actor.act(plan_of(("send", "x"), ("send", "y")), state, events.append, run_id=run_id)
    return Acted(run, state, events, slept)


def unused() -> Any:
    raise AssertionError("a plan of written operators opens neither")


def test_a_command_that_may_be_repeated_is_tried_again_and_its_half_done_change_is_undone(store: Store) -> None:
    post = Post(2)
    done = act(sending(post, retry=True), Retries(store))
    assert done.kinds == ["start", "retry", "start", "retry", "start", "finish", "start", "finish"]
    assert [step.retries for step in done.run.steps] == [2, 0]
    assert done.state == State(sent={"x": 3, "y": 4})
    assert done.events[1].detail == "send raised OSError: no line"
    assert done.slept == sorted(set(done.slept))  # longer each time


def test_it_is_tried_as_often_as_allowed_and_then_the_step_fails_and_says_so(store: Store) -> None:
    post = Post(100)
    done = act(sending(post, retry=True), Retries(store, 3))
    assert post.tries == 4
    assert [str(step.state) for step in done.run.steps] == ["failed", "pending"]
    assert done.run.failed is not None and done.run.failed.trouble is not None
    assert done.run.failed.detail == "send raised OSError: no line"
    assert "HTN_STEP_RETRIES allows: 3" in done.run.failed.trouble.hints[-1]
    assert done.state == State(sent={})


@pytest.mark.parametrize("most", [0, 1, 5])
def test_the_limit_is_the_one_that_is_set(store: Store, most: int) -> None:
    post = Post(100)
    act(sending(post, retry=True), Retries(store, most))
    assert post.tries == most + 1


def test_a_command_of_which_nobody_said_that_it_may_be_repeated_is_not(store: Store) -> None:
    post = Post(1)
    done = act(sending(post, retry=False), Retries(store))
    assert (post.tries, done.kinds) == (1, ["start", "fail"])


def test_without_counts_nothing_is_tried_again() -> None:
    post = Post(1)
    assert act(sending(post, retry=True), None).kinds == ["start", "fail"]


def test_a_missing_service_may_pass_too(store: Store) -> None:
    post = Post(1, lambda: ServiceMissing("the printer is off"))
    assert act(sending(post, retry=True), Retries(store)).run.done


def declines(state: State, text: str) -> None:
    state.sent[text] = 1


def misuses_the_state(state: State, text: str) -> State:
    raise UsageError("what it was given cannot be used")


def gives_a_word(state: State, text: str) -> str:
    return "done"


@pytest.mark.parametrize("command", [declines, misuses_the_state, gives_a_word])
def test_what_does_not_pass_by_itself_is_not_tried_again_even_where_it_may_be_repeated(
    store: Store, command: Command
) -> None:
    assert act(sending(command, retry=True), Retries(store)).kinds == ["start", "fail"]


def test_an_interrupt_is_no_reason_to_try_again_and_leaves_the_count(store: Store) -> None:
    retries = Retries(store)

    class Interrupted(Post):
        def __call__(self, state: State, text: str) -> State:
            if self.tries == 1:
                raise KeyboardInterrupt
            return super().__call__(state, text)

    with pytest.raises(KeyboardInterrupt):
        act(sending(Interrupted(1), retry=True), retries, run_id="nightly")
    assert retries.status("nightly") == {"1-send": 1}


def test_a_run_that_is_taken_up_again_goes_on_with_its_counts_and_clears_them(store: Store) -> None:
    retries = Retries(store, 3)
    for _ in range(2):
        retries.again("nightly", "1-send")
    retries.again("nightly", "7-fetch")
    post = Post(100)
    done = act(sending(post, retry=True), retries, run_id="nightly")
    assert post.tries == 2
    assert done.run.id == "nightly"
    assert retries.status("nightly") == {}


def test_a_step_that_is_done_loses_its_count_at_once(store: Store) -> None:
    retries = Retries(store)
    seen: list[dict[str, int]] = []
    post = Post(1)

    def watched(state: State, text: str) -> State:
        seen.append(retries.status("nightly"))
        return post(state, text)

    act(sending(watched, retry=True), retries, run_id="nightly")
    assert seen == [{}, {"1-send": 1}, {}]


def test_the_counts_of_a_run_that_failed_are_gone(store: Store) -> None:
    retries = Retries(store)
    run = act(sending(Post(100), retry=True), retries).run
    assert retries.status(run.id) == {}


def test_each_run_has_an_id_of_its_own_unless_one_is_given() -> None:
    ids = {act(sending(Post(0), retry=False), None).run.id for _ in range(3)}
    assert len(ids) == 3
    assert act(sending(Post(0), retry=False), None, run_id="mine").run.id == "mine"
    assert len(workflow_id()) == 32


@pytest.mark.parametrize(("name", "step"), [("pay", "1-pay"), ("zahle_über:x y", "1-zahle__ber_x_y")])
def test_the_id_of_a_step_is_one_whatever_its_action_is_called(store: Store, name: str, step: str) -> None:
    assert step_id(0, name) == step
    assert Retries(store).again("w", step_id(10**6, name * 100)) == 1


class Troubled:
    """A real sandbox that is asked, so many times, for a language that it does not have."""

    def __init__(self, box: Sandbox, times: int) -> None:
        self._box, self.times, self.calls = box, times, 0

    def call(self, program: Program, arguments: Any, **more: Any) -> Outcome:
        self.calls += 1
        if self.calls <= self.times:
            program = dataclasses.replace(program, language="lua")
        return self._box.call(program, arguments, **more)


def carry_out(library: Library, box: Any, retries: Retries, code: str, state: State | None = None) -> tuple[Run, str]:
    promise = contract(ensures=["output.total == sum(amounts)"])
    one = entry(code=code).model_copy(update={"contract": promise.to_json()})
    version = library.admit(one, "trusted", [])
    actor = Actor(
        shop(), lambda: library, lambda: cast(Sandbox, box), SandboxLimits(seconds=1.0), retries=lambda: retries,
        sleep=lambda seconds: None,
    )  # fmt: skip
    run = actor.act(plan_of(("order_total", "tea"), version=version), state or state_of(shop()))
    return run, version


def test_a_body_is_tried_again_where_the_sandbox_could_not_run_it(library: Library, store: Store, box: Sandbox) -> None:
    troubled = Troubled(box, 2)
    run, version = carry_out(library, troubled, Retries(store), RIGHT)
    assert (run.done, run.steps[0].retries, troubled.calls) == (True, 2, 3)
    assert (library.trust(version), library.uses(version)) == ("trusted", 1)


def test_a_sandbox_that_never_can_is_asked_as_often_as_allowed(library: Library, store: Store, box: Sandbox) -> None:
    troubled = Troubled(box, 100)
    run, version = carry_out(library, troubled, Retries(store, 2), RIGHT)
    assert run.failed is not None and run.failed.trouble is not None
    assert (troubled.calls, run.failed.trouble.code) == (3, "service")
    assert library.trust(version) == "trusted"


@pytest.mark.parametrize("code", [LARGEST, total_is("{}['x']"), total_is("sum(iter(int, 1))")])
def test_a_broken_contract_is_never_tried_again(library: Library, store: Store, box: Sandbox, code: str) -> None:
    counted = Troubled(box, 0)
    run, version = carry_out(library, counted, Retries(store), code)
    assert run.failed is not None
    assert (counted.calls, run.failed.retries, library.trust(version)) == (1, 0, "quarantined")


def test_a_precondition_that_does_not_hold_is_never_tried_again(library: Library, store: Store, box: Sandbox) -> None:
    counted = Troubled(box, 0)
    run, _ = carry_out(library, counted, Retries(store), RIGHT, State(cart={}, total={}))
    assert run.failed is not None
    assert (counted.calls, run.failed.retries) == (0, 0)


def test_where_nobody_can_count_the_step_fails_with_its_own_reason(store: Store) -> None:
    def gone() -> Retries:
        raise ServiceMissing("the Redis server does not answer")

    actor = Actor(sending(Post(1), retry=True), unused, unused, SandboxLimits(), retries=gone)
    failed = actor.act(plan_of(("send", "x")), State(sent={})).failed
    assert failed is not None and failed.trouble is not None
    assert failed.detail == "send raised OSError: no line"
    assert "the Redis server does not answer" in failed.trouble.hints[-1]


def test_a_run_whose_steps_wait_for_each_other_fails_at_once_and_its_counts_are_cleared(store: Store) -> None:
    retries, post = Retries(store), Post(0)
    assert retries.again("nightly", "1-send") == 1
    actor = Actor(sending(post, retry=True), unused, unused, SandboxLimits(), retries=lambda: retries)
    circle = Begun(order=Order(((1,), (0,))))
    with pytest.raises(ExecutionError, match="2 of its steps can never begin: steps 1, 2 wait for each other"):
        actor.act(plan_of(("send", "x"), ("send", "y")), State(sent={}), run_id="nightly", begun=circle)
    assert (post.tries, retries.status("nightly")) == (0, {})


class Deadly:
    """A real sandbox in which so many calls end as if somebody had killed their processes."""

    def __init__(self, box: Sandbox, times: int) -> None:
        self._box, self.times, self.calls = box, times, 0

    def call(self, program: Program, arguments: Any, **more: Any) -> Outcome:
        self.calls += 1
        if self.calls <= self.times:
            code = "import os\n\ndef order_total(order, amounts):\n    os._exit(3)\n"
            program = dataclasses.replace(program, code=code)
        return self._box.call(program, arguments, **more)


@pytest.mark.parametrize(("deaths", "trust"), [(1, "trusted"), (2, "quarantined")])
def test_a_body_whose_process_was_killed_is_held_to_blame_when_it_happens_twice(
    library: Library, box: Sandbox, deaths: int, trust: str
) -> None:
    version = library.admit(entry(code=RIGHT), "trusted", [{"rung": 3, "name": "determinism, purity", "passed": True}])
    deadly, domain = Deadly(box, deaths), shop()
    state = state_of(domain)
    actor = Actor(domain, lambda: library, lambda: cast(Sandbox, deadly), SandboxLimits(seconds=5))
    run = actor.act(plan_of(("order_total", "tea"), version=version), state)
    assert (run.done, deadly.calls, library.trust(version)) == (deaths == 1, 2, trust)
