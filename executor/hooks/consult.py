"""Put the questions of a run to a model, and do without one where it must not, cannot or does not answer well.

    question ─▶ may it be asked? ─▶ asked before? ─▶ model ─▶ form ─▶ checked against what is offered ─▶ its answer
                     └───────────────────────────────┴──────────┴─────────────┴─────────────────────▶ the fallback

The rules:

1. Every question has a fallback that needs no model; it is what would be done if there were none.
2. An answer of another form, late, outside of the alternatives or refused by the budget is no answer: the fallback is
   taken, and why is told.
3. One situation is asked about once in a run. Another process that meets it gets the answer that is kept, where answers
   are kept (`executor.model.kept`): the question holds no identifiers and no moments.
4. At most `most` questions are put in one run.

A late answer is not waited for; it is kept for the next time where answers are kept.

Not here: what is done with an answer. It is a choice among what is offered, a value of a type, or tasks of a domain; to
plan, verify and carry out is the business of whoever asks.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, Literal, NoReturn, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel

from executor.hooks.answers import DataAnswer, DecisionAnswer, RecoveryAnswer, WorkflowAnswer
from executor.hooks.prompt import prompt_of, system_prompt
from executor.hooks.questions import (
    Alternative,
    DataQuestion,
    DecisionQuestion,
    Question,
    RecoveryQuestion,
    WorkflowQuestion,
    situation_of,
)
from executor.levels import May
from executor.model import Answer, Message
from executor.told import shortened, without_secrets
from htn.contract import Type
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError
from htn.network import Task, show_task
from htn.values import from_json, plain, show, to_json

Source: TypeAlias = Literal["model", "kept", "fallback"]
_A = TypeVar("_A")
_Form = TypeVar("_Form", bound=BaseModel)
_MOST_WHY = 500
_PAUSE = 1.0  # seconds before a step is tried again where nobody says how long to wait
# The order in which what needs no model is tried.
WITHOUT_MODEL = ("again", "another_way", "kept_value", "stop")


class Asks(Protocol):
    """Whoever can be asked; every `Model` can."""

    def ask(self, messages: Sequence[Message], out: type[_Form], *, purpose: str) -> Answer[_Form]:
        """Return an answer of the form `out`; an HtnError where none comes."""


class _UselessError(Exception):
    """An answer that has the form and cannot be used."""


@dataclass(frozen=True)
class Advice:
    """What to do about a step that failed: the name of an alternative, and how long to wait first, in seconds."""

    choice: str
    seconds: float = 0.0

    def to_json(self) -> object:
        """Return it as programs read it."""
        return {"choice": self.choice, "seconds": self.seconds}

    def __str__(self) -> str:
        return f"{self.choice}, after {self.seconds:g} s" if self.seconds else self.choice


@dataclass(frozen=True)
class Reading:
    """What a text means: a value, or nothing that can be used."""

    value: object = None
    understood: bool = False

    def to_json(self) -> object:
        """Return it as programs read it."""
        return {"understood": self.understood, "value": to_json(self.value)}

    def __str__(self) -> str:
        return show(self.value) if self.understood else "nothing that can be used"


@dataclass(frozen=True)
class Consulted(Generic[_A]):
    """What came of a question: the answer, where it comes from, and why: in a model's words, or why none was used.

    `source` is "model", "kept" (answered before), or "fallback".
    """

    hook: str
    situation: str
    answer: _A
    source: Source
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        told = self.answer.to_json() if isinstance(self.answer, (Advice, Reading)) else self.answer
        if isinstance(told, tuple):
            told = [show_task(task) for task in told]
        return {
            "hook": self.hook, "situation": self.situation, "source": self.source, "answer": told, "why": self.why,
        }  # fmt: skip

    def __str__(self) -> str:
        said = {"model": "a model was asked", "kept": "a model was asked before", "fallback": "without a model"}
        answer: object = self.answer
        if isinstance(answer, tuple):
            answer = ", ".join(map(show_task, answer)) or "no other tasks"
        answer = "the declared order" if answer is None else answer
        return f"{self.hook}, {said[self.source]}: {answer}; {self.why or 'no reason was given'}"


@dataclass
class Hooks:
    """What one run may ask. Many threads may use it at once.

    `model` opens the model when it is first needed; `may` says what the run's level and mode allow; `seconds` is how
    long an answer is waited for; `on_event` hears what came of each question that could have been put.
    """

    model: Callable[[], Asks]
    may: Callable[[May], bool]
    seconds: float = 120.0
    most: int = 20
    on_event: Callable[[Consulted[Any]], None] = lambda consulted: None
    asked: int = 0
    _known: dict[str, Consulted[Any]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def recovery_strategy(self, question: RecoveryQuestion) -> Consulted[Advice]:
        """Ask what to do about a step that failed."""

        def chosen(answer: RecoveryAnswer) -> tuple[Advice, str]:
            return Advice(_one_of(question.alternatives, answer.choice), answer.seconds), answer.why

        return self._consult(question, RecoveryAnswer, chosen, _without_model(question.alternatives))

    def decide(self, question: DecisionQuestion) -> Consulted[str | None]:
        """Ask which method of a task is tried first; None for the order in which they are declared."""

        def chosen(answer: DecisionAnswer) -> tuple[str | None, str]:
            return _one_of(question.alternatives, answer.choice), answer.why

        return self._consult(question, DecisionAnswer, chosen, None)

    def interpret_data(self, question: DataQuestion, wanted: Type) -> Consulted[Reading]:
        """Ask which value of a type a text means. Without a model it is the one that the text is, if it is one."""

        def read(answer: DataAnswer) -> tuple[Reading, str]:
            if not answer.understood:
                return Reading(), answer.why
            value = from_json(answer.value, "the value")
            if why := wanted.refuse(plain(value)):
                raise _UselessError(f"the answer has another type: {why}")
            return Reading(value, understood=True), answer.why

        return self._consult(question, DataAnswer, read, plainly(question.text, wanted))

    def adapt_workflow(
        self, question: WorkflowQuestion, check: Callable[[Sequence[Sequence[Any]]], tuple[Task, ...]]
    ) -> Consulted[tuple[Task, ...]]:
        """Ask which tasks to do instead of what is left; none where nobody knows any.

        `check` raises UsageError for tasks that cannot be used.
        """

        def tasks(answer: WorkflowAnswer) -> tuple[tuple[Task, ...], str]:
            return check(answer.tasks), answer.why

        return self._consult(question, WorkflowAnswer, tasks, ())

    def _consult(
        self, question: Question, form: type[_Form], read: Callable[[_Form], tuple[_A, str]], fallback: _A
    ) -> Consulted[_A]:
        name = situation_of(question)
        if not self.may(question.may):
            return Consulted(question.hook, name, fallback, "fallback", "no model may be asked that")
        with self._lock:
            if (known := self._known.get(name)) is not None:
                return known
            within, self.asked = self.asked < self.most, self.asked + (self.asked < self.most)
        found = self._answered(question, form, read, fallback, name) if within else None
        if found is None:
            found = Consulted(
                question.hook, name, fallback, "fallback", f"{self.most} questions were asked in this run: no more"
            )
        with self._lock:
            self._known[name] = found
        self.on_event(found)
        return found

    def _answered(
        self,
        question: Question,
        form: type[_Form],
        read: Callable[[_Form], tuple[_A, str]],
        fallback: _A,
        name: str,
    ) -> Consulted[_A]:
        messages = [Message("system", system_prompt()), Message("user", prompt_of(question))]
        try:
            answer = _in_time(lambda: self.model().ask(messages, form, purpose=question.hook), self.seconds)
            value, why = read(answer.value)
        except _UselessError as useless:
            problem = str(useless)
        except LimitReached as error:
            problem = f"no model could be asked: {error.message}"
        except HtnError as error:
            problem = f"no answer that can be used: {error.message}"
        else:
            source: Source = "kept" if answer.call.cached else "model"
            return Consulted(question.hook, name, value, source, _told(why))
        return Consulted(question.hook, name, fallback, "fallback", _told(problem))


def _told(why: str) -> str:
    return shortened(without_secrets(why), _MOST_WHY)


def _one_of(alternatives: Sequence[Alternative], choice: str) -> str:
    if choice not in {each.name for each in alternatives}:
        raise _UselessError(f"the answer is none of the alternatives: {choice!r:.40}")
    return choice


def _without_model(alternatives: Sequence[Alternative]) -> Advice:
    """Return the first alternative that needs no model, in the order in which these are tried."""
    offered = {each.name for each in alternatives}
    name = next((name for name in WITHOUT_MODEL if name in offered), "stop")
    return Advice(name, _PAUSE if name == "again" else 0.0)


def plainly(text: str, wanted: Type) -> Reading:
    """Return the value of a type that a text is, as JSON or as it stands, without anybody's interpretation."""
    readings: list[object] = []
    with suppress(ValueError, RecursionError):
        readings.append(json.loads(text, parse_constant=_no_number))
    readings.append(text.strip())
    return next((Reading(value, understood=True) for value in readings if wanted.refuse(value) is None), Reading())


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _in_time(ask: Callable[[], _A], seconds: float) -> _A:
    """Return what comes within some seconds. ServiceMissing where nothing does: it may still come, for nobody."""
    done: SimpleQueue[tuple[_A | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            done.put((ask(), None))
        except BaseException as error:  # noqa: BLE001  # whoever waits raises it
            done.put((None, error))

    Thread(target=work, name="question about a run", daemon=True).start()
    try:
        answer, error = done.get(timeout=seconds)
    except Empty:
        raise ServiceMissing(f"no answer came within {seconds:g} s") from None
    if error is not None:
        raise error
    assert answer is not None  # an answer or an error was put
    return answer


def checked_tasks(rows: Sequence[Sequence[Any]], known: Callable[[Task], None]) -> tuple[Task, ...]:
    """Return tasks that an answer names, each of which `known` accepts. UsageError says which cannot be used."""
    tasks = []
    for row in rows:
        head, *arguments = row
        if not isinstance(head, str):
            raise UsageError(f"{head!r:.40} is no task's name")
        task = (head, *(from_json(argument, f"an argument of {head:.40}") for argument in arguments))
        known(task)
        tasks.append(task)
    return tuple(tasks)
