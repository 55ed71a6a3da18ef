"""The questions that a run may put to a model: what is told, and the alternatives that it may choose from.

A question holds no identifier of a run and no moment: two that are equal are one situation, which is asked about once.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from executor.levels import May


@dataclass(frozen=True)
class Alternative:
    """Something that may be chosen: its name, and what it means."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True)
class RecoveryQuestion:
    """A step failed and no known way is left: what to do? `purpose` are the tasks above the step, the lowest first."""

    hook: ClassVar[str] = "recovery_strategy"
    may: ClassVar[May] = May.ASK_RECOVERY

    failed: str
    problem: str
    purpose: tuple[str, ...]
    left: tuple[str, ...]
    state: str
    tried: tuple[str, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class DecisionQuestion:
    """Several methods of a task apply: which is tried first?"""

    hook: ClassVar[str] = "decide"
    may: ClassVar[May] = May.ASK_DECISION

    task: str
    question: str
    state: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class DataQuestion:
    """A step gave a text where a value of a type was expected: which value does it mean? `type` is a JSON Schema."""

    hook: ClassVar[str] = "interpret_data"
    may: ClassVar[May] = May.ASK_DATA

    step: str
    what: str
    type: str
    text: str


@dataclass(frozen=True)
class WorkflowQuestion:
    """What is left cannot be done as it is: which known tasks are to be done instead?

    `problems` are what was wrong with the answers before.
    """

    hook: ClassVar[str] = "adapt_workflow"
    may: ClassVar[May] = May.ADAPT

    failed: str
    problem: str
    left: tuple[str, ...]
    state: str
    tried: tuple[str, ...]
    known: tuple[str, ...]
    problems: tuple[str, ...] = ()


Question: TypeAlias = RecoveryQuestion | DecisionQuestion | DataQuestion | WorkflowQuestion


def situation_of(question: Question) -> str:
    """Return the name of a situation: a hash that is equal for equal questions."""
    asked = json.dumps([question.hook, dataclasses.asdict(question)], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
