"""Fill the prompt templates. What is filled in is data, and stands between marks that data cannot forge."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from executor.check.allowed import MODULES
from executor.generate.marked import as_data, as_part
from executor.told import shortened
from htn.contract import Contract
from htn.domain import Domain, Example
from htn.errors import UsageError
from htn.failure import Gap
from htn.network import show_task
from htn.state import State
from htn.values import show, to_json

_MOST_STATE = 4_000
_MOST_ITEMS = 6
# In characters; together well below what the smallest context of a model holds (16,384 tokens).
_MOST_SAID = 4_000
_MOST_LISTED = 6_000
_MOST_CODE = 12_000
_MOST_PROBLEM = 400
_MOST_PROBLEMS = 8
_FORMS = {
    "python": "form-python", "javascript": "form-javascript", "bash": "form-bash", "go": "form-go", "java": "form-java",
    "c++": "form-cpp", "rust": "form-rust",
}  # fmt: skip
_TEMPLATES = ("system", "contract", "body", "repair", "tests", *_FORMS.values())
_PROBLEMS = "Your contract before could not be used:"
# Samples and suites are to be independent: each is asked for in other words.
_BODY_VARIANTS = (
    "",
    "Think of the edge cases first, then write the plainest code that gets them right.",
    "Write it in small steps, as you would explain it to a colleague; do not look for a trick.",
    "Start from the definition in the description, word by word, and let the code follow it.",
    "Choose another way than the one that comes to mind first.",
)
_TEST_VARIANTS = (
    "",
    "Think of inputs at which a careless body goes wrong.",
    "Begin with the simplest inputs, and let each test show one thing.",
    "Read the description sentence by sentence, and test each.",
    "Let half of your tests be ordinary cases, and half unusual ones.",
)


def _template(name: str) -> str:
    return (files("executor.generate") / "prompts" / f"{name}.md").read_text(encoding="utf-8")


def templates_version() -> str:
    """Return the identity of the prompt templates: the first 12 digits of their SHA-256."""
    text = "\0".join([*(_template(name) for name in _TEMPLATES), _PROBLEMS, *_BODY_VARIANTS, *_TEST_VARIANTS])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def system_prompt() -> str:
    """Return what is said before every question."""
    return _template("system")


@dataclass(frozen=True)
class Hints:
    """What else a prompt may tell: operators like the wanted one, what went wrong before, what a body may declare."""

    known: tuple[str, ...] = ()
    lessons: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """The names of packages that a Python body may declare, `*` for any."""


NO_HINTS = Hints()


def contract_prompt(domain: Domain, gap: Gap, problems: Iterable[str] = (), hints: Hints = NO_HINTS) -> str:
    """Return the question for a contract. `problems` are what was wrong with the answers before."""
    name = str(gap.task[0])
    operator = domain.operators.get(name)
    known = [o for o in domain.operators.values() if o.apply is not None]
    wrong = [f"- {shortened(problem, _MOST_PROBLEM)}" for problem in list(problems)[:_MOST_PROBLEMS]]
    return _template("contract").format(
        task=as_data(shortened(show_task(gap.task), _MOST_PROBLEM)),
        name=name,
        description=as_part((operator.description if operator else "") or f"what its name says: {name}", _MOST_SAID),
        parameters=as_data(_parameters(domain, gap)),
        variables=as_part("\n".join(_variables(domain, gap.state)), _MOST_LISTED),
        state=as_data(relevant_state(gap.state, gap.task[1:])),
        examples=as_data(_examples(domain.examples_of(name))),
        operators=as_part(
            "\n".join(
                [*hints.known, *(f"{o.name}({o.arity}): {o.description.split(chr(10))[0][:200]}" for o in known)]
            ),
            _MOST_LISTED,
        ),
        lessons=_rows(hints.lessons),
        problems=f"\n{_PROBLEMS}\nBEGIN DATA\n{_rows(wrong)}\nEND DATA" if wrong else "",
    )


def body_prompt(
    domain: Domain, contract: Contract, *, language: str = "python", sample: int = 0, hints: Hints = NO_HINTS
) -> str:
    """Return the question for a body. Each sample is asked for in other words."""
    return _template("body").format(
        language=language,
        contract=as_data(_contract(contract)),
        description=as_data(_description(domain, contract)),
        examples=as_data(_examples(domain.examples_of(contract.name))),
        known=_rows(hints.known),
        lessons=_rows(hints.lessons),
        form=_form(language)
        .format(
            name=contract.name,
            arguments=_arguments(contract),
            modules=", ".join(sorted(MODULES)),
            packages=_allowed(hints.packages),
        )
        .rstrip(),
        variant=_variant(_BODY_VARIANTS, sample),
    )


def tests_prompt(domain: Domain, contract: Contract, *, sample: int = 0) -> str:
    """Return the question for tests, which are written from the specification alone: it holds no code."""
    return _template("tests").format(
        contract=as_data(_contract(contract)),
        description=as_data(_description(domain, contract)),
        parameters=", ".join(p.name for p in contract.parameters) or "none",
        reads=", ".join(r.name for r in contract.reads) or "nothing",
        outputs=", ".join(o.name for o in contract.outputs) or "nothing",
        variant=_variant(_TEST_VARIANTS, sample),
    )


def repair_prompt(
    domain: Domain,
    contract: Contract,
    *,
    code: str,
    check: str,
    problem: str,
    attempts: Iterable[str],
    language: str = "python",
    focus: str = "Find the cause; do not write code for this one input.",
    packages: tuple[str, ...] = (),
) -> str:
    """Return the question for a better body, with what was wrong with the last one."""
    declared = f"\nIT DECLARES THE PACKAGES: {shortened(', '.join(packages), _MOST_PROBLEM)}" if packages else ""
    return _template("repair").format(
        name=contract.name,
        language=language,
        contract=as_data(_contract(contract)),
        description=as_data(_description(domain, contract)),
        code=as_part(code, _MOST_CODE) + as_data(declared),
        check=check,
        problem=as_part(problem, _MOST_SAID),
        attempts=_rows(attempts),
        arguments=_arguments(contract),
        focus=focus,
    )


def relevant_state(state: State, arguments: tuple[Any, ...]) -> str:
    """Return the part of a state that mentions the arguments, long values cut, as JSON."""
    mentioned = {a for a in arguments if isinstance(a, (str, int, float))}
    part: dict[str, Any] = {}
    for name in state:
        value = getattr(state, name)
        if not isinstance(value, Mapping):
            part[name] = _written(value)
            continue
        keys = [k for k in value if mentioned & set(k if isinstance(k, tuple) else (k,))] or list(value)[:2]
        part[name] = [[_written(k), _cut(_written(value[k]))] for k in keys[:_MOST_ITEMS]]
    text = json.dumps(part, ensure_ascii=False)
    return text if len(text) <= _MOST_STATE else text[:_MOST_STATE] + " …"


def _written(value: Any) -> Any:
    try:
        return to_json(value)
    except UsageError:  # an infinite number; the state may hold it, JSON may not
        return show(value)


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        kept = [_cut(part) for part in value[:_MOST_ITEMS]]
        return [*kept, f"… {len(value) - _MOST_ITEMS} more"] if len(value) > _MOST_ITEMS else kept
    if isinstance(value, dict):
        return {key: _cut(part) for key, part in list(value.items())[: 4 * _MOST_ITEMS]}
    return value


def _form(language: str) -> str:
    if language not in _FORMS:
        raise UsageError(f"a body cannot be written in {language!r:.40}", hints=(f"one of: {', '.join(_FORMS)}",))
    return _template(_FORMS[language])


def _allowed(packages: tuple[str, ...]) -> str:
    if not packages:
        return ""
    named = "any of PyPI" if "*" in packages else ", ".join(packages)
    return f',\n  and the packages that "packages" of your answer lists, as "name>=1,<2"; allowed are: {named}'


def _rows(lines: Iterable[str]) -> str:
    return as_part("\n".join(lines) or "none", _MOST_SAID)


def _variant(variants: tuple[str, ...], sample: int) -> str:
    return variants[sample % len(variants)]


def _contract(contract: Contract) -> str:
    written = "\n".join(contract.lines()) + "\n" + json.dumps(contract.to_json(), ensure_ascii=False)
    return shortened(written, _MOST_CODE)


def _description(domain: Domain, contract: Contract) -> str:
    operator = domain.operators.get(contract.name)
    return shortened((operator.description if operator else "") or contract.description, _MOST_SAID)


def _arguments(contract: Contract) -> str:
    return ", ".join([*(p.name for p in contract.parameters), *(r.name for r in contract.reads)])


def _parameters(domain: Domain, gap: Gap) -> str:
    operator = domain.operators.get(str(gap.task[0]))
    if operator and operator.parameters:
        return "\n".join(f"{p.name}: {json.dumps(p.type.to_json())}" for p in operator.parameters)
    rows = [
        f"argument {at}: for instance {shortened(repr(_written(a)), _MOST_PROBLEM)}"
        for at, a in enumerate(gap.task[1:], 1)
    ]
    return "\n".join([f"{len(rows)} parameters; choose their names", *rows])


def _variables(domain: Domain, state: State) -> list[str]:
    rows = [
        f"{v.name}: {v.description or 'no description'}; values: {json.dumps(v.type.to_json(), ensure_ascii=False)}"
        for v in domain.variables.values()
    ]
    return rows + [f"{name}: not described" for name in state if name not in domain.variables]


def _examples(examples: tuple[Example, ...]) -> str:
    rows = [json.dumps(_example(example), ensure_ascii=False) for example in examples]
    return shortened("\n".join(rows), _MOST_LISTED) or "none"


def _example(example: Example) -> dict[str, Any]:
    data = example.to_json()
    said = {
        "arguments": data["arguments"],
        "state before": data["given"],
        "what it changes": data["then"] or ("nothing" if "gone" not in data else {}),
    }
    return said | ({"entries that are gone afterwards": data["gone"]} if "gone" in data else {})
