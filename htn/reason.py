"""Why a function of a domain said that it does not apply: the line that decided it, and the values in it.

The function is run once more on the same state under a tracer that remembers the last line that was reached;
when that line follows an `if` that failed, the `if` is what people want to see. Only the values of names and
of lookups in that line are evaluated, by reading them off the frame and the state; nothing is called.
"""

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from htn.errors import NeedsValue
from htn.state import State
from htn.values import show

_MAX_VALUES = 6
# Lines that only say no; what people want to see is the line before, which decided it.
_GIVES_UP = re.compile(r"(return( None| False)?|pass|continue|break|yield)\s*$")


@dataclass(frozen=True)
class Reason:
    """What refused: a line of source with its number, and the values that were in it."""

    line: int
    source: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        values = f"   ({', '.join(self.values)})" if self.values else ""
        return f"line {self.line}: {self.source}{values}"


def why_refused(function: Callable[..., Any], state: State, arguments: tuple[Any, ...]) -> Reason | None:
    """Return the line of `function` that decided that it does not apply, or None when it cannot be told.

    The state is left as it was. An exception of the function is the function's affair: None.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    seen: list[tuple[int, dict[str, Any]]] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line":
            seen.append((frame.f_lineno, dict(frame.f_locals)))
            del seen[:-64]
        return trace

    mark, outer = state.mark(), sys.gettrace()
    sys.settrace(trace)
    try:
        produced = function(state, *arguments)
        if inspect.isgenerator(produced):
            for _ in produced:
                break
        sys.settrace(outer)
        return _deciding_line(code.co_filename, seen)
    except Exception:  # noqa: BLE001  # the search has met this exception already; here it only ends the tracing
        return None
    finally:
        sys.settrace(outer)
        state.undo(mark)


def _deciding_line(filename: str, seen: list[tuple[int, dict[str, Any]]]) -> Reason | None:
    for line, local in reversed(seen):
        source = linecache.getline(filename, line).strip()
        if source and not _GIVES_UP.match(source):
            return Reason(line, source, tuple(_values(source, local)))
    return None


def _values(source: str, local: dict[str, Any]) -> list[str]:
    """Return "text = value" for each lookup in a line, and each bare name that stands outside of one."""
    text = re.sub(r"^(el)?if |^while |^return |:$", "", source)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return []
    found: dict[str, str] = {}
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if node in inside:
            continue
        if isinstance(node, (ast.Subscript, ast.Name, ast.Attribute)):
            known, value = _read(node, local)
            if known and not callable(value) and not isinstance(value, State):
                found[ast.unparse(node)] = show(value)
                inside.update(ast.walk(node))
    return [f"{text} = {value}" for text, value in list(found.items())[:_MAX_VALUES]]


def _read(node: ast.expr, local: dict[str, Any]) -> tuple[bool, Any]:
    """Return (True, value) for names, constants, tuples, and lookups in the state and in plain containers."""
    match node:
        case ast.Constant(value=value):
            return True, value
        case ast.Name(id=name):
            return name in local, local.get(name)
        case ast.Tuple(elts=parts):
            read = [_read(part, local) for part in parts]
            return all(known for known, _ in read), tuple(value for _, value in read)
        case ast.Attribute(value=ast.Name(id=holder), attr=name) if isinstance(local.get(holder), State):
            return name in local[holder], getattr(local[holder], name, None)
        case ast.Subscript(value=holder, slice=key):
            (held, container), (known, at) = _read(holder, local), _read(key, local)
            if held and known and isinstance(container, (dict, list, tuple)):
                try:
                    return True, container[at]
                except (KeyError, IndexError, TypeError):
                    return True, "absent"
                except NeedsValue:
                    return False, None
    return False, None
