"""Ask a model for a contract, for bodies, for tests, and for repaired bodies; check the form of what it says."""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.generate.prompt import (
        NO_HINTS,
        Hints,
        body_prompt,
        contract_prompt,
        system_prompt,
        templates_version,
        tests_prompt,
    )
    from executor.generate.propose import Proposer
else:
    __getattr__ = later(
        __name__,
        {
            "prompt": "NO_HINTS Hints body_prompt contract_prompt system_prompt templates_version tests_prompt",
            "propose": "Proposer",
        },
    )

__all__ = [
    "NO_HINTS",
    "Hints",
    "Proposer",
    "body_prompt",
    "contract_prompt",
    "system_prompt",
    "templates_version",
    "tests_prompt",
]
