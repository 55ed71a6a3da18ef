"""Entries are what was admitted, under a version that is their content; trust decides what plans use."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.entry import TRUST, Entry, Provenance, declaration
from executor.library import Library
from executor.store import Store
from htn import find_plan
from htn.contract import model_of
from htn.domain import Domain
from htn.errors import ExecutionError, UsageError
from htn.failure import Failure
from htn.plan import Plan
from htn.state import State
from tests.executor.shop import RIGHT, contract, shop, state_of

ORIGIN = Provenance(task="t", model="m", prompts="p", calls=2, repairs=0, created="2026-01-01", seconds={"body": 1.5})


def entry(
    name: str = "order_total",
    *,
    domain: str = "shop",
    code: str = RIGHT,
    language: str = "python",
    learned_for: Domain | None = None,
    origin: Provenance | None = None,
    **parts: Any,
) -> Entry:
    promise, known = contract(name, **parts), learned_for or shop()
    return Entry(
        domain=domain, name=name, contract=promise.to_json(), code=code, language=language,
        declared=declaration(known, name), examples=[e.to_json() for e in known.examples_of(name)],
        provenance=origin or ORIGIN,
    )  # fmt: skip


def test_the_version_is_the_hash_of_the_content() -> None:
    assert entry().version == entry().version
    assert len({entry().version, entry(code=RIGHT + "\n").version, entry(ensures=["order in cart"]).version}) == 3
    assert Entry.model_validate_json(entry().canonical()).version == entry().version


@given(st.text(max_size=40), st.sampled_from(["code", "language", "domain"]))
def test_any_change_of_the_content_is_another_version(text: str, field: str) -> None:
    changed = entry().model_copy(update={field: text})
    assert (changed.version == entry().version) == (getattr(entry(), field) == text)


def test_what_is_read_back_is_what_was_admitted(library: Library) -> None:
    version = library.admit(entry(), "probation", [{"rung": 0, "passed": True}])
    assert library.entry(version) == entry()
    assert library.trust(version) == "probation"
    assert library.evidence(version) == [{"rung": 0, "passed": True}]
    assert library.find("order_total") == (entry(), "probation")
    assert library.entries() == [(entry(), "probation")]


def test_the_operator_that_plans_use_is_the_one_that_was_admitted(library: Library) -> None:
    version = library.admit(entry(), "probation", [])
    (operator,) = library.operators("shop")
    assert (operator.name, operator.version, operator.is_learned) == ("order_total", version, True)
    assert operator.contract == contract()
    assert operator.arity.names == ("order",)
    assert operator.description == contract().description
    assert operator.apply is not None
    one, other = State(cart={"tea": [1.0]}, total={}), State(cart={"tea": [1.0]}, total={})
    assert operator.apply(one, "tea") is one
    assert set(one.total) == set(model_of(contract())(other, "tea").total)  # type: ignore[union-attr]  # it applies


@pytest.mark.parametrize("trust", TRUST)
def test_plans_use_probation_and_more(library: Library, trust: str) -> None:
    version = library.admit(entry(), trust, [])
    used = trust in ("probation", "trusted", "pinned")
    assert [o.version for o in library.operators("shop")] == ([version] if used else [])
    assert library.in_plans(shop(), "order_total") == (version if used else None)
    found = find_plan(shop().extended_by(library.usable(shop()).operators), state_of(shop()), [("check_out", "tea")])
    assert isinstance(found, Plan if used else Failure)


def test_a_trust_that_nobody_knows_is_refused(library: Library) -> None:
    with pytest.raises(UsageError, match="not a level of trust"):
        library.admit(entry(), "blind", [])
    assert library.entries() == []


def test_the_name_points_at_the_entry_that_was_admitted_last(library: Library) -> None:
    first = library.admit(entry(), "probation", [])
    second = library.admit(entry(code=RIGHT + "\n"), "probation", [])
    assert library.versions("shop", "order_total") == [first, second]
    assert [o.version for o in library.operators("shop")] == [second]
    assert library.entry(first) == entry()


def test_a_demoted_entry_is_out_of_plans_and_says_why(library: Library) -> None:
    version = library.admit(entry(), "trusted", [])
    library.demote(version, {"detail": "it wrote what it must not", "category": "contract"})
    assert library.operators("shop") == []
    assert library.trust(version) == "quarantined"
    (record,) = library.evidence(version)
    assert (record["passed"], record["detail"]) == (False, "it wrote what it must not")


def test_domains_do_not_see_each_others_operators(library: Library) -> None:
    library.admit(entry(), "probation", [])
    library.admit(entry(domain="market"), "probation", [])
    assert len(library.operators("shop")) == 1
    assert library.operators("elsewhere") == []
    with pytest.raises(UsageError, match="in several domains") as caught:
        library.find("order_total")
    assert caught.value.hints == ("name one: market.order_total, shop.order_total",)
    assert library.find("market.order_total")[0].domain == "market"


def test_a_name_almost_right_is_answered_with_the_right_one(library: Library) -> None:
    with pytest.raises(UsageError) as empty:
        library.find("order_total")
    assert empty.value.hints == ("it is empty",)
    library.admit(entry(), "probation", [])
    with pytest.raises(UsageError) as caught:
        library.find("order_totl")
    assert "order_total" in caught.value.hints[0]
    assert caught.value.hints[0].startswith("did you mean")


def test_an_unknown_version_is_said_to_be_unknown(library: Library) -> None:
    with pytest.raises(ExecutionError, match="has no entry abc"):
        library.entry("abc")


def put(store: Store, version: str, document: str) -> None:
    """Write an entry past the library, as somebody with a client of the server could."""
    store.admit("shop", "order_total", version, document, trust="pinned", evidence=[])


OTHER = contract(effects=["paid[order] = true"]).to_json()
TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "other code": (lambda data: data | {"code": "import os"}, "is not what was admitted"),
    "another contract": (lambda data: data | {"contract": OTHER}, "is not what was admitted"),
    "other prompts": (lambda data: data | {"provenance": {**data["provenance"], "prompts": "q"}}, "is not what"),
    "a field that is not ours": (lambda data: data | {"more": 1}, "is damaged"),
    "a field missing": (lambda data: {k: v for k, v in data.items() if k != "code"}, "is damaged"),
    "no object": (lambda data: [data], "is damaged"),
}


@pytest.mark.parametrize(("change", "why"), TAMPERED.values(), ids=TAMPERED)
def test_content_that_was_tampered_with_is_refused_wherever_it_is_read(
    library: Library, store: Store, change: Any, why: str
) -> None:
    put(store, entry().version, json.dumps(change(json.loads(entry().canonical()))))
    for read in (
        lambda: library.entry(entry().version),
        lambda: library.operators("shop"),
        lambda: library.find("order_total"),
        library.entries,
    ):
        with pytest.raises(ExecutionError, match=why):
            read()


def test_an_operator_that_was_tampered_with_can_be_learned_anew(library: Library, store: Store) -> None:
    put(store, entry().version, entry(code="import os").canonical())
    assert library.in_plans(shop(), "order_total") is None
    second = library.admit(entry(), "probation", [])  # the very same content, which cannot have the same version
    assert second != entry().version
    assert [o.version for o in library.usable(shop()).operators] == [second]
    assert library.entry(second).code == RIGHT


def test_an_entry_that_could_not_be_read_back_is_not_admitted(library: Library) -> None:
    broken = entry().model_copy(update={"contract": {"name": "order_total", "effects": ["no effect"]}})
    with pytest.raises(UsageError):
        library.admit(broken, "probation", [])
    assert library.entries() == []


def test_a_written_operator_is_never_replaced_by_a_learned_one(library: Library) -> None:
    library.admit(entry("pay"), "pinned", [])
    extended = shop().extended_by(library.operators("shop"))
    assert not extended.operators["pay"].is_learned
    assert Domain("shop").extended_by(library.operators("shop")).operators["pay"].is_learned


def test_the_same_content_learned_at_another_time_is_the_same_version_and_keeps_its_first_document(
    library: Library,
) -> None:
    later = entry(origin=ORIGIN.model_copy(update={"created": "2026-02-02", "calls": 9, "seconds": {}}))
    first = library.admit(entry(), "probation", [{"attempt": 1}])
    assert library.admit(later, "quarantined", [{"attempt": 2}]) == first
    assert library.versions("shop", "order_total") == [first]
    assert library.entry(first).provenance == ORIGIN
    assert library.evidence(first) == [{"attempt": 1}, {"attempt": 2}]
    assert library.trust(first) == "probation"  # weaker evidence takes nothing back


def test_another_version_of_the_prompts_is_another_version_of_the_entry() -> None:
    other = entry(origin=ORIGIN.model_copy(update={"prompts": "q"}))
    assert other.version != entry().version
    assert other.specification == entry().specification


def with_other(**said: Any) -> Domain:
    """The shop, which says something else of the operator that it leaves to be learned."""
    domain = shop()
    del domain.operators["order_total"]
    parameters, text = said.get("parameters", {"order": "string"}), said.get("text", "Add up what an order costs.")
    domain.declare("order_total", parameters, text, said.get("promised"))
    if "example" in said:
        domain.example(
            "order_total", "soap", given={"cart": {"soap": [1.0]}}, then={"total": {"soap": said["example"]}}
        )
    return domain


EDITED: dict[str, dict[str, Any]] = {
    "another description": {"text": "Find the dearest item of an order."},
    "another type of a parameter": {"parameters": {"order": "integer"}},
    "one parameter more": {"parameters": {"order": "string", "coupon": "string"}},
    "a contract of its own": {"promised": contract(ensures=["output.total >= 0"])},
    "one example more": {"example": 1.0},
}


@pytest.mark.parametrize("said", EDITED.values(), ids=EDITED)
def test_what_was_learned_for_another_declaration_is_not_used_and_said_to_be_there(
    library: Library, said: dict[str, Any]
) -> None:
    library.admit(entry(), "probation", [])
    usable = library.usable(with_other(**said))
    assert usable.operators == ()
    (note,) = usable.notes
    assert note.startswith("the library has order_total for another declaration or other examples of it")
    assert f"htn learn shop 'order_total({with_other(**said).operators['order_total'].arity})' --again" in note


def test_two_domains_of_one_name_have_each_what_was_learned_for_it(library: Library) -> None:
    mine, other = library.admit(entry(), "probation", []), with_other(text="Something else.")
    its = library.admit(entry(learned_for=other), "probation", [])
    for domain, version in ((shop(), mine), (other, its)):
        assert [o.version for o in library.usable(domain).operators] == [version]
        assert library.usable(domain).notes == ()


def test_an_earlier_entry_for_this_declaration_that_was_demoted_is_not_taken_up_again(library: Library) -> None:
    mine, other = library.admit(entry(), "probation", []), with_other(text="Something else.")
    library.admit(entry(learned_for=other), "probation", [])
    library.demote(mine, {"detail": "it wrote what it must not"})
    assert library.usable(shop()).operators == ()


def test_an_entry_for_a_name_that_nobody_declared_fits_where_nobody_declares_it(library: Library) -> None:
    version = library.admit(entry("refund", learned_for=Domain("shop")), "probation", [])
    assert library.in_plans(shop(), "refund") == version


def test_an_operator_that_somebody_has_written_since_is_nothing_to_talk_about(library: Library) -> None:
    library.admit(entry("pay"), "pinned", [])
    assert library.usable(shop()) == library.usable(Domain("elsewhere"))


DAMAGED = {
    "a field missing": lambda data: {k: v for k, v in data.items() if k != "code"},
    "every field missing": lambda data: {},
    "content changed": lambda data: data | {"code": "import os"},
    "no object": lambda data: [data] * 100,
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_entry_is_left_out_with_a_short_note_and_the_others_are_used(
    library: Library, store: Store, change: Any
) -> None:
    other = library.admit(entry("refund", learned_for=Domain("shop")), "probation", [])
    put(store, entry().version, json.dumps(change(json.loads(entry().canonical()))))
    usable = library.usable(shop())
    assert [o.version for o in usable.operators] == [other]
    (note,) = usable.notes
    assert len(note) < 300 and "\n" not in note
    assert "cannot be read" in note
    assert "htn learn shop 'order_total(order)' --again" in note


def test_a_contract_in_an_entry_that_cannot_be_read_is_damage_too(library: Library, store: Store) -> None:
    broken = entry().model_copy(update={"contract": {"name": "order_total", "effects": ["no effect"]}})
    put(store, broken.version, broken.canonical())
    assert library.usable(shop()).operators == ()
    assert "cannot use 'no effect'" in library.usable(shop()).notes[0]


def test_reading_a_damaged_entry_says_what_is_wrong_in_one_line_and_what_to_do(library: Library, store: Store) -> None:
    put(store, entry().version, "{}")
    with pytest.raises(ExecutionError, match=r"is damaged: domain: Field required$") as caught:
        library.entry(entry().version)
    assert caught.value.hints == ("learn it anew: htn learn DOMAIN TASK --again",)
