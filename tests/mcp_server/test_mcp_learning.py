"""The main job over MCP, in two processes: a gap is closed with scripted answers, approved, and used by the other."""

from typing import Any

from anyio.from_thread import BlockingPortal
from mcp_types import ElicitResult

from executor.model.standin import StandIn
from tests.mcp_server.conftest import Http, Talk

GAP = {"domain": "reports", "task": "column_statistics(seattle, temp_max)", "wait": 120}
REPORT = {"domain": "reports", "tasks": ["report(new_york, wind)"]}


def test_an_operator_that_one_client_has_learned_and_a_person_admitted_is_in_the_plans_of_another(
    http: Http, stdio: Talk, portal: BlockingPortal, model: StandIn
) -> None:
    asked: list[str] = []

    async def person(context: object, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"decision": "admit", "why": "read"})

    before = stdio("plan", **REPORT)
    assert (before["ok"], before["error"]["code"], before["error"]["exit_code"]) == (False, "no-plan", 5)
    assert before["gaps"][0]["task"] == "column_statistics(new_york, wind)"
    assert before["error"]["hints"][0].startswith("call run, which has the missing operator written, or learn")

    with portal.wrap_async_context_manager(http.client(elicitation_callback=person)) as client:
        talk = Talk(client, portal)
        ended = talk("learn", **GAP)
    assert (ended["state"], ended["learned"][0]["trust"]) == ("done", "probation")
    assert len(asked) == 1 and "rung 4, given examples" in asked[0]
    assert [progress for progress, _, _ in talk.told] == sorted(progress for progress, _, _ in talk.told)
    assert len(model.requests) == 3  # the contract, a body that is wrong, and its repair

    after = stdio("plan", **REPORT)
    assert after["ok"] and after["actions"][1]["version"] == ended["learned"][0]["version"]
    shown = stdio("show_operator", name="column_statistics")
    assert (shown["trust"], shown["version"]) == ("probation", ended["learned"][0]["version"])
    assert any("median" in row for row in shown["contract"]) and "def column_statistics" in shown["code"]
    done = stdio("run", **REPORT, wait=120)
    assert done["ok"] and done["changed"][0]["value"].startswith("# New York")
    assert len(model.requests) == 3
    again = stdio("learn", **GAP)
    assert again["error"]["message"].startswith("the library has reports.column_statistics already")
