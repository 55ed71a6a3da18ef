"""Let somebody choose, while planning, between the methods of a task that all apply.

A domain declares for which tasks a choice is worth asking for (`Domain.decision`); everywhere else, and where nobody
says anything, methods are tried in the order in which they are declared. What is chosen is only tried first: where it
leads nowhere, the others follow in that order. So a decision changes which plan is found, never whether there is one,
nor what makes a plan right.

Nobody is asked where fewer than two methods apply, or where that depends on a value that only execution can know.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from htn.decision import Decision
from htn.domain import Domain, Method
from htn.errors import NeedsValue
from htn.network import Part, Task, show_network
from htn.replay import alternatives
from htn.state import State


@dataclass(frozen=True)
class Option:
    """A method that applies: its name, what it says of itself, and the subtasks that it gives first."""

    name: str
    description: str
    subtasks: tuple[Part, ...]

    def __str__(self) -> str:
        return f"{self.description or self.name}: {', '.join(map(show_network, self.subtasks)) or 'nothing to do'}"


# Returns the name of the option that is tried first, or None for the declared order.
Choose: TypeAlias = Callable[[Decision, Task, State, tuple[Option, ...]], str | None]


def decided_by(domain: Domain, choose: Choose) -> Domain:
    """Return the domain for a search in which `choose` says which method is tried first, where one is wanted.

    It is for searching only: check a plan (`htn.verify`) with the domain itself.
    """
    wanted = [d for d in domain.decisions if len(domain.methods.get(d.task, ())) > 1]
    decided = {each.task: _Decided(each, domain.methods[each.task], choose).ways() for each in wanted}
    return replace(domain, methods={**domain.methods, **decided}) if decided else domain


class _Decided:
    """The methods of one task, each of them twice: as what was chosen, then as one of the others."""

    def __init__(self, decision: Decision, methods: tuple[Method, ...], choose: Choose) -> None:
        self._decision, self._methods, self._choose = decision, methods, choose
        self._asked: tuple[object, str | None] = (None, None)

    def ways(self) -> tuple[Method, ...]:
        return tuple(self._only(method, chosen) for chosen in (True, False) for method in self._methods)

    def _only(self, method: Method, chosen: bool) -> Method:
        def decompose(state: State, *arguments: Any) -> Any:
            is_chosen = self._chosen(state, arguments) == method.name
            return method.decompose(state, *arguments) if is_chosen is chosen else None

        return replace(method, decompose=decompose)

    def _chosen(self, state: State, arguments: tuple[Any, ...]) -> str | None:
        # A search asks all methods of a task one after the other in the same state.
        situation = (repr(arguments), state.fingerprint())
        if self._asked[0] != situation:
            self._asked = (situation, self._ask(state, arguments))
        return self._asked[1]

    def _ask(self, state: State, arguments: tuple[Any, ...]) -> str | None:
        try:
            options = tuple(o for m in self._methods if (o := _option(m, state, arguments)) is not None)
        except NeedsValue:
            return None
        if len(options) < 2:
            return None
        return self._choose(self._decision, (self._decision.task, *arguments), state, options)


def _option(method: Method, state: State, arguments: tuple[Any, ...]) -> Option | None:
    if not method.arity.accepts(len(arguments)):
        return None
    try:
        first = next(alternatives(method, state, (method.task, *arguments)), None)
    except NeedsValue:
        raise
    except Exception:  # noqa: BLE001  # a method that raises is told about by the search, which asks it again
        return None
    return None if first is None else Option(method.name, method.description, first)
