"""A model whose answers are scripted, opened as an agent opens one, and questions about a run to put to it."""

from collections.abc import Callable
from typing import Any

from executor.hooks import (
    Alternative,
    DataQuestion,
    DecisionQuestion,
    Hooks,
    RecoveryQuestion,
    WorkflowQuestion,
)
from executor.levels import TABLE, Level, May, Mode
from executor.model import Asker, CallBudget, KeptAnswers, Ollama
from executor.model.standin import StandIn

AGAIN = Alternative("again", "wait, and try the step once more")
STOP = Alternative("stop", "end the run here")
RECOVERY = RecoveryQuestion(
    "fetch(page)", "the server is busy", ("read(page)",), ("store(page)",), "{}", (), (AGAIN, STOP)
)
DECISION = DecisionQuestion(
    "travel(ann)", "Which way?", "{}", (Alternative("on_foot", "walk"), Alternative("by_bus", "take the bus"))
)
DATA = DataQuestion("measure(paris)", "degrees", '{"type": "number"}', "about twenty-one degrees")
WORKFLOW = WorkflowQuestion("fetch(page)", "gone", ("store(page)",), "{}", (), ("find(thing)", "store(thing)"))


class Shelf:
    """Keeps answers in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, text: str) -> None:
        self.kept[name] = text

    def spoiled(self, name: str) -> None:
        del self.kept[name]

    def remove(self, name: str) -> None:
        self.kept.pop(name, None)


def model_at(server: StandIn, *, calls: int = 50, shelf: Shelf | None = None, timeout: float = 20.0) -> Asker:
    return Asker(
        Ollama("scripted", endpoint=server.endpoint, timeout=timeout),
        budget=CallBudget(calls),
        kept=None if shelf is None else KeptAnswers(lambda: shelf),
    )


def anything(what: May) -> bool:
    return True


def allowed(level: Level, mode: Mode) -> Callable[[May], bool]:
    return lambda what: what in TABLE[level, mode]


def hooks_at(server: StandIn, **settings: Any) -> Hooks:
    """Hooks that may ask everything, with a model whose answers are scripted."""
    model = model_at(server, calls=settings.pop("calls", 50), shelf=settings.pop("shelf", None))
    return Hooks(lambda: model, **{"may": anything, **settings})
