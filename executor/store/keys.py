"""The whole key schema of the store. `htn` stands for the prefix, which a setting changes.

    htn:domains                    set: the domains that have entries
    htn:current:<domain>           hash: for each name in the domain the version that plans use
    htn:versions:<domain>:<name>   list: the versions of a name, in the order they were admitted
    htn:entry:<version>            hash: `document`, which never changes, `trust`, the level of trust
                                   in it, `before`, the level before it was pinned, `uses`, how often
                                   it was used and kept its contract, and `by`, the mark of the write
                                   that brought it
    htn:evidence:<version>         list: the records of why the entry is trusted, oldest first,
                                   each behind the mark of the write that brought it
    htn:history:<domain>:<name>    list: what was done with the versions of a name, by whom and why, oldest first,
                                   each behind the mark of its write and the time of it (ms since 1970)
    htn:pinned:<domain>            hash: for each name that is pinned the version that alone may be current
    htn:undeclared:<domain>        set: the names that no domain had declared when they were learned
    htn:dependents:<domain>:<name> set: the versions of other names that name this one
    htn:inputs:<version>           list: inputs of the last clean uses of a version, newest first
    htn:lease:<name>               string: the mark of whoever does what `name`, a hash, stands for, and is
                                   alone to do it; ends by itself when its holder does not extend it
    htn:probe                      string: written and removed by `htn doctor` to see if it can be

    htn:result:<name>              string: the result of a pure body; the name is a hash of what was computed
    htn:results:used               sorted set: the names of the results, by when each was last used (µs since 1970)
    htn:results:kept               sorted set: the same, by when each was kept
    htn:results:ends               sorted set: the same, by when each ends
    htn:results:sizes              hash: for each name of a result the bytes of its text
    htn:results:counts             hash: bytes, hits, misses, kept, evicted, expired
    htn:answer:<name>, htn:answers:…  the same for the answers of models; the name is a hash of what was asked
    htn:turns:<name>               sorted set: the requests of the last minute to what the name, a hash, stands for,
                                   by when each went out (µs since 1970)

A result or answer has a lifetime and may be lost at any time; a lease and turns have one. No other key has one: an
entry goes only when a person removes it. A write that concerns several keys is one Lua script (see
scripts), so a reader sees all of it or nothing. A cluster, which would spread the keys over several
servers, is not supported.

Keys are built from validated parts only, so no name can reach into another key.
"""

import re
from dataclasses import dataclass
from typing import Literal

from htn.errors import UsageError

ResultKind = Literal["result", "answer"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RESULT = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def identifier(text: str, what: str) -> str:
    """Return `text` if it is a name: a letter or `_`, then letters, digits and `_`."""
    if not _IDENTIFIER.fullmatch(text):
        raise UsageError(
            f"{what} {text[:60]!r} cannot be a name in the store",
            hints=("a name has letters, digits and _, at most 128, and starts with no digit",),
        )
    return text


def version_id(text: str) -> str:
    """Return `text` if it can be the version of an entry: letters, digits, `.`, `_` and `-`."""
    if not _VERSION.fullmatch(text):
        raise UsageError(
            f"{text[:60]!r} cannot be a version in the store",
            hints=("a version has letters, digits, '.', '_' and '-', at most 128",),
        )
    return text


@dataclass(frozen=True)
class Keys:
    """Builds the keys of one store; refuses parts that are no names."""

    prefix: str = "htn"

    def __post_init__(self) -> None:
        identifier(self.prefix, "the prefix")

    def domains(self) -> str:
        """The set of domains."""
        return f"{self.prefix}:domains"

    def current(self, domain: str) -> str:
        """The hash from name to the version that plans use."""
        return f"{self.prefix}:current:{identifier(domain, 'the domain')}"

    def versions(self, domain: str, name: str) -> str:
        """The list of versions of a name."""
        return f"{self.prefix}:versions:{self._name(domain, name)}"

    def history(self, domain: str, name: str) -> str:
        """The list of what was done with the versions of a name."""
        return f"{self.prefix}:history:{self._name(domain, name)}"

    def pinned(self, domain: str) -> str:
        """The hash from name to the version that alone may be current."""
        return f"{self.prefix}:pinned:{identifier(domain, 'the domain')}"

    def undeclared(self, domain: str) -> str:
        """The set of names that no domain had declared."""
        return f"{self.prefix}:undeclared:{identifier(domain, 'the domain')}"

    def dependents(self, domain: str, name: str) -> str:
        """The set of versions that name an entry."""
        return f"{self.prefix}:dependents:{self._name(domain, name)}"

    def inputs(self, version: str) -> str:
        """The list of inputs of a version."""
        return f"{self.prefix}:inputs:{version_id(version)}"

    def entry(self, version: str) -> str:
        """The hash with the document and the trust of a version."""
        return f"{self.prefix}:entry:{version_id(version)}"

    def entries(self) -> str:
        """What every key of an entry begins with."""
        return f"{self.prefix}:entry:"

    def evidence(self, version: str) -> str:
        """The list of evidence of a version."""
        return f"{self.prefix}:evidence:{version_id(version)}"

    def lease(self, name: str) -> str:
        """The holder of a lease."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of a lease: it is 64 hexadecimal digits")
        return f"{self.prefix}:lease:{name}"

    def turns(self, name: str) -> str:
        """The requests of the last minute to one service."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of turns: it is 64 hexadecimal digits")
        return f"{self.prefix}:turns:{name}"

    def result(self, name: str, kind: ResultKind = "result") -> str:
        """The text of a result."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of a result: it is 64 hexadecimal digits")
        return f"{self.every_result(kind)}{name}"

    def every_result(self, kind: ResultKind = "result") -> str:
        """What every key of a result begins with."""
        return f"{self.prefix}:{kind}:"

    def results(self, kind: ResultKind = "result") -> tuple[str, ...]:
        """What is known of all results: by last use, by when they were kept, by their end, their sizes, the counts."""
        return tuple(f"{self.prefix}:{kind}s:{part}" for part in ("used", "kept", "ends", "sizes", "counts"))

    def probe(self) -> str:
        """The key that `htn doctor` writes and removes."""
        return f"{self.prefix}:probe"

    @staticmethod
    def _name(domain: str, name: str) -> str:
        return f"{identifier(domain, 'the domain')}:{identifier(name, 'the entry')}"
