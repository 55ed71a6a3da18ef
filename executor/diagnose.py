"""From a rung that failed to a diagnosis: what kind of error, what causes it, what it does, what to do about it.

Each failure has a kind, and the kind decides by the table `KINDS` what is said of it. Which kind it is follows from
the rule that objected, else from the category of the run, else from the rung; `RULES`, `RUNS` and `RUNGS` are complete
over what there is. The five categories are those of the repair loop:

| category    | what it is                                                                             |
|-------------|----------------------------------------------------------------------------------------|
| syntax      | it does not parse, or is not of the form that was asked for                            |
| import      | a module that is not there, or not allowed                                             |
| runtime     | it raises, ends its process, or answers what is no data                                |
| logical     | it runs and is wrong: another value, another place, another result the second time      |
| environment | more time, memory or output than there is, or something that bodies may not use        |

What a body says of itself (its exceptions, what it returns) is hostile text: it is bounded and made visible, and a
line of the body is quoted from the body, by its number alone. A body that forges a traceback can lead to another line
of its own, and nowhere else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from executor.check import Candidate, rules_for
from executor.sandbox import Category
from executor.told import shortened
from executor.validate import Evidence
from htn.errors import UsageError, visible

_MOST_CAUSE = 400
_MOST_IMPACT = 300
_MOST_LINE = 120
_MOST_IN_ONE_LINE = 300


class ErrorCategory(StrEnum):
    """What sort of error a body has."""

    SYNTAX = "syntax"
    IMPORT = "import"
    RUNTIME = "runtime"
    LOGICAL = "logical"
    ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a body, why, what that does, and what to do: each one line of visible text."""

    category: ErrorCategory
    root_cause: str
    impact: str
    recommendation: str
    check: str = ""
    """The rung that failed, by name."""

    def one_line(self) -> str:
        """Return it for a list of earlier attempts."""
        at = f"failed at {self.check}, " if self.check else ""
        return shortened(f"{at}{self.category}: {self.root_cause}; {self.impact}", _MOST_IN_ONE_LINE)

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        return [
            f"error: {self.category}{f' at {self.check}' if self.check else ''}",
            f"root cause: {self.root_cause}",
            f"impact: {self.impact}",
            f"recommendation: {self.recommendation}",
        ]

    def to_json(self) -> dict[str, str]:
        """Return it as programs read it."""
        return {
            "category": str(self.category),
            "root_cause": self.root_cause,
            "impact": self.impact,
            "recommendation": self.recommendation,
            "check": self.check,
        }


@dataclass(frozen=True)
class Kind:
    """A kind of failure, and what is said of it."""

    category: ErrorCategory
    impact: str
    recommendation: str


_SYNTAX, _IMPORT, _RUNTIME, _LOGICAL, _ENVIRONMENT = ErrorCategory

KINDS: Mapping[str, Kind] = {
    "unreadable": Kind(_SYNTAX, "nothing of it runs", "answer with the whole program, and nothing else"),
    "form": Kind(_SYNTAX, "it cannot be called", "define the one function that was asked for, with its parameters"),
    "hidden": Kind(_SYNTAX, "a person would see other code than what runs", "write hidden characters as escapes"),
    "module": Kind(_IMPORT, "nothing of it runs", "do without the module, or take one of those that are allowed"),
    "refused": Kind(_ENVIRONMENT, "it is refused before it runs", "use nothing but what bodies may use"),
    "impure": Kind(_LOGICAL, "it is not the pure function that was declared", "compute from the arguments alone"),
    "raises": Kind(_RUNTIME, "it gives no result", "treat the input that it raises on"),
    "ends": Kind(_RUNTIME, "its process ends without an answer", "return the result; leave the process alone"),
    "no data": Kind(_RUNTIME, "its answer cannot be read", "return numbers, texts, lists and objects; no NaN"),
    "slow": Kind(_ENVIRONMENT, "it takes all of its time", "look for a loop without an end, or for a quicker way"),
    "large": Kind(_ENVIRONMENT, "it takes all of its memory", "keep less at once: go through the values one by one"),
    "loud": Kind(_ENVIRONMENT, "its output is too large", "print nothing, and return what the contract names"),
    "broken": Kind(_ENVIRONMENT, "it could not be run here, which says nothing about it", "run htn doctor"),
    "malformed": Kind(
        _LOGICAL, "nothing of what it did can be used",
        'return {"output": {...}, "writes": [[variable, key, value], ...]}, each place once',
    ),
    "arguments": Kind(_LOGICAL, "it changes what it was given", "work on copies of the arguments"),
    "missing": Kind(_LOGICAL, "a declared effect does not come about", "write every place that the contract declares"),
    "beyond": Kind(_LOGICAL, "it writes what the contract does not name", "write the declared places and no other"),
    "value": Kind(_LOGICAL, "it writes another value than it declares", "write the very value of the declared effect"),
    "promise": Kind(_LOGICAL, "it breaks what the contract promises", "compute outputs that its lines allow"),
    "untriable": Kind(
        _LOGICAL, "no body can be tried against this contract", "change the contract: another body does not help"
    ),
    "unsteady": Kind(
        _LOGICAL, "the same input gives different results",
        "depend on the arguments alone: not on the order of a set, the clock, chance or earlier calls",
    ),
    "example": Kind(
        _LOGICAL, "an example of the user's comes out differently",
        "compute what the example shows for every such input, without its values in the code",
    ),
    "test": Kind(
        _LOGICAL, "a test that was written from the description alone fails",
        "read the description again, and compute what it says for every such input",
    ),
    "alone": Kind(
        _LOGICAL, "it behaves unlike the other samples", "follow the description where it can be read in two ways"
    ),
    "unusual": Kind(
        _LOGICAL, "it is wrong on inputs that the contract allows", "treat unusual inputs as the contract says"
    ),
    "special": Kind(_LOGICAL, "it is right for the tried constants only", "take every value from the parameters"),
    "use": Kind(_LOGICAL, "it broke its contract in use", "treat the input of that use as the contract says"),
}  # fmt: skip

# By the name of the rule that objects, in all languages.
RULES: Mapping[str, str] = {
    "parses": "unreadable", "readable": "unreadable", "entry-point": "form", "only-definitions": "form",
    "visible": "hidden", "imports": "module", "modules": "module", "packages": "module", "includes": "module",
    "paths": "module", "names": "refused", "classes": "refused", "formats": "refused", "records": "refused",
    "commands": "refused", "reach": "refused", "destructive-request": "refused", "destructive-command": "refused",
    "purity": "impure",
}  # fmt: skip

# By the category of a run: the sandbox's, and those of a body that is held to its contract.
RUNS: Mapping[str, str] = {
    Category.SYNTAX: "unreadable", Category.IMPORT: "module", Category.RUNTIME: "raises", Category.TIMEOUT: "slow",
    Category.MEMORY: "large", Category.OUTPUT: "loud", Category.KILLED: "ends", Category.PROTOCOL: "no data",
    Category.ENVIRONMENT: "broken", "precondition": "untriable", "contract": "promise",
}  # fmt: skip

# By the number of the rung, where nothing else is known.
RUNGS: Mapping[int, str] = {
    0: "form", 1: "refused", 2: "raises", 3: "unsteady", 4: "example", 5: "test", 6: "alone", 7: "unusual",
    8: "promise", 9: "special", 10: "use",
}  # fmt: skip

# How `executor.body` says which part of a contract was broken; the first that fits counts. A place of the state, which
# stands there where a value is wrong, fits none.
_BROKEN = (
    (re.compile(r"the body returned .*; it must return |output must be |a write is |the body writes "), "malformed"),
    (re.compile("the body changed its arguments"), "arguments"),
    (re.compile("the body did not write "), "missing"),
    (re.compile("the body wrote what the contract does not declare"), "beyond"),
    (re.compile("the body wrote "), "value"),
    (re.compile(r"output\.\w+|the body returned "), "promise"),
)

# What to do about an exception, by its type.
EXCEPTIONS: Mapping[str, str] = {
    "IndexError": "look at the length before an item is taken",
    "KeyError": "look whether the entry is there before it is taken",
    "ZeroDivisionError": "treat a divisor of zero",
    "TypeError": "look at the types in the contract, and convert or check before the operation",
    "ValueError": "check the value before it is converted or used",
    "AttributeError": "use only what values of the declared type have",
    "NameError": "define or import every name that is used",
    "UnboundLocalError": "give the variable a value on every way through the function",
    "RecursionError": "end the recursion, or use a loop",
    "OverflowError": "keep within the range of numbers, or use whole numbers",
    "StopIteration": "give next() a default",
    "StatisticsError": "look whether there are enough values",
    "AssertionError": "leave the assertion out, and treat the case",
}

_LINES = {"python": re.compile(r'^ *File "<body>", line (\d{1,6})', re.MULTILINE)}
_ANY_LINE = re.compile(r"\bbody\.(?:js|go|java|cpp|rs|sh):(?: line )?(\d{1,6})")
_RAISED = re.compile(r"(?:[\w.]{0,80}\.)?([A-Za-z_]\w{0,80})(?=[:,]|$)")
_FOUND = re.compile(r"HTN-[A-Z]\d{1,4} line (\d{1,6}): ")


def diagnose(evidence: Evidence, candidate: Candidate) -> Diagnosis:
    """Return what is wrong with a candidate that failed at a rung. UsageError for evidence that passed."""
    if evidence.passed:
        raise UsageError(f"the rung {evidence.name} passed: there is nothing to diagnose")
    kind = KINDS[kind_of(evidence)]
    return Diagnosis(
        kind.category,
        _said(_root_cause(evidence, candidate), _MOST_CAUSE),
        _said(_impact(evidence, kind), _MOST_IMPACT),
        _said(_recommendation(evidence, candidate, kind), _MOST_IMPACT),
        _said(evidence.name, 60),
    )


def kind_of(evidence: Evidence) -> str:
    """Return the kind of a failure, a key of `KINDS`; of several rules that object the first one counts."""
    rules = [RULES[name] for name in evidence.data.get("rules", ()) if name in RULES]
    if rules:
        return rules[0]
    category = str(evidence.data.get("category", ""))
    broken = _broken(_got(evidence)) if category in ("", "contract") else None
    return broken or RUNS.get(category) or RUNGS.get(evidence.rung, "promise")


def _broken(text: str) -> str | None:
    return next((kind for pattern, kind in _BROKEN if pattern.match(text)), None)


def _got(evidence: Evidence) -> str:
    """Return what a run said of its failure: a message, and behind it what there is of a traceback."""
    return evidence.counterexample.got if evidence.counterexample else evidence.detail


def _root_cause(evidence: Evidence, candidate: Candidate) -> str:
    if evidence.data.get("rules"):
        found = _FOUND.match(evidence.detail)
        return evidence.detail + (_quoted(candidate, int(found[1]), " in") if found else "")
    category, seen = str(evidence.data.get("category", "")), evidence.counterexample
    text = _got(evidence)
    if category in set(Category):
        return _first_line(text) + _quoted(candidate, _line_in(text, candidate.language), " at line {}")
    if category or seen is None or _broken(text):
        return text
    return f"expected {seen.expected}, got {text}" if seen.expected else f"got {text}"


def _line_in(text: str, language: str) -> int:
    """Return the line of the body where it was deepest in its own code, or 0 where nothing says which."""
    message, _, trace = text.partition("\n")
    # The message stands at the end of a traceback once more; what looks like a place in it is none.
    trace = trace[:end] if (end := trace.rfind(message)) >= 0 else trace
    if language in _LINES:
        places = _LINES[language].findall(trace)
        return int(places[-1]) if places else 0
    place = _ANY_LINE.search(text)
    return int(place[1]) if place else 0


def _quoted(candidate: Candidate, number: int, place: str = "") -> str:
    """Return a line of the body by its number, or nothing where it has no such line."""
    line = next(islice(candidate.code.split("\n"), number - 1, number), "") if number > 0 else ""
    line = " ".join(line[: 4 * _MOST_LINE].split())
    return f"{place.format(number)}: {shortened(line, _MOST_LINE)}" if line else ""


def _impact(evidence: Evidence, kind: Kind) -> str:
    parts = [kind.impact]
    held = evidence.data.get("held")
    if type(held) is int and evidence.trials > 1:
        parts.append(f"{held} of {evidence.trials} pass")
    if evidence.counterexample and (seen := _unusual(evidence.counterexample.given)):
        parts.append(f"seen where {seen}")
    return "; ".join(parts)


def _recommendation(evidence: Evidence, candidate: Candidate, kind: Kind) -> str:
    names = evidence.data.get("rules", ())
    if names:
        return next((rule.fix for rule in _rules(candidate.language) if rule.name == names[0]), kind.recommendation)
    if kind is KINDS["raises"] and (raised := _RAISED.match(_first_line(_got(evidence)))):
        return EXCEPTIONS.get(raised[1], kind.recommendation)
    return kind.recommendation


def _rules(language: str) -> tuple[Any, ...]:
    try:
        return rules_for(language)
    except UsageError:
        return ()


def _unusual(given: Mapping[str, Any]) -> str:
    """Return what is unusual about an input: a fact about it, which need not be the cause."""
    for is_so, words in _TRAITS:
        for name, value in given.items():
            if is_so(value):
                return f"{name} is {words}"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _repeats(value: Any) -> bool:
    items = [repr(item) for item in value[:1000]] if isinstance(value, list) else []
    return len(set(items)) < len(items)


_TRAITS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda value: value is None, "nothing"),
    (lambda value: isinstance(value, list) and not value, "an empty list"),
    (lambda value: isinstance(value, dict) and not value, "an empty object"),
    (lambda value: isinstance(value, str) and not value, "an empty text"),
    (lambda value: isinstance(value, list) and len(value) == 1, "a list of one item"),
    (lambda value: _is_number(value) and value == 0, "zero"),
    (lambda value: _is_number(value) and value < 0, "a negative number"),
    (lambda value: isinstance(value, list) and any(_is_number(v) and v < 0 for v in value), "a list with a negative"),
    (_repeats, "a list with repeated items"),
)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _said(text: str, most: int) -> str:
    """Return hostile text in one line of what a person may be shown, in about `most` characters."""
    return shortened(visible(" ".join(text[: 20 * most].split())), most)
