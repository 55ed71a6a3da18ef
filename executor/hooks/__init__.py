"""What a run may ask a model: how to recover, which method to take, what data means, which tasks to do instead."""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.hooks.consult import Advice, Asks, Consulted, Hooks, Reading, checked_tasks, plainly
    from executor.hooks.context import told_state
    from executor.hooks.questions import (
        Alternative,
        DataQuestion,
        DecisionQuestion,
        Question,
        RecoveryQuestion,
        WorkflowQuestion,
        situation_of,
    )
else:
    __getattr__ = later(
        __name__,
        {
            "consult": "Advice Asks Consulted Hooks Reading checked_tasks plainly",
            "context": "told_state",
            "questions": "Alternative DataQuestion DecisionQuestion Question RecoveryQuestion WorkflowQuestion "
            "situation_of",
        },
    )

__all__ = [
    "Advice",
    "Alternative",
    "Asks",
    "Consulted",
    "DataQuestion",
    "DecisionQuestion",
    "Hooks",
    "Question",
    "Reading",
    "RecoveryQuestion",
    "WorkflowQuestion",
    "checked_tasks",
    "plainly",
    "situation_of",
    "told_state",
]
