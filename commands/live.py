"""The progress of a run: what is planned, learned and done, each with a glyph, a word and a time.

A line is written to standard error once, when it is final, so logs and the terminal's history hold each line once.
On a terminal what is under way and what comes next stand below, in place, never higher than a few lines. With `--json`
or `--quiet` nothing is shown.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from executor.agent import Listener
from executor.pursue import Replan
from executor.run import Event, StepState
from htn.errors import visible
from htn.failure import Failure, Gap
from htn.network import show_task
from htn.plan import Plan
from htn.stage import Stage

if TYPE_CHECKING:
    from rich.live import Live

    from executor.learn import LearnEvent
    from executor.validate import Evidence

GLYPHS = {
    "pending": ("○", "dim"),
    "running": ("◐", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "retry": ("↻", "yellow"),
    "gap": ("?", "yellow"),
    "learned": ("★", "yellow"),
    "planned": ("✓", "green"),
    "note": ("·", "dim"),
}
_WORDS = {"start": StepState.RUNNING, "finish": StepState.DONE, "fail": StepState.FAILED}

_MOST_NODES = 200
_MOST_TO_COME = 5
_MOST_SAID = 300  # characters of a line of a counterexample; the evidence in the library holds more


@dataclass
class _Waiting:
    """Something that is under way: how long it has taken so far is told anew whenever it is drawn."""

    label: str
    heard: int = 0
    started: float = field(default_factory=time.monotonic)

    def line(self) -> Text:
        heard = f", {self.heard:,} characters so far" if self.heard else ""
        return _line("running", "running", self.label + heard, time.monotonic() - self.started)


@dataclass
class LiveTree:
    """A `Listener` that draws. Use it in a `with` statement."""

    console: Console = field(default_factory=lambda: Console(stderr=True, emoji=False, markup=False, highlight=False))
    _live: Live | None = None
    _waiting: _Waiting | None = None
    _depth: int = 0
    _labels: dict[int, str] = field(default_factory=dict)
    _to_come: deque[int] = field(default_factory=deque)
    _failure: Failure | None = None
    _under: dict[int, _Waiting] = field(default_factory=dict)
    _ended: dict[int, Text] = field(default_factory=dict)

    def __enter__(self) -> LiveTree:
        if self.console.is_terminal:
            from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

            self._live = Live(
                console=self.console, refresh_per_second=8, transient=True, get_renderable=self._under_way
            )
            self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._say_held()
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def listener(self) -> Listener:
        """Return what an agent tells its news to."""
        return Listener(
            self.planned, self.gap, self.learning, self.step, self.note, stage=self.stage, replanned=self.replanned
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody who asks a person something; what is under way is drawn again afterwards."""
        live, self._live = self._live, None
        self._waiting = None
        if live is not None:
            live.stop()
        try:
            yield
        finally:
            if live is not None:
                live.start()
            self._live = live

    def planned(self, result: Plan | Failure) -> None:
        """Show a plan as a tree whose steps are to come; why there is none is said with a gap, or at the end."""
        self._depth = 0
        self._failure = result if isinstance(result, Failure) else None
        if isinstance(result, Failure):
            return
        counts = f"{_count(len(result), 'action')}, {_count(result.expansions, 'expansion')}"
        self._say(_line("planned", "planned", counts))
        self._tree(result)

    def stage(self, stage: Stage) -> None:
        """Show what is carried out before the rest is planned."""
        self._depth = 0
        self._say(_line("planned", "stage", f"{_count(len(stage.plan), 'action')} now; {stage}"))
        self._tree(stage.plan)

    def replanned(self, replan: Replan) -> None:
        """Show that what is left is planned again, and what the body did."""
        self._say(_line("failed", "replan", str(replan)))
        self._say(Text(_cut(replan.step.detail.partition("\n")[0]), style="yellow"), 1)

    def _tree(self, result: Plan) -> None:
        self._say_held()
        self._labels.clear()
        self._to_come.clear()
        self._under.clear()
        depths: list[int] = []
        for node in result.nodes[:_MOST_NODES]:
            depths.append(1 if node.parent is None else depths[node.parent] + 1)
            label = visible(show_task(node.task))
            if node.is_open:
                self._say(Text(f"{label}  decided later", style="dim"), depths[-1])
            elif node.method:
                self._say(Text(f"{label}  by {visible(node.method)}"), depths[-1])
            else:
                number = len(self._to_come)
                self._labels[number] = f"{number + 1}. {label}{'  (learned)' if node.version else ''}"
                self._to_come.append(number)
        if len(result.nodes) > _MOST_NODES:
            self._say(Text(f"… {len(result) - len(self._to_come):,} more steps"), 1)

    def gap(self, gap: Gap) -> None:
        """Show that a gap is being closed, and what it is needed for."""
        self._say(_line("gap", "gap", f"nobody knows how to do {gap}"))
        for row in self._failure.explain().splitlines()[1:] if self._failure else ():
            if row.startswith("  "):
                self._say(Text(visible(row.strip()), style="dim"), 1)
        self._failure, self._depth = None, 1

    def learning(self, event: LearnEvent) -> None:
        """Show a stage of learning, a rung of the ladder, or the model's words as they come."""
        if event.kind == "text":
            if self._waiting is not None:
                self._waiting.heard += len(event.detail)
            return
        if event.kind == "start":
            self._wait_for(_Waiting(event.stage))
            return
        word = "done" if event.ok else "failed"
        if event.kind == "rung" and event.evidence is not None:
            self._rung(event.evidence, event)
            return
        # After a body come the rungs, which are only heard of when they are climbed.
        self._wait_for(_Waiting("the body is tried") if event.stage in ("body", "repair") else None)
        glyph, word = ("learned", "admitted") if event.stage == "admit" else (word, word)
        self._say(_line(glyph, word, f"{event.stage}: {event.detail}", event.seconds), self._depth)

    def _rung(self, evidence: Evidence, event: LearnEvent) -> None:
        glyph, word = ("done", "done") if event.ok else ("gap", "open") if evidence.undecided else ("failed", "caught")
        label = f"rung {evidence.rung}, {event.stage}: {event.detail}"
        self._say(_line(glyph, word, label, event.seconds), self._depth)
        for row in str(evidence.counterexample or "").splitlines():
            self._say(Text(_cut(row), style="yellow"), 2)

    def step(self, event: Event) -> None:
        """Show what became of a step."""
        if event.step not in self._labels:
            return  # beyond what is shown of a long plan
        label, state = self._labels[event.step], _WORDS.get(event.kind)
        if state is StepState.RUNNING:
            if event.step in self._to_come:
                self._to_come.remove(event.step)
            self._under[event.step] = _Waiting(label)
        else:
            self._under.pop(event.step, None)
            if state is not None:
                self._ended[event.step] = _line(str(state), str(state), label, event.seconds)
            else:  # it may be begun once more
                self._to_come.appendleft(event.step)
            self._wait_for(None)
            if event.kind == "retry":
                self._say(_line("retry", "again", f"{label}: {event.detail}", event.seconds), 1)
            self._say_in_order()
        self._wait_for(None)

    def _say_in_order(self) -> None:
        """Say what became of steps in the order of the plan: what ended before an earlier one is held back."""
        while self._ended and not any(step < min(self._ended) for step in self._under):
            self._say(self._ended.pop(min(self._ended)), 1)

    def _say_held(self) -> None:
        """Say what was held back: what it waited for does not come any more."""
        self._under.clear()
        self._say_in_order()

    def note(self, text: str) -> None:
        """Show something that is good to know."""
        self._say(_line("note", "note", text))

    def _say(self, line: Text, depth: int = 0) -> None:
        self.console.print(Text("  " * depth).append_text(line), soft_wrap=True)

    def _wait_for(self, waiting: _Waiting | None) -> None:
        self._waiting = waiting
        if self._live is not None:
            self._live.refresh()

    def _under_way(self) -> Group:
        """Return what stands below the lines that are final; no line of it is broken, so that its height is known."""
        lines = list(self._lines_under_way())[: max(1, self.console.height - 2)]
        return Group(*(Text("  ", no_wrap=True, overflow="ellipsis").append_text(line) for line in lines))

    def _lines_under_way(self) -> Iterator[Text]:
        if self._waiting is not None:
            yield self._waiting.line()
        for step in sorted(self._under):
            yield self._under[step].line()
        for number in islice(self._to_come, _MOST_TO_COME):
            yield _line("pending", "pending", self._labels[number])
        if len(self._to_come) > _MOST_TO_COME:
            yield Text(f"… {len(self._to_come) - _MOST_TO_COME:,} more to come", style="dim")


def _line(glyph: str, word: str, label: str, seconds: float | None = None) -> Text:
    sign, style = GLYPHS[glyph]
    line = Text.assemble((f"{sign} {word:<8} ", style), visible(label))
    if seconds is not None:
        line.append(f"  {_time(seconds)}", style="dim")
    return line


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _cut(row: str) -> str:
    text = visible(row[: _MOST_SAID + 1])
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]} …"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"
