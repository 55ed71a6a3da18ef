"""Ask a person at the terminal whether something that was learned may be admitted, or code be run.

What is shown comes from a model, so it is hostile: all of it is made visible before the terminal gets it, no word of
it is read as markup, and long lines are folded, so that nothing hides beyond the edge; what is folded is marked, so
that it cannot pass for a line of ours. What this does not see
through: names that look alike in other alphabets.

Nobody is asked where there is no terminal to show it on and to answer at; then it waits as a proposal. What was typed
before the question is thrown away, so that a key that was pressed too early decides nothing.
"""

import sys
import termios
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from rich.cells import chop_cells
from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from commands.versions import person
from executor.approvals import Allow, Code, CodeReviewer, Refuse
from executor.review import Admit, Again, Decision, Reject, Review, Reviewer, Wait
from htn.errors import visible

_QUESTION = "admit, reject, or again with a note? [reject] "
_ADMIT, _AGAIN, _REJECT = ("admit",), ("again",), ("", "reject", "r", "no", "n")
_RUN_QUESTION = "run this code in the sandbox, or refuse? [refuse] "
_RUN, _REFUSE = ("run",), ("", "refuse", "r", "no", "n")
_GOES_ON = "  … "
_STYLES = {"+": "green", "-": "red", "@": "cyan", "✓": "green", "✗": "red"}
_HIGHLIGHTED = frozenset({"python", "javascript", "bash", "go", "java", "c++", "rust"})


def terminal_reviewer(
    paused: Callable[[], AbstractContextManager[None]] = nullcontext, console: Console | None = None
) -> Reviewer:
    """Return a reviewer that asks at the terminal. `paused` keeps others from drawing on it meanwhile."""

    def ask(review: Review) -> Decision:
        if not _somebody_there():
            return Wait("there is no terminal to ask at")
        with paused():
            shown = console or Console(stderr=True, emoji=False, markup=False, highlight=False)
            show(review, shown)
            return _decision(shown)

    return ask


def terminal_code_reviewer(
    paused: Callable[[], AbstractContextManager[None]] = nullcontext, console: Console | None = None
) -> CodeReviewer:
    """Return a reviewer of code that asks at the terminal; see `terminal_reviewer`."""

    def ask(code: Code) -> Allow | Refuse | Wait:
        if not _somebody_there():
            return Wait("there is no terminal to ask at")
        with paused():
            shown = console or Console(stderr=True, emoji=False, markup=False, highlight=False)
            show_sections(code.sections(), code.language, shown)
            return _allowed(shown)

    return ask


def show(review: Review, console: Console) -> None:
    """Show a person what they are asked about."""
    show_sections(review.sections(), review.entry.language, console)


def show_sections(sections: Sequence[tuple[str, list[str]]], language: str, console: Console) -> None:
    """Show titles and lines; those that are code in their language."""
    for title, rows in sections:
        console.print(Text(f"── {visible(title)}", style="bold"))
        if title.startswith(("body", "code (")):
            console.print(_highlighted("\n".join(rows), language))
        else:
            for row in rows:
                console.print(_line(visible(row), console.width), soft_wrap=True)


def _highlighted(code: str, language: str) -> Syntax:
    lexer = language if language in _HIGHLIGHTED else "text"
    return Syntax(
        visible(code, lines=True), lexer, theme="ansi_dark", line_numbers=True, word_wrap=True,
        background_color="default",
    )  # fmt: skip


def _line(row: str, width: int) -> Text:
    """Return a line folded to the width; what goes on has a mark of its own, so that it passes for no other line."""
    parts = chop_cells(row, max(20, width - len(_GOES_ON))) or [""]
    return Text(f"  {f'{chr(10)}{_GOES_ON}'.join(parts)}", style=_STYLES.get(row.lstrip()[:1], ""))


def _decision(console: Console) -> Decision:
    """Ask until there is an answer. Without one, because the input has ended, nothing is decided."""
    who = person(None)
    while True:
        answer = _ask(console, _QUESTION)
        if answer is None:
            return Wait("nothing was answered")
        if answer.lower() in _ADMIT:
            why = _ask(console, "why? (the history keeps it) ")
            return Wait("nothing was answered") if why is None else Admit(who=who, why=why)
        if answer.lower() in _REJECT:
            return Reject(_ask(console, "why? (the history keeps it) ") or "", who)
        if answer.lower() in _AGAIN and (note := _ask(console, "what should be different? ")):
            return Again(note, who)
        console.print(Text("write admit, reject or again; the empty line rejects"))


def _allowed(console: Console) -> Allow | Refuse | Wait:
    """Ask until there is an answer. Without one, because the input has ended, nothing is decided."""
    who = person(None)
    while True:
        answer = _ask(console, _RUN_QUESTION)
        if answer is None:
            return Wait("nothing was answered")
        if answer.lower() in _RUN:
            return Allow(who)
        if answer.lower() in _REFUSE:
            return Refuse(_ask(console, "why? ") or "", who)
        console.print(Text("write run or refuse; the empty line refuses"))


def _ask(console: Console, question: str) -> str | None:
    with suppress(termios.error, OSError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    console.print(Text(question, style="bold"), end="")
    line = sys.stdin.readline()
    return visible(line.strip()) if line else None


def _somebody_there() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
