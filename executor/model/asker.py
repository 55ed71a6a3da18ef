"""Ask a model of any provider: budget, pace, record, the form of the answer, and answers that are kept.

An answer has to have the asked form, strictly: `"7"` is no number. One that has not is shown to
the model together with what is wrong with it, at most twice.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from pydantic import BaseModel, ValidationError

from executor.model.budget import CallBudget
from executor.model.guard import Guard, Passage
from executor.model.kept import KeptAnswers
from executor.model.pace import Pace
from executor.model.protocol import Answer, Call, InvalidAnswer, Message, ModelStatus, Question, Request, T
from executor.model.provider import LeftOutError, Provider
from executor.model.reply import Reply
from executor.model.spending import Worst
from executor.model.together import ask_each
from executor.model.wire import NotSentError
from htn.errors import HtnError

ATTEMPTS = 3
_MOST_BACK = 8_000  # characters of an answer that go back with what is wrong with it
_MOST_WRONG = 8
_PLACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass
class _Sent:
    """A request under way, to become a Call."""

    request: Request
    attempt: int
    began: float = field(default_factory=time.monotonic)
    reply: Reply | None = None
    problem: str = "interrupted"
    call: Call | None = None
    passage: Passage | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began


class Asker:
    """One model of one provider, with what all who ask it share; a `Model`. Many threads may use it at once."""

    def __init__(
        self,
        provider: Provider,
        *,
        budget: CallBudget,
        pace: Pace | None = None,
        kept: KeptAnswers | None = None,
        parallel: int = 2,
        guard: Guard | None = None,
        on_call: Callable[[Call], None] = lambda call: None,
    ) -> None:
        self.name = f"{provider.provider}:{provider.model}"
        self.url = provider.url
        self.budget = budget
        self._provider = provider
        self._pace = pace
        self._kept = kept
        self._parallel = parallel
        self._guard = guard
        self._on_call = on_call
        self._renew = False
        self._calls: list[Call] = []
        self._lock = Lock()

    @property
    def calls(self) -> Sequence[Call]:
        """Every request that went out, in the order in which they came to an end."""
        with self._lock:
            return tuple(self._calls)

    def ask(
        self,
        messages: Sequence[Message],
        out: type[T],
        *,
        purpose: str,
        sample: int = 0,
        seed: int = 0,
        variant: str = "",
        on_text: Callable[[str], None] | None = None,
        force_regenerate: bool = False,
    ) -> Answer[T]:
        """Return an answer of the form `out`; see `Model.ask`."""
        request = Request(tuple(messages), purpose, sample, seed, variant)
        schema = out.model_json_schema()
        if self._kept is None:
            return self._asked(request, out, schema, on_text)
        name = self._kept.name(self._provider, request, schema)
        if not (force_regenerate or self._renew) and (found := self._kept_answer(name, request, out)):
            if on_text is not None:
                on_text(found.text)
            return found
        answer = self._asked(request, out, schema, on_text)
        self._kept.put(name, answer.text)
        return answer

    def ask_all(self, questions: Sequence[Question[T]]) -> list[Answer[T] | HtnError]:
        """Put independent questions, several at once; see `Model.ask_all`."""
        return ask_each(self, questions, at_once=self._parallel)

    def renewed(self) -> "Asker":
        """Return this model for whoever wants no earlier answer; budget, calls and pace are those of this one."""
        other = copy(self)
        other._renew = True
        return other

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""
        return self._provider.status()

    def reachable(self) -> bool:
        """Say whether the server of the model answers, as far as somebody has looked in the last while."""
        return self._guard is None or self._guard.reachable(self._provider.look)

    def worst(self, messages: Sequence[Message], out: type[BaseModel]) -> Worst:
        """Return the most tokens that one call with a question can take; nothing is sent."""
        return self._provider.worst(Request(tuple(messages), "a price"), out.model_json_schema())

    def _asked(
        self, request: Request, out: type[T], schema: dict[str, Any], on_text: Callable[[str], None] | None
    ) -> Answer[T]:
        text = problem = ""
        attempt = wrong = 0
        while wrong < ATTEMPTS:
            attempt += 1
            self._provider.refuse_long(request)
            try:
                with self._recorded(request, attempt, schema) as sent:
                    seconds = sent.passage.seconds if sent.passage else None
                    sent.reply = self._provider.send(request, schema, on_text, seconds)
                    text = sent.reply.text
                    value, problem = _read(text, out)
                    if problem and sent.reply.cut:
                        problem = f"the answer was cut off because there was no more room; {problem}"
                    sent.problem = problem
            except LeftOutError:
                continue
            if value is not None and sent.call is not None:
                return Answer(value=value, text=text, call=sent.call)
            wrong += 1
            request = replace(request, messages=request.messages + _correction(text, problem))
        raise InvalidAnswer(
            f"{self.name} gave no answer of the form {out.__name__} in {ATTEMPTS} attempts; "
            f"it last answered: {self._provider.clean(text)}",
            text=text,
            where=f"the call for {request.purpose}",
            hints=(f"what was wrong: {self._provider.clean(problem)}", "try another model"),
        )

    def _kept_answer(self, name: str, request: Request, out: type[T]) -> Answer[T] | None:
        """Return what is kept of a question, unless it has not the asked form: what comes from outside is checked."""
        assert self._kept is not None  # only asked where answers are kept
        began = time.monotonic()
        text = self._kept.get(name)
        if text is None:
            return None
        value, problem = _read(text, out)
        if value is None:
            self._kept.spoiled(name)
            return None
        sent = _Sent(request, attempt=1, began=began, problem=problem)
        return Answer(value, text, self._call(sent, cached=True))

    @contextmanager
    def _recorded(self, request: Request, attempt: int, schema: dict[str, Any]) -> Iterator[_Sent]:
        """Take a call from the budgets and write down what becomes of it, unless it never left."""
        sent = _Sent(request, attempt, passage=self._let_out(request, schema))
        try:
            yield sent
        except NotSentError as unsent:
            self.budget.give_back()
            if sent.passage:
                sent.passage.nobody_there(unsent.error)
            raise unsent.error from unsent.__cause__
        except BaseException as error:  # an interrupt too: the request went out and has to be counted
            if isinstance(error, HtnError):
                sent.problem = error.message
            self._write_down(sent)
            if sent.passage:
                sent.passage.failed(error, sent.seconds)
            raise
        self._write_down(sent)
        if sent.passage and sent.reply:
            sent.passage.answered(sent.reply, sent.seconds, well=not sent.problem)

    def _let_out(self, request: Request, schema: dict[str, Any]) -> Passage | None:
        """Wait until a call may go out, and take it from the budgets."""
        self.budget.take(request.purpose)
        passage = None
        try:
            if self._guard is not None:
                passage = self._guard.enter(request.purpose, self._provider.worst(request, schema))
            if self._pace is not None:
                self._pace.wait(request.purpose)
        except BaseException:
            if passage:
                passage.unsent()
            self.budget.give_back()
            raise
        return passage

    def _write_down(self, sent: _Sent) -> None:
        sent.call = self._call(sent)
        with self._lock:
            self._calls.append(sent.call)
        self._on_call(sent.call)

    def _call(self, sent: _Sent, *, cached: bool = False) -> Call:
        return Call(
            provider=self._provider.provider,
            model=self._provider.model,
            purpose=sent.request.purpose,
            seconds=sent.seconds,
            prompt_tokens=sent.reply.prompt_tokens if sent.reply else 0,
            answer_tokens=sent.reply.answer_tokens if sent.reply else 0,
            attempt=sent.attempt,
            ok=not sent.problem,
            problem=self._provider.clean(sent.problem),
            sample=sent.request.sample,
            seed=sent.request.seed,
            prompt_variant=sent.request.variant,
            cached=cached,
        )


def _read(text: str, out: type[T]) -> tuple[T | None, str]:
    """Return the answer as a value, or what is wrong with it."""
    try:
        return out.model_validate_json(text, strict=True), ""
    except ValidationError as error:
        return None, _wrong(error)


def _wrong(error: ValidationError) -> str:
    """Return what is wrong with an answer, in our words: names that the answer made up are not among them."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for detail in details[:_MOST_WRONG]:
        place = ".".join(str(part) if _PLACE.fullmatch(str(part)) else "…" for part in detail["loc"])
        lines.append(f"{place}: {detail['msg']}" if place else detail["msg"])
    more = len(details) - _MOST_WRONG
    return "; ".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])


def _correction(text: str, problem: str) -> tuple[Message, Message]:
    return (
        Message("assistant", text if len(text) <= _MOST_BACK else f"{text[:_MOST_BACK]} …"),
        Message(
            "user",
            f"Your answer does not have the form that was asked for: {problem}\n"
            "Give the corrected answer as JSON only.",
        ),
    )
