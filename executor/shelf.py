"""The domains that a worker has: those it was given, and those whose files lie where a run's driver found them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from executor.load import digest_of, load_domain
from executor.run import RunRecord
from htn.domain import Domain
from htn.errors import HtnError, UsageError


class NotHere(UsageError):
    """This worker cannot carry out the steps of a run; another one may."""


@dataclass
class Shelf:
    """Finds the domain of a run. `own` are those of runs that this process itself drives, by the run's id."""

    given: Sequence[Domain] = ()
    own: dict[str, Domain] = field(default_factory=dict)
    _loaded: dict[tuple[str, str], Domain] = field(default_factory=dict)

    def domain_of(self, record: RunRecord, digest: str) -> Domain:
        """Return the domain of a run, whose file has this hash. NotHere for another one, or none."""
        if record.id in self.own:
            return self.own[record.id]
        for domain in self.given:
            if domain.name == record.domain and digest_of(domain) == digest:
                return domain
        key = record.source, digest
        if key not in self._loaded:
            self._loaded[key] = _load(record, digest)
        return self._loaded[key]


def _load(record: RunRecord, digest: str) -> Domain:
    try:
        domain = load_domain(record.source)
    except HtnError as error:
        raise NotHere(f"the domain {record.source} cannot be loaded: {error.message}") from error
    if domain.name != record.domain or digest_of(domain) != digest:
        raise NotHere(
            f"{Path(record.source).name} is another file here than where the run is driven",
            hints=("copy it to the worker: every machine has the same domain",),
        )
    return domain
