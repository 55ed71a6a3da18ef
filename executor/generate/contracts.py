"""Is a proposed contract one that the planner can use for this gap? Checked before it is frozen."""

from htn.contract import Contract, Undefined, refuse, scope_of
from htn.domain import Domain, Example, StateVariable
from htn.errors import HtnError
from htn.failure import Gap
from htn.state import State


def contract_problems(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    """Return what is wrong with a proposed contract, each as a sentence that its writer can act on."""
    return [*_types_agree(contract, domain), *_outputs_used(contract), *misfits(contract, domain, gap)]


def misfits(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    """Return where a contract, whoever wrote it, does not fit what else is known: the gap, the user's examples."""
    if wrong := _parameters_kept(contract, domain, gap):
        return wrong  # the rest binds arguments to these parameters
    examples = domain.examples_of(contract.name)
    return [*_applies_at_the_gap(contract, gap), *(problem for e in examples for problem in _fits(contract, e))]


def _parameters_kept(contract: Contract, domain: Domain, gap: Gap) -> list[str]:
    declared = domain.operators.get(contract.name)
    asked = tuple(p.name for p in declared.parameters) if declared else ()
    given = tuple(p.name for p in contract.parameters)
    if asked and given != asked:
        return [f"the parameters must be {', '.join(asked)}, in this order, not {', '.join(given)}"]
    if len(given) != len(gap.task) - 1:
        return [f"there must be {len(gap.task) - 1} parameters, not {len(given)}"]
    return []


def _types_agree(contract: Contract, domain: Domain) -> list[str]:
    """An effect that assigns an output to a declared variable has to give it the variable's type."""
    outputs = {f"output.{output.name}": output.type for output in contract.outputs}
    found = []
    for effect in contract.effects:
        variable = domain.variables.get(effect.target.variable, StateVariable(""))
        type_ = outputs.get(str(effect.value))
        if effect.kind == "assign" and type_ and variable.type.kind not in ("any", type_.kind):
            found.append(f"{effect}: {variable.name} holds {variable.type}, but the output is {type_}")
    return found


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
    """The preconditions hold in the example, and the effects change the places that the example changes."""
    state = State(example.given)
    try:
        if why := refuse(contract, state, example.arguments):
            return [f"it does not apply in the example {list(example.arguments)}: {why}"]
        changed = {effect.target.at(scope_of(contract, state, example.arguments)) for effect in contract.effects}
    except (HtnError, Undefined) as error:
        return [f"it cannot be used in the example {list(example.arguments)}: {error}"]
    if missing := [at for at in example.changes() if at not in changed]:
        variable, key = missing[0]
        return [f"the example changes {variable}[{key}], but no effect does"]
    return []
