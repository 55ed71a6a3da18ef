"""Is a proposed contract one that the planner can use for this gap? Checked before it is frozen."""

from executor.generate.effects import mistyped_effects
from htn.contract import MOST_PARTS, Contract, Effect, Parameter, Reading, Undefined, changes, refuse, scope_of
from htn.domain import Domain, Example
from htn.errors import HtnError
from htn.failure import Gap
from htn.state import State
from htn.unknown import Unknown
from htn.values import show


def contract_problems(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    """Return what is wrong with a proposed contract, each as a sentence that its writer can act on."""
    return [
        *cannot_be_drawn(contract),
        *mistyped_effects(contract, domain, gap),
        *_outputs_used(contract),
        *misfits(contract, domain, gap),
    ]


def misfits(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    """Return where a contract, whoever wrote it, does not fit what else is known: the gap, the user's examples."""
    if wrong := _parameters_kept(contract, domain, gap):
        return wrong  # the rest binds arguments to these parameters
    examples = domain.examples_of(contract.name)
    return [
        *_applies_at_the_gap(contract, gap),
        *(problem for e in examples for problem in _fits(contract, e)),
        *_never_changed(contract, examples),
    ]


def _parameters_kept(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    declared = domain.operators.get(contract.name)
    asked = tuple(p.name for p in declared.parameters) if declared else ()
    given = tuple(p.name for p in contract.parameters)
    if asked and given != asked:
        return [f"the parameters must be {', '.join(asked)}, in this order, not {', '.join(given)}"]
    if len(given) != len(gap.task) - 1:
        return [f"there must be {len(gap.task) - 1} parameters, not {len(given)}"]
    return []


def cannot_be_drawn(contract: Contract) -> list[str]:
    """Return which types have no values, or only values that are too large to be tried."""
    inputs: list[Parameter | Reading] = [*contract.parameters, *contract.reads]
    typed = [(part.name, part.type) for part in inputs]
    typed += [(f"output.{part.name}", part.type) for part in contract.outputs]
    if found := [why for name, type_ in typed if (why := type_.contradiction(name))]:
        return found
    if (parts := sum(part.type.smallest for part in inputs)) <= MOST_PARTS:
        return []
    largest = max(inputs, key=lambda part: part.type.smallest)
    return [
        f"{largest.name} is {largest.type}: the smallest input has {parts:,} parts, and at most {MOST_PARTS} can be "
        "tried; ask for fewer items (minItems)"
    ]


def _outputs_used(contract: Contract) -> list[str]:
    used = " ".join(map(str, contract.effects))
    return [
        f"output.{output.name} appears in no effect"
        for output in contract.outputs
        if f"output.{output.name}" not in used
    ]


def _applies_at_the_gap(contract: Contract, gap: Gap) -> list[str]:
    """A contract that refuses the very situation that a plan needs it in is of no use."""
    if not gap.path:
        return []  # learned on purpose, outside of any plan: there is no such situation
    try:
        why = refuse(contract, gap.state, gap.task[1:])
    except HtnError as error:
        return [f"it cannot be decided while planning: {error.message}"]
    return [f"it does not apply where it is needed: {why}"] if why else []


def _fits(contract: Contract, example: Example) -> list[str]:
    """The preconditions hold in the example, and the effects change the places that it names, and no others."""
    state = State(example.given)
    try:
        if why := refuse(contract, state, example.arguments):
            return [f"it does not apply in the example {list(example.arguments)}: {why}"]
        changed = changes(contract, scope_of(contract, state, example.arguments))
    except (HtnError, Undefined) as error:
        return [f"it cannot be used in the example {list(example.arguments)}: {error}"]
    if missing := [at for at in example.changes() if at not in changed]:
        return [f"the example changes {_place(*missing[0])}, but no effect does"]
    known = {at: value for at, value in changed.items() if not isinstance(value, Unknown)}
    return [
        f"an effect changes {_place(*at)}, but the example {list(example.arguments)!r:.80} says that it stays as it is"
        for at in example.beyond(known)
    ]


def _never_changed(contract: Contract, examples: tuple[Example, ...]) -> list[str]:
    """Return the effects whose place no example changes: what they come to is not known, so each was let pass."""
    named: set[Effect] = set()
    for example in examples:
        try:
            scope = scope_of(contract, State(example.given), example.arguments)
            named |= {effect for effect in contract.effects if effect.target.at(scope) in example.changes()}
        except (HtnError, Undefined):
            return []  # that it does not fit is said already
    unnamed = [effect for effect in contract.effects if effect not in named and _is_computed(effect)]
    return [f"{effect}: no example changes {effect.target.variable} there" for effect in unnamed if examples]


def _is_computed(effect: Effect) -> bool:
    return "output." in str(effect.value)


def _place(variable: str, key: object) -> str:
    return variable if key is None else f"{variable}[{show(key)}]"
