"""Rung 10, probation. Uses are watched, and clean ones are evidence.

The uses of an entry on probation are watched. Each that keeps its contract is counted with its inputs; so many
different inputs make the entry trusted. That rests on rung 8: where observed and declared change were never compared
on states that were made for it, a clean use says that nothing was noticed, not that the contract holds. An entry that
broke its contract is not promoted by uses: what it was right on afterwards it may have been right on before.

On failure: it is demoted at once, the plan is made anew, and the input is kept as a test with its name.

Worth: trusted, after clean uses on enough different inputs, on top of rung 8.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PROBATION = 10
_CONTRACT = 8


def may_be_promoted(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Return why clean uses do not promote an entry with these records of evidence, oldest first; None if they do."""
    if broke(records):
        return "it broke its contract in use"
    if any(record.get("name") == "retired" for record in records):
        return "it was retired"
    climbed = [record for record in records if record.get("rung") == _CONTRACT]
    if not climbed:
        return f"it never climbed rung {_CONTRACT}, its contract, here"
    if climbed[-1].get("passed") is not True or not climbed[-1].get("trials"):
        return f"it did not pass rung {_CONTRACT}, its contract"
    return None


def broke(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these records tell of a use in which the contract was broken."""
    return any(record.get("name") == "demoted" for record in records)
