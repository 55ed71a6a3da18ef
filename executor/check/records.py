"""Rung 1, static: records are made by `@dataclass` and by nothing that could change them afterwards."""

import ast
from collections.abc import Iterator

from executor.check.candidate import Finding, Rule, Source
from executor.check.modules import imported_modules


class PlainRecords(Rule):
    """`@dataclass` stands right above its class, and `field(...)` right behind the `=` of a field in such a class.

    A field that is held in a variable can be given another name afterwards, and `asdict` then takes the attribute of
    that name, whatever it is. So nothing but the class gets hold of a field.

    Refused:

        from dataclasses import asdict, dataclass, field

        HELD = field(default=1)

        @dataclass
        class Item:
            price: int = HELD

        def total(items):
            HELD.name = items[0]
            return asdict(Item())

    Instead:

        from dataclasses import dataclass, field

        @dataclass
        class Order:
            prices: list[int] = field(default_factory=list)

        def total(items):
            return sum(Order(items).prices)
    """

    code, name = "HTN-S106", "records"
    fix = "write @dataclass right above the class, and: name: type = field(...) in it"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        tree = candidate.tree
        makers = _makers(tree)
        plain = {id(node) for part in ast.walk(tree) if isinstance(part, ast.ClassDef) for node in _plain(part, makers)}
        return [
            self.finding(f"{_last_name(node)} may not be used like this", getattr(node, "lineno", 0))
            for node in ast.walk(tree)
            if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) in makers and id(node) not in plain
        ]


def _makers(tree: ast.Module) -> dict[str, str]:
    """Return how the code writes `dataclass` and `field`, and which of them that is."""
    found = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        for alias in node.names
    }
    for name, module in imported_modules(tree).items():
        if module == "dataclasses":
            found |= {f"{name}.dataclass": "dataclass", f"{name}.field": "field"}
    return {written: name for written, name in found.items() if name in ("dataclass", "field")}


def _plain(node: ast.ClassDef, makers: dict[str, str]) -> Iterator[ast.expr]:
    """Yield the uses of the makers in a class that are as they should be."""
    if not node.decorator_list:
        return
    above = node.decorator_list[-1]
    above = above.func if isinstance(above, ast.Call) else above
    if makers.get(ast.unparse(above)) == "dataclass":
        yield above
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.value, ast.Call):
                yield part.value.func


def _last_name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr
