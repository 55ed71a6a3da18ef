"""Turn the way to a value that is not known into a stage: what is carried out to know it, and what is left then.

The stage ends with the last action on the way that leaves something unknown: whatever is decided after it is decided
again when more is known, by the same methods in the same order. So carrying out in stages does what a search would find
that knows the values, except that an action that was carried out is never taken back.
"""

from __future__ import annotations

from collections.abc import Iterator

from htn.domain import Domain
from htn.network import Part
from htn.plan import Plan
from htn.search.agenda import Agenda, Entry, left_after, left_in, network_of, own_arguments, shown
from htn.search.tree import Tree
from htn.stage import Place, Stage, has_unknown_argument
from htn.state import State
from htn.unknown import has_unknown


def stage_on(
    trail: list[Entry], domain: Domain, state: State, tasks: tuple[Part, ...], expansions: int, why: str
) -> Stage | None:
    """Return the stage that a search can make of the entries that led it to an unknown value; None where it can not.

    The state is as it was when the search began, and is left so.
    """
    ends = list(_sensing(trail, domain, state))
    for length, unknown in reversed(ends):
        left = left_after(trail[length - 1])
        if not _argues_with_unknown(trail[:length], left):
            nodes = Tree(trail[:length], domain.operators, left).nodes()
            return Stage(Plan(domain.name, tasks, nodes, expansions), network_of(left), unknown, why)
    return None


def _sensing(trail: list[Entry], domain: Domain, state: State) -> Iterator[tuple[int, tuple[Place, ...]]]:
    """Carry the actions out again, and give how long the trail is after each that leaves something unknown.

    With it come all places that are unknown then and were not so, or not in this way, at the beginning.
    """
    start = state.mark()
    try:
        for at, entry in enumerate(trail):
            if type(entry[1]) is str:
                continue
            before = state.mark()
            function = domain.operators[entry[0][0]].apply
            assert function is not None  # it was applied before
            function(state, *own_arguments(entry[0]))
            if any(map(has_unknown, state.changes_since(before).values())):
                changed = state.changes_since(start)
                yield at + 1, tuple(place for place, value in changed.items() if has_unknown(value))
    finally:
        state.undo(start)


def _argues_with_unknown(trail: list[Entry], left: Agenda) -> bool:
    """Say whether some task has an argument that is not known: then its method has to be asked again."""
    if any(has_unknown_argument(shown(entry[0][0] if type(entry[1]) is str else entry[0])) for entry in trail):
        return True
    return any(has_unknown_argument(shown(item)) for item, _ in left_in(left))
