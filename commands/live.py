"""The live tree of a run: what is planned, learned and done, each with a glyph, a word and a time.

On a terminal the tree grows in place on standard error. Elsewhere each line is written once, when it is final, so
that logs stay readable; with `--json` or `--quiet` nothing is shown.
"""

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from executor.agent import Listener
from executor.learn import LearnEvent
from executor.run import Event, StepState
from htn.failure import Failure, Gap
from htn.network import show_task
from htn.plan import Plan

GLYPHS = {
    "pending": ("○", "dim"),
    "running": ("◐", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "gap": ("?", "yellow"),
    "learned": ("★", "yellow"),
    "planned": ("✓", "green"),
    "note": ("·", "dim"),
}
_WORDS = {"start": StepState.RUNNING, "finish": StepState.DONE, "fail": StepState.FAILED}

_MOST_NODES = 200
_MORE = "… {:,} more steps"


@dataclass
class _Waiting:
    """Something that is under way: how long it has taken so far is told anew whenever it is drawn."""

    label: str
    heard: int = 0
    started: float = field(default_factory=time.monotonic)

    def __rich__(self) -> Text:
        heard = f", {self.heard:,} characters so far" if self.heard else ""
        return _line("running", "running", self.label + heard, time.monotonic() - self.started)


@dataclass
class LiveTree:
    """A `Listener` that draws. Use it in a `with` statement."""

    console: Console
    root: Tree = field(default_factory=lambda: Tree(""))
    _live: Live | None = None
    _gap: Tree | None = None
    _open: Tree | None = None
    _waiting: "_Waiting | None" = None
    _steps: dict[int, tuple[Tree, str]] = field(default_factory=dict)

    def __enter__(self) -> "LiveTree":
        if self.console.is_terminal:
            self._live = Live(self.root, console=self.console, refresh_per_second=8, vertical_overflow="visible")
            self.root.hide_root = True
            self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def listener(self) -> Listener:
        """Return what an agent tells its news to."""
        return Listener(self.planned, self.gap, self.learning, self.step, self.note)

    def planned(self, result: Plan | Failure) -> None:
        """Show a plan as a tree of steps to come, or why there is none."""
        self._gap = None
        if isinstance(result, Failure):
            branch = self._add(self.root, "failed", "no plan", result.explain().splitlines()[0].partition(": ")[2])
            for line in result.explain().splitlines()[1:]:
                if line.startswith("  "):
                    self._say(branch.add(Text(line.strip(), style="dim")), line, 1)
            return
        branch = self._add(self.root, "planned", "planned", f"{len(result)} actions, {result.expansions} expansions")
        nodes: list[Tree] = []
        number = 0
        for node in result.nodes[:_MOST_NODES]:
            above = branch if node.parent is None else nodes[node.parent]
            label = show_task(node.task)
            if node.method:
                nodes.append(above.add(Text(f"{label}  by {node.method}")))
                self._say(nodes[-1], f"{label}  by {node.method}", self._depth(result, len(nodes) - 1))
            else:
                label += "  (learned)" if node.version else ""
                leaf = above.add(_line("pending", "pending", label))
                nodes.append(leaf)
                self._steps[number] = (leaf, label)
                number += 1
        if len(result.nodes) > _MOST_NODES:
            self._say(branch.add(Text(_MORE.format(len(result) - number))), _MORE.format(len(result) - number), 1)

    def gap(self, gap: Gap) -> None:
        """Show that a gap is being closed."""
        self._gap = self._add(self.root, "gap", "gap", f"nobody knows how to do {gap}")

    def learning(self, event: LearnEvent) -> None:
        """Show a stage of learning, a rung of the ladder, or the model's words as they come."""
        above = self._gap or self.root
        if event.kind == "text":
            if self._waiting is not None:
                self._waiting.heard += len(event.detail)
            return
        if event.kind == "start":
            self._waiting = _Waiting(event.stage)
            self._open = above.add(self._waiting)
            self._refresh()
            return
        word = "done" if event.ok else "failed"
        if event.kind == "rung" and event.evidence is not None:
            label = f"rung {event.evidence.rung}, {event.stage}: {event.detail}"
            branch = self._add(above, word, word if event.ok else "caught", label, event.seconds)
            if event.evidence.counterexample:
                for row in str(event.evidence.counterexample).splitlines():
                    self._say(branch.add(Text(row, style="yellow")), row, 2)
            return
        glyph, word = ("learned", "admitted") if event.stage == "admit" else (word, word)
        line = _line(glyph, word, f"{event.stage}: {event.detail}", event.seconds)
        if self._open is not None:
            self._open.label = line
            self._say(self._open, line.plain, 1)
        self._open = None

    def step(self, event: Event) -> None:
        """Show what became of a step."""
        if event.step not in self._steps:
            return  # beyond what is shown of a long plan
        leaf, label = self._steps[event.step]
        state = _WORDS[event.kind]
        if state is StepState.RUNNING:
            leaf.label = _Waiting(f"{event.step + 1}. {label}")
            self._refresh()
            return
        line = _line(str(state), str(state), f"{event.step + 1}. {label}", event.seconds)
        leaf.label = line
        self._say(leaf, line.plain, 1)

    def note(self, text: str) -> None:
        """Show something that is good to know."""
        self._add(self.root, "note", "note", text)

    def _add(self, above: Tree, glyph: str, word: str, label: str, seconds: float | None = None) -> Tree:
        line = _line(glyph, word, label, seconds)
        branch = above.add(line)
        self._say(branch, line.plain, 0 if above is self.root else 1)
        return branch

    def _say(self, branch: Tree, text: str, depth: int) -> None:
        if self._live is None:
            self.console.print("  " * depth + escape(text.strip()), highlight=False, soft_wrap=True)
        else:
            self._refresh()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def _depth(self, plan: Plan, at: int) -> int:
        depth, parent = 1, plan.nodes[at].parent
        while parent is not None:
            depth, parent = depth + 1, plan.nodes[parent].parent
        return depth


def _line(glyph: str, word: str, label: str, seconds: float | None = None) -> Text:
    sign, style = GLYPHS[glyph]
    line = Text.assemble((f"{sign} {word:<8} ", style), label)
    if seconds is not None:
        line.append(f"  {_time(seconds)}", style="dim")
    return line


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"
