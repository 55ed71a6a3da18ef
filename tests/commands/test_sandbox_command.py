"""htn sandbox, as a person uses it."""

import pytest

from tests.commands.shell import Shell
from tests.services import docker_answers, require_or_skip


def test_the_help_shows_each_command(htn: Shell) -> None:
    said = htn("sandbox", "--help")
    assert said.code == 0
    for word in ("images", "build", "prune", "check"):
        assert word in said.out
        assert htn("sandbox", word, "--help").code == 0


def test_a_language_that_does_not_exist_is_a_usage_error_with_a_suggestion(htn: Shell) -> None:
    said = htn("sandbox", "build", "pyton")
    assert said.code == 2
    assert "did you mean python?" in said.err


def test_an_image_for_a_language_that_does_not_exist_is_a_usage_error(htn: Shell) -> None:
    htn.write("htn.toml", '[images]\nruby = "ruby:3"\n')
    said = htn("sandbox", "images")
    assert said.code == 2
    assert "'ruby' is none of javascript" in said.err


def test_without_an_engine_the_commands_say_so(htn: Shell) -> None:
    for word in ("images", "build", "prune"):
        said = htn("sandbox", word, "--json", DOCKER_HOST="unix:///nowhere.sock")
        assert said.code == 7
        assert said.json["error"] == "service"


def test_under_lockdown_only_python_runs_and_the_others_say_what_they_need(htn: Shell) -> None:
    said = htn("sandbox", "check", "python", "js")
    assert said.code == 7
    assert "need containers" in said.out


@pytest.mark.docker
def test_images_are_listed_built_and_tried(htn: Shell) -> None:
    require_or_skip("docker", docker_answers())
    assert htn("sandbox", "build", "bash", "python").code == 0
    listed = htn("sandbox", "images", "--json")
    assert listed.code == 0
    present = {row["language"]: row["present"] for row in listed.json}
    assert present["bash"]
    assert present["python"]
    checked = htn("sandbox", "check", "bash", "--json", HTN_SANDBOX="docker")
    assert checked.code == 0
    assert [(row["language"], row["ok"]) for row in checked.json] == [("bash", True)]
