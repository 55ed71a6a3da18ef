"""Every numbered example does what examples/README.md shows, with scripted answers in the place of a model."""

import re
import sys
from pathlib import Path

import pytest

from executor.sandbox.engine import connect
from executor.sandbox.languages.images import build_image
from tests.commands.shell import Shell
from tests.docs.test_documents import ROOT, alike, blocks, matches, run
from tests.services import docker_answers, landlock_works, require_or_skip

INDEX = "examples/README.md"
SHOWN_ELSEWHERE = {"08_agent_over_mcp"}  # by docs/mcp.md, which is tested too
NUMBERED = sorted({path.stem for path in (ROOT / "examples").glob("[0-9]*.py")} - SHOWN_ELSEWHERE)
IN_CONTAINERS = {"03_squares_in_javascript"}


def shown(example: str) -> list[str]:
    """What the index shows of an example's output."""
    (text,) = [block.text for block in blocks(INDEX) if block.note == f"output of: python examples/{example}.py"]
    return text.splitlines()


@pytest.mark.parametrize(
    "example", [pytest.param(name, marks=[pytest.mark.docker] * (name in IN_CONTAINERS)) for name in NUMBERED]
)
def test_an_example_prints_what_the_index_shows(example: str, htn: Shell) -> None:
    if example in IN_CONTAINERS:
        require_or_skip("docker", docker_answers())
        engine = connect(120)
        build_image(engine, "javascript", None, print)
        engine.client.close()
        htn.environment["HTN_SANDBOX"] = "docker"
    else:
        require_or_skip("landlock", landlock_works())
    htn.environment.pop("OLLAMA_ENDPOINT")
    printed = run(f"'{sys.executable}' '{ROOT / 'examples' / example}.py'", htn)
    assert matches(alike(shown(example)), alike(printed)), "\n".join(printed)


def test_the_index_names_every_example_and_nothing_else() -> None:
    text = (ROOT / INDEX).read_text(encoding="utf-8")
    named = set(re.findall(r"\]\((\w+\.py)\)", text))
    helpers = {"stage.py"}
    assert named == {path.name for path in (ROOT / "examples").glob("*.py")} - helpers
    assert re.findall(r"output of: python examples/(\w+)\.py", text) == NUMBERED


def test_no_example_calls_a_scripted_answer_a_model_s() -> None:
    """Whatever starts the stand-in says so."""
    for path in (ROOT / "examples").glob("*.py"):
        if "StandIn" in (text := Path(path).read_text(encoding="utf-8")):
            assert "No language model takes part" in text, path.name
