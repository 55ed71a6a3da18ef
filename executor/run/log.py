"""The log of a run: events as they are kept, and the changes of a step as they are written there.

A change is a row: `[variable, key, value]` where something is now, `[variable, key]` where it is gone, and `[variable]`
for a mapping that came into being without entries. Values are in the JSON form of `htn.values`. The key of a variable
that is one plain value is null.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from htn.contract import write
from htn.errors import ExecutionError, HtnError, Trouble, UsageError
from htn.state import State
from htn.values import from_json, hashable, to_json


@dataclass(frozen=True)
class Logged:
    """An event of a run as its log keeps it: its place in the log, when (seconds since 1970), what, and by whom."""

    id: str
    kind: str
    data: Mapping[str, Any]

    @property
    def at(self) -> float:
        """When it was written, by the clock of the store: seconds since 1970."""
        return int(self.id.partition("-")[0]) / 1000

    @property
    def by(self) -> str:
        """Which process wrote it."""
        return str(self.data.get("by", ""))

    def to_json(self) -> dict[str, Any]:
        """Return the event as programs read it."""
        return {"id": self.id, "at": self.at, "kind": self.kind, **self.data}

    @classmethod
    def read(cls, identity: str, text: str) -> "Logged":
        """Return the event that the log keeps as `text`; ExecutionError for one that was spoiled."""
        try:
            data = json.loads(text)
            return cls(identity, str(data.pop("kind")), data)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ExecutionError(f"the log of the run is spoiled at {identity}: {text[:80]!r}") from error


def written(state: State, mark: int, variables: Iterable[str]) -> list[list[Any]]:
    """Return what differs from the state at `mark`, which had these variables. UsageError for what has no JSON form."""
    before = set(variables)
    rows: list[list[Any]] = [[name, None] for name in sorted(before - set(state))]
    gone = before - set(state)
    for (variable, key), value in state.changes_since(mark).items():
        if variable in gone:
            continue
        place = [variable, to_json(key, f"a key of state.{variable}")]
        rows.append(place if value is State.ABSENT else [*place, to_json(value, f"state.{variable}")])
    told = {row[0] for row in rows}
    return [*rows, *([name] for name in state if name not in before and name not in told)]


def read_writes(rows: Iterable[Any], state: State) -> None:
    """Make the changes that `written` returned in a state. ExecutionError for rows that are none."""
    for row in rows:
        try:
            variable = row[0]
            if len(row) == 1:
                if variable not in state:
                    setattr(state, variable, {})
                continue
            key = hashable(from_json(row[1], "a key"))
            value = State.ABSENT if len(row) == 2 else from_json(row[2], variable)
            write(state, {(variable, key): value})
        except (HtnError, IndexError, TypeError, AttributeError, KeyError) as error:
            raise ExecutionError(f"the log of the run is spoiled: {row!r:.80} is no change of a state") from error


def places_of(rows: Iterable[list[Any]]) -> list[str]:
    """Return the places that rows change, as texts: a variable, or a variable and the JSON of a key."""
    return [place_text(row[0], row[1] if len(row) > 1 else None) for row in rows]


def place_text(variable: str, key_json: Any) -> str:
    """Return a place as a text; key None for a whole variable."""
    return variable if key_json is None else f"{variable} {json.dumps(key_json, separators=(',', ':'))}"


def trouble_to_json(trouble: Trouble | None) -> dict[str, Any] | None:
    """Return a trouble as the log keeps it."""
    return None if trouble is None else trouble.to_json()


def trouble_from_json(data: Any) -> Trouble | None:
    """Return the trouble that the log keeps, or None. UsageError for anything else."""
    if data is None:
        return None
    try:
        return Trouble(
            str(data["error"]), int(data["exit_code"]), str(data["message"]), data.get("where"),
            tuple(map(str, data.get("hints", ()))),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"this is no trouble: {data!r:.80}") from error
