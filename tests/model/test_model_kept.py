"""Answers that are kept: which question gets which, and what is never kept."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from executor.model import Asker, InvalidAnswer, KeptAnswers, Message, Question
from executor.model.standin import StandIn
from htn.errors import HtnError, ServiceMissing
from tests.model.questions import PROVIDERS, QUESTION, RIGHT, WRONG, Sum, model_of, script


class Shelf(dict[str, str]):
    """Keeps answers in memory."""

    def put(self, name: str, text: str) -> None:
        assert len(name) == 64 and set(name) <= set("0123456789abcdef")
        self[name] = text

    def spoiled(self, name: str) -> None:
        del self[name]

    def remove(self, name: str) -> None:
        self.pop(name, None)


Opened = Callable[..., Asker]


def opener(server: StandIn, shelf: Shelf, provider: str = "ollama") -> Opened:
    """Return a function that makes a model object with this shelf, as each process makes one."""

    def opened(**settings: Any) -> Asker:
        kept = settings.pop("kept", None) or KeptAnswers(lambda: shelf)
        return model_of(provider, server.endpoint, kept=kept, **settings)

    return opened


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_equal_question_is_answered_from_what_was_said_before(provider: str) -> None:
    heard: list[str] = []
    with StandIn(script(RIGHT)) as server:
        opened = opener(server, Shelf(), provider)
        first = opened().ask(QUESTION, Sum, purpose="a", sample=1, seed=2, variant="v")
        later = opened(max_calls=0)
        second = later.ask(QUESTION, Sum, purpose="b", sample=1, seed=2, variant="v", on_text=heard.append)
        assert len(server.requests) == 1
    assert (second.value, second.text) == (first.value, first.text)
    assert heard == [first.text]
    assert later.calls == ()
    call = second.call
    assert call.cached and call.ok and (call.provider, call.model, call.purpose) == (provider, "scripted", "b")
    assert (call.prompt_tokens, call.answer_tokens, call.sample, call.seed) == (0, 0, 1, 2)
    assert not first.call.cached


class Other(BaseModel):
    total: int
    kind: str = "small"


DIFFERENCES: dict[str, dict[str, Any]] = {
    "sample": {"sample": 1},
    "seed": {"seed": 1},
    "sample and seed that are sent as one": {"sample": -1, "seed": 1_000_003},
    "variant": {"variant": "short"},
    "words": {"messages": (QUESTION[0], Message("user", "What is 2 + 3?"))},
    "roles": {"messages": (QUESTION[0], Message("assistant", "What is 2 + 2?"))},
    "division into messages": {"messages": (Message("system", "You add.What"), Message("user", " is 2 + 2?"))},
    "form": {"out": Other},
    "half a character": {"messages": (Message("user", "\ud800"),)},
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
def test_another_question_is_asked(difference: dict[str, Any]) -> None:
    with StandIn(script(RIGHT)) as server:
        opened = opener(server, Shelf())
        opened().ask(QUESTION, Sum, purpose="a")
        given: dict[str, Any] = {"messages": QUESTION, "out": Sum} | difference
        opened().ask(given.pop("messages"), given.pop("out"), purpose="a", **given)
        assert len(server.requests) == 2


def test_another_model_server_or_option_is_asked() -> None:
    shelf = Shelf()
    with StandIn(script(RIGHT)) as server, StandIn(script(RIGHT)) as other:
        for provider, at in [("ollama", server), ("openai", server), ("anthropic", server), ("ollama", other)]:
            opener(at, shelf, provider)().ask(QUESTION, Sum, purpose="a")
        opener(server, shelf)(num_ctx=2048).ask(QUESTION, Sum, purpose="a")
        opener(server, shelf, "anthropic")(answer_tokens=99).ask(QUESTION, Sum, purpose="a")
        assert (len(server.requests), len(other.requests)) == (5, 1)
    assert len(shelf) == 6


def test_a_question_that_is_put_twice_gets_two_answers_and_later_the_same_two() -> None:
    with StandIn(script({"json": {"total": 1}}, {"json": {"total": 2}}, {"json": {"total": 3}})) as server:
        opened = opener(server, Shelf())
        for _ in range(2):
            model = opened()
            assert [model.ask(QUESTION, Sum, purpose="a").value.total for _ in range(2)] == [1, 2]
        assert len(server.requests) == 2


def test_who_wants_another_answer_gets_one_and_it_is_kept_instead() -> None:
    with StandIn(script({"json": {"total": 1}}, {"json": {"total": 2}}, {"json": {"total": 3}})) as server:
        opened = opener(server, Shelf())
        opened().ask(QUESTION, Sum, purpose="a")
        renewed = opened().ask(QUESTION, Sum, purpose="a", force_regenerate=True)
        assert renewed.value.total == 2 and not renewed.call.cached
        assert opened().ask(QUESTION, Sum, purpose="a").value.total == 2
        model = opened()
        assert model.renewed().ask(QUESTION, Sum, purpose="a").value.total == 3
        assert len(model.calls) == 1
        assert len(server.requests) == 3


def test_of_questions_at_once_those_are_asked_that_have_no_answer_yet() -> None:
    with StandIn(script(RIGHT)) as server:
        opened = opener(server, Shelf())
        questions = [Question(QUESTION, Sum, "a", sample=sample) for sample in range(5)]
        before = opened(max_calls=3).ask_all(questions)
        after = opened(max_calls=2).ask_all(questions)
        assert len(server.requests) == 5
    assert sum(isinstance(each, HtnError) for each in before) == 2
    assert sorted(each.call.cached for each in after if not isinstance(each, HtnError)) == [False, False, *[True] * 3]


def test_the_answer_after_a_correction_is_kept_for_the_question() -> None:
    with StandIn(script(WRONG, RIGHT)) as server:
        opened = opener(server, Shelf())
        opened().ask(QUESTION, Sum, purpose="a")
        assert opened().ask(QUESTION, Sum, purpose="a").call.cached
        assert len(server.requests) == 2


@pytest.mark.parametrize("reply", [WRONG, {"behave": "error500"}, {"behave": "huge"}, {"behave": "disconnect"}])
def test_what_is_no_answer_is_not_kept(reply: dict[str, Any]) -> None:
    shelf = Shelf()
    with StandIn(script(reply)) as server, pytest.raises(ServiceMissing):
        opener(server, shelf)().ask(QUESTION, Sum, purpose="a")
    assert shelf == {}


HOSTILE = ["", "null", "[]", '{"total": "4"}', '{"total": NaN}', '{"total": 1e999}', "{" * 100_000, "\x00", "x" * 10**6]


@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:20]) for text in HOSTILE])
def test_what_stands_in_the_store_and_is_no_answer_is_removed_and_asked_anew(text: str) -> None:
    shelf = Shelf()
    with StandIn(script(RIGHT)) as server:
        opened = opener(server, shelf)
        opened().ask(QUESTION, Sum, purpose="a")
        (name,) = shelf
        shelf[name] = text
        assert opened().ask(QUESTION, Sum, purpose="a").value.total == 4
        assert len(server.requests) == 2
    assert list(shelf) == [name] and shelf[name] != text


def test_a_store_that_does_not_answer_costs_the_saving_only_and_is_told_once() -> None:
    def gone() -> Shelf:
        raise ServiceMissing("Redis does not answer")

    told: list[str] = []
    with StandIn(script(RIGHT)) as server:
        kept = KeptAnswers(gone, told.append)
        model = opener(server, Shelf())(kept=kept)
        for _ in range(2):
            assert model.ask(QUESTION, Sum, purpose="a").value.total == 4
        kept.forget()
    assert told == ["answers are not kept: Redis does not answer"]


def test_work_that_came_to_nothing_is_forgotten_and_what_was_good_before_is_not() -> None:
    with StandIn(script(RIGHT)) as server:
        shelf = Shelf()
        opened, kept = opener(server, shelf), KeptAnswers(lambda: shelf)
        model = opened(kept=kept)
        model.ask(QUESTION, Sum, purpose="good")
        kept.settle()
        model.ask(QUESTION, Sum, purpose="bad", sample=1)
        kept.forget()
        assert len(shelf) == 1
        later = KeptAnswers(lambda: shelf)
        assert opened(kept=later).ask(QUESTION, Sum, purpose="a").call.cached
        later.forget()  # an answer that was found and came to nothing goes too
        assert shelf == {}


def test_where_answers_are_is_opened_when_one_is_wanted() -> None:
    def never() -> Shelf:
        raise AssertionError

    with StandIn(script(RIGHT)) as server:
        model = opener(server, Shelf())(kept=KeptAnswers(never))
        assert model.status().present
        with pytest.raises(AssertionError):
            model.ask(QUESTION, Sum, purpose="a")


def test_an_answer_that_nobody_could_read_is_told_as_before() -> None:
    with StandIn(script({"text": "no"})) as server, pytest.raises(InvalidAnswer, match="no answer of the form Sum"):
        opener(server, Shelf())().ask(QUESTION, Sum, purpose="a")
