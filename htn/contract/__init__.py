"""Preconditions and effects as data: what a learned or declared operator promises."""

from htn.contract.apply import (
    ROUNDING,
    Evaluate,
    Outputs,
    bind,
    broken_promise,
    changes,
    describe_changes,
    model_of,
    noise_of,
    refuse,
    scope_of,
    write,
)
from htn.contract.conditions import Condition, Effect, close, rounding_noise
from htn.contract.contract import Contract, Parameter, Reading, check_name
from htn.contract.parse import Names, parse_condition, parse_effect, parse_term
from htn.contract.relaxed import may_hold
from htn.contract.terms import Argument, Constant, Entry, Lookup, Output, Read, Scope, Term, Undefined
from htn.contract.types import ANY, MOST_PARTS, Type

__all__ = [
    "ANY",
    "MOST_PARTS",
    "ROUNDING",
    "Argument",
    "Condition",
    "Constant",
    "Contract",
    "Effect",
    "Entry",
    "Evaluate",
    "Lookup",
    "Names",
    "Output",
    "Outputs",
    "Parameter",
    "Read",
    "Reading",
    "Scope",
    "Term",
    "Type",
    "Undefined",
    "bind",
    "broken_promise",
    "changes",
    "check_name",
    "close",
    "describe_changes",
    "may_hold",
    "model_of",
    "noise_of",
    "parse_condition",
    "parse_effect",
    "parse_term",
    "refuse",
    "rounding_noise",
    "scope_of",
    "write",
]
