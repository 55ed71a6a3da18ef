"""What a run may do, by its level and its mode: one table, read by the code, by its tests and by docs/acting-levels.md.

The level says what a model may be asked, the mode what may be done about the unexpected (see `htn.levels`). A model
is asked for something only where both allow it. By default a run is `basic` and `adaptive`: known ways are tried when
a step fails, and no model is asked.

In every mode a body that breaks its contract is demoted: that is what is known of the body, and no act of the run.

Not here: whether gaps are closed by asking a model. They are closed before a plan is carried out, and the setting
`learn` says whether.
"""

from dataclasses import dataclass
from enum import StrEnum

from htn.domain import Domain
from htn.levels import Level, Mode, worded

__all__ = ["DEFAULT", "TABLE", "Acting", "Level", "May", "Mode", "acting_of", "as_markdown"]


class May(StrEnum):
    """Something that a run may do or may not."""

    RETRY = "try a step again"
    OTHER_METHOD = "take another known method"
    REPLAN = "plan what is left again"
    KEPT = "use a kept result"
    ASK_DECISION = "ask which method"
    ASK_RECOVERY = "ask how to recover"
    ASK_DATA = "ask what data means"
    ADAPT = "ask for other tasks"


# Trying again as often as a domain declares it is following the plan, and so is choosing the plan in the first place.
_FOLLOW = frozenset({May.RETRY})
_DECIDE = _FOLLOW | {May.ASK_DECISION}
_RECOVER = _FOLLOW | {May.OTHER_METHOD, May.REPLAN, May.KEPT}
_ADVISED = _RECOVER | {May.ASK_RECOVERY}
_INFORMED = _ADVISED | {May.ASK_DECISION, May.ASK_DATA}
_FREE = _INFORMED | {May.ADAPT}

TABLE: dict[tuple[Level, Mode], frozenset[May]] = {
    (Level.BASIC, Mode.STRICT): _FOLLOW,
    (Level.BASIC, Mode.ADAPTIVE): _RECOVER,
    (Level.BASIC, Mode.CREATIVE): _RECOVER,
    (Level.ADAPTIVE, Mode.STRICT): _FOLLOW,
    (Level.ADAPTIVE, Mode.ADAPTIVE): _ADVISED,
    (Level.ADAPTIVE, Mode.CREATIVE): _ADVISED,
    (Level.INTELLIGENT, Mode.STRICT): _DECIDE,
    (Level.INTELLIGENT, Mode.ADAPTIVE): _INFORMED,
    (Level.INTELLIGENT, Mode.CREATIVE): _INFORMED,
    (Level.AUTONOMOUS, Mode.STRICT): _DECIDE,
    (Level.AUTONOMOUS, Mode.ADAPTIVE): _INFORMED,
    (Level.AUTONOMOUS, Mode.CREATIVE): _FREE,
}


@dataclass(frozen=True)
class Acting:
    """How a run acts."""

    level: Level = Level.BASIC
    mode: Mode = Mode.ADAPTIVE

    def may(self, what: May) -> bool:
        """Say whether the run may do something."""
        return what in TABLE[self.level, self.mode]

    def __str__(self) -> str:
        return f"level {self.level}, mode {self.mode}"


DEFAULT = Acting()


def acting_of(
    domain: Domain, settings: Acting = DEFAULT, *, level: str | None = None, mode: str | None = None
) -> Acting:
    """Return how a run acts: as whoever starts it says, else as its domain says, else as settings say.

    UsageError for a level or mode that there is not.
    """
    return Acting(
        worded(Level, level) or domain.level or settings.level,
        worded(Mode, mode) or domain.mode or settings.mode,
    )


def as_markdown() -> str:
    """Return the table as it stands in the documents."""
    rows = [
        ["level", "mode", *May],
        ["---"] * (2 + len(May)),
        *(
            [f"`{level}`", f"`{mode}`", *("yes" if what in allowed else "·" for what in May)]
            for (level, mode), allowed in TABLE.items()
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
