"""The domains that a service offers: the bundled ones and those that were named when it was started.

A client names a domain by its name. It never names a file, and it may not set a state variable by which a command of
the domain finds a file of this machine: those are fixed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from executor.load import bundled, load_domain
from htn.domain import Domain
from htn.errors import UsageError, did_you_mean

FIXED = frozenset({"reports.path"})


@dataclass(frozen=True)
class Offered:
    """Domains by name, and where each is loaded from. `fixed` are the variables, as domain.variable, no client sets."""

    domains: Mapping[str, Domain]
    sources: Mapping[str, str] = field(default_factory=dict)
    fixed: frozenset[str] = FIXED

    @classmethod
    def of(cls, files: Iterable[str] = (), fixed: Iterable[str] = ()) -> Self:
        """Return the bundled domains and those of these files. UsageError for two of one name, or an unknown variable.

        The files are the user's own: they are Python, and run as the user.
        """
        sources = {name: name for name in bundled()}
        domains = {load_domain(name).name: load_domain(name) for name in sources}
        for file in files:
            domain = load_domain(file)
            if domain.name in domains and domains[domain.name] is not domain:
                raise UsageError(
                    f"{file} defines a domain {domain.name}, and there is one of that name already",
                    hints=("give it another name: clients name domains, not files",),
                )
            domains[domain.name], sources[domain.name] = domain, file
        for place in (chosen := tuple(fixed)):
            name, _, variable = place.partition(".")
            if not variable or name not in domains:
                raise UsageError(f"{place!r:.100} names no variable of a domain", hints=("write DOMAIN.VARIABLE",))
        return cls(domains, sources, FIXED | frozenset(chosen))

    def domain(self, name: str) -> Domain:
        """Return a domain. UsageError with did-you-mean for a name that is not offered."""
        found = self.domains.get(name)
        if found is None:
            raise UsageError(
                f"there is no domain {name!r:.80}",
                hints=(*did_you_mean(name[:80], list(self.domains)), f"offered: {', '.join(sorted(self.domains))}"),
            )
        return found

    def check_free(self, domain: str, given: Iterable[str]) -> None:
        """Refuse, with a UsageError, a state that a client sent and that sets a fixed variable."""
        for name in given:
            if f"{domain}.{name}" in self.fixed:
                raise UsageError(
                    f"{domain}.{name} says where something lies on the machine of this server, and stays as it is"
                )
