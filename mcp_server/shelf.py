"""The domains that a server offers: the bundled ones and those that were named when it was started.

A client names a domain by its name. It never names a file, and it may not set a state variable by which a command of
the domain finds a file of this machine: those are fixed.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.load import bundled, load_domain, state_from
from htn.domain import Domain
from htn.errors import UsageError, did_you_mean
from htn.network import Task, parse_task
from htn.state import State
from mcp_server.bounds import MOST_STATE

_FIXED = ("reports.path",)


@dataclass(frozen=True)
class Shelf:
    """Domains by name. `fixed` are the variables, as domain.variable, that no client may set."""

    domains: Mapping[str, Domain]
    fixed: frozenset[str] = field(default=frozenset(_FIXED))

    @classmethod
    def of(cls, files: Iterable[str] = (), fixed: Iterable[str] = ()) -> "Shelf":
        """Return the bundled domains and those of these files. UsageError for two of one name, or an unknown variable.

        The files are the user's own: they are Python, and run as the user.
        """
        domains = {domain.name: domain for domain in map(load_domain, bundled())}
        for file in files:
            domain = load_domain(file)
            if domain.name in domains and domains[domain.name] is not domain:
                raise UsageError(
                    f"{file} defines a domain {domain.name}, and there is one of that name already",
                    hints=("give it another name: agents name domains, not files",),
                )
            domains[domain.name] = domain
        shelf = cls(domains, frozenset((*_FIXED, *fixed)))
        for place in fixed:
            name, _, variable = place.partition(".")
            if not variable or name not in domains:
                raise UsageError(f"{place!r:.100} names no variable of a domain", hints=("write DOMAIN.VARIABLE",))
        return shelf

    def domain(self, name: str) -> Domain:
        """Return a domain. UsageError with did-you-mean for a name that is not offered."""
        found = self.domains.get(name)
        if found is None:
            raise UsageError(
                f"there is no domain {name!r:.80}",
                hints=(*did_you_mean(name, list(self.domains)), f"offered: {', '.join(sorted(self.domains))}"),
            )
        return found

    def tasks(self, domain: Domain, texts: Iterable[str]) -> list[Task]:
        """Return tasks that a client wrote. UsageError with did-you-mean for one that the domain does not have."""
        tasks = [parse_task(text) for text in texts]
        for task in tasks:
            domain.check_typed(task)
        return tasks

    def state(self, domain: Domain, given: Mapping[str, Any] | None) -> State:
        """Return the state to start from. UsageError for one that is too large, unknown or fixed."""
        given = given or {}
        for name in given:
            if f"{domain.name}.{name}" in self.fixed:
                raise UsageError(
                    f"{domain.name}.{name} says where something lies on the machine of this server, and stays as it is"
                )
        try:
            size = len(json.dumps(given))
        except (ValueError, RecursionError):
            raise UsageError("the state is nested too deeply") from None
        if size > MOST_STATE:
            raise UsageError(f"the state is larger than {MOST_STATE:,} characters", hints=("send what the tasks need",))
        return state_from(domain, dict(given))
