"""Whether conditions may come to hold, by what contracts say: delete relaxation (Bonet and Geffner, 2001), coarsely.

Nothing that is ever true becomes false again, and the entries of a state variable are not told apart: a variable has
the values that it has at some key, and those that some effect may give it. What is computed, or comes from a body, may
be anything. So where this says no, no sequence of these actions can do it; where it says yes, perhaps.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from htn.contract.conditions import COMPARISONS, Condition, Effect
from htn.contract.contract import Contract
from htn.contract.terms import Argument, Constant, Lookup, Read, Scope, Term
from htn.state import State
from htn.unknown import has_unknown

# Values that a term may have; None stands for any value at all.
_Values: TypeAlias = list[Any] | None
_MOST_VALUES = 1_000


def may_hold(conditions: Sequence[Condition], scope: Scope, contracts: Iterable[Contract]) -> bool:
    """Say whether the conditions may hold after some actions that the contracts describe."""
    facts = _Facts(scope.state)
    waiting = list(contracts)
    while not all(facts.may(condition, None, scope) for condition in conditions):
        usable = [contract for contract in waiting if all(facts.may(c, contract) for c in contract.preconditions)]
        if not usable:
            return False
        waiting = [contract for contract in waiting if contract not in usable]
        for contract in usable:
            for effect in contract.effects:
                facts.add(effect, contract)
    return True


class _Facts:
    """The values that each state variable may have at some key, and the keys that it may have."""

    def __init__(self, state: State) -> None:
        self._values: dict[str, _Values] = {}
        self._keys: dict[str, _Values] = {}
        for name in state:
            held = getattr(state, name)
            pairs = dict.items(held) if isinstance(held, dict) else [(None, held)]
            self._keys[name] = _few([key for key, _ in pairs])
            self._values[name] = _few([value for _, value in pairs])

    def may(self, condition: Condition, contract: Contract | None, scope: Scope | None = None) -> bool:
        """Say whether a condition may hold for some arguments or, in a scope, for those that it has."""
        if condition.comparison == "not in":
            return True  # an entry may be deleted, or never have been there
        whole = condition.comparison == "in" and isinstance(condition.right, Lookup) and not condition.right.key
        left = self._of(condition.left, contract, scope)
        if whole and isinstance(condition.right, Lookup):
            keys = self._keys.get(condition.right.variable, [])
            return keys is None or (bool(keys) if left is None else any(one in keys for one in left))
        right = self._of(condition.right, contract, scope)
        if left == [] or right == []:
            return False  # there is no such entry, and nothing makes one
        if left is None or right is None or len(left) * len(right) > _MOST_VALUES:
            return True
        return any(_compares(condition.comparison, one, other) for one in left for other in right)

    def add(self, effect: Effect, contract: Contract) -> None:
        """Add what an effect may make true."""
        if effect.value is None:
            return
        variable = effect.target.variable
        computed = effect.kind != "assign" or not (effect.target.key or isinstance(effect.value, Constant))
        value = None if computed else self._of(effect.value, contract, None)
        self._values[variable] = _joined(self._values.get(variable, []), value)
        keys = [self._of(part, contract, None) for part in effect.target.key]
        key = keys[0] if len(keys) == 1 else None
        self._keys[variable] = _joined(self._keys.get(variable, []), key)

    def _of(self, term: Term, contract: Contract | None, scope: Scope | None) -> _Values:
        """Return the values that a term may have."""
        match term:
            case Constant(value=value):
                return [value]
            case Argument(name=name):
                if scope is not None:
                    return [scope.arguments[name]]
                typed = next((p.type for p in contract.parameters if p.name == name), None) if contract else None
                if typed is None or not typed.choices:
                    return None
                return [*typed.choices, *([None] if typed.nullable else [])]
            case Read(name=name):
                source = next((r.source for r in contract.reads if r.name == name), None) if contract else None
                return self._of(source, contract, scope) if isinstance(source, Lookup) else None
            case Lookup(variable=variable, key=key):
                held = self._values.get(variable, [])
                return held if key or held == [] else None
        return None


def _few(values: list[Any]) -> _Values:
    return None if len(values) > _MOST_VALUES or any(map(has_unknown, values)) else values


def _joined(values: _Values, more: _Values) -> _Values:
    return None if values is None or more is None else _few([*values, *(one for one in more if one not in values)])


def _compares(comparison: str, left: Any, right: Any) -> bool:
    try:
        return bool(COMPARISONS[comparison](left, right))
    except TypeError:
        return False
