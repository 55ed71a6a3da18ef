"""What is to be done: tasks, goals, and networks of them; and how a person types a task.

A method returns a list of subtasks, which are done in this order, or a network: `unordered(...)` lets the planner
choose the order and interleave, `sequence(...)` keeps one; they nest. Goals are tasks too: `("pos", "a", "table")`
for one state variable with goal methods, a `Multigoal` for several values at once.

A task is a tuple, `("travel", "alice", "home", "park")`. In text it is `travel(alice, home, park)`: words are
texts, `3` and `2.5` numbers, `true`, `false` and `null` what they are in JSON, quotes hold anything, and
`(a, b)` and `[a, b]` are a tuple and a list.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from htn.errors import UsageError
from htn.values import NUMBER, WORDS, from_json, show, to_json

if TYPE_CHECKING:
    from htn.state import State

Task: TypeAlias = tuple[Any, ...]

_TOKEN = re.compile(r"""\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([()\[\],])|([^\s()\[\],'"]+))""", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_MAX_TEXT = 10_000
_MAX_NESTING = 50
_MAX_NUMBER = 300


@dataclass(frozen=True)
class Multigoal:
    """Values that several state variables should have at the same time.

    `wanted` holds (variable, key, value) rows; `name` is for people.
    """

    wanted: tuple[tuple[str, Any, Any], ...]
    name: str = "goal"

    @classmethod
    def of(cls, wanted: Mapping[str, Mapping[Any, Any]], name: str = "goal") -> "Multigoal":
        """Return the goal that `{"pos": {"a": "b", "b": "table"}}` says."""
        rows = ((variable, key, value) for variable, pairs in wanted.items() for key, value in pairs.items())
        return cls(tuple(rows), name)

    def unmet(self, state: "State") -> tuple[tuple[str, Any, Any], ...]:
        """Return the rows that do not hold in a state."""
        return tuple(row for row in self.wanted if not holds(state, *row))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{v}[{show(k)}] = {show(value)}' for v, k, value in self.wanted)})"


@dataclass(frozen=True)
class TaskNetwork:
    """Parts that are done in order, or, when `ordered` is False, in any order and interleaved."""

    parts: tuple["Part", ...]
    ordered: bool = True

    def tasks(self) -> Iterator["Task | Multigoal"]:
        """Return the tasks and goals in it, in the order in which they are written."""
        for part in self.parts:
            if isinstance(part, TaskNetwork):
                yield from part.tasks()
            else:
                yield part


Part: TypeAlias = Task | Multigoal | TaskNetwork


def part_to_json(part: Part) -> object:
    """Return the JSON form of a task (a list), a goal or a network (an object with one key)."""
    if isinstance(part, TaskNetwork):
        return {"sequence" if part.ordered else "unordered": [part_to_json(inner) for inner in part.parts]}
    if isinstance(part, Multigoal):
        return {"multigoal": part.name, "wanted": [to_json(list(row)) for row in part.wanted]}
    return to_json(list(part))


def part_from_json(data: Any) -> Part:
    """Return the part that `part_to_json` wrote. UsageError when it is something else."""
    if isinstance(data, dict):
        for word, ordered in (("sequence", True), ("unordered", False)):
            if data.keys() == {word} and isinstance(data[word], list):
                return TaskNetwork(tuple(map(part_from_json, data[word])), ordered)
        if data.keys() == {"multigoal", "wanted"} and isinstance(data["wanted"], list):
            rows: tuple[Any, ...] = tuple(tuple(map(from_json, row)) for row in data["wanted"] if isinstance(row, list))
            if len(rows) == len(data["wanted"]) and all(len(row) == 3 and isinstance(row[0], str) for row in rows):
                return Multigoal(rows, str(data["multigoal"]))
    task = from_json(data, "a task")
    if not isinstance(task, list) or not task or not isinstance(task[0], str):
        raise UsageError(f"{data!r:.60} is not a task, a goal or a network of them")
    return tuple(task)


def sequence(*parts: Part) -> TaskNetwork:
    """Return a network whose parts are done one after the other."""
    return TaskNetwork(parts)


def unordered(*parts: Part) -> TaskNetwork:
    """Return a network whose parts the planner may order and interleave as it likes."""
    return TaskNetwork(parts, ordered=False)


def holds(state: "State", variable: str, key: Any, value: Any) -> bool:
    """Say whether a state variable has a value. Raises NeedsValue when only execution can know."""
    return bool(variable in state and state.look_up(variable, key) == value)


def show_network(part: "Part") -> str:
    """Return a task, goal or network as a person writes it."""
    if not isinstance(part, TaskNetwork):
        return show_task(part)
    word = "sequence" if part.ordered else "unordered"
    return f"{word}({', '.join(map(show_network, part.parts))})"


def show_task(task: "Task | Multigoal") -> str:
    """Return a task as a person types it."""
    if isinstance(task, Multigoal):
        return str(task)
    return f"{task[0]}({', '.join(show(argument) for argument in task[1:])})"


def typed_task(task: Task) -> str | None:
    """Return a task as a person can paste it into a shell, whole and in quotes; None when it is too long to type."""
    text = f"{task[0]}({', '.join(show(argument, sys.maxsize) for argument in task[1:])})"
    if len(text) > _MAX_TEXT:
        return None
    return shlex.quote(text if '"' in text else text.replace("'", '"'))


def parse_task(text: str) -> Task:
    """Return the task that a person typed. UsageError says what is wrong and where."""
    if len(text) > _MAX_TEXT:
        raise UsageError(f"a task of {len(text):,} characters is too long (at most {_MAX_TEXT:,})")
    tokens = _tokens(text)
    if not tokens or not tokens[0][1].isidentifier():
        raise _malformed(text, "it does not start with a name")
    head = tokens.pop(0)[1]
    if not tokens:
        return (head,)
    if tokens[0] != ("mark", "(") or tokens[-1] != ("mark", ")"):
        raise _malformed(text, "the arguments are not in ( )")
    arguments = _read(tokens, text, 0)
    if tokens:
        raise _malformed(text, f"{tokens[0][1]!r} comes after the end")
    return (head, *arguments)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise _malformed(text, f"a quote that does not end, at {text[at : at + 20]!r}")
        quoted, mark, word = found.groups()
        tokens.append(("quoted", quoted) if quoted else ("mark", mark) if mark else ("word", word))
        at = found.end()
    return tokens


def _read(tokens: list[tuple[str, str]], text: str, depth: int) -> Any:
    """Read one argument, or what is between two brackets, off the front of `tokens`."""
    if depth > _MAX_NESTING:
        raise _malformed(text, "the brackets are nested too deeply")
    if not tokens:
        raise _malformed(text, "a bracket is not closed")
    kind, token = tokens.pop(0)
    if kind == "quoted":
        return _ESCAPE.sub(_unescaped, token[1:-1])
    if kind == "word":
        return WORDS[token] if token in WORDS else _number_or_text(token, text)
    if token not in "([":
        raise _malformed(text, f"{token!r} stands where a value should be")
    closing = ")" if token == "(" else "]"
    parts: list[Any] = []
    while tokens and tokens[0] != ("mark", closing):
        if parts and tokens.pop(0) != ("mark", ","):
            raise _malformed(text, "a comma is missing between two arguments")
        parts.append(_read(tokens, text, depth + 1))
    if not tokens:
        raise _malformed(text, "a bracket is not closed")
    tokens.pop(0)
    return tuple(parts) if closing == ")" else parts


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 1:
        return _ESCAPED.get(code, found[0])
    return chr(int(code[1:], 16)) if int(code[1:], 16) <= sys.maxunicode else found[0]


def _number_or_text(word: str, text: str) -> object:
    if not NUMBER.fullmatch(word):
        return word
    if len(word) > _MAX_NUMBER or not isfinite(float(word)):
        raise _malformed(text, f"{word[:20]} is too large a number")
    return float(word) if any(c in word for c in ".eE") else int(word)


def _malformed(text: str, why: str) -> UsageError:
    return UsageError(
        f"cannot read the task {text[:60]!r}: {why}",
        hints=("write it as travel(alice, home, park); put quotes around texts with commas or spaces",),
    )
