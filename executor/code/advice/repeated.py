"""What is done in each round of a loop although once would do."""

import ast

from executor.code.advice.base import Advice, assigned_values, is_empty, outside_of
from executor.code.forms import Suggestion
from executor.code.tree import FUNCTIONS, LOOPS, Loop, Tree, called, may_change, name_of, names_in, stored

# Their cost grows with their argument, and they change nothing.
_COSTLY = frozenset({"dict", "frozenset", "list", "max", "min", "set", "sum", "tuple"})


class RepeatedMembership(Advice):
    """What is asked again and again whether it is in a collection is kept in a set.

    `in` goes through a list from its beginning each time; in a set or dict it takes one step. It needs items that can
    be hashed, which lists and dicts cannot.

    Found in:

        known = list(first)
        both = []
        for word in second:
            if word in known:
                both.append(word)

    Instead:

        known = set(first)
        both = []
        for word in second:
            if word in known:
                both.append(word)
    """

    type = "repeated_membership"

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the questions about lists that are asked in a loop."""
        found = []
        for node in tree.nodes:
            if not (isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn))):
                continue
            name = name_of(node.comparators[0])
            loop = tree.loop(node) or _round_of(tree, node)
            if not name or loop is None or name in _given_in(loop):
                continue
            starts = assigned_values(tree, tree.scope(loop), name)
            if starts and all(_is_list(start) for start in starts):
                message = f"Keep a set of what is in {name}: the list is searched from its beginning each time"
                found.append(self.at(node, message))
        return found


class InvariantCall(Advice):
    """What is the same in each round of a loop is computed once, before it.

    Found in:

        shares = []
        for price in prices:
            shares.append(price / sum(prices))

    Instead:

        total = sum(prices)
        shares = []
        for price in prices:
            shares.append(price / total)
    """

    type = "invariant_call"

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the calls whose arguments a loop leaves as they are."""
        found = []
        for node in tree.nodes:
            if not (isinstance(node, ast.Call) and _is_costly(node)):
                continue
            loop = tree.loop(node) or _round_of(tree, node)
            if loop is None or _is_first(tree, node, loop):
                continue
            used = names_in(node) - {called(node)}
            if used and not used & may_change(loop):
                written = ast.unparse(node)
                found.append(self.at(node, f"Compute {written:.60} once, before the loop: it is the same each time"))
        return found


class RepeatedSort(Advice):
    """Data is sorted once, and not to find its smallest or largest item.

    Sorting looks at every item several times. In a loop it does so in each round; where only the first or the last is
    needed, `min` and `max` look at each item once.

    Found in:

        first = sorted(prices)[0]

    Instead:

        first = min(prices)
    """

    type = "repeated_sort"

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the sorts in loops, and those of which one item is taken."""
        found = []
        for node in tree.nodes:
            if isinstance(node, ast.Subscript) and called(node.value) == "sorted" and _end(node.slice):
                word = "min" if _end(node.slice) == "first" else "max"
                found.append(self.at(node, f"Use {word}(...): sorting looks at every item several times"))
            if not isinstance(node, ast.Call) or called(node) not in ("sorted", "sort"):
                continue
            loop = tree.loop(node)
            if loop is not None and _sorts_the_same(tree, node, loop):
                found.append(self.at(node, "Sort once, outside of the loop; heapq or bisect keep order while it grows"))
        return found


REPEATED_ADVICE: tuple[Advice, ...] = (RepeatedMembership(), InvariantCall(), RepeatedSort())


def _round_of(tree: Tree, node: ast.AST) -> ast.AST | None:
    """Return the comprehension whose items or conditions a part is, but not what is iterated over first."""
    inside = node
    for around in tree.around(node):
        if isinstance(around, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            return None if inside is around.generators[0] and _is_source(around.generators[0], node, tree) else around
        if isinstance(around, (*FUNCTIONS, ast.Lambda, ast.stmt)):
            return None
        inside = around
    return None


def _is_source(generator: ast.comprehension, node: ast.AST, tree: Tree) -> bool:
    return node is generator.iter or generator.iter in tree.around(node)


def _given_in(loop: ast.AST) -> set[str]:
    """Return the names that a loop itself gives another value, by which a list may be another in each round."""
    return {name for part in ast.walk(loop) if isinstance(part, (ast.Assign, *LOOPS)) for name in _targets(part)}


def _targets(part: ast.AST) -> set[str]:
    if isinstance(part, ast.Assign):
        return set().union(*(stored(target) for target in part.targets))
    return stored(part.target) if isinstance(part, (ast.For, ast.AsyncFor)) else set()


def _is_list(node: ast.expr | None) -> bool:
    if isinstance(node, ast.List):
        return not node.elts or len(node.elts) > 8
    return isinstance(node, ast.ListComp) or (isinstance(node, ast.Call) and called(node) in ("list", "sorted"))


def _is_costly(node: ast.Call) -> bool:
    if isinstance(node.func, ast.Name):
        sources = [a for a in node.args if isinstance(a, (ast.Name, ast.Attribute, ast.Subscript))]
        return node.func.id in _COSTLY and len(node.args) == 1 == len(sources)
    return ast.unparse(node.func) == "re.compile"


def _is_first(tree: Tree, node: ast.AST, loop: ast.AST) -> bool:
    """Whether a part is what a loop within the loop goes over, or leaves the loop: a copy to change, a result."""
    return any(isinstance(around, (ast.Return, ast.Raise)) for around in _up_to(tree, node, loop)) or (
        # A list that is made in each round may be changed or kept there.
        called(node) in ("list", "dict", "set") and not isinstance(next(tree.around(node)), ast.Compare)
    )


def _up_to(tree: Tree, node: ast.AST, loop: ast.AST) -> list[ast.AST]:
    found = []
    for around in tree.around(node):
        if around is loop:
            break
        found.append(around)
    return found


def _end(index: ast.expr) -> str:
    try:
        value = ast.literal_eval(index)
    except ValueError:
        return ""
    return {0: "first", -1: "last"}.get(value, "") if type(value) is int else ""


def _sorts_the_same(tree: Tree, node: ast.Call, loop: Loop) -> bool:
    if isinstance(node.func, ast.Attribute):
        name = name_of(node.func.value)
        return bool(name) and outside_of(loop, tree, name) and not isinstance(next(tree.around(node)), ast.Return)
    used = names_in(node) - {"sorted"}
    return bool(used) and not used & may_change(loop) and not is_empty(node.args[0] if node.args else None, "list")
