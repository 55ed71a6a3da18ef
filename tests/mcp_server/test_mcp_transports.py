"""The same answers over stdio and streamable HTTP, with the protocol of 2026 and with the one before it."""

import json
from typing import Any

import anyio

from tests.mcp_server.conftest import Place, Talk, text_of

HOME = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
TOOLS = {
    "plan": (True, False), "explain": (True, False), "list_operators": (True, False), "show_operator": (True, False),
    "run": (False, True), "run_status": (True, False), "cancel_run": (False, False), "learn": (False, False),
}  # fmt: skip


def test_every_tool_has_a_schema_for_its_answer_and_says_what_it_may_change(talk: Talk) -> None:
    tools = {tool.name: tool for tool in talk.do(talk.client.list_tools).tools}
    assert list(tools) == list(TOOLS)
    for name, tool in tools.items():
        hints = tool.annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.destructive_hint) == TOOLS[name]
        assert tool.description and tool.output_schema and tool.output_schema["type"] == "object"
        assert tool.input_schema["type"] == "object"


def test_a_plan_is_a_list_of_actions_and_a_tree(talk: Talk) -> None:
    result = talk.result("plan", **HOME)
    answer = result.structured_content
    assert answer is not None and answer["ok"] and answer["error"] is None
    assert [row["action"] for row in answer["actions"]] == ["call_taxi(home)", "ride(alice, home, park)", "pay(alice)"]
    assert text_of(result) == answer["tree"]
    assert answer["tree"].splitlines()[0] == "travel(alice, home, park)  by by_taxi"


def test_an_error_is_an_answer_with_a_code_and_hints(talk: Talk) -> None:
    result = talk.result("plan", domain="travle", tasks=["go()"])
    assert result.is_error
    assert result.structured_content is not None
    error = result.structured_content["error"]
    assert (error["code"], error["exit_code"]) == ("usage", 2)
    assert "did you mean travel?" in error["hints"]
    assert text_of(result).startswith("error[usage]: there is no domain 'travle'")


def test_progress_is_told_while_a_run_goes_on_and_only_grows(talk: Talk) -> None:
    answer = talk("run", **HOME)
    assert (answer["state"], answer["ended"], answer["ok"]) == ("done", True, True)
    assert {"variable": "loc", "key": "alice", "value": "park", "gone": False} in answer["changed"]
    assert len(answer["events"]) == len(talk.told)
    assert [progress for progress, _, _ in talk.told] == list(range(1, len(talk.told) + 1))
    assert talk.told[-1][2] == "done"


def test_a_long_run_is_followed_by_its_handle(talk: Talk, place: Place) -> None:
    place.close_gate()
    first = talk("run", domain="slow", tasks=["wait(kettle)"], wait=0.1)
    assert (first["state"], first["ended"]) == ("running", False)
    assert first["next"].startswith("call run_status")
    place.open_gate()
    last = talk("run_status", handle=first["handle"], after=first["last"], wait=60)
    assert (last["state"], last["ended"]) == ("done", True)
    seen = {event["id"] for event in first["events"]}
    assert seen.isdisjoint(event["id"] for event in last["events"])
    everything = talk("run_status", handle=first["handle"])
    assert [*first["events"], *last["events"]] == everything["events"]


def test_a_run_is_cancelled_by_its_handle_and_ends_after_the_step_that_is_under_way(talk: Talk, place: Place) -> None:
    place.close_gate()
    begun = talk("run", domain="slow", tasks=["wait(a)", "wait(b)"], wait=0.1)
    talk("cancel_run", handle=begun["handle"])
    place.open_gate()
    ended = talk("run_status", handle=begun["handle"], wait=60)
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "cancelled")
    assert [event["kind"] for event in ended["events"]].count("start") == 1


def test_a_call_that_is_cancelled_takes_the_run_with_it_that_nobody_knows(talk: Talk, place: Place) -> None:
    place.close_gate()

    give_up_when_it_acts(talk, domain="slow", tasks=["wait(c)", "wait(d)"], wait=60)
    handle = runs(talk)[0]["handle"]
    while "cancel" not in [event["kind"] for event in talk("run_status", handle=handle, wait=0.1)["events"]]:
        pass
    place.open_gate()
    ended = talk("run_status", handle=handle, wait=60)
    assert (ended["state"], ended["tasks"]) == ("cancelled", ["wait(c)", "wait(d)"])


def test_a_call_that_is_cancelled_leaves_the_run_whose_handle_the_client_chose(talk: Talk, place: Place) -> None:
    place.close_gate()
    chosen = f"mine-{len(runs(talk))}"

    give_up_when_it_acts(talk, domain="slow", tasks=["wait(e)"], wait=60, run_id=chosen)
    place.open_gate()
    again = talk("run", domain="slow", tasks=["wait(e)"], wait=60, run_id=chosen)
    assert (again["handle"], again["state"]) == (chosen, "done")
    assert [event["kind"] for event in again["events"]].count("start") == 1


def test_domains_operators_and_runs_can_be_read(talk: Talk) -> None:
    done = talk("run", **HOME)
    listed = talk.do(talk.client.list_resources).resources
    assert [str(each.uri) for each in listed] == ["htn://domains", "htn://operators", "htn://runs"]
    templates = talk.do(talk.client.list_resource_templates).resource_templates
    assert [each.uri_template for each in templates] == [
        "htn://domains/{name}", "htn://operators/{name}", "htn://runs/{handle}"
    ]  # fmt: skip
    assert {row["name"] for row in read(talk, "htn://domains")} == {"reports", "slow", "travel"}
    variables = {row["name"]: row for row in read(talk, "htn://domains/reports")["variables"]}
    assert variables["path"]["fixed"] and not variables["table"]["fixed"]
    assert {row["name"] for row in read(talk, "htn://operators")["operators"]} >= {"walk", "pay", "wait"}
    assert read(talk, f"htn://runs/{done['handle']}")["changed"] == done["changed"]


def test_the_prompt_teaches_with_the_tools_and_domains_that_there_are(talk: Talk) -> None:
    (prompt,) = talk.do(talk.client.list_prompts).prompts
    assert [(each.name, each.required) for each in prompt.arguments] == [("goal", True), ("domain", False)]
    asked = talk.do(talk.client.get_prompt, prompt.name, {"goal": "tea for two", "domain": "slow"})
    text = asked.messages[0].content.text
    assert "tea for two" in text and 'list_operators with domain "slow"' in text
    known = {tool.name for tool in talk.do(talk.client.list_tools).tools}
    assert {word for word in known if word in text} >= {"plan", "explain", "run", "run_status", "learn"}


def test_what_the_schema_says_of_an_answer_holds(talk: Talk) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("plan", HOME), ("plan", {"domain": "travel", "tasks": ["pay(carol)"]}), ("explain", HOME),
        ("explain", {"domain": "reports", "tasks": ["report(seattle)"]}), ("list_operators", {}),
        ("show_operator", {"name": "nobody"}), ("run", HOME), ("run_status", {"handle": "none"}),
    ]  # fmt: skip
    for name, arguments in calls:
        talk.do(talk.client.session.validate_tool_result, name, talk.result(name, **arguments))


def give_up_when_it_acts(talk: Talk, **arguments: Any) -> None:
    """Call run, and cancel the call when a step has begun."""

    async def call() -> None:
        with anyio.CancelScope() as scope:

            async def note(progress: float, total: float | None, message: str | None) -> None:
                if message and message.startswith("start"):
                    scope.cancel()

            await talk.client.call_tool("run", arguments, progress_callback=note)
        assert scope.cancelled_caught

    talk.do(call)


def runs(talk: Talk) -> Any:
    return read(talk, "htn://runs")


def read(talk: Talk, uri: str) -> Any:
    (content,) = talk.do(talk.client.read_resource, uri).contents
    assert content.mime_type == "application/json"
    return json.loads(content.text)
