"""Whether the library has an operator already that does what a candidate does: seen by what both do, not by their text.

Two are the same where they have one head (name and parameters with their types), read and change the same places of
the state, and leave the same state behind in every situation that both are put into, up to rounding.

What this does not do: prove. Two that differ nowhere in these situations may differ elsewhere, so it is worth as much
as the situations are: give it those that the ladder tries a candidate on. Nor does it say that either is right.
"""

from collections.abc import Sequence
from typing import Any

from executor.alike import judge, observe
from executor.body import Observation
from executor.entry import Entry
from executor.library import Library
from executor.sandbox import Program, Sandbox, SandboxLimits
from executor.validate import Situation
from htn.contract import Contract
from htn.errors import HtnError


def rivals(library: Library, domain: str, contract: Contract) -> list[Entry]:
    """Return what `behaves_like` may compare a candidate with: the entries of its form, the one learned last in front.

    Those that were retired or have broken their contract in use, and those that are damaged, are left out.
    """
    found = []
    for version in reversed(library.versions(domain, contract.name)):
        if library.trust(version) == "retired" or library.was_demoted(version):
            continue
        try:
            entry = library.entry(version)
            if _form(entry.promise()) == _form(contract):
                found.append(entry)
        except HtnError:  # damaged; a store that does not answer is met again at the next step
            continue
    return found


def behaves_like(
    program: Program,
    contract: Contract,
    entries: Sequence[Entry],
    situations: Sequence[Situation],
    sandbox: Sandbox,
    limits: SandboxLimits | None = None,
) -> str | None:
    """Return the version of the first of `entries` that does what the candidate `program` does, or None.

    None, too, where there are no situations, or where the candidate fails in one: a program that fails is like nothing.
    The candidate runs once in each situation, at most, and an entry until it differs. ServiceMissing when the sandbox
    fails.
    """
    alike = [entry for entry in entries if _form(entry.promise()) == _form(contract)]
    seen: list[Observation] = []
    for entry in alike if situations else ():
        for number, situation in enumerate(situations):
            if number == len(seen):
                seen.append(_observed(program, contract, situation, sandbox, limits))
            if not seen[number].ok:
                return None
            other = _observed(entry.program(), entry.promise(), situation, sandbox, limits)
            if judge(seen[number], other)[0] != "same":
                break
        else:
            return entry.version
    return None


def _observed(
    program: Program, contract: Contract, situation: Situation, sandbox: Sandbox, limits: SandboxLimits | None
) -> Observation:
    return observe(program, contract, situation.state, situation.arguments, sandbox, limits)


def _form(contract: Contract) -> Any:
    """Return what two contracts must agree in: the head, and the places that are read and changed."""
    head = contract.name, [(p.name, p.type) for p in contract.parameters]
    return head, {str(r.source) for r in contract.reads}, {(e.kind, str(e.target)) for e in contract.effects}
