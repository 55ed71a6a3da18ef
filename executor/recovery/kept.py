"""Use what the body of a step is known to give, where it cannot be run."""

from collections.abc import Callable, Mapping
from functools import partial

from executor.recovery.setback import Place
from htn.contract import Evaluate, model_of
from htn.domain import Domain
from htn.plan import Action
from htn.state import State
from htn.unknown import has_unknown


def kept_by(domain: Domain, evaluate: Evaluate) -> Callable[[Action, State], Mapping[Place, object] | None]:
    """Return what says which changes a learned step makes, where `evaluate` says what its body gives.

    The contract turns the one into the other. None where the body's outputs are not known, or the contract refuses.
    """

    def kept(action: Action, state: State) -> Mapping[Place, object] | None:
        operator = domain.operators.get(action.name)
        if operator is None or operator.contract is None or action.version is None:
            return None
        apply = model_of(operator.contract, partial(evaluate, action.version, operator.contract))
        mark = state.mark()
        try:
            if apply(state, *action.arguments) is None:
                return None
            changes = state.changes_since(mark)
        finally:
            state.undo(mark)
        return None if any(map(has_unknown, changes.values())) else changes

    return kept
