"""The domains that clients may name: the bundled ones, and those that whoever started the service named. No paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executor.offered import Offered
from htn.domain import Domain
from htn.errors import UsageError
from server.problems import RequestError


@dataclass(frozen=True)
class KnownDomains(Offered):
    """Domains by the name that clients use, and where each comes from."""

    def get(self, name: str, state: Mapping[str, Any] | None = None) -> Domain:
        """Return the domain of this name. RequestError where there is none, UsageError for a `state` that sets what
        is fixed.
        """
        try:
            domain = self.domain(name)
        except UsageError as error:
            hints = (*error.hints, "others are named at the start: --domain FILE")
            raise RequestError("unknown", error.message, hints=hints) from error
        self.check_free(name, state or ())
        return domain
