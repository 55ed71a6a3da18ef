"""Whether two uses of bodies came to the same: the state that they leave behind is the same, up to rounding.

Outputs that are written nowhere do not count, nor does the time that was taken.
"""

from collections.abc import Sequence
from typing import Any

from executor.body import Observation, perform
from executor.sandbox import Category, Program, Sandbox, SandboxLimits
from htn.contract import ROUNDING, Contract, close, describe_changes
from htn.errors import ServiceMissing, UsageError
from htn.state import State
from htn.values import plain

_ENVIRONMENT = str(Category.ENVIRONMENT)


def observe(
    program: Program,
    contract: Contract,
    state: State,
    arguments: Sequence[Any],
    sandbox: Sandbox,
    limits: SandboxLimits | None = None,
) -> Observation:
    """Carry out a body, which is held to its contract. ServiceMissing when the sandbox fails: that says nothing."""
    try:
        seen = perform(program, contract, state.copy(), arguments, sandbox, limits=limits)
    except UsageError as error:  # another number of arguments
        return Observation(problem=error.message, category="precondition", refused=True)
    if seen.category == _ENVIRONMENT:
        raise ServiceMissing(f"the sandbox cannot run {contract.name}: {seen.problem}", hints=("htn doctor",))
    return seen


def judge(a: Observation, b: Observation) -> tuple[str, str]:
    """Return how two uses in one situation compare, same, different or failed, and in what."""
    failed = [f"{name}: {(seen.problem or '').splitlines()[0]}" for name, seen in (("a", a), ("b", b)) if not seen.ok]
    if failed:
        return "failed", "; ".join(failed)
    for at in {**a.after, **b.after}:
        left, right = a.after.get(at, State.ABSENT), b.after.get(at, State.ABSENT)
        if not _alike(left, right, written=at in a.after and at in b.after):
            told = [describe_changes({at: seen.after[at]}) if at in seen.after else "nothing there" for seen in (a, b)]
            return "different", f"a: {told[0]}; b: {told[1]}"
    return "same", ""


def _alike(left: Any, right: Any, *, written: bool) -> bool:
    if left is State.ABSENT or right is State.ABSENT:
        return written and left is right
    return close(plain(left), plain(right), ROUNDING)
