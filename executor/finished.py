"""What the work on a gap has come to: an entry, the trust that its evidence is good for, and the evidence.

It is not in the library yet. Where the store does not answer when it is to be admitted, or to be kept for a person's
approval, it is handed to whoever keeps it elsewhere (`Keeper`), so that no question has to be put to a model again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any, TypeAlias

from executor.deeds import Event
from executor.deepen import Deepened
from executor.entry import Entry
from executor.history import Attempt, History
from executor.same import behaves_like, rivals
from executor.tryout import Tryout
from htn.errors import HtnError, ServiceMissing


@dataclass(frozen=True)
class Finished:
    """An entry that could be admitted at the level `trust`, with its evidence as it is kept."""

    entry: Entry
    trust: str
    records: list[dict[str, Any]]


Keeper: TypeAlias = Callable[[Finished], Path]
"""Writes what could not be admitted to a file, and returns where."""


class Unadmitted(ServiceMissing):
    """Something passed and could not be admitted; the hints say where it is kept, and how it is admitted later."""


@contextmanager
def kept_if_lost(found: Finished, keep: Keeper | None) -> Iterator[None]:
    """Have `keep` write what passed where a service is missing in this block, and say so: Unadmitted."""
    try:
        yield
    except Unadmitted:
        raise
    except ServiceMissing as error:
        if keep is None:
            raise
        raise _unadmitted(found, error, keep) from error


def _unadmitted(found: Finished, error: ServiceMissing, keep: Keeper) -> Unadmitted:
    name = f"{found.entry.domain}.{found.entry.name}"
    try:
        path = keep(found)
    except HtnError as unwritten:
        hint = f"{name} passed, and is lost: {unwritten.message}"
        return Unadmitted(error.message, where=error.where, hints=(*error.hints, hint))
    return Unadmitted(
        f"{error.message}\n{name} passed ({found.trust}) and was not admitted; it is in {path}",
        where=error.where,
        hints=(*error.hints, f"then admit it, without a model: htn library import {quote(str(path))} --why REASON"),
    )


def records_of(history: History, chosen: Attempt, deepened: Deepened) -> list[dict[str, Any]]:
    """Return the evidence as it is kept: that of each attempt, and with the last one what was bought for it.

    The bodies of other samples are evidence for or against it through rungs 5 to 9, which name them.
    """
    own = [a.verdict.evidence for a in history.attempts if a.sample == chosen.sample]
    rows = [e.to_json() | {"attempt": n} for n, evidence in enumerate(own, 1) for e in evidence]
    bought = deepened.verdict.evidence[len(own[-1]) :]
    return rows + [e.to_json() | {"attempt": len(own)} for e in bought]


def capped(trust: str, attempt: Attempt) -> str:
    """Return the trust that is left after repairs: repaired bodies are right less often, whatever they passed."""
    return "probation" if trust == "trusted" and attempt.repair else trust


def learning(entry: Entry) -> Event:
    """Return the event for the history of the name, where no person decided."""
    return Event(kind="admitted", version=entry.version, who=entry.provenance.model, why=entry.provenance.task)


def merged(found: Finished, attempt: Attempt, tryout: Tryout) -> Finished:
    """Return what passed under the entry of the library that behaves as it does, where there is one: evidence for it.

    `attempt` is the one that passed, in `tryout`.
    """
    entry, candidate = found.entry, attempt.candidate
    known = rivals(tryout.library, tryout.domain.name, tryout.contract)
    like = [each for each in known if each.specification == entry.specification]
    if candidate.code in {each.code for each in like} or not like:
        return found
    program, sandbox = entry.program(), tryout.sandbox
    version = behaves_like(program, tryout.contract, like, tryout.situations, sandbox, tryout.limits)
    if version is None or version == entry.version:
        return found
    tried = len(tryout.situations)
    tryout.on_note(f"it behaves as {version[:12]} does in {tried} situations: its evidence is added")
    record = {
        "rung": "same", "name": "merged", "passed": True,
        "detail": f"body {candidate.hash[:12]} by {entry.provenance.model} behaves as this one does",
    }  # fmt: skip
    return replace(found, entry=tryout.library.entry(version), records=[*found.records, record])
