"""What a builtin or a comprehension says in one line."""

import ast

from executor.code.advice.base import Advice, is_empty, only_step, starts_and_loops
from executor.code.forms import Suggestion
from executor.code.tree import Tree, called, name_of, names_in


class ListBuilding(Advice):
    """A list that a loop only appends to is written as a comprehension.

    It says in one line that a list is made, of what, and from what; and nothing else can happen in it.

    Found in:

        squares = []
        for number in numbers:
            squares.append(number * number)

    Instead:

        squares = [number * number for number in numbers]
    """

    type = "list_building"
    weight = 1

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the loops that do nothing but append."""
        return [
            self.at(loop, f"Write a comprehension: {name} = [... for ... in ...]")
            for start, loop in starts_and_loops(tree)
            if (name := appended_to(start, loop))
        ]


class ManualSum(Advice):
    """A sum, or a count, that a loop does nothing but add up is written with `sum`.

    For fractions `sum` is more exact than adding one by one from Python 3.12 on, so the last digits can differ.

    Found in:

        total = 0
        for price in prices:
            total += price

    Instead:

        total = sum(prices)
    """

    type = "manual_sum"
    weight = 1

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the loops that do nothing but add."""
        found = []
        for start, loop in starts_and_loops(tree):
            name, step = name_of(start.targets[0]), only_step(loop)
            if step is None or not isinstance(step[0], ast.AugAssign) or not isinstance(step[0].op, ast.Add):
                continue
            zero = isinstance(start.value, ast.Constant) and type(start.value.value) in (int, float)
            is_zero = zero and isinstance(start.value, ast.Constant) and start.value.value == 0
            used = names_in(step[0].value) | (names_in(step[1]) if step[1] else set())
            if is_zero and name_of(step[0].target) == name and name not in used:
                found.append(self.at(loop, f"Use sum: {name} = sum(... for ... in ...)"))
        return found


class ManualCounting(Advice):
    """How often each thing occurs is counted by `collections.Counter`.

    Found in:

        counts = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1

    Instead:

        from collections import Counter

        counts = Counter(words)
    """

    type = "manual_counting"
    weight = 1

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the loops that do nothing but count."""
        found = []
        for start, loop in starts_and_loops(tree):
            name, step = name_of(start.targets[0]), only_step(loop)
            if is_empty(start.value, "dict") and step and _counts(step[0], name):
                found.append(self.at(loop, f"Use collections.Counter: {name} = Counter(...)"))
        return found


class KeysCall(Advice):
    """Whether a dict has a key is asked of the dict itself.

    Found in:

        known = name in prices.keys()

    Instead:

        known = name in prices
    """

    type = "keys_call"
    weight = 1

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the questions about keys."""
        return [
            self.at(node, "Ask the dict itself: key in d")
            for node in tree.nodes
            if isinstance(node, ast.Compare)
            and isinstance(node.ops[0], (ast.In, ast.NotIn))
            and isinstance(node.comparators[0], ast.Call)
            and called(node.comparators[0]) == "keys"
            and not node.comparators[0].args
        ]


class NoneComparison(Advice):
    """Whether something is None is asked with `is`.

    `==` can be defined by what is compared, and then says something else.

    Found in:

        missing = value == None

    Instead:

        missing = value is None
    """

    type = "none_comparison"
    weight = 2

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the comparisons with None."""
        return [
            self.at(node, "Write is None, or is not None")
            for node in tree.nodes
            if isinstance(node, ast.Compare)
            and isinstance(node.ops[0], (ast.Eq, ast.NotEq))
            and any(isinstance(part, ast.Constant) and part.value is None for part in (node.left, *node.comparators))
        ]


SHORTER_ADVICE: tuple[Advice, ...] = (ListBuilding(), ManualSum(), ManualCounting(), KeysCall(), NoneComparison())


def appended_to(start: ast.Assign, loop: ast.For) -> str:
    """Return the name of the list that a loop does nothing but append one value to, or nothing."""
    name, step = name_of(start.targets[0]), only_step(loop)
    if step is None or not is_empty(start.value, "list") or not isinstance(step[0], ast.Expr):
        return ""
    call = step[0].value
    if not (isinstance(call, ast.Call) and called(call) == "append" and isinstance(call.func, ast.Attribute)):
        return ""
    used = names_in(call.args[0]) | (names_in(step[1]) if step[1] else set()) if len(call.args) == 1 else {name}
    waits = any(isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)) for part in ast.walk(loop))
    is_it = name_of(call.func.value) == name and name not in used | names_in(loop.iter)
    return name if is_it and not waits and not call.keywords else ""


def _counts(step: ast.stmt, name: str) -> bool:
    """Whether a statement is NAME[key] = NAME.get(key, 0) + 1."""
    if not (isinstance(step, ast.Assign) and len(step.targets) == 1 and isinstance(step.targets[0], ast.Subscript)):
        return False
    target, value = step.targets[0], step.value
    wanted = f"{name}.get({ast.unparse(target.slice)}, 0) + 1"
    return name_of(target.value) == name and ast.unparse(value) == wanted
