"""Which packages a body declares, and whether it may: a package is code of somebody else, chosen by its name."""

from collections.abc import Sequence

from executor.check.candidate import Finding, Source
from htn.errors import UsageError

_CODE = "HTN-P001"
_FIX = "do without packages, or declare those that the setting allowed_packages lists, as 'name>=1,<2'"


def refused_packages(candidate: Source, allowed: Sequence[str]) -> list[Finding]:
    """Return what is wrong with the packages that code declares; `allowed` is what the setting lists."""
    if not candidate.packages:
        return []
    if candidate.language != "python":
        return [_finding(f"a {candidate.language} body cannot declare packages: only python bodies can")]
    # Few bodies have any, and what reads them takes time to import.
    from executor.sandbox.dependencies.requirement import check_requirements, not_allowed  # noqa: PLC0415

    try:
        why = not_allowed(check_requirements(candidate.packages), allowed)
    except UsageError as error:
        why = error.message
    return [_finding(why)] if why else []


def _finding(message: str) -> Finding:
    return Finding("packages", message, 0, _CODE, _FIX)
