"""Put independent questions at the same time, a few at once, and keep every answer that came."""

from collections import deque
from collections.abc import Callable, Sequence
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

from pydantic import BaseModel

from executor.model.protocol import Answer, Model, Question
from htn.errors import HtnError, UsageError

T = TypeVar("T", bound=BaseModel)
Q = TypeVar("Q")
A = TypeVar("A")


def ask_each(model: Model, questions: Sequence[Question[T]], *, at_once: int) -> list[Answer[T] | HtnError]:
    """Put independent questions to a model, several at once; see `Model.ask_all`."""

    def put(question: Question[T]) -> Answer[T]:
        return model.ask(
            question.messages,
            question.out,
            purpose=question.purpose,
            sample=question.sample,
            seed=question.seed,
            variant=question.variant,
            force_regenerate=question.force_regenerate,
        )

    return ask_together(put, questions, at_once=at_once)


def ask_together(put: Callable[[Q], A], questions: Sequence[Q], *, at_once: int) -> list[A | HtnError]:
    """Return `put(question)` of each question, in their order; an HtnError stands where there is no answer.

    Any other exception ends the work and is raised; questions that are under way then come to their end unheard, and
    no other is put.
    """
    if at_once < 1:
        raise UsageError(f"at least one question is put at once, not {at_once}")
    waiting = deque(enumerate(questions))
    done: Queue[tuple[int, A | BaseException]] = Queue()
    stop = Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number, question = waiting.popleft()
            except IndexError:
                return
            try:
                done.put((number, put(question)))
            except HtnError as error:
                done.put((number, error))
            except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
                stop.set()
                done.put((number, error))

    for number in range(min(at_once, len(questions))):
        # Daemons: whoever interrupts the program does not wait for the answers under way.
        Thread(target=work, name=f"question-{number}", daemon=True).start()
    answers: dict[int, A | HtnError] = {}
    try:
        while len(answers) < len(questions):
            number, outcome = done.get()
            if isinstance(outcome, BaseException) and not isinstance(outcome, HtnError):
                raise outcome
            answers[number] = outcome
    finally:
        stop.set()
    return [answers[number] for number in range(len(questions))]
