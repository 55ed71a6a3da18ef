"""Documents cannot lie: the commands in them are run, and must print what the documents show.

In a `console` block each line that begins with `$ htn` is run in an empty folder that holds the files of the same
document (a Python block after `<!-- file: NAME -->`); its output must be what follows. The `text` blocks after
`<!-- output of: COMMAND -->` are parts of its output, in this order; a line `…` stands for any lines. Times, hashes and
dates are made equal first.
`make` targets are looked up in the Makefile: running them here would run these tests again.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from executor.model.standin import StandIn
from executor.run import TRANSITIONS, diagram
from tests.commands.shell import ANSWERS, Shell

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
_VARYING = [
    (re.compile(r"(\d+(\.\d+)? m?s|<1 ms)$"), "TIME"),
    (re.compile(r" +\d+ (s|min|h)  "), "  AGE  "),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:+]+"), "DATE"),
    (re.compile(r"seconds   .*"), "seconds   …"),
    (re.compile(r"^on        .*"), "on        …"),
    (re.compile(r"\((\d+ trials?), \w+\)"), r"(\1, LEVEL)"),
]


@dataclass(frozen=True)
class Block:
    kind: str
    note: str
    text: str


def blocks(document: str) -> list[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [Block(m["kind"], m["note"] or "", m["text"]) for m in _BLOCK.finditer(text)]


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Return each command of a console block and the lines that it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def alike(lines: list[str]) -> list[str]:
    """Return lines in which what differs from run to run is made equal; empty lines and notes are left out."""
    made = []
    for line in lines:
        text = line.rstrip()
        for pattern, word in _VARYING:
            text = pattern.sub(word, text)
        if text and not text.startswith("· note"):
            made.append(text)
    return made


def matches(shown: list[str], printed: list[str]) -> bool:
    """Say whether the printed lines are the shown ones, where a shown line `…` stands for any number of lines."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(matches(shown[1:], printed[at:]) for at in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and matches(shown[1:], printed[1:])


def run(command: str, shell: Shell, seconds: float = 120) -> list[str]:
    if words := plain_words(command):
        return shell.warm(words, shell.environment, shell.folder, together=True)[1].splitlines()
    program = Path(sys.executable).parent
    environment = shell.environment | {"PATH": f"{program}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=shell.folder, env=environment, text=True, check=False, timeout=seconds,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout.splitlines()


def plain_words(command: str) -> list[str]:
    """Return the words after `htn` of a command in which nothing is for the shell; none for any other."""
    words, unquoted = shlex.split(command), re.sub(r"'[^']*'", "", command)
    return words[1:] if words[0] == "htn" and re.fullmatch(r"[\w\s./:=-]*", unquoted) else []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_a_document_prints_what_the_document_shows(document: str, htn: Shell) -> None:
    with StandIn(ANSWERS) as standin:
        htn.environment["OLLAMA_ENDPOINT"] = standin.endpoint
        for block in blocks(document):
            if block.note.startswith("file: "):
                htn.write(block.note.removeprefix("file: "), block.text)
            if block.kind != "console":
                continue
            for command, shown in commands(block.text):
                if command.startswith(("htn ", "python ")):
                    printed = run(command, htn)
                    assert matches(alike(shown), alike(printed)), f"$ {command}\n" + "\n".join(printed)


@pytest.mark.parametrize(
    ("document", "example"),
    [
        ("README.md", "demo"),
        ("docs/learning.md", "trust"),
        ("docs/mcp.md", "08_agent_over_mcp"),
        ("docs/acting-levels.md", "acting"),
    ],
)
def test_a_document_shows_the_output_of_an_example(document: str, example: str, htn: Shell) -> None:
    shown: list[str] = []
    for block in blocks(document):
        if block.note == f"output of: python examples/{example}.py":
            shown += [*block.text.splitlines(), "…"]
    htn.environment.pop("OLLAMA_ENDPOINT")
    printed = run(f"'{sys.executable}' '{ROOT / 'examples' / example}.py'", htn, seconds=600)
    printed = [line.replace(os.path.relpath(ANSWERS, htn.folder), "examples/demo_answers.json") for line in printed]
    assert len(shown) > 1
    assert matches(alike(["…", *shown]), alike(printed)), "\n".join(printed)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_in_a_document_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"^\$ make (\w+)|`make (\w+)", text, re.MULTILINE))
    made = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {one or other for one, other in named} <= made


@pytest.mark.parametrize("document", [*DOCUMENTS, "AGENTS.md"])
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(((?!http)[^)#]+)\)|`((?:docs|domains|examples|htn|executor)/[\w./]*\w\.\w+)`", text))
    for one, other in named:
        target = one or other
        assert ((ROOT / document).parent / target).exists() or (ROOT / target).exists(), target


def test_the_picture_in_the_readme_is_what_the_program_draws(htn: Shell) -> None:
    with StandIn(ANSWERS) as standin:
        learned = htn("learn", "reports", "column_statistics(seattle, wind)", OLLAMA_ENDPOINT=standin.endpoint)
    assert learned.code == 0
    assert htn("plan", "reports", "report(new_york)", "--svg", "tree.svg").code == 0
    drawn = (htn.folder / "tree.svg").read_text(encoding="utf-8")
    assert drawn == (ROOT / "docs" / "report-tree.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("of", ["run", "step"])
def test_the_diagram_and_the_table_of_runs_are_those_of_the_program(of: Literal["run", "step"]) -> None:
    text = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram(of)}\n```" in text
    for row in TRANSITIONS:
        if row.of == of:
            told = next(line for line in text.splitlines() if line.startswith(f"| `{row.event}` | {row.means} |"))
            *_, before, after, _ = (cell.strip() for cell in told.split("|"))
            assert (str(row.before) in before.split(", "), after) == (True, str(row.after))
