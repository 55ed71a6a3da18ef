"""What a body may declare: names of packages with versions, as the packaging standards write them (PEP 508).

    attrs                                   any version
    python-slugify[unidecode] >=8, <9       with an extra
    attrs==26.1.0 sha256:64 digits          pinned: this wheel and no other

Refused: addresses, paths, options and markers. A marker would make what is installed depend on the machine.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from htn.errors import UsageError, did_you_mean

_MOST = 50
_MOST_CHARACTERS = 300
_PINNED = re.compile(r"(?P<pin>[^\s]+==[^\s*,]+)\s+sha256:(?P<hash>[0-9a-f]{64})")
_FORM = "write a name with versions, such as 'attrs>=24,<27'"


@dataclass(frozen=True)
class Wanted:
    """One declared package: its name in the one form that it has, what pip is told, and the hash of a pinned wheel."""

    name: str
    text: str
    sha256: str = ""


def check_requirements(texts: Sequence[str]) -> tuple[Wanted, ...]:
    """Return what is declared, each name once. Raises `UsageError` for what may not be declared."""
    if len(texts) > _MOST:
        raise UsageError(f"a body declares {len(texts)} packages; the most is {_MOST}")
    found = [_wanted(text) for text in texts]
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"the package {twice} is declared twice", hints=("declare it once, with all its versions",))
    return tuple(found)


def not_allowed(wanted: Iterable[Wanted], allowed: Sequence[str]) -> str:
    """Return which declared package the setting does not allow and what to do, or nothing when all are allowed.

    The setting lists names; `*` allows every package, nothing allows none.
    """
    names = [canonicalize_name(each) for each in allowed if each != "*"]
    for each in wanted:
        if "*" not in allowed and each.name not in names:
            meant = "".join(f" ({hint})" for hint in did_you_mean(each.name, names))
            listed = ", ".join(names) if names else "none"
            return (
                f"the package {each.name} is not allowed{meant}: the setting allowed_packages lists {listed}; "
                f"to allow it: HTN_ALLOWED_PACKAGES={','.join([*names, each.name])}"
            )
    return ""


def _wanted(text: str) -> Wanted:
    if len(text) > _MOST_CHARACTERS or not text.isascii() or not text.isprintable():
        raise _refused(text, "is no short plain text")
    pinned = _PINNED.fullmatch(text.strip())
    try:
        requirement = Requirement(pinned["pin"] if pinned else text)
    except InvalidRequirement as error:
        raise _refused(text, f"is no requirement: {str(error).splitlines()[0]}") from None
    if requirement.url:
        raise _refused(text, "names an address; packages come from the index that pip is set to")
    if requirement.marker:
        raise _refused(text, "has a marker, which would make it depend on the machine")
    name = canonicalize_name(requirement.name)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return Wanted(name, f"{name}{extras}{requirement.specifier}", pinned["hash"] if pinned else "")


def _refused(text: str, why: str) -> UsageError:
    return UsageError(f"the dependency {text[:80]!r} {why}", hints=(_FORM,))
