"""What waits for a person: kept whole, admitted with their word in the evidence, or rejected and not offered again."""

import json
from typing import Any

import pytest

from executor.entry import TRUST
from executor.history import Attempt, History
from executor.library import Library
from executor.proposals import MOST, Proposals
from executor.review import Admit, Again, ApprovalNeeded, Reject, Review, level_of, needs_approval, problem_of
from executor.store import Store
from executor.validate import Evidence, Verdict
from htn.errors import ExecutionError, UsageError
from tests.executor.shop import FIRST, LARGEST, RIGHT, candidate, contract, shop
from tests.executor.test_library import entry

RECORD = {"rung": 4, "name": "given examples", "passed": True, "detail": "1 of 1", "trials": 1, "attempt": 1}


@pytest.fixture
def proposals(library: Library, store: Store) -> Proposals:
    return Proposals(library, store)


def keep(proposals: Proposals, code: str = RIGHT, trust: str = "probation", **more: Any) -> str:
    return proposals.keep(entry(code=code, **more), [RECORD], trust)


def test_a_proposal_is_in_no_plan_and_no_list_of_versions(proposals: Proposals, library: Library) -> None:
    version = keep(proposals)
    assert library.in_plans(shop(), "order_total") is None
    assert library.versions("shop", "order_total") == [] == library.entries()
    assert [(p.version, p.name, p.trust, p.problem) for p in proposals.listed()] == [
        (version, "shop.order_total", "probation", None)
    ]


def test_an_admitted_proposal_is_in_plans_with_who_and_why(proposals: Proposals, library: Library) -> None:
    version = keep(proposals)
    assert proposals.admit(version[:6], Admit(who="ada", why="I have read it")) == version
    assert library.in_plans(shop(), "order_total") == version
    assert library.trust(version) == "probation"
    assert library.evidence(version) == [
        RECORD, {"rung": "review", "name": "approved", "passed": True, "detail": "I have read it (ada)"},
    ]  # fmt: skip
    ((_, event),) = library.events("shop", "order_total")
    assert (event.kind, event.version, event.who, event.why) == ("admitted", version, "ada", "I have read it; for t")
    assert proposals.listed() == []


def test_what_a_person_rejected_is_remembered_with_the_reason(proposals: Proposals, library: Library) -> None:
    version = keep(proposals)
    assert proposals.rejected(version) is None
    proposals.reject(version[:4], Reject("it ignores the unit", "ada"))
    assert proposals.rejected(version) == "it ignores the unit (ada)"
    assert proposals.listed() == []
    with pytest.raises(UsageError, match=r"was rejected before: it ignores the unit \(ada\)"):
        keep(proposals)
    ((_, event),) = library.events("shop", "order_total")
    assert (event.kind, event.version, event.who, event.why) == ("rejected", version, "ada", "it ignores the unit")


def test_what_never_waited_can_be_rejected_and_another_body_is_no_such_thing(proposals: Proposals) -> None:
    proposals.refuse(entry(code=LARGEST), Reject("", ""))
    assert proposals.rejected(entry(code=LARGEST).version) == "no reason was given (somebody)"
    assert proposals.rejected(entry(code=FIRST).version) is None
    assert keep(proposals, FIRST)


@pytest.mark.parametrize("offered", TRUST[1:4])
@pytest.mark.parametrize("wanted", [None, *TRUST, "divine"])
def test_a_persons_word_brings_it_to_probation_at_most(offered: str, wanted: str | None) -> None:
    allowed = {None, "quarantined", "probation", *(["trusted"] if offered == "trusted" else [])}
    if wanted in allowed:
        assert level_of(Admit(wanted), offered) == (wanted or offered)
    else:
        with pytest.raises(UsageError, match="cannot be admitted as"):
            level_of(Admit(wanted), offered)


def test_what_the_evidence_calls_quarantined_is_in_plans_when_a_person_says_so(
    proposals: Proposals, library: Library
) -> None:
    version = keep(proposals, trust="quarantined")
    proposals.admit(version, Admit("probation", "ada", "tried by hand"))
    assert library.in_plans(shop(), "order_total") == version


def test_nothing_is_admitted_where_another_version_is_pinned(proposals: Proposals, library: Library) -> None:
    pinned = library.admit(entry(code=FIRST), "probation", [])
    library.pointers.pin("shop", "order_total", pinned, "pinned", "{}")
    version = keep(proposals)
    with pytest.raises(UsageError, match="is pinned to"):
        proposals.admit(version, Admit())
    assert [p.version for p in proposals.listed()] == [version]
    assert library.current("shop", "order_total") == pinned


def test_a_body_that_broke_its_contract_before_is_not_admitted(proposals: Proposals, library: Library) -> None:
    version = library.admit(entry(), "probation", [])
    library.demote(version, {"detail": "it wrote somewhere else"})
    keep(proposals)
    with pytest.raises(UsageError, match="was demoted"):
        proposals.admit(version, Admit())
    assert library.trust(version) == "quarantined"


def test_an_id_is_the_beginning_of_one_version(proposals: Proposals) -> None:
    version = keep(proposals)
    assert proposals.version(version[:4].upper()) == version
    for wrong in ("", version[:3], "zzzz", "*", version + "0"):
        with pytest.raises(UsageError, match="no proposal begins with"):
            proposals.version(wrong)


def test_a_damaged_proposal_is_listed_as_that_and_can_be_taken_away(proposals: Proposals, store: Store) -> None:
    changed = json.loads(entry().canonical()) | {"code": LARGEST}
    text = json.dumps({"entry": changed, "trust": "probation", "evidence": []})
    store.waiting().keep(entry().version, text, most=9)
    store.waiting().keep("0" * 64, "\x1b[31m{", most=9)
    store.waiting().keep("1" * 64, json.dumps({"entry": changed, "trust": "divine", "evidence": [], "more": 1}), most=9)
    assert [bool(p.problem) for p in proposals.listed()] == [True, True, True]
    for version in (entry().version, "0" * 64, "1" * 64):
        with pytest.raises(ExecutionError, match=r"damaged|not what was kept"):
            proposals.admit(version, Admit())
        proposals.reject(version, Reject("damaged"))
    assert proposals.listed() == []
    assert proposals.rejected(entry().version) is None


def test_what_cannot_be_an_operator_is_not_kept(proposals: Proposals) -> None:
    broken = entry().model_copy(update={"contract": {"name": "order_total", "effects": 7}})
    with pytest.raises(UsageError):
        proposals.keep(broken, [], "probation")
    with pytest.raises(UsageError, match="not a level of trust"):
        keep(proposals, trust="divine")
    assert proposals.listed() == []


def test_what_waits_for_the_same_declaration_is_found_the_newest_first(proposals: Proposals, store: Store) -> None:
    assert proposals.waiting_for(shop(), "order_total") is None
    keep(proposals, FIRST)
    newest = keep(proposals, RIGHT)
    store.waiting().keep("0" * 64, "damaged", most=9)
    found = proposals.waiting_for(shop(), "order_total")
    assert found is not None
    assert (found.entry.version, found.trust, found.evidence) == (newest, "probation", (RECORD,))
    assert proposals.waiting_for(shop(example=False), "order_total") is None
    assert proposals.waiting_for(shop(), "pay") is None


def test_the_newest_proposals_are_kept(proposals: Proposals) -> None:
    kept = [keep(proposals, f"# {n}\n{RIGHT}") for n in range(MOST + 3)]
    assert [p.version for p in proposals.listed()] == kept[3:]


def test_a_review_shows_what_it_would_replace(proposals: Proposals, library: Library) -> None:
    before = library.admit(entry(code=LARGEST), "probation", [])
    review = proposals.review(keep(proposals))
    assert review.previous is not None and review.previous.version == before
    assert "-    total = max(amounts)\n+    total = sum(amounts)" in review.diff
    assert review.to_json()["previous"] == before
    assert json.loads(json.dumps(review.to_json())) == review.to_json()


def test_a_review_shows_contract_body_evidence_and_the_way_there() -> None:
    failed = Evidence(4, "given examples", False, "an example of the user's comes out differently")
    told = History((Attempt(candidate(LARGEST), Verdict((failed,))), Attempt(candidate(RIGHT), Verdict(()), repair=1)))
    review = Review(entry(), "probation", (RECORD,), None, told)
    assert [title for title, _ in review.sections()] == [
        "proposal", "contract", "body (python)", "evidence", "attempts",
    ]  # fmt: skip
    shown = "\n".join(review.lines())
    for part in (*contract().lines(), "def order_total(order, amounts):", "✓ rung 4, given examples: 1 of 1",
                 "shop.order_total, offered: probation", "recommendation: compute what the example shows"):  # fmt: skip
        assert part in shown


def test_a_note_goes_to_the_model_as_what_the_person_says() -> None:
    assert problem_of(Again("use the median ")).endswith("says: use the median")
    assert len(problem_of(Again("x" * 10_000))) < 3_000


def test_waiting_for_approval_has_its_own_exit_code() -> None:
    error = needs_approval("order_total(tea)", "3f8a" * 16, "there is no terminal to ask at")
    assert isinstance(error, ApprovalNeeded)
    assert (error.exit_code, error.code) == (8, "approval")
    assert "htn proposals show 3f8a3f8a3f8a" in error.hints[0]
