"""The whole key schema of the store. `htn` stands for the prefix, which a setting changes.

    htn:domains                    set: the domains that have entries
    htn:current:<domain>           hash: for each name in the domain the version that plans use
    htn:moves:<domain>             sorted set: the names in the domain, by when the version that plans use changed last
                                   (counted from 1 over all of them); names that were there before it was kept are
                                   not in it
    htn:versions:<domain>:<name>   list: the versions of a name, in the order they were admitted
    htn:entry:<version>            hash: `document`, which never changes, `trust`, the level of trust
                                   in it, `before`, the level before it was pinned, `uses`, how often
                                   it was used and kept its contract, `of`, the domain and name that it
                                   is a version of, `broke`, once it has broken its contract, and `by`,
                                   the mark of the write that brought it
    htn:evidence:<version>         list: the records of why the entry is trusted, oldest first,
                                   each behind the mark of the write that brought it
    htn:history:<domain>:<name>    list: what was done with the versions of a name, by whom and why, oldest first,
                                   each behind the mark of its write and the time of it (ms since 1970)
    htn:pinned:<domain>            hash: for each name that is pinned the version that alone may be current
    htn:undeclared:<domain>        set: the names that no domain had declared when they were learned
    htn:dependents:<domain>:<name> set: the versions of other names that name this one
    htn:inputs:<version>           list: inputs of the last clean uses of a version, newest first
    htn:tried:<version>            set: the hashes of the different inputs of its clean uses, as many as make a
                                   promotion; there while it is on probation
    htn:counterexamples:<domain>:<name>  list: inputs on which some version of the name was wrong, each behind its
                                   hash, the newest last
    htn:proposal:<version>         string: an entry that waits for a person's approval, with its evidence; no version of
                                   any name yet
    htn:proposals                  sorted set: the versions that wait, by when each was kept (µs since 1970); there is
                                   a most of them, and the oldest goes
    htn:code:allowed               hash: for each code, by its digest, that a person has allowed to be run, by whom and
                                   why
    htn:code:waiting:<digest>      string: code that a model wrote and that waits for that; ends by itself
    htn:rejected                   hash: for each version that a person rejected by whom and why
    htn:lease:<name>               string: the mark of whoever does what `name`, a hash, stands for, and is
                                   alone to do it; ends by itself when its holder does not extend it
    htn:vector:<version>           hash: for each embedding model by name the vector that it gave for a version
    htn:lessons                    sorted set: the domains that have lessons, by when one was noted last (ms since 1970)
    htn:lessons:<domain>           sorted set: the lessons of a domain, by when each was noted last
    htn:lesson:<domain>:<name>     hash: `about`, what went wrong, `advice`, `count`, how often, `seen`, when last,
                                   `by`, the mark of the write that noted it last, and for each word of the
                                   contracts where it was met `word:<word>`, how often; the name is a hash of `about`
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
    htn:spent:<account>            hash: the calls, tokens, cost (millionths of the currency) and ms that models took
                                   in an account: run:<run>, day:<date> or model:<date>:<name>, the name being a hash
    htn:held:<account>             hash: for each call under way its mark and as JSON when what it holds counts as spent
                                   (ms since 1970), and the calls, tokens, cost and ms that it may take at most
    htn:breaker:<name>             hash: of a model's server, whose hash the name is, `failures` in a row, `until`, when
                                   it may be asked again (ms since 1970), `rests`, where it asked for that itself,
                                   `probe`, the mark of the call that finds out, `probe_until`, `why`, what it said,
                                   and `by`, the mark of the failure that was counted last
    htn:health:<name>              hash: of such a server `at`, when somebody looked last (ms since 1970), `answers`,
                                   `why` it did not, `looks`, the mark of whoever does, and `looks_until`
    htn:models                     hash: for each model that was asked, by a hash, its name
    htn:tally:<name>               hash: of a model its `calls`, how many went `well`, `ms`, tokens, `cost`, `last`
    htn:latest:<name>              list: its last calls, the newest first: a mark, 1 or 0 for well or not, and the ms
    htn:retried:<workflow>         hash: for each step of a workflow that was tried again the mark of its last count
    htn:runs, htn:runs:open        sorted sets: the runs, and those that have not ended, by when each began (µs since
                                   1970)
    htn:run:<id>                   hash: `record`, which never changes, `state`, where it stands, `commits`, how many
                                   steps have committed, `cancel`, why it is to be cancelled, `closed`, the number of
                                   the last plan of which workers begin no step any more, and marks of writes
    htn:run:<id>:events            stream: what happened, one JSON text `e` each
    htn:run:<id>:started           hash: for each step that is under way the mark of who carries it out
    htn:run:<id>:committed         hash: for each step that is done the mark of who did it
    htn:run:<id>:places            hash: for each place of the state the number of the last commit that wrote it
    htn:run:<id>:claim:<step>      string: the mark of who carries a step out; ends by itself
    htn:workers                    sorted set: the workers, each a JSON text, by when it ends to count as one that lives
                                   (ms since 1970) unless it says once more that it does
    workflow_step_retry:<workflow>:<step>  string: how often a step was tried again. It stands outside of the prefix
                                   because other programs look for it under this name

A result or answer has a lifetime and may be lost at any time; a lease, a claim, turns and code that waits have one, and
so have the counts of what was tried again and the accounts of runs, thirty days after the last, the accounts of days,
400 days, and a run that has ended, as long as a setting says. No other key has one: an entry goes only when a person
removes it, and of a domain's lessons those go that were not noted for longest. A write that concerns several keys is
one Lua script (see scripts, run_scripts, budget_scripts and lessons), so a reader sees all of it or nothing. A cluster,
which would spread the keys over several servers, is not supported.

Keys are built from validated parts only, so no name can reach into another key.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from htn.errors import UsageError

ResultKind = Literal["result", "answer"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RESULT = re.compile(r"[0-9a-f]{64}")
_ACCOUNT = re.compile(r"(day:\d{4}-\d\d-\d\d|model:\d{4}-\d\d-\d\d:[0-9a-f]{64})")
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


def _id(text: str, what: str) -> str:
    if not _VERSION.fullmatch(text):
        raise UsageError(
            f"{text[:60]!r} cannot be the id {what}",
            hints=("an id has letters, digits, '.', '_' and '-', at most 128, and starts with a letter or digit",),
        )
    return text


def _digest(text: str, what: str) -> str:
    if not _RESULT.fullmatch(text):
        raise UsageError(f"{text[:80]!r} cannot be the name of {what}: it is 64 hexadecimal digits")
    return text


def _account(text: str) -> str:
    kind, _, rest = text.partition(":")
    if kind == "run":
        _id(rest, "of a run")
    elif not _ACCOUNT.fullmatch(text):
        raise UsageError(f"{text[:80]!r} cannot be an account: it is run:ID, day:DATE or model:DATE:HASH")
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

    def moves(self, domain: str) -> str:
        """The names of a domain by when their current version changed last."""
        return f"{self.prefix}:moves:{identifier(domain, 'the domain')}"

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

    def tried(self, version: str) -> str:
        """The set of hashes of the inputs of a version on probation."""
        return f"{self.prefix}:tried:{version_id(version)}"

    def counterexamples(self, domain: str, name: str) -> str:
        """The list of counterexamples of a name."""
        return f"{self.prefix}:counterexamples:{self._name(domain, name)}"

    def beginnings(self) -> dict[str, str]:
        """What the keys begin with that a script makes itself, for entries that it finds on its way."""
        parts = ("entry", "evidence", "history", "dependents", "tried")
        return {part: f"{self.prefix}:{part}:" for part in parts}

    def retries(self, workflow: str) -> str:
        """What the keys of the counts of a workflow begin with."""
        return f"workflow_step_retry:{_id(workflow, 'of a workflow')}:"

    def retry(self, workflow: str, step: str) -> str:
        """How often a step of a workflow was tried again."""
        return f"{self.retries(workflow)}{_id(step, 'of a step')}"

    def retried(self, workflow: str) -> str:
        """The hash of the steps of a workflow that were tried again."""
        return f"{self.prefix}:retried:{_id(workflow, 'of a workflow')}"

    def runs(self) -> str:
        """All runs that are kept."""
        return f"{self.prefix}:runs"

    def open_runs(self) -> str:
        """The runs that have not ended."""
        return f"{self.prefix}:runs:open"

    def run(self, run: str) -> str:
        """What is known of a run."""
        return f"{self.prefix}:run:{_id(run, 'of a run')}"

    def run_events(self, run: str) -> str:
        """The log of a run."""
        return f"{self.run(run)}:events"

    def run_started(self, run: str) -> str:
        """Who carries out the steps that are under way."""
        return f"{self.run(run)}:started"

    def run_committed(self, run: str) -> str:
        """Who did the steps that are done."""
        return f"{self.run(run)}:committed"

    def run_places(self, run: str) -> str:
        """Which commit wrote a place last."""
        return f"{self.run(run)}:places"

    def run_claim(self, run: str, step: str) -> str:
        """The mark of who carries a step out, as long as he lives."""
        return f"{self.run(run)}:claim:{_id(step, 'of a step')}"

    def run_lease(self, run: str) -> str:
        """The name of the lease of whoever drives a run."""
        return sha256(f"run {_id(run, 'of a run')}".encode()).hexdigest()

    def workers(self) -> str:
        """The workers that carry out steps of runs."""
        return f"{self.prefix}:workers"

    def entry(self, version: str) -> str:
        """The hash with the document and the trust of a version."""
        return f"{self.prefix}:entry:{version_id(version)}"

    def entries(self) -> str:
        """What every key of an entry begins with."""
        return f"{self.prefix}:entry:"

    def evidence(self, version: str) -> str:
        """The list of evidence of a version."""
        return f"{self.prefix}:evidence:{version_id(version)}"

    def proposal(self, version: str) -> str:
        """The text of what waits for approval."""
        return f"{self.prefix}:proposal:{version_id(version)}"

    def every_proposal(self) -> str:
        """What every key of a proposal begins with."""
        return f"{self.prefix}:proposal:"

    def proposals(self) -> str:
        """The sorted set of the versions that wait for approval."""
        return f"{self.prefix}:proposals"

    def rejected(self) -> str:
        """The hash from version to who rejected it and why."""
        return f"{self.prefix}:rejected"

    def allowed_code(self) -> str:
        """The hash from digest to who allowed the code and why."""
        return f"{self.prefix}:code:allowed"

    def waiting_code(self, digest: str) -> str:
        """The text of code that waits for approval."""
        if not _RESULT.fullmatch(digest):
            raise UsageError(f"{digest[:80]!r} cannot be the digest of code: it is 64 hexadecimal digits")
        return f"{self.prefix}:code:waiting:{digest}"

    def lease(self, name: str) -> str:
        """The holder of a lease."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of a lease: it is 64 hexadecimal digits")
        return f"{self.prefix}:lease:{name}"

    def vector(self, version: str) -> str:
        """The hash from embedding models to their vectors of a version."""
        return f"{self.prefix}:vector:{version_id(version)}"

    def lesson_domains(self) -> str:
        """The domains that have lessons."""
        return f"{self.prefix}:lessons"

    def lessons(self, domain: str) -> str:
        """The lessons of a domain."""
        return f"{self.prefix}:lessons:{identifier(domain, 'the domain')}"

    def lesson(self, domain: str, name: str) -> str:
        """What is known of a lesson."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of a lesson: it is 64 hexadecimal digits")
        return f"{self.every_lesson(domain)}{name}"

    def every_lesson(self, domain: str) -> str:
        """What every key of a lesson of a domain begins with."""
        return f"{self.prefix}:lesson:{identifier(domain, 'the domain')}:"

    def turns(self, name: str) -> str:
        """The requests of the last minute to one service."""
        if not _RESULT.fullmatch(name):
            raise UsageError(f"{name[:80]!r} cannot be the name of turns: it is 64 hexadecimal digits")
        return f"{self.prefix}:turns:{name}"

    def spent(self, account: str) -> str:
        """What was spent in an account."""
        return f"{self.prefix}:spent:{_account(account)}"

    def held(self, account: str) -> str:
        """What calls under way hold in an account."""
        return f"{self.prefix}:held:{_account(account)}"

    def breaker(self, server: str) -> str:
        """The breaker of a model's server."""
        return f"{self.prefix}:breaker:{_digest(server, 'a server')}"

    def health(self, server: str) -> str:
        """Whether a model's server answers."""
        return f"{self.prefix}:health:{_digest(server, 'a server')}"

    def models(self) -> str:
        """The models that were asked."""
        return f"{self.prefix}:models"

    def tally(self, model: str) -> str:
        """How a model has done so far."""
        return f"{self.prefix}:tally:{_digest(model, 'a model')}"

    def latest(self, model: str) -> str:
        """The last calls of a model."""
        return f"{self.prefix}:latest:{_digest(model, 'a model')}"

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
