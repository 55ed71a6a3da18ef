"""What agents may name and send: the domains that are offered, their tasks, and a state to start from."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from executor.load import state_from
from executor.offered import Offered
from htn.domain import Domain
from htn.errors import UsageError
from htn.network import Task, parse_task
from htn.state import State
from mcp_server.bounds import MOST_STATE


@dataclass(frozen=True)
class Shelf(Offered):
    """The domains that are offered to agents."""

    def tasks(self, domain: Domain, texts: Iterable[str]) -> list[Task]:
        """Return tasks that a client wrote. UsageError with did-you-mean for one that the domain does not have."""
        tasks = [parse_task(text) for text in texts]
        for task in tasks:
            domain.check_typed(task)
        return tasks

    def state(self, domain: Domain, given: Mapping[str, Any] | None) -> State:
        """Return the state to start from. UsageError for one that is too large, unknown or fixed."""
        given = given or {}
        self.check_free(domain.name, given)
        try:
            size = len(json.dumps(given))
        except (ValueError, RecursionError):
            raise UsageError("the state is nested too deeply") from None
        if size > MOST_STATE:
            raise UsageError(f"the state is larger than {MOST_STATE:,} characters", hints=("send what the tasks need",))
        return state_from(domain, dict(given))
