"""Carry out a body in a sandbox on a state, and hold it to its contract: before, during and after.

The rules (a learned operator runs this way when it is validated and at every use):

1. The host checks arguments, reads and preconditions. Where they do not hold, or a body in its language cannot be
   given these values unchanged, nothing runs.
2. The body gets the arguments and copies of what it reads, and nothing else of the state.
3. It returns `{"output": {...}, "writes": [[variable, key, value], ...]}`. A body writes itself what it changes:
   were the host to derive the writes, comparing them with the contract would compare the contract with itself.
4. The host checks the outputs against their types and the promised relations, and the writes against the
   declared effects, place by place. Only what agrees is written into the state, and that by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.sandbox import Outcome, Program, Sandbox, SandboxLimits, cannot_be_given
from executor.told import shortened
from htn.contract import (
    ROUNDING,
    Contract,
    Scope,
    Undefined,
    broken_promise,
    changes,
    close,
    describe_changes,
    noise_of,
    refuse,
    scope_of,
)
from htn.errors import HtnError, UsageError
from htn.state import State
from htn.values import hashable, plain, show, to_json

_MOST_PROBLEM = 3_000
_MOST_PLACES = 8


@dataclass(frozen=True)
class Observation:
    """What one use of a body came to. It went well when `problem` is None.

    `refused` says that the host did not run it; `category` sorts the problem: the sandbox's categories, or
    "contract" for a body that ran and broke its promise.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[tuple[str, Any], Any] = field(default_factory=dict)
    problem: str | None = None
    category: str = ""
    refused: bool = False
    outcome: Outcome | None = None

    @property
    def ok(self) -> bool:
        """Whether the body ran and kept its contract."""
        return self.problem is None


def perform(
    program: Program,
    contract: Contract,
    state: State,
    arguments: Sequence[Any],
    sandbox: Sandbox,
    *,
    limits: SandboxLimits | None = None,
    hash_seed: int = 0,
    clock: float | None = None,
) -> Observation:
    """Run a body for these arguments in this state, and compare what it did with its contract.

    The state is not changed: `Observation.after` says what it will hold.
    """
    if why := refuse(contract, state, arguments):
        return Observation(problem=why, category="precondition", refused=True)
    scope = scope_of(contract, state, arguments)
    given: dict[str, Any] = {name: plain(value) for name, value in {**scope.arguments, **scope.reads}.items()}
    try:
        to_json(given, "what the body is given")
    except UsageError as error:  # infinite numbers: a state may hold them, and a body cannot be given them
        return Observation(problem=error.message, category="precondition", refused=True)
    if why := cannot_be_given(program.language, given):
        return Observation(problem=why, category="precondition", refused=True)
    outcome = sandbox.call(program, given, limits=limits or SandboxLimits(), hash_seed=hash_seed, clock=clock)
    if outcome.problem is not None:
        problem = outcome.problem
        text = f"{problem.message}\n{problem.traceback}".strip() if problem.traceback else problem.message
        text = shortened(text, _MOST_PROBLEM) or "it failed without a word"
        return Observation(problem=text, category=str(problem.category), outcome=outcome)
    if why := _malformed(outcome.value):
        return Observation(problem=why, category="contract", outcome=outcome)
    if outcome.arguments != given:
        why = "the body changed its arguments; they are copies, and must be left as they were"
        return Observation(problem=why, category="contract", outcome=outcome)
    return _held_to(contract, scope, outcome)


def _malformed(value: Any) -> str | None:
    form = 'return {"output": {...}, "writes": [[variable, key, value], ...]}'
    if not isinstance(value, dict) or value.keys() != {"output", "writes"}:
        return f"the body returned {show(value)}; it must {form}"
    if not isinstance(value["output"], dict) or not isinstance(value["writes"], list):
        return f"output must be an object and writes a list; {form}"
    for row in value["writes"]:
        if not isinstance(row, list) or len(row) != 3 or not isinstance(row[0], str):
            return f"a write is [variable, key, value], not {show(row)}"
    return None


def _held_to(contract: Contract, scope: Scope, outcome: Outcome) -> Observation:
    returned: Any = outcome.value
    outputs = returned["output"]
    scope = Scope(scope.state, scope.arguments, scope.reads, outputs)
    try:
        written = _writes(returned["writes"])
        problem = broken_promise(contract, scope)
        declared = {} if problem else changes(contract, scope)
        problem = problem or _difference(declared, written, noise_of(contract, scope))
    except (Undefined, HtnError) as error:
        problem, declared = str(error), {}
    # The two agree, so the declared values are kept: they know sets and tuples, which JSON does not.
    after = {} if problem else declared
    problem = problem and shortened(problem, _MOST_PROBLEM)
    return Observation(outputs, after, problem, "contract" if problem else "", outcome=outcome)


def _writes(rows: list[list[Any]]) -> dict[tuple[str, Any], Any]:
    after: dict[tuple[str, Any], Any] = {}
    for variable, key, value in rows:
        at = (variable, hashable(key))
        try:
            if at in after:
                raise UsageError(f"the body writes {variable}[{show(key)}] twice")
        except TypeError as error:
            raise UsageError(f"{show(key)} cannot be the key of {variable}") from error
        after[at] = value
    return after


def _difference(
    declared: Mapping[tuple[str, Any], Any],
    written: Mapping[tuple[str, Any], Any],
    noise: Mapping[tuple[str, Any], float],
) -> str | None:
    """Return how what the body wrote differs from the declared effects, or None when it does not."""
    sets = [at for at, value in declared.items() if isinstance(value, (set, frozenset))]
    written = {**written, **{at: _unordered(written[at]) for at in sets if at in written}}
    declared = {at: State.ABSENT if value is State.ABSENT else plain(value) for at, value in declared.items()}
    if missing := {at: value for at, value in declared.items() if at not in written}:
        return f"the body did not write what the contract declares: {describe_changes(missing, _MOST_PLACES)}"
    if extra := {at: value for at, value in written.items() if at not in declared}:
        return f"the body wrote what the contract does not declare: {describe_changes(extra, _MOST_PLACES)}"
    for at, value in declared.items():
        mine = None if value is State.ABSENT else value
        if not close(mine, written[at], ROUNDING, noise.get(at, 0.0)):
            return f"the body wrote {describe_changes({at: written[at]})}; declared is {show(mine)}"
    return None


def _unordered(value: Any) -> Any:
    """Return a list that stands for a set in the order in which `plain` writes sets."""
    return sorted(value, key=repr) if isinstance(value, list) else value
