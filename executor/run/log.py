"""The log of a run: events as they are kept, and the changes of a step as they are written there.

A change is a row: `[variable, key, value]` where something is now, `[variable, key]` where it is gone, and `[variable]`
for a mapping that came into being without entries. Values are in the JSON form of `htn.values`. The key of a variable
that is one plain value is null. What is gone comes first, so that one plain value can become a mapping and the reverse.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

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
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise ExecutionError(f"the log of the run is spoiled at {identity}: {text[:80]!r}") from error


Row: TypeAlias = Sequence[Any]


def changed(state: State, mark: int, variables: Iterable[str]) -> list[Row]:
    """Return, as rows with the values themselves, what differs from the state at `mark`, which had these variables."""
    before, now = set(variables), set(state)
    gone: list[Row] = [(name, None) for name in sorted(before - now)]
    there: list[Row] = []
    made = now - before
    for (variable, key), value in state.changes_since(mark).items():
        if variable not in now:
            continue
        if value is not State.ABSENT:
            there.append((variable, key, value))
            continue
        gone.append((variable, key))
        if key is None:
            made.add(variable)  # it was one plain value and is a mapping now
    told = {row[0] for row in there}
    return [*gone, *there, *((name,) for name in state if name in made and name not in told)]


def written(rows: Iterable[Row]) -> list[list[Any]]:
    """Return rows as the log keeps them. UsageError for what has no JSON form."""
    return [
        [row[0], *(to_json(key, f"a key of state.{row[0]}") for key in row[1:2]),
         *(to_json(value, f"state.{row[0]}") for value in row[2:])]
        for row in rows
    ]  # fmt: skip


def make_changes(rows: Iterable[Row], state: State) -> None:
    """Make the changes in a state that `changed` returned. UsageError where they do not fit it."""
    for row in rows:
        if len(row) == 1:
            if row[0] not in state:
                setattr(state, row[0], {})
        else:
            write(state, {(row[0], row[1]): row[2] if len(row) > 2 else State.ABSENT})


def read_writes(rows: Any, state: State) -> None:
    """Make the changes in a state that the log keeps. ExecutionError for rows that are none."""
    try:
        found = list(rows)
    except TypeError as error:
        raise _spoiled(rows) from error
    for row in found:
        try:
            (variable, *rest) = row
            place = [hashable(from_json(key, "a key")) for key in rest[:1]]
            make_changes([(variable, *place, *(from_json(value, variable) for value in rest[1:2]))], state)
        except (HtnError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise _spoiled(row) from error


def _spoiled(row: object) -> ExecutionError:
    return ExecutionError(f"the log of the run is spoiled: {row!r:.80} is no change of a state")


def places_of(rows: Iterable[Row]) -> list[str]:
    """Return the places that rows change, as texts: a variable, or a variable and the JSON of a key.

    For a key that JSON cannot write it is the whole variable.
    """
    found: dict[str, None] = {}
    for variable, *rest in rows:
        try:
            found.setdefault(place_text(variable, to_json(rest[0]) if rest else None))
        except UsageError:
            found.setdefault(variable)
    return list(found)


def place_text(variable: str, key_json: Any) -> str:
    """Return a place as a text; key None for a whole variable. Keys that are equal give the same text."""
    if key_json is None:
        return variable
    try:
        return f"{variable} {json.dumps(_plainest(key_json), separators=(',', ':'))}"
    except ValueError as error:  # a number of more digits than Python writes out
        raise UsageError(f"a key of state.{variable} cannot be written down: {error}") from error


def _plainest(key: Any) -> Any:
    """Return the JSON of a key with one form for numbers that are equal: True, 1 and 1.0 are one key of a dict."""
    if isinstance(key, list):
        return list(map(_plainest, key))
    if isinstance(key, dict):
        return {mark: _plainest(parts) for mark, parts in key.items()}
    return int(key) if isinstance(key, bool) or (isinstance(key, float) and key.is_integer()) else key


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
