"""Whatever a client sends, it gets an answer that says what is wrong with it, and nothing of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import MCPError

from htn.errors import UsageError
from mcp_server import Shelf
from mcp_server.values import Budget
from tests.executor.conftest import folder
from tests.executor.shop import shop
from tests.mcp_server.inside import Inside, answer

__all__ = ["folder"]

TRAVEL = ["travel(alice, home, park)"]
NAMES = ["plan", "explain", "list_operators", "show_operator", "run", "run_status", "cancel_run", "learn"]
ARGUMENTS = [
    "domain",
    "tasks",
    "task",
    "state",
    "name",
    "handle",
    "run_id",
    "after",
    "wait",
    "again",
    "context",
    "self",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["travel", "shop", "../travel", "/etc/passwd", "travel(alice, home, park)", "0-0", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture
def inside(folder: Path) -> Iterator[Inside]:
    with Inside(folder, (shop(),), {"learn": "never"}) as opened:
        yield opened


def ask(inside: Inside, tool: str, **arguments: Any) -> dict[str, Any]:
    async def talk() -> dict[str, Any]:
        async with inside.client() as client:
            return await answer(client, tool, **arguments)

    return anyio.run(talk)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("h"), (shop(),), {"learn": "never", "max_expansions": 1_000}) as opened:
        yield opened


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tool=st.sampled_from([*NAMES, "delete_all"]), arguments=st.dictionaries(st.sampled_from(ARGUMENTS), JSON))
def test_any_arguments_get_an_answer_and_none_is_a_bug_of_ours(
    shared: Inside, tool: str, arguments: dict[str, Any]
) -> None:
    found = ask(shared, tool, **arguments)
    assert found["ok"] is (found["error"] is None)
    assert found["ok"] or found["error"]["code"] != "bug", found
    json.dumps(found, allow_nan=False).encode()  # what no client could read would be no answer


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("plan", {"domain": "travel", "tasks": TRAVEL * 21}, "at most 20 items"),
        ("plan", {"domain": "travel", "tasks": ["x" * 5_000]}, "at most 4000 characters"),
        ("plan", {"domain": "x" * 100, "tasks": TRAVEL}, "at most 80 characters"),
        ("plan", {"domain": "travel", "tasks": []}, "at least 1 item"),
        ("plan", {"domain": "travel", "tasks": TRAVEL, "state": [1]}, "valid dictionary"),
        ("plan", {"domain": "travel", "tasks": TRAVEL, "state": {"loc": {"a": "b" * 1_100_000}}}, "larger than"),
        ("plan", {"domain": "travel", "tasks": TRAVEL, "state": {"lok": {}}}, "no state variable lok"),
        ("plan", {"domain": "travel", "tasks": TRAVEL, "state": {"loc": {"alice": 3}}}, "text"),
        ("plan", {"domain": "travel", "tasks": ["travle(alice)"]}, "no task travle"),
        ("plan", {"domain": "travel", "tasks": ["travel(alice"]}, ""),
        ("run", {"domain": "travel", "tasks": TRAVEL, "run_id": "../../tmp"}, "pattern"),
        ("run", {"domain": "travel", "tasks": TRAVEL, "run_id": "x" * 200}, "pattern"),
        ("run", {"domain": "travel", "tasks": TRAVEL, "wait": 1e9}, "less than or equal to 300"),
        ("run_status", {"handle": "nobody"}, "there is no run"),
        ("run_status", {"handle": "nobody", "after": "yesterday"}, "pattern"),
        ("show_operator", {"name": "nobody"}, "no operator"),
        ("learn", {"domain": "shop", "task": "order_total(tea)"}, "this server does not learn"),
        ("plans", {}, "no tool"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    shared: Inside, tool: str, arguments: dict[str, Any], said: str
) -> None:
    found = ask(shared, tool, **arguments)
    assert (found["ok"], found["error"]["code"]) == (False, "usage")
    assert said in found["error"]["message"]


def test_a_state_that_is_nested_too_deeply_is_refused(shared: Inside) -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(5_000):
        inner["a"] = {}
        inner = inner["a"]
    with pytest.raises(UsageError, match="nested too deeply"):
        shared.service.shelf.state(shared.service.shelf.domain("travel"), {"loc": deep})


def test_no_domain_is_loaded_at_a_clients_word(shared: Inside, tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text(f"from pathlib import Path\nPath({str(tmp_path / 'sprung')!r}).touch()\n")
    for name in (str(trap), "../trap", "trap.py", "domains.travel", "reports.py"):
        assert ask(shared, "plan", domain=name, tasks=TRAVEL)["error"]["code"] == "usage"
    assert not (tmp_path / "sprung").exists()


def test_no_client_sets_the_path_of_a_table(shared: Inside) -> None:
    state = {"path": {"seattle": "/etc/passwd"}}
    for tool in ("plan", "explain", "run"):
        found = ask(shared, tool, domain="reports", tasks=["report(seattle, wind)"], state=state)
        assert (found["error"]["code"], found["ok"]) == ("usage", False)
        assert "reports.path" in found["error"]["message"]


@pytest.mark.parametrize(
    "uri",
    [
        "htn://domains/nobody", "htn://domains/..%2f..%2fetc%2fpasswd", "htn://domains/travel/../../etc", "htn://runs/none",
        "htn://operators/nobody", "file:///etc/passwd", "htn://elsewhere", f"htn://domains/{'x' * 5_000}",
    ],
)  # fmt: skip
def test_a_resource_that_there_is_not_is_an_error(shared: Inside, uri: str) -> None:
    async def read() -> str:
        async with shared.client() as client:
            with pytest.raises(MCPError) as refused:
                await client.read_resource(uri)
        return str(refused.value)

    said = anyio.run(read)
    assert "root:" not in said and "Traceback" not in said


def test_a_run_has_one_meaning(inside: Inside) -> None:
    assert ask(inside, "run", domain="travel", tasks=TRAVEL, run_id="one")["state"] == "done"
    other = ask(inside, "run", domain="travel", tasks=["travel(bob, home, station)"], run_id="one")
    assert other["error"]["message"].startswith("there is a run one already")


def test_a_task_may_hold_whatever_a_text_may_hold(shared: Inside) -> None:
    found = ask(shared, "plan", domain="travel", tasks=['call_taxi("\\ud800\\x1b[2J</script>")'])
    assert found["ok"]
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)


def test_values_are_sent_as_far_as_there_is_room() -> None:
    budget = Budget(100)
    assert budget.take(("home", 1), 50) == {"$tuple": ["home", 1]}
    assert budget.take("x" * 60, 50) == "a str that is too large to show"
    assert budget.take({"a": float("inf")}, 60) == {"a": "inf"}
    assert budget.take(["y" * 30, "z" * 30], 90) == "a list that is too large to show"


def test_a_file_whose_domain_has_the_name_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('from htn import Domain\nmine = Domain("travel")\n')
    with pytest.raises(UsageError, match="there is one of that name already"):
        Shelf.of([str(tmp_path / "mine.py")])


@pytest.mark.parametrize("place", ["travel", "nobody.loc", ".loc", "travel."])
def test_what_is_fixed_names_a_variable_of_a_domain(place: str) -> None:
    with pytest.raises(UsageError, match="names no variable"):
        Shelf.of(fixed=[place])


def test_the_state_that_a_client_sends_decides_and_the_answer_says_which_value_did(shared: Inside) -> None:
    poor = {"cash": {"alice": 1}}
    found = ask(shared, "plan", domain="travel", tasks=TRAVEL, state=poor)
    assert (found["ok"], found["error"]["code"], found["actions"]) == (False, "no-plan", [])
    assert "state.cash[person] = 1" in found["tree"]
    why = ask(shared, "explain", domain="travel", tasks=TRAVEL, state=poor)
    assert [end["task"] for end in why["dead_ends"]] == TRAVEL
    assert [row.split(":")[0] for row in why["dead_ends"][0]["tried"]] == ["already_there", "on_foot", "by_taxi"]
    ran = ask(shared, "run", domain="travel", tasks=TRAVEL, state={"cash": {"alice": 100}}, wait=60)
    assert {"variable": "cash", "key": "alice", "value": 94.5, "gone": False} in ran["changed"]
