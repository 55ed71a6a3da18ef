"""What a model wrote is admitted when the person behind the client says so, and otherwise waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import ElicitRequestFormParams, ElicitResult, ErrorData

from executor.history import History
from executor.review import Admit, Review
from mcp_server.approving import question
from tests.executor.conftest import folder, script
from tests.executor.shop import RIGHT, shop
from tests.executor.test_library import entry
from tests.executor.test_proposals import RECORD
from tests.mcp_server.inside import Inside, answer

__all__ = ["folder", "script"]

ADMIT = ElicitResult(action="accept", content={"decision": "admit", "why": "I have read it"})
REJECT = ElicitResult(action="accept", content={"decision": "reject", "why": "it ignores the unit"})
CHECK_OUT: dict[str, Any] = {"domain": "shop", "tasks": ["check_out(tea)"], "run_id": "tea", "wait": 60}
TOTAL: dict[str, Any] = {"domain": "shop", "task": "order_total(tea)", "wait": 60}
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture
def inside(folder: Path) -> Iterator[Inside]:
    with Inside(folder, (shop(),)) as opened:
        yield opened


class Person:
    """Gives answers to the forms that a client shows, and keeps what was asked."""

    def __init__(self, *answers: ElicitResult) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, context: object, params: Any) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        assert set(params.requested_schema["properties"]) == {"decision", "why"}
        self.asked.append(params.message)
        return self._answers.pop(0)


def proposed(inside: Inside) -> str:
    """Keep a proposal for the gap of the shop, as a model's answer would have become one."""
    return inside.agent.proposals.keep(entry(code=RIGHT), [RECORD], "probation")


def call(inside: Inside, mode: str, person: Person | None, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async def talk() -> dict[str, Any]:
        async with inside.client(mode=mode, elicitation_callback=person) as client:
            return await answer(client, tool, **arguments)

    return anyio.run(talk)


@MODES
def test_a_run_goes_on_when_the_person_admits_what_it_waits_for(inside: Inside, mode: str) -> None:
    version, person = proposed(inside), Person(ADMIT)
    ended = call(inside, mode, person, "run", CHECK_OUT)
    assert (ended["state"], ended["ok"], ended["error"]) == ("done", True, None)
    assert {"variable": "total", "key": "tea", "value": 9.5, "gone": False} in ended["changed"]
    assert [(one["version"], one["trust"]) for one in ended["learned"]] == [(version, "probation")]
    assert len(person.asked) == 1 and "total = sum(amounts)" in person.asked[0]
    ((_, event),) = inside.agent.library.events("shop", "order_total")
    assert (event.kind, event.who, event.why) == ("admitted", "the user of mcp", "I have read it; for t")


@MODES
def test_learning_ends_with_what_the_person_admits(inside: Inside, mode: str) -> None:
    version = proposed(inside)
    ended = call(inside, mode, Person(ADMIT), "learn", TOTAL)
    assert (ended["state"], ended["kind"], ended["learned"][0]["version"]) == ("done", "learn", version)
    assert inside.agent.library.in_plans(shop(), "order_total") == version


@MODES
def test_what_the_person_rejects_is_not_admitted_and_not_offered_again(inside: Inside, mode: str) -> None:
    version = proposed(inside)
    ended = call(inside, mode, Person(REJECT), "run", CHECK_OUT)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "gap")
    assert "it ignores the unit" in ended["error"]["message"]
    assert inside.agent.proposals.rejected(version) == "it ignores the unit (the user of mcp)"
    assert inside.agent.library.in_plans(shop(), "order_total") is None


@MODES
@pytest.mark.parametrize(
    "said",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept", content={"decision": "perhaps"}),
        ElicitResult(action="accept", content={"why": "it looks good"}),
        ElicitResult(action="accept"),
    ],
    ids=["declined", "dismissed", "perhaps", "no decision", "empty"],
)
def test_without_a_decision_it_waits_and_the_answer_says_how_to_decide(
    inside: Inside, mode: str, said: ElicitResult
) -> None:
    version, person = proposed(inside), Person(said)
    waits = call(inside, mode, person, "run", CHECK_OUT)
    assert (waits["state"], waits["ended"], waits["error"]["code"]) == ("waiting", False, "approval")
    assert waits["proposal"] == version and len(person.asked) == 1
    assert f"htn proposals admit {version[:12]} --why REASON" in waits["next"]
    assert [row.version for row in inside.agent.proposals.listed()] == [version]
    assert inside.agent.library.in_plans(shop(), "order_total") is None


@MODES
def test_a_client_that_cannot_ask_is_told_how_and_goes_on_when_it_was_decided_elsewhere(
    inside: Inside, mode: str
) -> None:
    version = proposed(inside)
    waits = call(inside, mode, None, "run", CHECK_OUT)
    assert (waits["state"], waits["proposal"]) == ("waiting", version)
    assert 'call run with run_id "tea" again' in waits["next"]
    inside.agent.proposals.admit(version, Admit(who="ada", why="read at the terminal"))
    ended = call(inside, mode, None, "run", CHECK_OUT)
    assert (ended["handle"], ended["state"]) == ("tea", "done")


@MODES
def test_a_person_who_let_it_wait_is_asked_again_when_the_run_is_called_again(inside: Inside, mode: str) -> None:
    proposed(inside)
    person = Person(ElicitResult(action="decline"), ADMIT)
    assert call(inside, mode, person, "run", CHECK_OUT)["state"] == "waiting"
    assert call(inside, mode, person, "run", CHECK_OUT)["state"] == "done"
    assert len(person.asked) == 2


def test_the_status_of_what_waits_asks_nobody(inside: Inside) -> None:
    version, person = proposed(inside), Person()
    call(inside, "auto", None, "run", CHECK_OUT)
    seen = call(inside, "auto", person, "run_status", {"handle": "tea", "wait": 60})
    assert (seen["state"], seen["proposal"], person.asked) == ("waiting", version, [])


def test_what_waits_ends_when_it_is_cancelled_and_the_proposal_stays(inside: Inside) -> None:
    version = proposed(inside)
    call(inside, "auto", None, "run", CHECK_OUT)
    assert call(inside, "auto", None, "cancel_run", {"handle": "tea"})["state"] == "cancelled"
    assert [row.version for row in inside.agent.proposals.listed()] == [version]


def test_a_person_is_shown_what_a_model_hid_in_its_words() -> None:
    hidden = entry(code=RIGHT + "# \x1b[2J\u202egood\n", description="fine\x1b[8m\u200b")
    shown = question(Review(hidden, "probation", (RECORD,), None, History()))
    assert not {"\x1b", "\u202e", "\u200b"} & set(shown)
    assert "\\x1b[2J\\u202egood" in shown and "\\x1b[8m" in shown


def test_a_question_is_no_longer_than_a_form_may_be() -> None:
    long = entry(code=RIGHT + "".join(f"# {number}\n" for number in range(20_000)))
    assert len(question(Review(long, "probation", (), None, None))) < 10_000
