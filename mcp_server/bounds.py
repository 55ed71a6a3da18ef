"""How much a client may send, and how much it is sent."""

from typing import Annotated, Any, Final

from pydantic import Field

from htn.errors import visible

MOST_TASKS: Final = 20
MOST_TASK_TEXT: Final = 4_000
MOST_STATE: Final = 1_000_000
"""Characters of a state, written as JSON."""
MOST_BODY: Final = 2_000_000
"""Bytes of one HTTP request."""
MOST_WAIT: Final = 300
MOST_AT_ONCE: Final = 4
"""Searches at once, and as many runs and learnings at once: each is a thread."""
MOST_KEPT: Final = 200
"""Pieces of work that ended and can still be asked about."""

MOST_ROWS: Final = 500
"""Actions, events or operators in one answer."""
MOST_TEXT: Final = 20_000
"""Characters of a text in an answer."""
MOST_LINE: Final = 500

DomainName = Annotated[str, Field(max_length=80, description="A domain that this server offers, such as travel.")]
OperatorName = Annotated[
    str, Field(max_length=200, description="An operator's name, or domain.name where several domains have one.")
]
TaskText = Annotated[str, Field(max_length=MOST_TASK_TEXT)]
Tasks = Annotated[
    list[TaskText],
    Field(
        min_length=1,
        max_length=MOST_TASKS,
        description="What is to be done, in order. A task is a name and its arguments: travel(alice, home, park), "
        'deliver(box, "Main St 1", 3, [a, b]). Texts with a space or a comma stand in quotes; "3" is a text.',
    ),
]
OneTask = Annotated[
    str,
    Field(max_length=MOST_TASK_TEXT, description="One use of the operator: column_statistics(seattle, temp_max)."),
]
GivenState = Annotated[
    dict[str, Any] | None,
    Field(
        description='State variables that replace the domain\'s own: {"loc": {"alice": "home"}}. Without it planning '
        "starts in the domain's initial state."
    ),
]
Handle = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._-]{1,128}$",
        description="The handle of a run or a learning: letters, digits, '.', '_' and '-'.",
    ),
]
GivenHandle = Annotated[
    Handle | None,
    Field(
        description="What the run shall be known by. With one of yours the call may be repeated without harm: a run "
        "that exists is followed, not started again."
    ),
]
After = Annotated[
    str,
    Field(
        pattern=r"^\d{1,20}-\d{1,20}$",
        description="Only events after this one: the `last` of an earlier answer. 0-0 is before all.",
    ),
]
Again = Annotated[bool, Field(description="Although the library has one that plans use.")]
Wait = Annotated[
    float,
    Field(ge=0, le=MOST_WAIT, description="Seconds to wait for the end before the answer says how far it is."),
]


def line(text: str) -> str:
    """Return a text from outside as one line that may be shown; what was cut off is marked."""
    return cut(visible(" ".join(text.split())))


def cut(text: str, most: int = MOST_LINE) -> str:
    """Return a text that is at most so long; what was cut off is marked."""
    return text if len(text) <= most else f"{text[: most - 2]} …"
