"""Questions that are put at once: how many, in which order the answers come, and what becomes of a budget."""

from threading import Barrier, Lock, Thread

import pytest

from executor.model import CallBudget, InvalidAnswer, Message, Question
from executor.model.standin import StandIn
from executor.model.together import ask_together
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError
from tests.model.questions import PROVIDERS, RIGHT, Sum, model_of, script


def numbered(count: int) -> list[Question[Sum]]:
    return [Question((Message("user", f"question <{number}>"),), Sum, f"number {number}") for number in range(count)]


def totals(count: int) -> dict[str, object]:
    """A script that answers question <n> with n."""
    rules = [
        {"when": {"contains": [f"<{number}>"]}, "replies": [{"json": {"total": number}}]} for number in range(count)
    ]
    return {"answers": rules}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("parallel", [1, 2, 9])
def test_answers_come_in_the_order_of_the_questions(provider: str, parallel: int) -> None:
    with StandIn(totals(9)) as server:
        model = model_of(provider, server.endpoint, max_calls=9, parallel=parallel)
        answers = model.ask_all(numbered(9))
        assert len(model.calls) == len(server.requests) == 9
    assert [answer.value.total for answer in answers if not isinstance(answer, HtnError)] == list(range(9))
    assert {call.purpose for call in model.calls} == {f"number {number}" for number in range(9)}


def test_no_question_is_no_answer() -> None:
    with StandIn(script(RIGHT)) as server:
        assert model_of("ollama", server.endpoint).ask_all([]) == []


def test_as_many_are_put_at_once_as_is_said_and_no_more() -> None:
    together, lock = Barrier(3, timeout=20), Lock()
    under_way: list[int] = []
    most = 0

    def put(question: int) -> int:
        nonlocal most
        with lock:
            under_way.append(question)
            most = max(most, len(under_way))
        together.wait()  # comes through only when three are here
        with lock:
            under_way.remove(question)
        return question * 10

    assert ask_together(put, range(9), at_once=3) == [number * 10 for number in range(9)]
    assert most == 3


def test_an_error_stands_where_the_answer_would() -> None:
    bad = {"when": {"contains": ["<1>"]}, "replies": [{"text": "no"}]}
    dead = {"when": {"contains": ["<2>"]}, "replies": [{"behave": "error500"}]}
    with StandIn({"answers": [bad, dead, {"replies": [RIGHT]}]}) as server:
        model = model_of("ollama", server.endpoint, max_calls=20)
        found = model.ask_all(numbered(4))
    kinds = [type(each) if isinstance(each, HtnError) else each.value.total for each in found]
    assert kinds[0] == kinds[3] == 4
    assert issubclass(kinds[1], InvalidAnswer) and issubclass(kinds[2], ServiceMissing)  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", range(6))
def test_when_the_budget_is_used_up_midway_the_answers_that_came_are_kept(budget: int) -> None:
    with StandIn(totals(5)) as server:
        model = model_of("ollama", server.endpoint, max_calls=budget)
        found = model.ask_all(numbered(5))
        assert len(server.requests) == len(model.calls) == min(budget, 5)
    came = [each.value.total for each in found if not isinstance(each, HtnError)]
    assert len(came) == min(budget, 5)
    assert sum(isinstance(each, LimitReached) for each in found) == 5 - len(came)


def test_many_threads_share_one_model_and_never_overdraw_its_budget() -> None:
    with StandIn(script(RIGHT)) as server:
        model = model_of("openai", server.endpoint, budget=CallBudget(10))
        found: list[object] = []
        askers = [Thread(target=lambda: found.extend(model.ask_all(numbered(4)))) for _ in range(5)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert len(server.requests) == len(model.calls) == 10
    assert sum(isinstance(each, LimitReached) for each in found) == 10
    assert model.budget.remaining == 0


def test_a_mistake_in_the_program_is_raised_and_no_other_question_is_put() -> None:
    put: list[int] = []

    def stumble(question: int) -> int:
        put.append(question)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_together(stumble, range(1000), at_once=1)
    assert put == [0]


def test_none_at_once_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        ask_together(str, [1], at_once=0)
