"""What a command came to, and how it is told.

- The result goes to standard output, progress and errors to standard error.
- With `--json` standard output is one document, however the command ends; an error is in it.
- With `--format` it is the same document as plain text, as JSON or as Markdown. Without, it is what a person needs at a
  terminal, where the progress has told the rest.
- While a command works, what anybody else prints, a domain or a program that it starts, goes to standard error.
- Everything that comes from outside is made visible before it is shown (`htn.errors.visible`).
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click

from htn.errors import HIDDEN, Trouble, UsageError, visible
from htn.failure import Failure
from htn.values import is_short, writable

if TYPE_CHECKING:
    from executor.model import Call

__all__ = ["FORMS", "Outcome", "as_json", "as_line", "close_output", "form_of", "is_short", "note", "tell", "writable"]

FORMS = ("plain", "json", "markdown")


@dataclass
class Outcome:
    """What a command came to. The command fills it in; the group tells it, once, when the command has ended.

    `document` is the result for programs, `cost` returns the calls of a model that were made.
    """

    form: str = ""
    """One of FORMS, or nothing: then a person reads it at a terminal."""
    command: str = ""
    document: Any = None
    trouble: Trouble | None = None
    cost: "Callable[[], Sequence[Call]] | None" = None
    go_on: tuple[str, ...] = ()
    """What a person can do to go on where the command was interrupted."""
    _told: str = ""
    _lines: bool = False
    _shown: list[str] = field(default_factory=list)
    _stream: TextIO | None = field(default_factory=lambda: sys.stdout)

    @property
    def as_json(self) -> bool:
        """Whether the result is for a program."""
        return self.form == "json"

    def show(self, text: str) -> None:
        """Show a result to a person, where there is one."""
        if self.form:
            self._shown.append(text)
        else:
            self._write(visible(text, lines=True))

    def line(self, document: Any) -> None:
        """Write a document of many at once, on a line of its own."""
        self._lines = True
        self._write(as_line(document))

    def fail(self, trouble: Trouble, told: str = "") -> int:
        """Say what went wrong, to a person in the words `told`, and return the exit code."""
        self.trouble, self._told = trouble, told or trouble.explain()
        return trouble.exit_code

    def interrupted(self) -> int:
        """Say that the command was interrupted, and how to go on, and return the exit code."""
        trouble = Trouble("interrupted", 130, "interrupted", None, self.go_on)
        return self.fail(trouble, "\n".join(["interrupted", *(f"hint: {visible(hint)}" for hint in self.go_on)]))

    def no_plan(self, failure: Failure, more: tuple[str, ...] = ()) -> int:
        """Say why there is no plan, with `more` to do about it, and return the exit code."""
        words = "\n".join([failure.explain(), *(f"hint: {visible(hint)}" for hint in more)])
        message = words.partition("\n")[0].partition(": ")[2]
        code = failure.stopped.code if failure.stopped else "no-plan"
        return self.fail(Trouble(code, failure.exit_code, message, None, (*failure.hints(), *more)), words)

    def end(self) -> None:
        """Tell what the command came to, and what it cost."""
        cost = None if self.cost is None else _cost(self.cost())
        if self.trouble:
            tell(self._told, lines=True)
        if cost is not None:
            tell(f"model calls: {cost['model_calls']}")
        found = self.document is not None or self.trouble is not None
        if self.form and (found or (self._shown and not self.as_json)):
            self._write(self._written(cost or {}))

    def _written(self, cost: Mapping[str, Any]) -> str:
        if not self.as_json:
            return self._page(cost)
        whole = self._whole(cost)
        return as_line(whole) if self._lines else as_json(whole)

    def _page(self, cost: Mapping[str, Any]) -> str:
        from commands.pages import page, written  # noqa: PLC0415 - most commands are read at a terminal

        document = {**self.document, **cost} if isinstance(self.document, Mapping) else self.document
        shown = "\n".join(self._shown)
        return written(self.form, page(self.command, writable(document), self.trouble, shown, self._told))

    def _whole(self, cost: Mapping[str, Any]) -> Any:
        if not self.trouble:
            return {**self.document, **cost} if cost else self.document
        found = self.document if isinstance(self.document, Mapping) else {}
        return {**found, **self.trouble.to_json(), **cost}

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keep standard output for the result: what anybody else prints meanwhile goes to standard error."""
        if sys.stdout is None or sys.stderr is None:  # both were closed before we began
            yield
            return
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
        try:
            with os.fdopen(os.dup(kept), "w", encoding=sys.stdout.encoding, errors="backslashreplace") as stream:
                self._stream = stream
                with redirect_stdout(sys.stderr):
                    yield
        finally:
            with suppress(OSError):
                sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
            self._stream = sys.stdout

    @contextmanager
    def wire(self) -> Iterator[TextIO]:
        """Reserve standard output, and give it to a command whose result is a protocol: UTF-8, a message a line."""
        with self.reserved():
            stream = self._stream
            if stream is None:
                raise UsageError("standard output is closed, so nobody can be answered")
            with os.fdopen(os.dup(stream.fileno()), "w", encoding="utf-8", newline="\n") as wire:
                yield wire

    def _write(self, text: str) -> None:
        if self._stream is None:  # it was closed before we began
            return
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except BrokenPipeError:
            _silence(self._stream)  # whoever read this has seen enough
        except OSError as error:
            _silence(self._stream)
            raise UsageError(f"cannot write the result to standard output: {error.strerror}") from error


def _silence(stream: TextIO) -> None:
    """Let what is left in a stream that cannot be written go nowhere, so that closing it says nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def close_output() -> None:
    """Write what is left; where that cannot be done it has been said, and Python need not say it again at the end."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _silence(sys.stdout)


def tell(text: str, *, lines: bool = False) -> None:
    """Tell a person something that is not the result."""
    with suppress(OSError):  # nobody listens
        click.echo(visible(text, lines=lines), err=True)


def _cost(calls: "Sequence[Call]") -> dict[str, Any]:
    """Return what was asked of models, as far as their servers tell it."""
    return {
        "model_calls": len(calls),
        "model_tokens": {
            "prompt": sum(call.prompt_tokens for call in calls),
            "answer": sum(call.answer_tokens for call in calls),
        },
        "model_seconds": round(sum(call.seconds for call in calls), 3),
    }


def form_of(words: Sequence[str]) -> str:
    """Return the form of the result that the words of a command ask for, as far as it can be told before they are read.

    An error in the words themselves is told in this form, too.
    """
    pairs = zip(words, [*words[1:], ""], strict=False)  # no words, no pairs
    asked = [form for word, following in pairs for form in _form_in(word, following)]
    return asked[-1] if asked else ""


def _form_in(word: str, following: str) -> tuple[str, ...]:
    if word == "--json":
        return ("json",)
    value = following if word == "--format" else word.removeprefix("--format=") if "=" in word else ""
    return (value,) if value in FORMS else ()


def note(text: str) -> None:
    """Tell a person something that is good to know."""
    tell(f"note: {text}")


def as_json(document: Any) -> str:
    """Return a document as text that is JSON, and that a terminal shows as it is."""
    text = json.dumps(writable(document), ensure_ascii=False, indent=2)
    # Outside of texts there is nothing hidden but the newlines of the layout.
    return HIDDEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def as_line(document: Any) -> str:
    """Return a document as one line of JSON, that a terminal shows as it is."""
    text = json.dumps(writable(document), ensure_ascii=False, separators=(",", ":"))
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
