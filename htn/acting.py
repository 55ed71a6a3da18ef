"""Act on a plan in a world that does not always do as it is told: look again, repair, or plan anew.

`act` is Run-Lazy-Lookahead (Ghallab, Nau and Traverso, *Automated Planning and Acting*, 2016, chapter 2): it
carries out the actions of a plan one by one, and looks ahead again only when a command fails, or when the world is
not as the plan said and the rest of the plan would no longer work there.

To look ahead again means to repair the plan first (in the manner of IPyHOP; Bansod, Patra, Nau and Roberts, 2022): of
the tasks above the action that could not be done, the lowest that can be is decomposed anew from the state as it is,
and of what was to come after it each part that still works is kept, without asking its methods again. Where that
does not lead anywhere, everything is planned from scratch. An action that has just failed is avoided where there is
another way.

Where what comes next depends on a value that only execution can know, the plan so far is a stage (see `htn.stage`): it
is carried out, and then the rest is planned. A stage that breaks is planned anew, not repaired.

This module does not touch the world: what carries an action out is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from htn.domain import Domain
from htn.errors import HtnError
from htn.failure import Failure
from htn.network import Part, TaskNetwork
from htn.plan import Action, Plan
from htn.repair import Repair, applies, repair_plan, went_well
from htn.search import Limits, find_plan
from htn.stage import first_stage
from htn.state import State
from htn.unknown import has_unknown

__all__ = [
    "ActingEvent",
    "Happened",
    "Outcome",
    "Perform",
    "Repair",
    "act",
    "avoiding",
    "first_that_fails",
    "repair_plan",
]

# Carries an action out, and makes the state what is true afterwards, also where it failed: then it returns None or
# False.
Perform = Callable[[State, Action], object]


class Happened(StrEnum):
    """What an acting event says."""

    DONE = "done"
    FAILED = "failed"
    SURPRISED = "surprised"
    REPAIRED = "repaired"
    PLANNED = "planned"


@dataclass(frozen=True)
class ActingEvent:
    """Something that happened while acting. `kept` and `new` count actions of a plan that was repaired or made."""

    kind: Happened
    action: Action | None = None
    kept: int = 0
    new: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of acting: the actions that were carried out, and why it ended: "" when everything was done.

    `plans` counts how often was planned from scratch, `repairs` how often a plan was repaired.
    """

    done: tuple[Action, ...]
    reason: str
    plans: int
    repairs: int

    @property
    def succeeded(self) -> bool:
        """Whether everything was done."""
        return not self.reason


def act(
    domain: Domain,
    state: State,
    tasks: Sequence[Part] | TaskNetwork,
    perform: Perform | None = None,
    *,
    repair: bool = True,
    most_looks: int = 100,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    on_event: Callable[[ActingEvent], None] = lambda event: None,
) -> Outcome:
    """Carry out `tasks` in the world that `perform` acts on; `state` becomes what is true in it.

    Args:
        domain: what is known.
        state: what is true now. `perform` changes it to what is true after each action.
        tasks: what is to be done.
        perform: carries an action out; by default the domain's command for it, or its operator.
        repair: whether to keep what still works of a plan; otherwise everything is planned from scratch.
        most_looks: how often at most to look ahead.
        limits: of each look ahead.
        clock: seconds, rising; needed for `Limits.seconds`.
        on_event: hears what happens.
    """
    ways = _Ways(domain, limits, clock)
    carry_out = perform or _by_command(domain)
    done: list[Action] = []
    plans = repairs = 0
    failed: Action | None = None
    broken: tuple[Plan, int] | None = None
    while plans + repairs < most_looks:
        found: Plan | Repair | Failure | None = None
        if broken is not None and repair:
            found = ways.repaired(state, *broken, failed)
        if isinstance(found, Repair):
            repairs += 1
            on_event(ActingEvent(Happened.REPAIRED, kept=found.kept, new=found.new))
            ahead, stage = found.plan, first_stage(domain, state, found.plan)
        else:
            plans += 1
            found = ways.planned(state, tasks, failed)
            if isinstance(found, Plan):
                ahead, stage = found, first_stage(domain, state, found)
            elif found.stage is None:
                return Outcome(tuple(done), found.explain(), plans, repairs)
            else:
                ahead, stage = found.stage.plan, found.stage
            on_event(ActingEvent(Happened.PLANNED, new=len(ahead)))
        stopped_at, failed = _carry_out(domain, state, stage.plan if stage else ahead, carry_out, done, on_event)
        if stopped_at is not None:
            broken = None if stage else (ahead, stopped_at)
            continue
        if stage is None:
            return Outcome(tuple(done), "", plans, repairs)
        if len(unknown := stage.still_unknown(state)) == len(stage.unknown):
            return Outcome(tuple(done), f"{', '.join(unknown)} was to become known, and did not", plans, repairs)
        tasks, broken = stage.rest, None
    return Outcome(tuple(done), f"looked ahead {most_looks} times without getting done", plans, repairs)


@dataclass(frozen=True)
class _Ways:
    """Plans and repairs, first without the action that has just failed, then with it."""

    domain: Domain
    limits: Limits | None
    clock: Callable[[], float] | None

    def planned(self, state: State, tasks: Sequence[Part] | TaskNetwork, failed: Action | None) -> Plan | Failure:
        for domain in self._domains(failed):
            found = find_plan(domain, state, tasks, limits=self.limits, clock=self.clock)
            if isinstance(found, Plan) or found.stage:
                break
        return found

    def repaired(self, state: State, plan: Plan, at: int, failed: Action | None) -> Repair | None:
        domain = self._domains(failed)[0]
        found = repair_plan(domain, state, plan, at, limits=self.limits, clock=self.clock)
        return found if isinstance(found, Repair) else None

    def _domains(self, failed: Action | None) -> list[Domain]:
        return [self.domain] if failed is None else [avoiding(self.domain, failed), self.domain]


def avoiding(domain: Domain, action: Action) -> Domain:
    """Return the domain without one action."""
    operator = domain.operators[action.name]
    function = operator.apply

    def apply(state: State, *arguments: object) -> object:
        return None if arguments == action.arguments or function is None else function(state, *arguments)

    return replace(domain, operators={**domain.operators, action.name: replace(operator, apply=apply)})


def _carry_out(
    domain: Domain,
    state: State,
    plan: Plan,
    perform: Perform,
    done: list[Action],
    on_event: Callable[[ActingEvent], None],
) -> tuple[int | None, Action | None]:
    """Carry out a plan until it is done (None), or until the action with the returned index cannot be.

    The action comes with it where it was tried and failed.
    """
    actions = plan.actions
    for at, action in enumerate(actions):
        expected = _foreseen(domain, state, action)
        mark = state.mark()
        try:
            worked = went_well(perform(state, action))
        except HtnError:
            worked = False
        if not worked:
            on_event(ActingEvent(Happened.FAILED, action))
            return at, action
        done.append(action)
        on_event(ActingEvent(Happened.DONE, action))
        if not _as_foreseen(state.changes_since(mark), expected):
            on_event(ActingEvent(Happened.SURPRISED, action))
            stuck = first_that_fails(domain, state, actions[at + 1 :])
            if stuck is not None:
                return at + 1 + stuck, None
    return None, None


def _as_foreseen(changed: dict[tuple[str, object], object], expected: dict[tuple[str, object], object]) -> bool:
    """Say whether what has changed is what was expected to, where that was known."""
    if any(map(has_unknown, expected.values())):
        expected = {place: value for place, value in expected.items() if not has_unknown(value)}
        changed = {place: value for place, value in changed.items() if place in expected}
    return changed == expected


def first_that_fails(domain: Domain, state: State, actions: Sequence[Action]) -> int | None:
    """Return the index of the first action that does not apply when these are applied in order, or None."""
    mark = state.mark()
    try:
        for at, action in enumerate(actions):
            if not applies(domain, state, action):
                return at
        return None
    finally:
        state.undo(mark)


def _foreseen(domain: Domain, state: State, action: Action) -> dict[tuple[str, object], object]:
    """Return what the operator says that the action changes."""
    mark = state.mark()
    try:
        applies(domain, state, action)
        return state.changes_since(mark)
    finally:
        state.undo(mark)


def _by_command(domain: Domain) -> Perform:
    def perform(state: State, action: Action) -> object:
        function = domain.commands.get(action.name) or domain.operators[action.name].apply
        mark = state.mark()
        result = function(state, *action.arguments) if function is not None else None
        if not went_well(result):
            state.undo(mark)
        return result

    return perform
