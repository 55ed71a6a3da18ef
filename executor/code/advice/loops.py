"""What loops go over, and what they build."""

import ast

from executor.code.advice.base import Advice, assigned_values, is_text, outside_of
from executor.code.forms import Suggestion
from executor.code.tree import FUNCTIONS, LOOPS, Loop, Tree, called, name_of, names_in, stored


class StringBuilding(Advice):
    """A text is not built up piece by piece in a loop.

    Each `+=` may copy all that is there already, so the time can grow with the square of the length. `join` puts the
    pieces together once.

    Found in:

        result = ""
        for number in numbers:
            result += str(number)

    Instead:

        result = "".join(str(number) for number in numbers)
    """

    type = "string_building"
    weight = 6

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the loops that build a text."""
        loops = {}
        for node in tree.nodes:
            name = _added(node)
            loop = tree.loop(node) if name else None
            if name and loop is not None and outside_of(loop, tree, name):
                starts = assigned_values(tree, tree.scope(node), name)
                if any(map(is_text, starts)) and all(is_text(each) or _continues(each, name) for each in starts):
                    loops[loop] = name
        message = "Consider using list and join() for string concatenation: {} is copied each time round"
        return [self.at(loop, message.format(name)) for loop, name in loops.items()]


class RangeLen(Advice):
    """A list is iterated over itself, not over the numbers of its places.

    The number is one more thing to read and to get wrong. `enumerate` gives both where both are needed.

    Found in:

        total = 0
        for at in range(len(prices)):
            total += prices[at] * 2

    Instead:

        total = 0
        for price in prices:
            total += price * 2
    """

    type = "range_len"
    weight = 2

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the loops over places that only look at what is there."""
        found = []
        for loop in tree.loops():
            over = _places(loop)
            if not (over and isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)):
                continue
            uses = _uses(loop, loop.target.id)
            plain = [use for use in uses if _is_item(tree, use, over)]
            computed = [use for use in uses if any(_in_an_index(tree, use, loop))]
            if plain and len(plain) == len(uses):
                found.append(self.at(loop, f"Iterate over {over} itself: for item in {over}"))
            elif plain and len(plain) >= len(computed) and not set(computed) - set(plain):
                found.append(self.at(loop, f"Use enumerate: for {loop.target.id}, item in enumerate({over})"))
        return found


class NestedLoops(Advice):
    """The same data is not searched again for each of its items.

    A loop in a loop over the same list compares every item with every other: twice the items take four times the time.
    A dict from what is looked for to where it is finds the same in one pass.

    Found in:

        twice = []
        for one in names:
            for other in names:
                if one.lower() == other.upper():
                    twice.append(one)

    Instead:

        upper = {name.upper() for name in names}
        twice = [name for name in names if name.lower() in upper]
    """

    type = "nested_loops"

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the inner loops over the data of an outer one that look for something equal."""
        found = []
        for inner in tree.loops():
            data = _data(inner)
            for outer in tree.around(inner):
                if isinstance(outer, FUNCTIONS):
                    break
                if data and isinstance(outer, LOOPS) and _data(outer) == data and _compares(inner, outer):
                    message = f"Each item of {data} is compared with every other: a dict or set finds it in one pass"
                    found.append(self.at(inner, message))
                    break
        return found


class PopFront(Advice):
    """A list is not taken from or added to at its front in a loop.

    All other items move by one place each time. `collections.deque` does it in one step.

    Found in:

        while waiting:
            job = waiting.pop(0)
            done.append(job)

    Instead:

        from collections import deque

        waiting = deque(waiting)
        while waiting:
            job = waiting.popleft()
            done.append(job)
    """

    type = "pop_front"
    weight = 3

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return what moves a whole list in a loop."""
        return [
            self.at(node, "Use collections.deque: each time all other items move by one place")
            for node in tree.nodes
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (called(node), len(node.args)) in (("pop", 1), ("insert", 2))
            and isinstance(node.args[0], ast.Constant)
            and type(node.args[0].value) is int
            and node.args[0].value == 0
            and tree.loop(node) is not None
        ]


LOOP_ADVICE: tuple[Advice, ...] = (StringBuilding(), RangeLen(), NestedLoops(), PopFront())


def _added(node: ast.AST) -> str:
    """Return the name that something is added to at its end, or nothing."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return name_of(node.target)
    is_plain = isinstance(node, ast.Assign) and len(node.targets) == 1
    if isinstance(node, ast.Assign) and is_plain and _continues(node.value, name_of(node.targets[0])):
        return name_of(node.targets[0])
    return ""


def _continues(value: ast.expr | None, name: str) -> bool:
    is_sum = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)
    return bool(name) and is_sum and isinstance(value, ast.BinOp) and name_of(value.left) == name


def _places(loop: Loop) -> str:
    """Return the name over whose places a loop goes: `range(len(NAME))`."""
    if not isinstance(loop, ast.For) or called(loop.iter) != "range" or not isinstance(loop.iter, ast.Call):
        return ""
    inner = loop.iter.args[0] if len(loop.iter.args) == 1 else None
    is_length = isinstance(inner, ast.Call) and called(inner) == "len" and len(inner.args) == 1
    return name_of(inner.args[0]) if is_length and isinstance(inner, ast.Call) else ""


def _uses(loop: Loop, name: str) -> list[ast.Name]:
    return [n for part in loop.body for n in ast.walk(part) if isinstance(n, ast.Name) and n.id == name]


def _is_item(tree: Tree, use: ast.Name, over: str) -> bool:
    """Whether a place is used as `over[place]`, to look at what is there."""
    around = next(tree.around(use))
    return (
        isinstance(around, ast.Subscript)
        and around.slice is use
        and name_of(around.value) == over
        and isinstance(around.ctx, ast.Load)
    )


def _in_an_index(tree: Tree, use: ast.Name, loop: Loop) -> list[ast.Subscript | ast.Call]:
    """Return the index or the range that a place is used in; then the place itself matters."""
    found: list[ast.Subscript | ast.Call] = []
    for around in tree.around(use):
        if around is loop:
            break
        if isinstance(around, ast.Subscript) or (isinstance(around, ast.Call) and called(around) == "range"):
            found.append(around)
    return found


def _data(loop: ast.AST) -> str:
    """Return the name of what a loop goes over, itself or by its places."""
    if not isinstance(loop, (ast.For, ast.AsyncFor)):
        return ""
    source = loop.iter
    if isinstance(source, ast.Call) and called(source) == "enumerate" and source.args:
        source = source.args[0]
    return name_of(source) or _places(loop)


def _compares(inner: Loop, outer: ast.AST) -> bool:
    """Whether the inner loop looks for equality between its own items and those of the outer one."""
    if not (isinstance(inner, (ast.For, ast.AsyncFor)) and isinstance(outer, (ast.For, ast.AsyncFor))):
        return False
    mine, others = stored(inner.target), stored(outer.target)
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq)
        and (
            (names_in(node.left) & mine and names_in(node.comparators[0]) & others)
            or (names_in(node.left) & others and names_in(node.comparators[0]) & mine)
        )
        for part in inner.body
        for node in ast.walk(part)
    )
