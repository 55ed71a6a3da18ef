"""Carry out in stages what cannot be planned before it is begun, as plainly as can be: plan, do, plan what is left."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from htn.domain import Domain
from htn.failure import Failure
from htn.network import Part, Task
from htn.plan import Plan
from htn.search import Limits, find_plan
from htn.stage import Stage, first_stage
from htn.state import State
from htn.unknown import Unknown
from htn.verify import verify_plan

ENOUGH = Limits(expansions=2000)


def hiding(domain: Domain, operator: str, hide: Callable[[State, State, tuple[Any, ...]], None]) -> Domain:
    """Return a domain whose plans do not know what an operator does: `hide` puts unknowns into the state after it.

    The operator itself becomes the command, which finds it out.
    """
    known = domain.operators[operator]
    assert known.apply is not None
    real = known.apply

    def apply(state: State, *arguments: Any) -> Any:
        before = state.copy()
        result = real(state, *arguments)
        if result is state:
            hide(before, state, arguments)
        return result

    operators = {**domain.operators, operator: replace(known, apply=apply)}
    return replace(domain, operators=operators, commands={**domain.commands, operator: real})


@dataclass
class Done:
    """What carrying out in stages came to: the actions, the last result, the stages, and what was wrong with them.

    `nodes` are the tasks of all trees in order, each with its method, but those that were left open.
    """

    actions: list[Task]
    nodes: list[tuple[Any, str | None]]
    result: Plan | Failure
    stages: list[Stage]
    flaws: list[str]


def in_stages(domain: Domain, state: State, tasks: tuple[Part, ...], strategy: Any = "depth-first") -> Done:
    """Plan, do, and plan what is left, until a plan is done or there is none."""
    done = Done([], [], Failure("", (), None, None, (), 0), [], [])
    left = tasks
    for _ in range(20):
        found = find_plan(domain, state, left, limits=ENOUGH, strategy=strategy)
        stage = found.stage if isinstance(found, Failure) else first_stage(domain, state, found)
        plan = stage.plan if stage else found
        done.result = found
        if isinstance(plan, Failure):
            return done
        done.flaws += map(str, verify_plan(domain, state, plan, left))
        done.nodes += [(node.task, node.method) for node in plan.nodes if not node.is_open]
        for action in plan.actions:
            function = domain.commands.get(action.name) or domain.operators[action.name].apply
            assert function is not None
            assert function(state, *action.arguments) is state
            state.mark()
            done.actions.append(action.task)
        if stage is None:
            return done
        assert not stage.still_unknown(state)
        done.stages.append(stage)
        left = stage.rest
    raise AssertionError("it does not end")


def unknown(what: str) -> Unknown:
    """Return a value that is not known."""
    return Unknown(what)
