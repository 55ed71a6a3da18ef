"""What is likely to be a mistake, or to hide one."""

import ast
from collections import Counter
from itertools import pairwise

from executor.code.advice.base import Advice
from executor.code.forms import Suggestion
from executor.code.tree import FUNCTIONS, LOOPS, Function, Tree, called, name_of, stored

_ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_OFTEN_USED = frozenset({"dict", "float", "int", "len", "list", "max", "min", "print", "range", "set", "sorted", "str",
                         "sum", "tuple"})  # fmt: skip
_MOST_LEVELS = 4


class BareExcept(Advice):
    """An exception is caught by its name, and something is done about it.

    `except:` also catches what nobody expected, such as a name that is mistyped; the mistake then looks like data. So
    does `except Exception: pass`.

    Found in:

        try:
            number = int(text)
        except:
            number = 0

    Instead:

        try:
            number = int(text)
        except ValueError:
            number = 0
    """

    type = "bare_except"
    weight = 8

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the handlers that hide everything."""
        return [
            self.at(node, "Name the exceptions that are expected: everything else is hidden here too")
            for node in tree.nodes
            if isinstance(node, ast.ExceptHandler)
            and (node.type is None or (_is_any(node.type) and all(isinstance(s, ast.Pass) for s in node.body)))
        ]


class MutableDefault(Advice):
    """The default of a parameter is not a list, dict or set.

    It is made once, when the function is defined: what one call puts into it is there in the next one.

    Found in:

        def collect(item, found=[]):
            found.append(item)
            return found

    Instead:

        def collect(item, found=None):
            found = [] if found is None else found
            found.append(item)
            return found
    """

    type = "mutable_default"
    weight = 8

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the defaults that calls share."""
        return [
            self.at(default, f"Let the default be None, and make it in {function.name}: all calls share this one")
            for function in tree.functions()
            for default in (*function.args.defaults, *function.args.kw_defaults)
            if isinstance(default, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp))
            or (isinstance(default, ast.Call) and called(default) in ("list", "dict", "set") and not default.args)
        ]


class UnusedImport(Advice):
    """What is imported is used.

    Found in:

        import json
        import math

        result = math.sqrt(2)

    Instead:

        import math

        result = math.sqrt(2)
    """

    type = "unused_import"
    weight = 2

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the imports that nothing uses."""
        return [self.at(node, f"{name} is imported and not used") for node, name in unused_imports(tree)]


class UnusedVariable(Advice):
    """A variable of a function is read somewhere.

    One that is not was forgotten, or another one was meant. A name with an underscore in front says that it is meant.

    Found in:

        def total(items):
            count = len(items)
            return sum(items)

    Instead:

        def total(items):
            return sum(items)
    """

    type = "unused_variable"
    weight = 3

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the plain assignments to variables that are not read."""
        return [found for function in tree.functions() for found in self._of(tree, function)]

    def _of(self, tree: Tree, function: Function) -> list[Suggestion]:
        inside = [node for part in function.body for node in ast.walk(part)]
        read = {node.id for node in inside if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}
        shared = {name for node in inside if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names}
        return [
            self.at(node, f"{name} is assigned and not read")
            for node in tree.own(function)
            if isinstance(node, ast.Assign) and len(node.targets) == 1
            if (name := name_of(node.targets[0])) and name not in read | shared and not name.startswith("_")
        ]


class Unreachable(Advice):
    """Nothing stands behind what leaves a block.

    Found in:

        def first(items):
            return items[0]
            print("done")

    Instead:

        def first(items):
            return items[0]
    """

    type = "unreachable"
    weight = 6

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the first statement of each block that cannot be reached."""
        return [
            self.at(after, f"This is never run: line {before.lineno} leaves the block")
            for block in tree.blocks()
            for before, after in pairwise(block)
            if isinstance(before, _ENDS)
        ][:20]


class ShadowedBuiltin(Advice):
    """A name of Python's own that is often needed is not given to something else.

    After `list = [1, 2]` a later `list(text)` fails, far from the cause.

    Found in:

        list = [3, 1, 2]
        result = max(list)

    Instead:

        numbers = [3, 1, 2]
        result = max(numbers)
    """

    type = "shadowed_builtin"
    weight = 3

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the first place of each such name."""
        found: dict[str, Suggestion] = {}
        for node in tree.nodes:
            name = node.arg if isinstance(node, ast.arg) else getattr(node, "id", "")
            is_given = isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            if is_given and name in _OFTEN_USED:
                found.setdefault(name, self.at(node, f"Choose another name than {name}, which is Python's own"))
        return list(found.values())


class DeepNesting(Advice):
    """Not more than four blocks stand in each other.

    Whoever reads the innermost line has to remember all conditions around it. Leaving early, or a function for the
    inner part, makes it flat.

    Found in:

        for row in rows:
            if row:
                for cell in row:
                    if cell:
                        for letter in cell:
                            if letter == "x":
                                count += 1

    Instead:

        def crosses(row):
            return sum(cell.count("x") for cell in row if cell)

        count = sum(crosses(row) for row in rows if row)
    """

    type = "deep_nesting"
    weight = 4

    def look(self, tree: Tree) -> list[Suggestion]:
        """Return the first line that is too deep, of each function."""
        found: dict[ast.AST, Suggestion] = {}
        for node in tree.nodes:
            if isinstance(node, (ast.If, *LOOPS)) and _levels(tree, node) > _MOST_LEVELS:
                scope = tree.scope(node)
                message = f"{_levels(tree, node)} blocks stand in each other: leave early, or make a function of this"
                found.setdefault(scope, self.at(node, message))
        return list(found.values())


FAULT_ADVICE: tuple[Advice, ...] = (
    BareExcept(), MutableDefault(), UnusedImport(), UnusedVariable(), Unreachable(), ShadowedBuiltin(), DeepNesting(),
)  # fmt: skip


def unused_imports(tree: Tree) -> list[tuple[ast.Import | ast.ImportFrom, str]]:
    """Return each import that brings a name which nothing in the program uses, and the name."""
    read = Counter(node.id for node in tree.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store))
    offered = {part.value for node in tree.nodes if isinstance(node, ast.Assign) and "__all__" in stored(node)
               for part in ast.walk(node.value) if isinstance(part, ast.Constant)}  # fmt: skip
    return [
        (node, name)
        for node in tree.nodes
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__"
        for alias in node.names
        if (name := (alias.asname or alias.name).partition(".")[0]) != "*" and not read[name] and name not in offered
    ]


def _is_any(node: ast.expr) -> bool:
    return name_of(node) in ("Exception", "BaseException")


def _levels(tree: Tree, node: ast.AST) -> int:
    count, inside = 1, node
    for around in tree.around(node):
        if isinstance(around, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            break
        is_elif = isinstance(around, ast.If) and around.orelse == [inside] and isinstance(inside, ast.If)
        count += isinstance(around, (ast.If, *LOOPS)) and not is_elif
        inside = around
    return count
