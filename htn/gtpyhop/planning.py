"""Finding plans and carrying them out, as GTPyhop's functions of these names do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

from htn.errors import DomainError, LimitReached
from htn.failure import Failure
from htn.gtpyhop.domain import backward, needed_domain
from htn.gtpyhop.engine import Engine
from htn.gtpyhop.settings import COMMITTED, chosen_strategy, current, overlaid, say
from htn.gtpyhop.things import Multigoal, State, goal_rows
from htn.gtpyhop.trace import PlanTrace
from htn.gtpyhop.translate import Translation, parts
from htn.network import show_task
from htn.search import Limits, SearchEvent
from htn.search import find_plan as search
from htn.state import State as SearchState

_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


class Found(NamedTuple):
    """What a search found: a plan, or a failure that explains itself."""

    plan: list[tuple[Any, ...]] | None
    failure: Failure | None
    expansions: int


def look_for_plan(
    state: State,
    todo_list: Sequence[Any],
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    cancelled: Callable[[], bool] | None = None,
    trace: PlanTrace | None = None,
) -> Found:
    """Look for a plan under the settings that hold here; the state is left as it is.

    Raises:
        DomainError: a function broke a rule of the domain language, or nothing but an unknown name was in the way.
        Exception: whatever a function of the domain raised.
    """
    settings, domain, engine = current(), needed_domain(), Engine(state, trace)
    verified = settings.verify_goals
    how = Translation(verified, chosen_strategy() == COMMITTED, settings.keep_idle, trace is not None)
    raised: BaseException | None = None
    try:
        answer = search(
            how.of(domain),
            # The search asks of a state what an engine can do.
            cast(SearchState, engine),
            parts(todo_list, goals_are_tasks=not verified),
            limits=limits,
            clock=clock,
            cancelled=cancelled,
            on_event=_narrator(engine) if settings.verbose >= 2 else None,
            on_plan=engine.settle_for,
        )
    except DomainError as error:
        raised = error.__cause__
        if raised is None:
            raise
        raised.add_note(error.explain())
    if raised is not None:
        # An exception of a domain's function goes through as it was raised, with a note that says for which task.
        raise raised
    if not isinstance(answer, Failure):
        return Found(engine.plan(), None, answer.expansions)
    if answer.stopped is not None and not isinstance(answer.stopped, LimitReached):
        raise answer.stopped
    if answer.gaps and answer.stopped is None:
        raise _nobody_knows(answer)
    return Found(None, answer, answer.expansions)


def _nobody_knows(failure: Failure) -> DomainError:
    gap = failure.gaps[0]
    return DomainError(
        f"{show_task(gap.task)} is no action, task, unigoal or multigoal of the domain {failure.domain}",
        where=", ".join(map(str, reversed(gap.path[-3:]))) or None,
        hints=("declare it with declare_actions, declare_task_methods or declare_unigoal_methods",),
    )


def _narrator(engine: Engine) -> Callable[[SearchEvent], None]:
    def tell(event: SearchEvent) -> None:
        how = f" by {event.method}" if event.method else ""
        say(f"depth {event.depth} {event.kind} {event.task}{how}")
        if event.kind == "action" and current().verbose >= 3:
            engine.facade.display()

    return tell


def find_plan(state: State, todo_list: Sequence[Any]) -> list[tuple[Any, ...]] | bool:
    """Return the plan that does what is on the list, from a state, or False when there is none.

    Args:
        state: where planning starts; it is left as it is.
        todo_list: actions, tasks, goals `(variable, key, value)` and multigoals, in order.

    Raises:
        DomainError: an action or method returned what it must not, or a name on the way is declared nowhere.
        Exception: whatever a function of the domain raised.
    """
    chosen_strategy()
    verbose = current().verbose
    if verbose >= 1:
        say(f"FP> find_plan, verbose={verbose}:")
        say(f"    state = {state.__name__}\n    todo_list = [{', '.join(map(_shown, todo_list))}]")
    plan = look_for_plan(state, todo_list).plan
    result: list[tuple[Any, ...]] | bool = False if plan is None else plan
    if verbose >= 1:
        say(f"FP> result = {result}\n")
    return result


def _shown(item: Any) -> str:
    if isinstance(item, (list, tuple)):
        return str(type(item)(map(str, item)))
    return str(item)


def pyhop(state: State, tasks: Sequence[Any], verbose: int | None = None) -> list[tuple[Any, ...]] | bool:
    """Pyhop's name for `find_plan`; there the verbosity is an argument."""
    with overlaid(replace(current(), verbose=current().verbose if verbose is None else verbose)):
        backward("pyhop", "find_plan")
        return find_plan(state, tasks)


@dataclass
class Acting:
    """How far carrying out has come."""

    state: State
    executed: list[tuple[Any, ...]] = field(default_factory=list)
    tries: int = 0
    done: bool = False


def act(acting: Acting, max_tries: int, plan: Callable[[State], Any], check: Callable[[], None]) -> None:
    """Plan, carry out the plan, and plan again, until nothing is left to do; `plan` gives None for no plan."""
    while acting.tries < max_tries:
        acting.tries += 1
        _tell(f"RLL> {acting.tries}{_ORDINALS.get(acting.tries, 'th')} call to find_plan:\n")
        actions = plan(acting.state)
        if actions is None:
            _tell("RLL> find_plan has failed")
            return
        if not actions:
            _tell(f"RLL> Empty plan => success after {acting.tries} calls to find_plan.")
            acting.done = True
            return
        for action in actions:
            check()
            if not _carry_out(acting, action):
                break
        else:
            _tell("RLL> Plan ended; will call find_plan again.")
    _tell("RLL> Too many tries, giving up.")


def _carry_out(acting: Acting, action: tuple[Any, ...]) -> bool:
    """Run an action's command, or the action itself where it has none; say whether it succeeded."""
    domain, name = needed_domain(), f"c_{action[0]}"
    command = domain._command_dict.get(name)
    if command is None:
        _tell(f"RLL> {name} not defined, using {action[0]} instead\n")
        command = domain._action_dict[action[0]]
    _tell(f"RLL> Command: {[name, *action[1:]]}")
    after = command(acting.state.copy(), *action[1:])
    if not isinstance(after, State):
        _tell(f"RLL> WARNING: command {name} failed; will call find_plan.")
        return False
    acting.state = after
    acting.executed.append(action)
    if current().verbose >= 2:
        after.display()
    return True


def run_lazy_lookahead(state: State, todo_list: Sequence[Any], max_tries: int = 10) -> State:
    """Plan and act until the list is done, and return the state then (Ghallab, Nau and Traverso, 2016).

    The command of the action `walk` is `c_walk`; an action without a command is its own. When a command fails, or
    the plan has ended, planning starts again from the state that was reached; an empty plan means that all is done.

    Raises:
        RuntimeError: there is no plan.
    """
    _tell(f"RLL> run_lazy_lookahead, verbose = {current().verbose}, max_tries = {max_tries}")
    _tell(f"RLL> initial state: {state.__name__}")
    _tell(f"RLL> To do: {todo_list}")

    def plan(now: State) -> Any:
        found = find_plan(now, todo_list)
        return None if found is False else found

    acting = Acting(state)
    act(acting, max_tries, plan, lambda: None)
    if not acting.done and acting.tries < max_tries:
        raise RuntimeError("run_lazy_lookahead: find_plan has failed")
    if current().verbose >= 2:
        acting.state.display(heading="> final state")
    return acting.state


def _tell(text: str) -> None:
    if current().verbose >= 1:
        say(text)


def validate_plan_from_goal(
    initial_state: State, plan: Sequence[tuple[Any, ...]], key_string: str = "", goal_dict: Any = None
) -> bool:
    """Say whether each action of a plan applies in turn, and whether the end has what a goal says.

    `goal_dict[key_string]` maps keys of that state variable to the values they should have; without it any end will
    do. Each action works on a copy of the state.
    """
    actions, state = needed_domain()._action_dict, initial_state.copy()
    _tell(f"Validating plan: {plan}")
    for number, action in enumerate(plan, 1):
        apply = actions.get(action[0])
        after = None if apply is None else apply(state.copy(), *action[1:])
        if not isinstance(after, State):
            why = "not found in domain" if apply is None else f"(#{number}) failed"
            _tell(f"Action {action} {why}. Plan is invalid.")
            return False
        state = after
    for key, value in (goal_dict or {}).get(key_string, {}).items() if key_string else ():
        if vars(state).get(key_string, {}).get(key) != value:
            _tell(f"Goal {key_string}[{key}] = {value} not achieved. Plan is invalid.")
            return False
    _tell(f">>> {len(plan)}-action Plan is valid.")
    return True


def m_split_multigoal(state: State, multigoal: Multigoal) -> list[Any]:
    """Reach the values that do not hold one after the other, and then the multigoal again.

    A method for `declare_multigoal_methods`; it does not look for a good order.
    """
    unmet = [row for row in goal_rows(multigoal) if not _holds(state, *row)]
    return [*unmet, multigoal] if unmet else []


def _holds(state: State, variable: str, key: Any, value: Any) -> bool:
    return bool(getattr(state, variable).get(key) == value)
