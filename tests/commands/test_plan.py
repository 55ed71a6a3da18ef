"""htn plan."""

import xml.etree.ElementTree as ET

from tests.commands.shell import Shell

TEA = """
from htn import Domain, State
tea = Domain("tea")

@tea.initial_state
def kitchen():
    return State(water={"kettle": "cold"})

@tea.operator
def boil(state, kettle):
    if state.water[kettle] == "cold":
        state.water[kettle] = "hot"
        return state

@tea.method("make_tea")
def with_kettle(state):
    return [("boil", "kettle"), ("pour", "kettle")]
"""


def test_a_bundled_domain_is_planned_and_shown_as_a_tree(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)")
    assert said.code == 0
    assert said.out.splitlines() == [
        "travel(alice, home, park)  by by_taxi",
        "├─ 1. call_taxi(home)",
        "├─ 2. ride(alice, home, park)",
        "└─ 3. pay(alice)",
    ]


def test_with_json_the_result_is_one_document_on_standard_output(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", "--json")
    assert [a["name"] for a in said.json["actions"]] == ["call_taxi", "ride", "pay"]
    assert said.err == ""


def test_no_plan_is_exit_code_3_and_names_the_value_that_was_wrong(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(bob, home, park)")
    assert said.code == 3
    assert said.err.startswith("error[no-plan]: there is no plan for travel(bob, home, park)")
    assert "state.cash[person] = 3" in said.err


def test_no_plan_is_data_with_json(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(bob, home, park)", "--json")
    assert said.json["plan"] is None
    assert said.json["exit_code"] == said.code == 3


def test_a_state_file_replaces_the_variables_that_it_names_and_no_others(htn: Shell) -> None:
    state = htn.write("rich.json", '{"cash": {"bob": 100}}')
    said = htn("plan", "travel", "travel(bob, home, park)", "--state", state)
    assert said.code == 0
    assert "ride(bob, home, park)" in said.out


def test_a_state_file_may_have_keys_of_several_parts(htn: Shell) -> None:
    state = htn.write("near.json", '{"dist": [[["home", "park"], 1]]}')
    said = htn("plan", "travel", "travel(bob, home, park)", "--state", state)
    assert "1. walk(bob, home, park)" in said.out


def test_a_domain_of_ones_own_is_planned_by_its_path_and_its_gap_is_exit_code_5(htn: Shell) -> None:
    said = htn("plan", htn.write("tea.py", TEA), "make_tea()")
    assert said.code == 5
    assert said.err.splitlines()[:2] == [
        "error[no-plan]: nobody knows how to do pour(kettle)",
        "  in make_tea() by with_kettle",
    ]


def test_several_tasks_are_planned_one_after_the_other(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, station)", "travel(alice, station, home)")
    assert "1. walk(alice, home, station)" in said.out
    assert "2. walk(alice, station, home)" in said.out


def test_the_tree_is_drawn_into_a_file_that_is_svg(htn: Shell) -> None:
    assert htn("plan", "travel", "travel(alice, home, park)", "--svg", "tree.svg").code == 0
    tree = ET.parse(htn.folder / "tree.svg")  # our own file
    assert "call_taxi" in "".join(tree.getroot().itertext())


def test_the_tree_and_what_depends_on_what_are_written_in_other_forms(htn: Shell) -> None:
    words = ("plan", "travel", "travel(alice, home, park)")
    assert htn(*words, "--draw", "mermaid").out.startswith("flowchart")
    assert htn(*words, "--draw", "dot", "--graph").out.startswith("digraph")
    assert ET.fromstring(htn(*words, "--draw", "svg", "--graph").out).tag.endswith("svg")


def test_the_stages_of_a_plan_are_shown_with_what_can_be_done_at_the_same_time(htn: Shell) -> None:
    said = htn("plan", "reports", "--graph", "read_table(seattle)", "read_table(new_york)")
    assert said.out.splitlines()[0] == "stage 1:  1. read_table(seattle)   2. read_table(new_york)"


def test_the_cheapest_plan_is_found_on_demand(htn: Shell) -> None:
    text = """
from htn import Domain, State
d = Domain("way")
d.initial_state(lambda: State(at={"me": "a"}))

@d.operator(cost=9)
def fly(state):
    return state

@d.operator(cost=2)
def drive(state):
    return state

@d.method("go")
def quickly(state):
    return [("fly",)]

@d.method("go")
def slowly(state):
    return [("drive",)]
"""
    name = htn.write("way.py", text)
    assert "fly" in htn("plan", name, "go()").out
    for strategy in ("best-first", "anytime"):
        assert "drive" in htn("plan", name, "go()", "--strategy", strategy).out


def test_a_picture_that_cannot_be_written_is_a_usage_error(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", "--svg", "no/such/folder/tree.svg")
    assert (said.code, "cannot write" in said.err) == (2, True)


def test_an_unknown_task_is_a_usage_error_with_did_you_mean(htn: Shell) -> None:
    said = htn("plan", "travel", "travle(alice, home, park)")
    assert said.code == 2
    assert "hint: did you mean travel?" in said.err


def test_a_wrong_number_of_arguments_is_a_usage_error_that_shows_the_form(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice)")
    assert said.code == 2
    assert "write travel(person, start, end)" in said.err


def test_an_unknown_domain_and_an_unknown_command_are_usage_errors_with_did_you_mean(htn: Shell) -> None:
    assert "did you mean travel?" in htn("plan", "travl", "travel(a, b, c)").err
    assert "did you mean plan?" in htn("pln").err
    assert htn("pln").code == 2


def test_a_state_file_that_is_not_json_is_named(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", "--state", htn.write("bad.json", "{loc: alice}"))
    assert said.code == 2
    assert "error[usage]: the state file is not JSON" in said.err
    assert "in bad.json" in said.err


def test_a_domain_file_that_does_not_import_is_named_with_its_line(htn: Shell) -> None:
    said = htn("plan", htn.write("broken.py", "import os\n\nraise ValueError('no')\n"), "go()")
    assert said.code == 2
    assert "error[domain]: the domain file broken.py does not import: ValueError: no" in said.err
    assert "in broken.py:3" in said.err


def test_a_domain_file_with_a_syntax_error_is_named_with_its_line(htn: Shell) -> None:
    said = htn("plan", htn.write("broken.py", "x = 1\ndef (:\n"), "go()")
    assert (said.code, "broken.py:2" in said.err) == (2, True)


def test_a_person_unknown_to_the_state_is_an_error_of_the_domain_that_says_where(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(carol, home, park)")
    assert said.code == 2
    assert "by_taxi raised KeyError: 'carol'" in said.err


def test_a_limit_is_exit_code_6(htn: Shell) -> None:
    endless = (
        "from htn import Domain\nd = Domain('d')\n@d.method('go')\ndef on(state, n=0):\n    return [('go', n + 1)]\n"
    )
    said = htn("plan", htn.write("endless.py", endless), "go()", "--max-expansions", "1000")
    assert said.code == 6
    assert "error[limit]: stopped after 1,000 expansions" in said.err


def test_errors_are_documents_with_json(htn: Shell) -> None:
    said = htn("plan", "travel", "travle(alice)", "--json")
    assert said.json["hints"] == ["did you mean travel?"]
    assert said.json["exit_code"] == said.code == 2


def test_debug_shows_the_traceback(htn: Shell) -> None:
    assert "Traceback" not in htn("plan", "travel", "nothing()").err
    assert "Traceback" in htn("plan", "travel", "nothing()", "--debug").err


def test_an_unusable_setting_names_the_environment_variable(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", HTN_MAX_EXPANSIONS="many")
    assert said.code == 2
    assert "the setting max_expansions cannot be used" in said.err
    assert "HTN_MAX_EXPANSIONS" in said.err


def test_a_redis_server_that_does_not_answer_is_exit_code_7(htn: Shell) -> None:
    said = htn("plan", "travel", "travel(alice, home, park)", REDIS_URL="127.0.0.1:9")
    assert said.code == 7
    assert "127.0.0.1:9" in said.err
    assert "hint:" in said.err


def test_a_data_folder_that_cannot_be_made_is_exit_code_7(htn: Shell) -> None:
    htn.write("file", "in the way")
    said = htn("plan", "travel", "travel(alice, home, park)", "--data-dir", "file/data")
    assert said.code == 7
    assert "file/data" in said.err


def test_the_shell_is_taught_to_complete_commands_and_domains(htn: Shell) -> None:
    assert "_HTN_COMPLETE" in htn(_HTN_COMPLETE="bash_source").out
    words = htn(_HTN_COMPLETE="bash_complete", COMP_WORDS="htn plan tr", COMP_CWORD="2").out
    assert "travel" in words
