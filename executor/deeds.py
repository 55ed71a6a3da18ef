"""What was done with the versions of an operator, as data: each name has a history of such events."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Event(BaseModel):
    """Something that was done with the versions of a name, by whom and why. Events are never changed.

    `kind` is admitted, imported, rolled back, pinned, unpinned, retired, promoted, demoted, put back or rejected;
    `version` is the one that it was done with or for, `before` the one that was current until then. A version that was
    rejected was never one of the name's.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    version: str
    who: str = ""
    why: str = ""
    before: str | None = None

    @classmethod
    def read(cls, text: str) -> "Event":
        """Return the event that the store keeps as `text`; one that cannot be read says so."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls(kind="unreadable", version="", why=f"the store holds {text[:200]}")

    def text(self) -> str:
        """Return the event as the store keeps it."""
        return self.model_dump_json(exclude_none=True)
