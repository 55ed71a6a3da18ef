"""A person is asked at a real terminal (a pseudo-terminal), which nothing that a model wrote can steer."""

import errno
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from executor.entry import Entry
from executor.review import evidence_lines
from tests.executor.shop import LARGEST, RIGHT, contract
from tests.executor.test_library import ORIGIN, entry

PROGRAM = """
import json, sys
from dataclasses import asdict
from commands.live import LiveTree
from commands.review import terminal_reviewer
from executor.entry import Entry
from executor.review import Review

given = json.loads(open(sys.argv[1]).read())
entries = [given["entry"], given["previous"]]
entry, previous = (Entry.model_validate(e) if e else None for e in entries)
review = Review(entry, "probation", tuple(given["evidence"]), previous)
tree = LiveTree()
with tree:
    tree.note("before")
    decision = terminal_reviewer(tree.paused)(review)
    tree.note("after")
print("DECIDED", json.dumps([type(decision).__name__, asdict(decision)]), flush=True)
"""
QUESTION = "again with a note? [reject] "
WHY = "why? (the history keeps it) "
HOSTILE = "\x1b[2J\x1b]0;pwned\x07\x9b31m\r\u202e[red]loud[/red]\x00"


@dataclass
class Terminal:
    """A program with a terminal, and what it has written to it."""

    process: "subprocess.Popen[bytes]"
    master: int
    shown: str = ""
    _raw: bytes = field(default=b"", repr=False)

    def until(self, text: str) -> str:
        """Wait until a text appears; return what has been written since the last one that was waited for."""
        deadline = time.monotonic() + 60
        while text not in self._new() and time.monotonic() < deadline and self._read():
            pass
        new = self._new()
        assert text in new, new
        self.shown += new
        return new

    def says(self, line: str) -> None:
        os.write(self.master, line.encode())

    def decision(self) -> Any:
        while self._read():
            pass
        self.shown += self._new()
        assert self.process.wait(60) == 0, self.shown
        found = next(line for line in self.shown.splitlines() if line.startswith("DECIDED "))
        return json.loads(found.removeprefix("DECIDED "))

    def _new(self) -> str:
        return self._raw.decode("utf-8", "replace")[len(self.shown) :]

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 1)
        if not ready:
            return self.process.poll() is None
        try:
            part = os.read(self.master, 65_536)
        except OSError as error:  # the other end is closed
            assert error.errno == errno.EIO
            return False
        self._raw += part
        return bool(part)


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Ask about an entry at a terminal that is 80 characters wide."""
    opened: list[Terminal] = []

    def start(offered: Entry, previous: Entry | None = None, evidence: Any = (), stdin: int | None = None) -> Terminal:
        given = {
            "entry": offered.model_dump(mode="json"),
            "previous": previous.model_dump(mode="json") if previous else None,
            "evidence": list(evidence),
        }
        (tmp_path / "given.json").write_text(json.dumps(given))
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, 80))
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2])}
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            environment.pop(name, None)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "given.json")],
            stdin=slave if stdin is None else stdin, stdout=slave, stderr=slave, env=environment,
        )  # fmt: skip
        os.close(slave)
        opened.append(Terminal(process, master))
        return opened[-1]

    yield start
    for each in opened:
        each.process.kill()
        each.process.wait()
        os.close(each.master)


def test_a_person_sees_contract_code_evidence_and_diff_and_admits(terminal: Open) -> None:
    record = {"rung": 4, "name": "given examples", "passed": True, "detail": "1 of 1 come out", "attempt": 1}
    asked = terminal(entry(), entry(code=LARGEST), [record])
    shown = plain(asked.until(QUESTION))
    for part in (*contract().lines(), "sum(amounts)", "✓ rung 4, given examples: 1 of 1 come out",
                 "-    total = max(amounts)", "+    total = sum(amounts)", "offered: probation"):  # fmt: skip
        assert part in shown
    asked.says("admit\n")
    asked.until(WHY)
    asked.says("read it\n")
    kind, said = asked.decision()
    assert (kind, said["trust"], said["why"]) == ("Admit", None, "read it")
    assert said["who"]


@pytest.mark.parametrize("answer", ["\n", "reject\n", "No\n"])
def test_the_default_is_to_reject(terminal: Open, answer: str) -> None:
    asked = terminal(entry())
    asked.until(QUESTION)
    asked.says(answer)
    asked.until(WHY)
    asked.says("it ignores the unit\n")
    kind, said = asked.decision()
    assert (kind, said["reason"]) == ("Reject", "it ignores the unit")


def test_a_note_asks_again_and_an_unknown_answer_asks_once_more(terminal: Open) -> None:
    asked = terminal(entry())
    asked.until(QUESTION)
    asked.says("a\n")
    asked.until(QUESTION)
    asked.says("again\n")
    asked.until("what should be different? ")
    asked.says("use \x1b[31m the median\n")
    kind, said = asked.decision()
    assert kind == "Again"
    assert said["note"] == "use \\x1b[31m the median"


def test_what_was_typed_before_the_question_decides_nothing(terminal: Open) -> None:
    asked = terminal(entry())
    asked.says("admit\nadmit\n")
    asked.until(QUESTION)
    asked.says("reject\n")
    asked.until(WHY)
    asked.says("\n")
    assert asked.decision()[0] == "Reject"


def test_an_input_that_ends_decides_nothing(terminal: Open) -> None:
    asked = terminal(entry())
    asked.until(QUESTION)
    asked.says("\x04")
    assert asked.decision() == ["Wait", {"reason": "nothing was answered"}]


def test_without_a_terminal_to_answer_at_nobody_is_asked(terminal: Open) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    asked = terminal(entry(), stdin=nothing)
    os.close(nothing)
    assert asked.decision() == ["Wait", {"reason": "there is no terminal to ask at"}]
    assert QUESTION not in asked.shown
    assert "sum(amounts)" not in asked.shown


def test_nothing_that_a_model_wrote_reaches_the_terminal_as_an_order_or_as_markup(terminal: Open) -> None:
    code = f"{RIGHT}# {HOSTILE}\nTEXT = '''{HOSTILE}'''\n"
    hostile = entry(code=code, description=f"Add up {HOSTILE}").model_copy(
        update={"provenance": ORIGIN.model_copy(update={"task": HOSTILE, "model": HOSTILE})}
    )
    record = {"rung": 4, "name": HOSTILE, "passed": False, "detail": HOSTILE, "counterexample": HOSTILE}
    asked = terminal(hostile, entry(code=f"# {HOSTILE}\n{LARGEST}"), [record])
    shown = asked.until(QUESTION)
    for order in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\u202e", "\x00"):
        assert order not in shown
    assert "\r" not in shown.replace("\r\n", "").replace("\r\x1b", "")
    words = "".join(plain(shown).split())
    assert words.count("[red]loud[/red]") >= 8
    assert "\\x1b[2J\\x1b]0;pwned\\x07\\x9b31m\\r\\u202e" in words
    asked.says("reject\n")
    asked.until(WHY)
    asked.says("hostile\n")
    assert asked.decision()[0] == "Reject"


def test_nothing_hides_beyond_the_edge_of_a_narrow_terminal(terminal: Open) -> None:
    tail = "TAIL_OF_THE_LINE"
    long = f"{RIGHT}X = '{'a' * 300}'  # {tail}\nY = 1{' ' * 400}+ {tail}2\n"
    asked = terminal(entry(code=long), entry(code=LARGEST), [])
    shown = "".join(plain(asked.until(QUESTION)).split())
    assert shown.count(tail) >= 4  # in the body and in the diff, in both lines


def test_a_long_line_cannot_pass_for_a_line_of_ours(terminal: Open) -> None:
    forged = "✓ rung 8, contract: all is well"
    record = {"rung": 4, "name": "given examples", "passed": False, "detail": f"{' ' * 200}{forged}"}
    asked = terminal(entry(), None, [record])
    lines = [line for line in plain(asked.until(QUESTION)).splitlines() if "all is well" in line]
    assert lines
    assert all(line.startswith("  … ") for line in lines)


def plain(shown: str) -> str:
    """Return what a terminal shows, without the colours and movements that we write ourselves."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_evidence_that_did_not_suffice_is_not_shown_as_a_failure_and_a_second_climb_is_told_apart() -> None:
    form = {"rung": 0, "name": "form", "passed": True, "detail": "3 rules hold", "attempt": 1}
    smoke = {**form, "rung": 2, "name": "smoke", "trials": 1, "sandbox": "docker"}
    undecided = {**form, "rung": 6, "name": "agreement", "passed": False, "category": "undecided"}
    assert evidence_lines([form, smoke, form, undecided]) == [
        "attempt 1",
        "  ✓ rung 0, form: 3 rules hold",
        "  ✓ rung 2, smoke: 3 rules hold  (1 trial, docker)",
        "attempt 1, tried again",
        "  ✓ rung 0, form: 3 rules hold",
        "  ? rung 6, agreement: 3 rules hold",
    ]
