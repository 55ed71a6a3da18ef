"""docs/mcp.md says what the code says, and what it tells to write into other programs is what `htn mcp` understands."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from commands.mcp import asking, command
from executor.settings import Settings
from htn.errors import ServiceMissing
from mcp_server.reference import reference
from tests.docs.test_documents import blocks

ROOT = Path(__file__).parents[2]


def test_the_reference_of_the_tools_is_what_the_code_gives() -> None:
    text = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- made by: python -m mcp_server.reference -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert found is not None
    assert found[1] == reference()


def test_what_is_to_be_written_for_other_programs_starts_this_server() -> None:
    servers: list[dict[str, Any]] = []
    for block in blocks("docs/mcp.md"):
        if block.kind == "json":
            (named,) = json.loads(block.text).values()
            servers += named.values()
    started = [server for server in servers if "command" in server]
    assert len(started) == 2 and len(servers) == 3
    for server in started:
        program, (name, *words) = server["command"], server["args"]
        assert (program, name) == ("htn", "mcp")
        command.make_context("htn mcp", words)


@pytest.mark.parametrize("words", [["--port", "70000"], ["--learn", "perhaps"], ["nonsense"]])
def test_what_cannot_be_meant_is_refused_before_anything_is_served(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        command.make_context("htn mcp", words)


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "mcp_server":
            monkeypatch.delitem(sys.modules, name)
        elif name.partition(".")[0] == "mcp":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ServiceMissing) as missing:
        command.main([], standalone_mode=False)
    assert missing.value.hints == ("pip install 'htn-planner[mcp]'",)


def test_a_person_approves_unless_somebody_has_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking(Settings.load()).learn == "ask"
    assert asking(Settings.load(learn="never")).learn == "never"
    monkeypatch.setenv("HTN_LEARN", "auto")
    assert asking(Settings.load()).learn == "auto"
    assert asking(Settings.load(learn="ask")).learn == "ask"
