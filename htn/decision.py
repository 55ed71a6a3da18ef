"""A task for which it is worth asking which of its methods to take (see `htn.decided`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """A task whose methods are worth choosing between: what to ask, and the state variables that matter for it."""

    task: str
    question: str
    about: tuple[str, ...] = ()
