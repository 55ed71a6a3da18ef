"""Where questions come up: several methods of a task apply while planning; a step left a text instead of a value."""

import json
from collections.abc import Mapping
from typing import Any

from executor.hooks.consult import Hooks
from executor.hooks.context import told_state
from executor.hooks.questions import Alternative, DataQuestion, DecisionQuestion
from executor.told import MOST_TEXT, shortened, told_text, without_secrets
from htn.decided import Choose, Option
from htn.decision import Decision
from htn.domain import Domain
from htn.network import Task, show_task
from htn.plan import Action
from htn.state import State
from htn.values import plain, show

_MOST_READ = 10  # texts of one step that are read


def choose_by(hooks: Hooks) -> Choose:
    """Return what lets a run's hooks say which method is tried first (see `htn.decided`)."""

    def choose(decision: Decision, task: Task, state: State, options: tuple[Option, ...]) -> str | None:
        question = DecisionQuestion(
            told_text(show_task(task)),
            decision.question,
            told_state(state, task[1:], decision.about),
            tuple(Alternative(option.name, told_text(str(option))) for option in options),
        )
        return hooks.decide(question).answer

    return choose


def read_changes(
    hooks: Hooks, domain: Domain, action: Action, changes: Mapping[tuple[str, Any], object]
) -> dict[tuple[str, Any], object]:
    """Return what the texts mean that an action left where a value of another type is declared.

    Only places of variables whose type the domain declares, and whose type refuses the text, are asked about; of those
    only what is understood is returned.
    """
    read: dict[tuple[str, Any], object] = {}
    asked = 0
    for (variable, key), value in changes.items():
        declared = domain.variables.get(variable)
        if declared is None or not isinstance(value, str) or declared.type.refuse(plain(value)) is None:
            continue
        asked += 1
        if asked > _MOST_READ:
            break
        place = variable if key is None else f"{variable}[{show(key)}]"
        question = DataQuestion(
            told_text(show_task(action.task)),
            f"{place}: {declared.description or 'not described'}",
            json.dumps(declared.type.to_json(), ensure_ascii=False),
            shortened(without_secrets(value), MOST_TEXT),
        )
        reading = hooks.interpret_data(question, declared.type).answer
        if reading.understood:
            read[variable, key] = reading.value
    return read
