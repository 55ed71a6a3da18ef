"""What is written on a node, whatever the format."""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from unicodedata import east_asian_width

from htn.network import Multigoal, show_task
from htn.plan import Decomposition, Plan

Kind: TypeAlias = Literal["task", "goal", "action", "learned"]
_MAX_LENGTH = 120

# What fills a box and what surrounds it.
COLOURS: dict[Kind, tuple[str, str]] = {
    "task": ("#eef2f7", "#5b6b7f"),
    "goal": ("#ece8fb", "#6b57b3"),
    "action": ("#e3f4e8", "#2f855a"),
    "learned": ("#fff3d6", "#b7791f"),
}


@dataclass(frozen=True)
class Label:
    """A node as people see it: what it does, by which method, and the number of an action in order of execution."""

    text: str
    note: str
    kind: Kind
    number: int | None

    def numbered(self, mark: str = ". ") -> str:
        """Return the text with the action's number in front."""
        return self.text if self.number is None else f"{self.number}{mark}{self.text}"


def labels(plan: Plan) -> list[Label]:
    """Return the labels of the nodes, in the order of the nodes."""
    number = 0
    found: list[Label] = []
    for node in plan.nodes:
        number += node.is_action
        found.append(_label(node, number))
    return found


def _label(node: Decomposition, number: int) -> Label:
    text = printable(show_task(node.task))
    if node.is_action:
        learned = node.version is not None
        return Label(text, "learned" if learned else "", "learned" if learned else "action", number)
    if node.holds_already:
        return Label(text, "holds already", "goal", None)
    if node.is_open:
        return Label(text, "decided later", "goal" if isinstance(node.task, Multigoal) else "task", None)
    return Label(text, printable(f"by {node.method}"), "goal" if isinstance(node.task, Multigoal) else "task", None)


def cut(text: str, length: int = _MAX_LENGTH) -> str:
    """Return a text that a picture has room for."""
    return text if len(text) <= length else text[: length - 1] + "…"


def printable(text: str) -> str:
    """Return the text without characters that no format has a form for, or that change the order of the others."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def columns(text: str) -> int:
    """Return how wide a text is in a font whose letters are equally wide; Chinese, Japanese and Korean count double."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
