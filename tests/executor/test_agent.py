"""The verbs plan, run and learn, wired to a real store, a real sandbox and a stand-in for the model."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent, Listener, not_learned
from executor.learn import LearnEvent
from executor.model.standin import StandIn
from executor.run import Event
from executor.settings import Settings
from htn.domain import Domain
from htn.errors import LimitReached, ServiceMissing, UsageError
from htn.failure import Failure, Gap
from htn.network import Task
from htn.plan import Plan
from htn.state import State
from tests.executor.shop import FIRST, LARGEST, RIGHT, says, shop, state_of, writes

Script = Callable[..., StandIn]
Open = Callable[..., Agent]
TASKS: list[Task] = [("check_out", "tea")]
NOBODY = "127.0.0.1:9"


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent that keeps its library in a folder of the test's own."""
    with ExitStack() as stack:

        def opened(listener: Listener | None = None, **settings: Any) -> Agent:
            chosen = {"ollama_endpoint": NOBODY, "sandbox": "lockdown", "model": "scripted", **settings}
            return stack.enter_context(Agent(Settings.load(data_dir=folder, **chosen), listener or Listener()))

        yield opened


def test_a_plan_with_a_gap_is_a_failure_that_names_it_and_asks_nobody(agent: Open) -> None:
    one = agent()
    found = one.plan(shop(), TASKS, state_of(shop()))
    assert isinstance(found, Failure)
    assert [gap.task for gap in found.gaps] == [("order_total", "tea")]
    assert {"model", "sandbox"}.isdisjoint(one.__dict__)


def test_a_run_closes_its_gap_and_carries_the_plan_out(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    state = state_of(shop())
    report = agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state)
    assert isinstance(report.result, Plan)
    assert report.run is not None and report.run.done
    assert [one.trust for one in report.learned] == ["probation"]
    assert len(report.calls) == len(server.requests) == 3
    assert (state.total["tea"], state.paid["tea"]) == (9.5, True)
    assert report.state is state


def test_the_next_agent_needs_no_model(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    second, state = agent(), state_of(shop())
    report = second.run(shop(), [("check_out", "soap")], state)
    assert report.run is not None and report.run.done
    assert (report.calls, report.learned) == ((), ())
    assert state.total["soap"] == 3.0


def written() -> Domain:
    """The shop, where somebody has written the missing operator by hand."""
    domain = shop()
    del domain.operators["order_total"]

    @domain.operator
    def order_total(state: State, order: str) -> State:
        state.total[order] = sum(state.cart[order])
        return state

    return domain


def test_a_run_of_written_operators_opens_no_sandbox_and_sends_nothing_to_a_model(agent: Open, script: Script) -> None:
    server = script()
    one = agent(ollama_endpoint=server.endpoint)
    report = one.run(written(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done
    assert server.requests == ()
    assert {"model", "sandbox"}.isdisjoint(one.__dict__)


@pytest.mark.parametrize("model", ["openai:gpt-4", "ollama:", "anthropic:x"])
def test_a_run_without_gaps_does_not_mind_a_model_that_cannot_be_used(agent: Open, model: str) -> None:
    state = state_of(shop())
    report = agent(model=model).run(written(), TASKS, state)
    assert report.run is not None and report.run.done
    assert report.calls == ()


def test_where_learning_is_off_a_gap_stays_open(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one, state = agent(ollama_endpoint=server.endpoint, learn="never"), state_of(shop())
    report = one.run(shop(), TASKS, state)
    assert isinstance(report.result, Failure)
    assert report.run is None
    assert server.requests == ()
    assert {"model", "sandbox"}.isdisjoint(one.__dict__)
    assert state == state_of(shop())


def test_where_learning_is_off_what_was_learned_is_used(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    report = agent(learn="never").run(shop(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done


def test_a_gap_that_is_not_closed_ends_the_run_before_it_begins(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(FIRST), writes(LARGEST)])
    state = state_of(shop())
    report = agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state)
    assert isinstance(report.result, Failure)
    assert report.run is None
    assert report.learned[-1].version is None
    assert state == state_of(shop())
    error = not_learned(report.learned[-1])
    assert error.exit_code == 5
    assert "order_total(tea) was not learned: its body fails at rung 4" in error.message


def test_a_quarantined_operator_answers_this_request_and_no_other(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one, state = agent(ollama_endpoint=server.endpoint), state_of(shop())
    report = one.run(shop(example=False), TASKS, state)
    assert report.run is not None and report.run.done
    assert [learned.trust for learned in report.learned] == ["quarantined"]
    assert isinstance(agent().plan(shop(example=False), TASKS, state_of(shop())), Failure)


def test_the_settings_bound_the_bodies_that_are_tried_and_the_calls(agent: Open, script: Script) -> None:
    wrong = [writes(LARGEST), writes(FIRST)]
    server = script(ContractAnswer=[says()], BodyAnswer=wrong)
    report = agent(ollama_endpoint=server.endpoint, max_retries=1).run(shop(), TASKS, state_of(shop()))
    assert len(report.learned[-1].attempts) == 1
    server.reset()
    with pytest.raises(LimitReached):
        agent(ollama_endpoint=server.endpoint, max_calls=2).run(shop(), TASKS, state_of(shop()))
    assert len(server.requests) == 2


def test_a_model_that_does_not_answer_is_a_missing_service(agent: Open) -> None:
    state = state_of(shop())
    with pytest.raises(ServiceMissing):
        agent().run(shop(), TASKS, state)
    assert state == state_of(shop())


def test_a_search_that_stops_at_a_limit_learns_nothing(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    domain = shop()

    @domain.operator
    def step(state: State) -> State:
        state.paid["steps"] = state.paid.get("steps", 0) + 1
        return state

    @domain.method("wander")
    def on(state: State) -> list[Task]:
        return [("step",), ("wander",)]

    @domain.method("both")
    def first_the_gap(state: State) -> Any:
        yield [("order_total", "tea")]
        yield [("wander",)]

    report = agent(ollama_endpoint=server.endpoint, max_expansions=50).run(domain, [("both",)], state_of(domain))
    assert isinstance(report.result, Failure)
    assert report.result.stopped is not None
    assert server.requests == ()


def test_a_task_that_nobody_has_heard_of_is_the_users_mistake(agent: Open) -> None:
    for verb in (agent().plan, agent().run):
        with pytest.raises(UsageError) as caught:
            verb(shop(), [("check_oot", "tea")], state_of(shop()))
        assert caught.value.hints == ("did you mean check_out?",)


def test_learning_on_purpose_needs_a_task_that_nobody_can_do(agent: Open) -> None:
    one = agent()
    for known in (("pay", "tea"), ("check_out", "tea")):
        with pytest.raises(UsageError, match="knows how to do"):
            one.gap_of(shop(), known, state_of(shop()))
    with pytest.raises(UsageError, match="has 2 arguments"):
        one.gap_of(shop(), ("order_total", "tea", "milk"), state_of(shop()))
    assert one.gap_of(shop(), ("refund", "tea"), state_of(shop())).declared is False


def test_the_state_of_a_gap_on_purpose_is_a_copy(agent: Open) -> None:
    state = state_of(shop())
    gap = agent().gap_of(shop(), ("order_total", "tea"), state)
    state.cart["tea"] = [1.0]
    assert gap.state.cart["tea"] == [4.0, 4.0, 1.5]


def test_learning_on_purpose_makes_the_operator_known(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one = agent(ollama_endpoint=server.endpoint)
    assert one.known(shop(), "order_total") is None
    learned = one.learn(shop(), one.gap_of(shop(), ("order_total", "tea"), state_of(shop())))
    assert one.known(shop(), "order_total") == learned.version
    assert isinstance(one.plan(shop(), TASKS, state_of(shop())), Plan)


def test_the_prompt_can_be_seen_without_sending_it(agent: Open, script: Script) -> None:
    server = script()
    one = agent(ollama_endpoint=server.endpoint, max_calls=5)
    prompt = one.prompt(shop(), one.gap_of(shop(), ("order_total", "tea"), state_of(shop())))
    assert "TASK:\nBEGIN DATA\norder_total(tea)\nEND DATA" in prompt.question
    assert (prompt.model, prompt.most_calls) == ("ollama:scripted", 5)
    assert prompt.tokens > 100
    assert server.requests == ()


def test_whoever_listens_hears_the_whole_story_in_order(agent: Open, script: Script) -> None:
    heard: list[str] = []

    def planned(result: Plan | Failure) -> None:
        heard.append(type(result).__name__)

    def gap(found: Gap) -> None:
        heard.append(f"gap {found}")

    def learning(event: LearnEvent) -> None:
        if event.kind == "done":
            heard.append(event.stage)

    def step(event: Event) -> None:
        heard.append(f"{event.kind} {event.step}")

    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    listener = Listener(planned=planned, gap=gap, learning=learning, step=step)
    agent(listener, ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    assert heard == [
        "Failure", "gap order_total(tea)", "contract", "body", "admit", "Plan",
        "start 0", "finish 0", "start 1", "finish 1",
    ]  # fmt: skip


def test_two_agents_share_one_library(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one, other = agent(ollama_endpoint=server.endpoint), agent()
    assert isinstance(other.plan(shop(), TASKS, state_of(shop())), Failure)
    one.run(shop(), TASKS, state_of(shop()))
    assert isinstance(other.plan(shop(), TASKS, state_of(shop())), Plan)


def edited(**said: Any) -> Domain:
    """The shop after its author has thought again."""
    domain = shop()
    domain.example("order_total", "pen", given={"cart": {"pen": [1.0]}}, then={"total": {"pen": said.get("pen", 1.0)}})
    return domain


def test_editing_an_example_opens_the_gap_again_and_says_so(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    notes: list[str] = []
    one = agent(Listener(note=notes.append))
    assert isinstance(one.plan(edited(), TASKS, state_of(shop())), Failure)
    assert "for another declaration or other examples" in notes[0]
    assert one.known(edited(), "order_total") is None
    assert isinstance(one.plan(shop(), TASKS, state_of(shop())), Plan)


def test_an_edited_example_is_learned_and_the_edit_can_be_taken_back(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says(), says()], BodyAnswer=[writes(RIGHT), writes(RIGHT)])
    one = agent(ollama_endpoint=server.endpoint)
    first = one.run(shop(), TASKS, state_of(shop())).learned[0]
    second = one.run(edited(), TASKS, state_of(shop())).learned[0]
    assert first.version != second.version
    assert one.run(shop(), TASKS, state_of(shop())).learned == ()
    assert one.run(edited(), TASKS, state_of(shop())).learned == ()


def test_an_example_that_cannot_be_meant_is_the_authors_mistake_and_costs_no_call(agent: Open, script: Script) -> None:
    server = script()
    domain = shop()
    domain.example("order_totl", "pen", given={}, then={})
    one, state = agent(ollama_endpoint=server.endpoint), state_of(shop())
    gap = one.gap_of(shop(), ("order_total", "tea"), state)
    for verb in (
        lambda: one.plan(domain, TASKS, state), lambda: one.run(domain, TASKS, state),
        lambda: one.learn(domain, gap), lambda: one.gap_of(domain, ("order_total", "tea"), state),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="order_totl, which is no operator") as caught:
            verb()
        assert caught.value.hints == ("did you mean order_total?",)
    assert server.requests == ()


def test_a_name_that_looks_mistyped_is_not_learned_by_accident(agent: Open) -> None:
    with pytest.raises(UsageError, match="has no task check_oot") as caught:
        agent().gap_of(shop(), ("check_oot", "tea"), state_of(shop()))
    assert caught.value.hints == (
        "did you mean check_out?", "if a new one is meant, declare it: shop.declare('check_oot', …)",
    )  # fmt: skip


def test_a_damaged_entry_stops_no_plan_that_does_without_it(agent: Open, script: Script) -> None:
    notes: list[str] = []
    one = agent(Listener(note=notes.append))
    one.store.admit("shop", "order_total", "abc", "{}", trust="pinned", evidence=[])
    assert isinstance(one.plan(shop(), [("pay", "tea")], State(total={"tea": 1.0}, paid={})), Plan)
    assert [note.count("\n") for note in notes] == [0]
    assert "htn learn shop 'order_total(order)' --again" in notes[0]


def test_a_damaged_entry_is_learned_anew(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one = agent(ollama_endpoint=server.endpoint)
    one.store.admit("shop", "order_total", "abc", "{}", trust="pinned", evidence=[])
    report = one.run(shop(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done


def test_two_runs_of_one_gap_at_the_same_time_share_what_the_first_has_learned(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    first = agent(ollama_endpoint=server.endpoint)
    notes: list[str] = []
    told: list[Failure | Plan] = []

    def slower(result: Plan | Failure) -> None:
        if not told:  # between its search and its question, the other one learns
            first.run(shop(), TASKS, state_of(shop()))
        told.append(result)

    report = agent(Listener(planned=slower, note=notes.append)).run(shop(), TASKS, state_of(shop()))
    assert [type(result) for result in told] == [Failure, Plan]
    assert report.run is not None and report.run.done
    assert report.calls == ()
    assert "another process has learned order_total" in notes[-1]
    assert len(first.library.versions("shop", "order_total")) == 1


def test_learning_on_purpose_asks_anew_although_there_is_an_entry(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says(), says()], BodyAnswer=[writes(RIGHT), writes(RIGHT)])
    one = agent(ollama_endpoint=server.endpoint)
    gap = one.gap_of(shop(), ("order_total", "tea"), state_of(shop()))
    assert one.learn(shop(), gap).version == one.learn(shop(), gap).version
    assert len(server.requests) == 4


def test_a_contract_with_a_number_that_is_none_goes_back_to_the_model(agent: Open, script: Script) -> None:
    endless = '{"enum": [1e999]}'
    text = json.dumps(says()["json"]).replace('{"type": "string"}', endless)
    assert endless in text
    server = script(ContractAnswer=[{"text": text}, says()], BodyAnswer=[writes(RIGHT)])
    report = agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done
    assert len(server.requests) == 3


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_gap_is_closed_by_a_model_of_any_provider(agent: Open, script: Script, provider: str) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    places = {"openai_endpoint": f"{server.endpoint}/v1", "anthropic_endpoint": server.endpoint}
    report = agent(model=f"{provider}:scripted", **places).run(shop(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done
    assert [call.provider for call in report.calls] == [provider] * 3


def test_work_that_a_used_up_budget_has_stopped_goes_on_where_it_was(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    with pytest.raises(LimitReached):
        agent(ollama_endpoint=server.endpoint, max_calls=2).run(shop(), TASKS, state_of(shop()))
    report = agent(ollama_endpoint=server.endpoint, max_calls=1).run(shop(), TASKS, state_of(shop()))
    assert report.run is not None and report.run.done
    assert (len(report.calls), len(server.requests)) == (1, 3)


def test_where_answers_are_not_kept_everything_is_asked_again(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    with pytest.raises(LimitReached):
        agent(ollama_endpoint=server.endpoint, max_calls=1, answer_cache=False).run(shop(), TASKS, state_of(shop()))
    report = agent(ollama_endpoint=server.endpoint, answer_cache=False).run(shop(), TASKS, state_of(shop()))
    assert (len(report.calls), len(server.requests)) == (2, 3)


def test_answers_that_came_to_nothing_are_not_used_again(agent: Open, script: Script) -> None:
    wrong = [writes(LARGEST), writes(FIRST), writes(LARGEST)]
    server = script(ContractAnswer=[says()], BodyAnswer=[*wrong, writes(RIGHT)])
    first = agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    assert first.learned[-1].version is None
    second = agent(ollama_endpoint=server.endpoint).run(shop(), TASKS, state_of(shop()))
    assert second.run is not None and second.run.done
    assert len(second.calls) == 2


def test_agents_share_how_often_they_may_ask_in_a_minute(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    pace = {"requests_per_minute": 1, "model_timeout": 10, "ollama_endpoint": server.endpoint}
    for _ in range(2):
        with pytest.raises(LimitReached, match="no request may go to the model"):
            agent(**pace).run(shop(), TASKS, state_of(shop()))
    assert len(server.requests) == 1


def test_vectors_come_from_the_model_that_is_set_for_them(agent: Open, script: Script) -> None:
    assert agent().embedder is None
    embedder = agent(ollama_endpoint=script().endpoint, embedding_model="scripted").embedder
    assert embedder is not None
    assert len(embedder.embed(["pay", "walk"])) == 2
