"""From a failure to an error that says its kind, its root cause, its impact and what to do.

what happened                                    type of the error
the code cannot be parsed                        syntax
a static rule objects                            security
a module or command is not there                 import
the code raised, or its value is not JSON        runtime
it gave another result than was expected         logical
time, memory, output, or the sandbox ran out     environment
"""

import re
from collections.abc import Sequence

from executor.check import Finding
from executor.code.forms import CodeError, CodeFinding, ErrorType
from executor.sandbox import Category, Problem

_LINE = re.compile(r'File "<body>", line (\d+)|<body>:(\d+)|\bline (\d+)\b')
# Findings of these rules mean that there is no program to look at; all others mean that one breaks a rule.
_UNREADABLE = frozenset({"HTN-F001", "HTN-L001", "HTN-B101"})
_TYPES: dict[Category, ErrorType] = {
    Category.SYNTAX: "syntax",
    Category.IMPORT: "import",
    Category.RUNTIME: "runtime",
    Category.PROTOCOL: "runtime",
}
# Category or type, then root cause, impact, recommendation. An exception's own name goes before its category.
_MEANING: dict[str, tuple[str, str, str]] = {
    "syntax": (
        "the text is not a program of this language",
        "nothing of it runs",
        "correct the line that is named, and the brackets and quotes before it",
    ),
    "security": (
        "the code uses something that the static rules refuse",
        "it is not run at all",
        "write it with the allowed modules and without the name that is refused",
    ),
    "request": (
        "the request asks for something that destroys",
        "no model is asked and nothing is run",
        "say which values are given and what shall be computed from them",
    ),
    "import": (
        "a module or command is not there in the sandbox",
        "the code stops where it is first needed",
        "use the standard library, or declare the package",
    ),
    "logical": (
        "the code runs, but computes something else than was asked for",
        "its results cannot be used, although nothing fails",
        "compare the result with the expected one, and follow the value back to where it is computed",
    ),
    "NameError": (
        "a name is read that nothing has given a value",
        "the code stops at this line",
        "assign the name first, or give it as a value of the context",
    ),
    "KeyError": (
        "an object has no such key",
        "the code stops for inputs without the key",
        "check the key, or take it with .get and a default",
    ),
    "IndexError": (
        "a list is shorter than the index that is asked for",
        "the code stops for short or empty inputs",
        "check the length, and say what an empty input means",
    ),
    "TypeError": (
        "an operation is given a value of a type that it cannot use",
        "the code stops for inputs of this type",
        "convert the value, or refuse it with a message of its own",
    ),
    "ValueError": (
        "a value has the right type, but cannot be used",
        "the code stops for this input",
        "check the value before it is used",
    ),
    "ZeroDivisionError": (
        "a number is divided by zero",
        "the code stops for this input, often an empty one",
        "say what the result is when the divisor is zero",
    ),
    "AttributeError": (
        "a value does not have this attribute or method",
        "the code stops for values of this type",
        "check what type the value has here",
    ),
    "RecursionError": (
        "a function calls itself without an end, or too deeply",
        "the code stops for large inputs, or always",
        "check the case that ends the recursion, or use a loop",
    ),
    "runtime": (
        "the code raised an exception",
        "it stops at this line and has no result",
        "handle the case, or prevent it before this line",
    ),
    "protocol": (
        "the result is not a JSON value",
        "the result cannot be handed on",
        "leave numbers, texts, lists and objects in result: list(...) for sets and generators, str(...) for dates",
    ),
    "timeout": (
        "the code runs longer than it may",
        "it is stopped and has no result",
        "look for a loop without an end, or allow more time",
    ),
    "memory": (
        "the code needs more memory than it may have",
        "it is stopped and has no result",
        "keep less at once, or allow more memory",
    ),
    "output": (
        "the code prints or returns more than it may",
        "it is stopped and has no result",
        "print less, and return a summary",
    ),
    "killed": ("its process ended without an answer", "it has no result", "leave out what ends the process"),
    "environment": (
        "the sandbox cannot run this, or went away",
        "nothing can be said of the code",
        "htn doctor and htn sandbox check say what is missing",
    ),
}


def error_of(problem: Problem) -> CodeError:
    """Return what a failed call means."""
    name = problem.message.partition(":")[0].partition(",")[0]
    meaning = _MEANING.get(name) or _MEANING[problem.category.value]
    return _error(_TYPES.get(problem.category, "environment"), problem.category.value, problem.message, meaning,
                  line_of(problem), problem.traceback)  # fmt: skip


def wrong_result(message: str) -> CodeError:
    """Return the error of code that runs and gives another result than was expected."""
    return _error("logical", "logical", message, _MEANING["logical"])


def refused(findings: Sequence[CodeFinding]) -> CodeError:
    """Return the error of code that the rules refuse."""
    first = findings[0]
    kind: ErrorType = "syntax" if is_unreadable(first) else "security"
    return _error(kind, kind, first.message, _MEANING[kind], first.line)


def refused_request(findings: Sequence[CodeFinding]) -> CodeError:
    """Return the error of a request in words that the rules refuse."""
    return _error("security", "request", findings[0].message, _MEANING["request"], findings[0].line)


def is_unreadable(finding: CodeFinding | Finding) -> bool:
    """Whether a finding says that there is no program to look at."""
    return finding.code in _UNREADABLE


def line_of(problem: Problem) -> int | None:
    """Return the line of the code at which a call failed, or None where nothing names one."""
    trace = problem.traceback or (problem.message if problem.category == Category.SYNTAX else "")
    found = _LINE.findall(trace)
    if not found:
        return None
    # The last line that is named is the innermost; of several patterns the one that stands for the body's own.
    own = [one or other for one, other, _ in found if one or other]
    return int(own[-1] if own else found[0][2])


def _error(
    kind: ErrorType,
    category: str,
    message: str,
    meaning: tuple[str, str, str],
    line: int | None = None,
    traceback: str = "",
) -> CodeError:
    cause, impact, recommendation = meaning
    return CodeError(
        type=kind,
        category=category,
        message=message,
        line=line,
        root_cause=cause,
        impact=impact,
        recommendation=recommendation,
        traceback=traceback,
    )
