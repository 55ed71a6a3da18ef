"""Whether tasks that were carried out, one beginning here and ending there, are those of a network in its order.

The network is taken apart into leaves and gates. A leaf is a task, a gate stands between a part of a sequence and the
next: it opens when all leaves before it have ended, and the leaves after it may not begin earlier.

Where the same task stands at several places of the network, each is tried. That is as hard as telling whether a word
is a shuffle of given words (NP-complete; Warmuth and Haussler, 1984), so the tries are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from htn.network import Part, TaskNetwork
from htn.replay import form

_MAX_TRIES = 20_000


@dataclass(frozen=True)
class Span:
    """A task that was carried out, by its `form`, and the moments in which it began and ended."""

    task: Any
    begin: int
    end: int


@dataclass(eq=False)
class _Gate:
    before: "_Gate | None"
    missing: int = 0
    opens: int = 0
    members: list["_Leaf"] = field(default_factory=list)
    behind: list["_Leaf"] = field(default_factory=list)


@dataclass(eq=False)
class _Leaf:
    task: Any
    behind: _Gate | None
    twins: object  # the same object for leaves of which it does not matter which one is taken
    gates: list[_Gate] = field(default_factory=list)
    end: int = 0


def fits(parts: Sequence[Part], spans: Sequence[Span]) -> bool | None:
    """Say whether some spans are the tasks of a sequence of parts, in an order that it allows; None: not decided.

    The spans are in the order in which they begin, and no two begin in the same moment.
    """
    leaves = _leaves(TaskNetwork(tuple(parts)), None, object())
    return len(leaves) == len(spans) and _Fitting(leaves).fits(spans)


def _leaves(part: Part, gate: _Gate | None, twins: object) -> list[_Leaf]:
    """Take a part that stands behind a gate apart."""
    if not isinstance(part, TaskNetwork):
        leaf = _Leaf(form(part), gate, twins)
        if gate is not None:
            gate.behind.append(leaf)
        return [leaf]
    leaves: list[_Leaf] = []
    alike = object()
    for inner in part.parts:
        if not part.ordered:
            leaves += _leaves(inner, gate, alike)
            continue
        found = _leaves(inner, gate, object())
        if found:
            gate = _Gate(gate, len(found), 0, found)
            for leaf in found:
                leaf.gates.append(gate)
            leaves += found
    return leaves


class _Fitting:
    """Gives each span a leaf, going back where that leads nowhere."""

    def __init__(self, leaves: list[_Leaf]) -> None:
        # The leaves that may begin now, by their task; of twins only the last is taken, so that they are tried once.
        self._ready: dict[Any, dict[object, list[_Leaf]]] = {}
        for leaf in leaves:
            if leaf.behind is None:
                self._add(leaf)

    def _add(self, leaf: _Leaf) -> None:
        self._ready.setdefault(leaf.task, {}).setdefault(id(leaf.twins), []).append(leaf)

    def _remove(self, leaf: _Leaf) -> None:
        by_twins = self._ready[leaf.task]
        twins = by_twins[id(leaf.twins)]
        twins.remove(leaf)
        if not twins:
            del by_twins[id(leaf.twins)]

    def fits(self, spans: Sequence[Span]) -> bool | None:
        """Say whether every span gets a leaf; None when there were too many tries."""
        choices: list[list[_Leaf]] = []
        taken: list[_Leaf] = []
        steps_back = 0
        while len(taken) < len(spans):
            span = spans[len(taken)]
            if len(choices) == len(taken):
                choices.append(self._candidates(span))
            if choices[-1]:
                leaf = choices[-1].pop()
                self._take(leaf, span.end)
                taken.append(leaf)
                continue
            choices.pop()
            if not taken:
                return False
            self._give_back(taken.pop())
            steps_back += 1
            if steps_back > _MAX_TRIES:
                return None
        return True

    def _candidates(self, span: Span) -> list[_Leaf]:
        ready = [twins[-1] for twins in self._ready.get(span.task, {}).values()]
        return [leaf for leaf in ready if leaf.behind is None or leaf.behind.opens <= span.begin]

    def _take(self, leaf: _Leaf, end: int) -> None:
        self._remove(leaf)
        leaf.end = end
        for gate in leaf.gates:
            gate.missing -= 1
            if not gate.missing:
                opened = max(member.end for member in gate.members)
                gate.opens = max(opened, gate.before.opens if gate.before else 0)
                for follower in gate.behind:
                    self._add(follower)

    def _give_back(self, leaf: _Leaf) -> None:
        for gate in leaf.gates:
            if not gate.missing:
                for follower in gate.behind:
                    self._remove(follower)
            gate.missing += 1
        self._add(leaf)
