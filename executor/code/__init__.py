"""The code service: code for people who want code, and not an operator of a planner.

    generate    have a model write code for a task, with tests against an example
    execute     run code once in the sandbox
    validate    look at code without running it
    optimize    suggestions, a profile, and a better version that is shown to behave the same
    explain     say what code does

Each takes a frozen request and returns a frozen response (`forms.py`); what goes wrong with the code is in the
response. Exceptions are for requests that cannot be used and for services that are missing.
"""

from executor.code.executing import Bench, execute
from executor.code.explaining import explain
from executor.code.forms import (
    CodeError,
    CodeFinding,
    ExecuteResponse,
    ExplainResponse,
    GenerateResponse,
    OptimizeResponse,
    ValidateResponse,
)
from executor.code.generating import generate, refusal
from executor.code.optimizing import optimize
from executor.code.requests import (
    ExecuteRequest,
    ExplainRequest,
    GenerateRequest,
    OptimizeRequest,
    ValidateRequest,
    read_request,
)
from executor.code.validating import validate

__all__ = [
    "Bench",
    "CodeError",
    "CodeFinding",
    "ExecuteRequest",
    "ExecuteResponse",
    "ExplainRequest",
    "ExplainResponse",
    "GenerateRequest",
    "GenerateResponse",
    "OptimizeRequest",
    "OptimizeResponse",
    "ValidateRequest",
    "ValidateResponse",
    "execute",
    "explain",
    "generate",
    "optimize",
    "read_request",
    "refusal",
    "validate",
]
