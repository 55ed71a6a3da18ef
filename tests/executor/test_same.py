"""A candidate that does what an entry of the library does is recognised by what both do."""

from collections.abc import Sequence
from typing import Any

import pytest

from executor.check import Candidate
from executor.entry import Entry
from executor.library import Library
from executor.same import behaves_like, rivals
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import Store
from executor.validate import Situation, applicable
from htn.contract import Contract
from htn.errors import ServiceMissing
from htn.state import State
from tests.executor.shop import FIRST, LARGEST, RIGHT, candidate, contract, shop, total_is
from tests.executor.test_library import entry

LOOP = total_is("sum_", before="").replace(
    "    total = sum_\n", "    total = 0\n    for each in amounts:\n        total = total + each\n"
)


def situations(promise: Contract | None = None) -> list[Situation]:
    return applicable(promise or contract(), shop().variables, [], count=10)


def found(box: Sandbox, made: Candidate, entries: Sequence[Entry], at: Sequence[Situation] | None = None) -> str | None:
    program = entry(code=made.code).program()
    return behaves_like(program, made.contract, entries, situations() if at is None else at, box, SandboxLimits())


def test_another_text_that_does_the_same_is_found(box: Sandbox) -> None:
    others = [entry(code=LARGEST), entry(code=RIGHT)]
    assert found(box, candidate(LOOP), others) == entry(code=RIGHT).version


def test_results_that_differ_by_rounding_are_the_same(box: Sandbox) -> None:
    at = [Situation(State(cart={"tea": [0.1, 0.2, 0.3]}, total={}), ("tea",))]
    assert found(box, candidate(total_is("sum(reversed(amounts))")), [entry()], at) == entry().version


def test_what_differs_in_one_situation_is_not_the_same(box: Sandbox) -> None:
    alike = Situation(State(cart={"tea": [3.0]}, total={}), ("tea",))
    apart = Situation(State(cart={"tea": [3.0, 1.0]}, total={}), ("tea",))
    assert found(box, candidate(FIRST), [entry()], [alike, alike]) == entry().version
    assert found(box, candidate(FIRST), [entry()], [alike, apart]) is None


def test_a_candidate_that_fails_is_like_nothing_also_where_the_entry_fails_as_well(box: Sandbox) -> None:
    broken = total_is("amounts[99]")
    assert found(box, candidate(broken), [entry(), entry(code=broken)]) is None


def test_an_entry_that_refuses_or_fails_where_the_candidate_does_not_is_another(box: Sandbox) -> None:
    at = [Situation(State(cart={"soap": [3.0]}, total={}), ("soap",))]
    assert found(box, candidate(RIGHT), [entry(preconditions=["order in cart", 'order == "tea"'])], at) is None
    assert found(box, candidate(RIGHT), [entry(code=total_is("amounts[0] / 0"))], at) is None


def test_without_situations_nothing_is_known(box: Sandbox) -> None:
    assert found(box, candidate(RIGHT), [entry()], []) is None


PARAMETER = {"name": "order", "type": {"type": "string"}}


@pytest.mark.parametrize(
    "parts",
    [
        {"parameters": [{"name": "order", "type": {}}]},
        {"parameters": [PARAMETER, {"name": "more", "type": {"type": "string"}}]},
        {"reads": [{"name": "amounts", "from": "basket[order]", "type": {}}], "preconditions": []},
        {"effects": ["sum[order] = output.total"]},
        {"effects": ["total[order] += output.total"]},
        {"effects": ["total[order] = output.total", "paid[order] = true"]},
    ],
)
def test_another_form_is_another_operator_and_nothing_runs(parts: dict[str, Any]) -> None:
    other = entry(**parts)
    assert behaves_like(other.program(), contract(), [other], situations(), Refusing()) is None


class Refusing:
    """A sandbox that cannot run anything."""

    level = "none"

    def call(self, *_: object, **__: object) -> Any:
        raise ServiceMissing("nothing runs here")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_a_sandbox_that_does_not_answer_is_no_difference() -> None:
    with pytest.raises(ServiceMissing):
        behaves_like(entry().program(), contract(), [entry()], situations(), Refusing())


def test_only_entries_of_the_form_that_are_in_good_standing_are_compared(store: Store, library: Library) -> None:
    old, demoted, retired, _other = (
        library.admit(each, "probation", [])
        for each in (entry(), entry(code=FIRST), entry(code=LARGEST), entry(effects=["paid[order] = true"]))
    )
    library.demote(demoted, {"detail": "it broke its contract"})
    store.set_trust(retired, "retired", "{}")
    store.admit("shop", "order_total", "b" * 64, "{}", trust="trusted", evidence=[])
    newest = library.admit(entry(code=LOOP), "quarantined", [])
    assert [each.version for each in rivals(library, "shop", contract())] == [newest, old]
    assert rivals(library, "zoo", contract()) == []


def test_admitting_the_entry_again_adds_to_its_evidence_and_makes_no_version(library: Library, box: Sandbox) -> None:
    version = library.admit(entry(), "probation", [{"rung": 0, "passed": True}])
    same = found(box, candidate(LOOP), rivals(library, "shop", contract()))
    assert same == version
    library.admit(library.entry(same), "probation", [{"rung": 8, "passed": True}])
    assert [record["rung"] for record in library.evidence(version)] == [0, 8]
    assert library.versions("shop", "order_total") == [version]
