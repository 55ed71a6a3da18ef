"""Several models as one: which is asked for which kind of work, and which instead when it gives no answer.

For each kind of question there is an order of models. The first whose server answers, and is not left alone, is asked;
where it gives no answer, the next one is. A model whose server did not answer when somebody looked comes last, and is
asked all the same when nobody else answers.

What goes on to the next model: a server that fails or is left alone, an answer that has not the asked form even when
asked again, a limit of one model. What does not: a budget of the whole run or day, a question that cannot be asked.

Where nobody answers, and a server has asked to wait, it is waited for once, at most as long as a call may take.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from threading import Lock

from executor.model.asker import Asker
from executor.model.guard import LeftAlone
from executor.model.kinds import Kind, kind_of
from executor.model.protocol import Answer, Call, Message, ModelStatus, Question, T
from executor.model.spending import ModelLimit
from executor.model.together import ask_each
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError


class Router:
    """Models by kind of work, in the order in which they are asked; a `Model`. Many threads may use it at once.

    `orders` has the models of the kinds that have some of their own; all other kinds have those in `usual`.
    """

    def __init__(
        self,
        usual: Sequence[Asker],
        orders: Mapping[Kind, Sequence[Asker]] | None = None,
        *,
        parallel: int = 2,
        patience: float = 300.0,
        on_note: Callable[[str], None] = lambda text: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not usual or not all((orders or {}).values()):
            raise UsageError("a router needs at least one model for each kind of work")
        self._usual = tuple(usual)
        self._orders = {kind: tuple(askers) for kind, askers in (orders or {}).items()}
        self._parallel = parallel
        self._patience = patience
        self._on_note = on_note
        self._sleep = sleep
        self._said: frozenset[str] = frozenset()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The model that writes, as long as it answers; an answer names the one that gave it."""
        return self.order("generation")[0].name

    @property
    def askers(self) -> tuple[Asker, ...]:
        """All models, each once."""
        every = [*self._usual, *(asker for order in self._orders.values() for asker in order)]
        return tuple({id(asker): asker for asker in every}.values())

    @property
    def calls(self) -> Sequence[Call]:
        """Every request that went out, those of one model after those of another."""
        return tuple(call for asker in self.askers for call in asker.calls)

    def order(self, kind: Kind) -> tuple[Asker, ...]:
        """Return the models for a kind of work, in their order."""
        return self._orders.get(kind, self._usual)

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
        """Return an answer of the form `out`, of the first model that gives one; see `Model.ask`."""

        def put(asker: Asker) -> Answer[T]:
            return asker.ask(
                messages,
                out,
                purpose=purpose,
                sample=sample,
                seed=seed,
                variant=variant,
                on_text=on_text,
                force_regenerate=force_regenerate,
            )

        order = self.order(kind_of(purpose))
        failures: list[tuple[Asker, HtnError]] = []
        for asker in self._in_turn(order):
            try:
                return put(asker)
            except (ServiceMissing, ModelLimit) as error:
                failures.append((asker, error))
                if len(failures) < len(order):
                    self._tell(asker, error)
        if rested := self._rested(failures):
            return put(rested)
        raise _nobody(failures, purpose)

    def ask_all(self, questions: Sequence[Question[T]]) -> list[Answer[T] | HtnError]:
        """Put independent questions, several at once; see `Model.ask_all`."""
        return ask_each(self, questions, at_once=self._parallel)

    def renewed(self) -> "Router":
        """Return these models for whoever wants no earlier answer; budget and calls are those of these."""
        anew = {id(asker): asker.renewed() for asker in self.askers}
        other = copy(self)
        other._usual = tuple(anew[id(asker)] for asker in self._usual)
        other._orders = {kind: tuple(anew[id(one)] for one in order) for kind, order in self._orders.items()}
        return other

    def status(self) -> ModelStatus:
        """Say whether the first model could be asked, without asking it."""
        return self._usual[0].status()

    def _tell(self, asker: Asker, error: HtnError) -> None:
        """Say that another model is asked; once for a model that is left alone, which it is for many questions."""
        with self._lock:
            known = isinstance(error, LeftAlone) and asker.name in self._said
            self._said = self._said | {asker.name} if isinstance(error, LeftAlone) else self._said - {asker.name}
        if not known:
            self._on_note(f"{asker.name} gives no answer: {error.message}; another model is asked")

    def _in_turn(self, order: Sequence[Asker]) -> Iterator[Asker]:
        """Yield the models in the order in which they are asked now. One that is alone is asked without a look."""
        if len(order) == 1:
            yield order[0]
            return
        silent = []
        for asker in order:
            if asker.reachable():
                yield asker
            else:
                silent.append(asker)
        yield from silent

    def _rested(self, failures: Sequence[tuple[Asker, HtnError]]) -> Asker | None:
        """Wait for the server that asked for it and has the least time to wait, if that is not too long."""
        resting = [(e.seconds, at) for at, (_, e) in enumerate(failures) if isinstance(e, LeftAlone) and e.rests]
        if not resting or min(resting)[0] > self._patience:
            return None
        seconds, at = min(resting)
        self._on_note(f"{failures[at][0].name} asked to wait: {seconds:.0f} s")
        self._sleep(seconds)
        return failures[at][0]


def _nobody(failures: Sequence[tuple[Asker, HtnError]], purpose: str) -> HtnError:
    """Return the error for a question that no model has answered: that of the one, or what all have said."""
    if len(failures) == 1:
        return failures[0][1]
    raises = LimitReached if all(isinstance(error, LimitReached) for _, error in failures) else ServiceMissing
    told = "\n".join(f"{asker.name}: {error.message}" for asker, error in failures)
    hints = tuple(dict.fromkeys(hint for _, error in failures for hint in error.hints))
    return raises(f"no model answers\n{told}", where=f"the call for {purpose}", hints=hints)
