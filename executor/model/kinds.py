"""What a question to a model is for: the four kinds of work that different models may be good at."""

from collections.abc import Mapping
from typing import Literal

Kind = Literal["generation", "planning", "analysis", "debugging"]
KINDS: tuple[Kind, ...] = ("generation", "planning", "analysis", "debugging")

_KIND_OF: Mapping[str, Kind] = {
    "contract": "generation",
    "body": "generation",
    "tests": "generation",
    "code": "generation",
    "better code": "generation",
    "repair": "debugging",
    "repair of code": "debugging",
    "explanation of code": "analysis",
    "recovery_strategy": "analysis",
    "interpret_data": "analysis",
    "decide": "planning",
    "adapt_workflow": "planning",
}


def kind_of(purpose: str) -> Kind:
    """Return the kind of a question with this purpose; one that nobody has named here is generation."""
    return _KIND_OF.get(purpose, "generation")
