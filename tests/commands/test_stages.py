"""htn plan and htn run where a value decides what comes next that only execution can know."""

from tests.commands.shell import Shell

ROOMS = """
from htn import Domain, State
from htn.unknown import Unknown
rooms = Domain("rooms")

@rooms.initial_state
def house():
    return State(thermometer={"attic": 12, "cellar": 25}, temp={}, heater={})

@rooms.operator
def measure(state, room):
    state.temp[room] = Unknown(f"the temperature of {room}")
    return state

@rooms.command("measure")
def read(state, room):
    state.temp[room] = state.thermometer[room]
    return state

@rooms.operator
def heat(state, room):
    state.heater[room] = True
    return state

@rooms.method("adjust")
def when_cold(state, room):
    if state.temp[room] < 18:
        return [("heat", room)]

@rooms.method("adjust")
def when_warm(state, room):
    return [] if state.temp[room] < 22 else None

@rooms.method("comfort")
def by_measuring(state, room):
    return [("measure", room), ("adjust", room)]
"""


def test_a_plan_shows_its_first_stage_and_what_is_decided_later(htn: Shell) -> None:
    said = htn("plan", htn.write("rooms.py", ROOMS), "comfort(attic)")
    assert said.code == 0
    assert said.out.splitlines()[1:] == ["├─ 1. measure(attic)", "└─ adjust(attic)  decided later"]
    assert "this is the first stage; adjust(attic): planned when temp[attic] is known" in said.err


def test_the_stage_is_data_with_json(htn: Shell) -> None:
    said = htn("plan", htn.write("rooms.py", ROOMS), "comfort(attic)", "--json")
    assert [action["name"] for action in said.json["actions"]] == ["measure"]
    assert said.json["stage"]["rest"] == [["adjust", "attic"]]
    assert said.json["stage"]["unknown"] == [{"variable": "temp", "key": "attic"}]


def test_a_stage_can_be_drawn_and_its_dependencies_too(htn: Shell) -> None:
    rooms = htn.write("rooms.py", ROOMS)
    assert "decided later" in htn("plan", rooms, "comfort(attic)", "--draw", "mermaid").out
    assert htn("plan", rooms, "comfort(attic)", "--graph").out.startswith("stage 1:  1. measure(attic)")


def test_a_run_goes_on_after_its_stage(htn: Shell) -> None:
    said = htn("run", htn.write("rooms.py", ROOMS), "comfort(attic)", "--json")
    assert said.code == 0
    assert said.json["ok"] is True
    assert said.json["stages"] == 1
    assert said.json["replans"] == []
    assert [step["action"] for step in said.json["steps"]] == ["measure(attic)", "heat(attic)"]


def test_where_the_value_leaves_no_way_what_was_done_is_told(htn: Shell) -> None:
    said = htn("run", htn.write("rooms.py", ROOMS), "comfort(cellar)", "--json")
    assert said.code == 3
    assert said.json["ok"] is False
    assert [step["action"] for step in said.json["steps"]] == ["measure(cellar)"]
    assert [change["value"] for change in said.json["changed"]] == [25]
    assert said.json["error"] == "no-plan"


def test_evaluating_opens_no_sandbox_where_nothing_is_learned(htn: Shell) -> None:
    said = htn(
        "plan",
        "travel",
        "travel(alice, home, park)",
        "--evaluate",
        HTN_SANDBOX="docker",
        DOCKER_HOST="tcp://127.0.0.1:9",
    )
    assert said.code == 0
    assert "3. pay(alice)" in said.out
    assert htn("plan", "travel", "travel(alice, home, park)", HTN_EVALUATE="always").code == 2
