"""The domains that clients may name: the bundled ones, and those that whoever started the service named. No paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executor.load import bundled, load_domain
from htn.domain import Domain
from htn.errors import UsageError, did_you_mean
from server.problems import RequestError


@dataclass(frozen=True)
class KnownDomains:
    """Domains by the name that clients use, and where each comes from."""

    domains: Mapping[str, Domain]
    sources: Mapping[str, str]

    @classmethod
    def load(cls, files: Sequence[str] = ()) -> "KnownDomains":
        """Load the bundled domains and these files. UsageError where two have one name."""
        domains = {name: load_domain(name) for name in bundled()}
        sources = {name: name for name in domains}
        for file in files:
            domain = load_domain(file)
            if domain.name in domains:
                raise UsageError(
                    f"there are two domains called {domain.name}",
                    where=file,
                    hints=("clients name a domain by the name that its file gives it: give it another one",),
                )
            domains[domain.name], sources[domain.name] = domain, file
        return cls(domains, sources)

    def get(self, name: str) -> Domain:
        """Return the domain of this name. RequestError where there is none."""
        if name in self.domains:
            return self.domains[name]
        listed = f"there are {', '.join(sorted(self.domains))}"
        raise RequestError(
            "unknown",
            f"the service has no domain {name[:80]!r}",
            hints=(
                *did_you_mean(name[:80], list(self.domains)),
                listed,
                "others are named at the start: --domain FILE",
            ),
        )
