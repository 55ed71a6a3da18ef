"""`htn run --level --mode`: what is done about a step that fails, and what is told of it."""

from pathlib import Path

from tests.commands.shell import NOBODY, Shell

PARCELS = str(Path(__file__).parents[2] / "examples" / "parcels.py")
TASK = "deliver(piano, south)"


def test_by_default_a_step_that_failed_is_done_in_another_known_way(htn: Shell) -> None:
    said = htn("run", PARCELS, TASK, "--json", HTN_STEP_RETRIES="0", OLLAMA_ENDPOINT=NOBODY)
    assert said.code == 0
    assert [step["action"] for step in said.json["steps"]] == ["ship(piano, south)", "tell(piano, delivered)"]
    assert [one["remedy"] for one in said.json["tried"]] == ["other_method"]
    assert (said.json["model_calls"], said.json["asked"]) == (0, [])


def test_in_strict_mode_the_run_ends_and_says_what_to_do_next(htn: Shell) -> None:
    said = htn("run", PARCELS, TASK, "--mode", "strict", HTN_STEP_RETRIES="0", OLLAMA_ENDPOINT=NOBODY)
    assert said.code == 4
    assert "the step drive(piano, south) failed: drive raised ConnectionError" in said.err
    assert "then: the run ended there (level basic, mode strict)" in said.err
    assert "--mode adaptive     lets other known ways be tried" in said.err


def test_programs_are_told_how_a_run_failed(htn: Shell) -> None:
    htn.write("no_ferry.json", '{"ferry": {"today": false}}')
    words = ("run", PARCELS, TASK, "--state", "no_ferry.json", "--level", "adaptive", "--json")
    said = htn(*words, HTN_STEP_RETRIES="0", OLLAMA_ENDPOINT=NOBODY)
    assert said.code == 4
    failed = said.json["failed"]
    assert failed["failed"]["action"] == "drive(piano, south)"
    assert (failed["level"], failed["mode"], failed["done"]) == ("adaptive", "adaptive", 0)
    assert [one["source"] for one in failed["asked"]] == ["fallback"]
    assert said.json["hints"] == failed["next"]


def test_a_level_that_there_is_not_is_refused(htn: Shell) -> None:
    assert htn("run", PARCELS, TASK, "--level", "bold").code == 2
