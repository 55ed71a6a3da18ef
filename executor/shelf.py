"""The domains that a worker has: those it was given, and those whose files lie where a run's driver found them.

A run's record comes from the store, and says which file to load; a domain's file is code. So a file is loaded only
where it is, byte for byte, the one that the record means; and a worker that was given domains loads no others but
bundled ones.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from executor.load import bundled, digest_at, digest_of, load_domain
from executor.run import RunRecord
from htn.domain import Domain
from htn.errors import HtnError, UsageError


class NotHere(UsageError):
    """This worker cannot carry out the steps of a run; another one may."""


@dataclass
class Shelf:
    """Finds the domain of a run."""

    given: Sequence[Domain] = ()
    _own: dict[str, Domain] = field(default_factory=dict)
    _loaded: dict[tuple[str, str], Domain] = field(default_factory=dict)

    @contextmanager
    def owning(self, run_id: str, domain: Domain) -> Iterator[None]:
        """Have the domain of a run, meanwhile, that this process itself drives: it may be in no file."""
        self._own[run_id] = domain
        try:
            yield
        finally:
            del self._own[run_id]

    def domain_of(self, record: RunRecord, digest: str) -> Domain:
        """Return the domain of a run, whose file has this hash. NotHere for another one, or none."""
        if (own := self._own.get(record.id)) is not None:
            return own
        for domain in self.given:
            if domain.name == record.domain and digest_of(domain) == digest:
                return domain
        key = record.source, digest
        if key not in self._loaded:
            self._loaded[key] = self._load(record, digest)
        return self._loaded[key]

    def _load(self, record: RunRecord, digest: str) -> Domain:
        if self.given and record.source not in bundled():
            raise NotHere(f"it was given other domains, or other versions, than {record.source}")
        if record.source not in bundled() and digest_at(Path(record.source)) != digest:
            raise NotHere(
                f"{record.source} is another file here than where the run is driven, or there is none",
                hints=("copy it to the worker: every machine has the same domain",),
            )
        try:
            domain = load_domain(record.source)
        except HtnError as error:
            raise NotHere(f"the domain {record.source} cannot be loaded: {error.message}") from error
        if domain.name != record.domain or digest_of(domain) != digest:
            raise NotHere(f"{record.source} does not define the domain of the run")
        return domain
