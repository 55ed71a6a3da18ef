"""Uses are watched: clean ones promote, a broken contract takes the entry and its dependents down and is kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from executor.actor import Actor
from executor.exchange import as_bundle, as_python, bring_in, carried, read_file
from executor.inputs import inputs_of
from executor.library import Library
from executor.load import load_domain
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import Store
from executor.versions import Versions
from executor.watch import KeptCounterexample
from htn import Plan, find_plan
from htn.domain import Domain
from htn.errors import UsageError
from htn.failure import Failure
from htn.state import State
from tests.executor.shop import FIRST, LARGEST, RIGHT, contract, shop, state_of
from tests.executor.test_library import entry

HELD = {"rung": 8, "name": "contract", "passed": True, "trials": 20}
BROKEN = {"detail": "it wrote something else", "category": "contract"}
AFTER = 3


@pytest.fixture
def library(store: Store) -> Library:
    return Library(store, promote_after=AFTER)


def given(number: float, **more: Any) -> dict[str, Any]:
    found = inputs_of(contract(), State(cart={"tea": [number]}, total={}, **more), ("tea",))
    assert found is not None
    return found


def named(library: Library, name: str, *names: str, trust: str = "trusted") -> str:
    """Admit an operator whose body names these others."""
    words = "".join(f"    # {other}\n" for other in names)
    code = RIGHT.replace("order_total", name) + words
    return library.admit(entry(name, code=code, learned_for=Domain("shop")), trust, [HELD])


def kinds(library: Library, name: str) -> list[str]:
    return [event.kind for _, event in library.events("shop", name)]


def test_an_entry_on_probation_is_trusted_after_so_many_different_clean_uses(library: Library) -> None:
    version = library.admit(entry(), "probation", [HELD])
    assert [library.used(version, given(n)) for n in (1.0, 2.0, 1.0, 2.0, 1.0)] == [False] * 5
    assert library.trust(version) == "probation"
    assert library.used(version, given(3.0))
    assert (library.trust(version), library.uses(version)) == ("trusted", 6)
    assert kinds(library, "order_total") == ["admitted", "promoted"]
    record = library.evidence(version)[-1]
    assert (record["rung"], record["name"], record["passed"], record["trials"]) == (10, "probation", True, AFTER)
    assert not library.used(version, given(4.0))
    assert len(library.evidence(version)) == 2


def test_inputs_that_differ_in_what_the_contract_does_not_see_are_the_same(library: Library) -> None:
    version = library.admit(entry(), "probation", [HELD])
    for day in range(10):
        library.used(version, given(1.0, day=day, paid={"soap": True, f"o{day}": False}))
    assert library.trust(version) == "probation"


def test_inputs_that_differ_in_the_order_of_a_mapping_are_the_same(library: Library) -> None:
    version = library.admit(entry(), "probation", [HELD])
    pairs = [[["a", 1], 1.0], [["b", 2], 2.0], [["c", 3], 3.0]]
    marked = [["a", 1], ["b", 2], ["c", 3]]
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)):
        state = {"at": [pairs[n] for n in order], "x": {"k": {"$map": [marked[n] for n in order]}}}
        library.used(version, {"arguments": ["tea"], "state": state})
    assert library.trust(version) == "probation"


def test_a_use_whose_inputs_cannot_be_told_counts_as_a_use_and_promotes_nothing(library: Library) -> None:
    version = library.admit(entry(), "probation", [HELD])
    for _ in range(2 * AFTER):
        library.used(version, None)
    assert (library.trust(version), library.uses(version)) == ("probation", 2 * AFTER)


@pytest.mark.parametrize("evidence", [[], [HELD | {"passed": False}], [{"rung": "import", "passed": True}]])
def test_without_the_evidence_uses_promote_nothing_and_with_it_the_next_one_does(
    library: Library, store: Store, evidence: list[dict[str, Any]]
) -> None:
    version = library.admit(entry(), "probation", evidence)
    for n in range(2 * AFTER):
        assert not library.used(version, given(float(n)))
    assert library.trust(version) == "probation"
    store.append_evidence(version, json.dumps(HELD))
    assert library.used(version, given(0.0))


@pytest.mark.parametrize("trust", ["quarantined", "trusted", "pinned", "retired"])
def test_uses_change_no_other_level_of_trust(library: Library, trust: str) -> None:
    version = library.admit(entry(), trust, [HELD])
    for n in range(2 * AFTER):
        assert not library.used(version, given(float(n)))
    assert library.trust(version) == trust


def test_what_is_remembered_of_the_inputs_is_bounded_and_goes_with_the_promotion(
    library: Library, store: Store, folder: Path
) -> None:
    version = library.admit(entry(), "probation", [])
    with redis.Redis(unix_socket_path=str(folder / "store" / "redis.sock")) as client:
        for n in range(3 * AFTER):
            library.used(version, given(float(n)))
        assert client.scard(f"htn:tried:{version}") == AFTER
        store.append_evidence(version, json.dumps(HELD))
        assert library.used(version, given(0.0))
        assert not client.exists(f"htn:tried:{version}")


def test_what_depends_on_a_demoted_entry_goes_back_to_probation_with_the_cause(library: Library) -> None:
    base = named(library, "base")
    direct, other = named(library, "direct", "base"), named(library, "other")
    far = named(library, "far", "direct")
    weak = named(library, "weak", "base", trust="quarantined")
    library.demote(base, BROKEN, given(1.0))
    levels = [library.trust(v) for v in (base, direct, far, other, weak)]
    assert levels == ["quarantined", "probation", "probation", "trusted", "quarantined"]
    for name, version in (("direct", direct), ("far", far)):
        assert kinds(library, name) == ["admitted", "put back"]
        (_, event) = library.events("shop", name)[-1]
        assert event.version == version
        assert f"base {base[:12]}, which it names, was demoted: it wrote something else" in event.why
        record = library.evidence(version)[-1]
        assert (record["name"], record["passed"], record["cause"]) == ("put back", False, base)
    assert kinds(library, "other") == ["admitted"]


def test_those_that_depend_on_each_other_go_back_once(library: Library) -> None:
    named(library, "one")
    two = named(library, "two", "one")
    one = named(library, "one", "two")
    library.demote(one, BROKEN)
    assert (library.trust(one), library.trust(two)) == ("quarantined", "probation")
    assert kinds(library, "two") == ["admitted", "put back"]
    assert "put back" not in [record["name"] for record in library.evidence(one)]


def test_a_pinned_dependent_stays_pinned_and_is_on_probation_once_it_is_let_go(library: Library, store: Store) -> None:
    versions = Versions(library, store)
    base, above = named(library, "base"), named(library, "above", "base")
    versions.pin("above", above, who="ada", why="checked")
    library.demote(base, BROKEN)
    assert library.trust(above) == "pinned"
    assert library.evidence(above)[-1]["detail"].startswith("pinned, so it stays; base")
    versions.unpin("above", who="ada", why="no more")
    assert library.trust(above) == "probation"


def test_retiring_an_entry_puts_back_what_depends_on_it(library: Library, store: Store) -> None:
    named(library, "base")
    above = named(library, "above", "base")
    Versions(library, store).retire("base", who="ada", why="not needed", force=True)
    assert library.trust(above) == "probation"
    assert "was retired: not needed" in library.evidence(above)[-1]["detail"]


def test_what_was_put_back_has_to_be_used_anew(library: Library) -> None:
    base, above = named(library, "base"), named(library, "above", "base", trust="probation")
    for n in range(AFTER - 1):
        library.used(above, given(float(n)))
    library.demote(base, BROKEN)
    assert not library.used(above, given(7.0))
    assert [library.used(above, given(float(n))) for n in (8, 9)] == [False, True]


def test_an_entry_that_broke_its_contract_does_not_come_back_by_uses_or_by_being_admitted(library: Library) -> None:
    version = library.admit(entry(), "probation", [HELD])
    other = library.admit(entry(code=FIRST), "probation", [HELD])
    library.demote(version, BROKEN)
    for n in range(2 * AFTER):
        library.used(version, given(float(n)))
    assert library.admit(entry(), "trusted", [HELD]) == version
    assert library.trust(version) == "quarantined"
    assert library.current("shop", "order_total") == other


def test_a_retired_entry_that_breaks_its_contract_stays_retired(library: Library, store: Store) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    Versions(library, store).retire("order_total", who="ada", why="old", force=True)
    library.demote(version, BROKEN)
    assert library.trust(version) == "retired"


def breaking(library: Library, box: Sandbox) -> tuple[str, State]:
    """Carry out a plan whose learned body breaks its contract; return its version and the state."""
    promise = contract(ensures=["output.total == sum(amounts)"])
    wrong = entry(code=LARGEST).model_copy(update={"contract": promise.to_json()})
    version = library.admit(wrong, "trusted", [HELD])
    domain = shop().extended_by(library.operators("shop"))
    state = state_of(domain)
    plan = find_plan(domain, state, [("check_out", "tea")])
    assert isinstance(plan, Plan)
    run = Actor(domain, lambda: library, lambda: box, SandboxLimits(seconds=1.0)).act(plan, state)
    assert run.failed is not None
    return version, state


def test_the_input_of_a_broken_contract_is_kept_whole_and_outlives_the_version(
    library: Library, store: Store, box: Sandbox
) -> None:
    version, _ = breaking(library, box)
    Versions(library, store).retire("order_total", who="ada", why="it is wrong")
    (found,) = library.counterexamples("shop", "order_total")
    assert (found.state, found.arguments) == (State(cart={"tea": [4.0, 4.0, 1.5]}, total={}), ("tea",))
    assert "output.total == sum(amounts)" in found.detail
    assert (found.origin, found.version) == ("use", version)
    assert library.counterexamples("shop", "pay") == []


def test_the_ladder_may_add_counterexamples_and_the_newest_fifty_are_kept(library: Library) -> None:
    for n in range(60):
        assert library.keep_counterexample("shop", "order_total", given(float(n)), f"wrong {n}", "rung 7")
    found = library.counterexamples("shop", "order_total")
    assert [each.detail for each in found] == [f"wrong {n}" for n in range(10, 60)]
    assert {each.origin for each in found} == {"rung 7"}


def test_of_the_same_input_the_last_finding_is_kept(library: Library) -> None:
    for detail, number in (("a", 1.0), ("b", 2.0), ("c", 1.0)):
        library.keep_counterexample("shop", "order_total", given(number), detail, "use")
    assert [each.detail for each in library.counterexamples("shop", "order_total")] == ["b", "c"]


def test_what_is_no_input_or_too_large_is_not_kept(library: Library) -> None:
    with pytest.raises(UsageError):
        library.keep_counterexample("shop", "order_total", {"state": {}}, "", "use")
    assert not library.keep_counterexample("shop", "order_total", given(1.0) | {"more": "x" * 200_000}, "", "use")
    assert library.counterexamples("shop", "order_total") == []


def test_a_demotion_holds_whatever_the_body_has_said(library: Library) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    above = named(library, "above", "order_total")
    said = 'half \ud800 of it, "quoted", {version} %1 \\ \n and \x1b[31m' + "x" * 10_000
    library.demote(version, {"detail": said}, given(1.0))
    assert (library.trust(version), library.trust(above)) == ("quarantined", "probation")
    assert [event.version for _, event in library.events("shop", "above")] == [above, above]
    assert "\\ud800" in library.evidence(version)[-1]["detail"]


def test_counterexamples_that_were_damaged_are_left_out(library: Library, folder: Path) -> None:
    library.keep_counterexample("shop", "order_total", given(1.0), "a", "use")
    with redis.Redis(unix_socket_path=str(folder / "store" / "redis.sock")) as client:
        for text in ("", "{", "[]", '{"inputs": 1}', "[" * 50_000):
            client.rpush("htn:counterexamples:shop:order_total", "0" * 64 + text)
    assert [each.detail for each in library.counterexamples("shop", "order_total")] == ["a"]


def elsewhere(library: Library, version: str) -> Any:
    one = carried(library, version)
    moved = one.entry.model_copy(update={"domain": "market"})
    return one.model_copy(update={"entry": moved, "version": moved.version})


def test_counterexamples_travel_in_a_bundle(library: Library, tmp_path: Path) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    library.keep_counterexample("shop", "order_total", given(1.0), "wrong", "rung 7")
    path = tmp_path / "all.json"
    path.write_text(as_bundle([elsewhere(library, version)]), encoding="utf-8")
    (one,) = read_file(path)
    bring_in(library, one, who="ada", why="from the other team")
    (found,) = library.counterexamples("market", "order_total")
    assert (found.arguments, found.detail, found.origin) == (("tea",), "wrong", "imported; rung 7")


Change = Callable[[dict[str, Any]], Any]
HOSTILE: dict[str, Change] = {
    "a text": lambda row: "x",
    "another field": lambda row: {**row, "inputs": {"arguments": "tea", "state": {}}},
    "a variable that leads elsewhere": lambda row: {**row, "inputs": {"arguments": [], "state": {"__class__": 1}}},
    "a detail that is a list": lambda row: {**row, "detail": ["x"]},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_counterexample_of_elsewhere_is_hostile_until_it_is_checked(
    library: Library, tmp_path: Path, change: Change
) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    library.keep_counterexample("shop", "order_total", given(1.0), "wrong", "rung 7")
    bundle = json.loads(as_bundle([carried(library, version)]))
    bundle["entries"][0]["counterexamples"] = [change(bundle["entries"][0]["counterexamples"][0])]
    path = tmp_path / "all.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    with pytest.raises(UsageError):
        read_file(path)


def test_a_counterexample_reads_back_as_it_was_written() -> None:
    data = {"inputs": given(1.0), "detail": "d", "origin": "use", "version": "v"}
    assert KeptCounterexample.read(data).to_json() == data


def file_of(library: Library, version: str, folder: Path) -> Domain:
    path = folder / "order_total.py"
    path.write_text(as_python(carried(library, version)), encoding="utf-8")
    return load_domain(str(path))


@pytest.mark.parametrize("fate", ["demoted", "retired"])
def test_an_operator_that_a_file_brings_along_is_not_used_where_it_was_demoted_or_retired_here(
    library: Library, store: Store, tmp_path: Path, fate: str
) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    domain = file_of(library, version, tmp_path)
    assert library.usable(domain).notes == ()
    if fate == "demoted":
        library.demote(version, BROKEN)
    else:
        Versions(library, store).retire("order_total", who="ada", why="old", force=True)
    usable = library.usable(domain)
    (note,) = usable.notes
    assert f"order_total {version[:12]}, which {domain.source} brings along, was {fate} here, so it is not used" in note
    found = find_plan(domain.extended_by(usable.operators), state_of(domain), [("order_total", "books")])
    assert isinstance(found, Failure)
    assert [gap.task[0] for gap in found.gaps] == ["order_total"]
    assert domain.operators["order_total"].version == version


def test_what_was_learned_in_its_place_is_used_instead_of_the_one_in_the_file(library: Library, tmp_path: Path) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    domain = file_of(library, version, tmp_path)
    library.demote(version, BROKEN)
    gap = domain.extended_by(library.usable(domain).operators)
    instead = library.admit(entry(code=RIGHT + "\n", learned_for=gap), "probation", [HELD])
    assert library.in_plans(domain, "order_total") == instead


def test_a_pinned_version_is_used_from_a_file_although_it_was_demoted_before(
    library: Library, store: Store, tmp_path: Path
) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    domain = file_of(library, version, tmp_path)
    library.demote(version, BROKEN)
    Versions(library, store).pin("order_total", version, who="ada", why="the state was wrong, not the body")
    assert library.usable(domain).notes == ()


def test_a_step_whose_operator_was_demoted_after_the_plan_was_made_is_not_carried_out(
    library: Library, box: Sandbox
) -> None:
    version = library.admit(entry(), "trusted", [HELD])
    domain = shop().extended_by(library.operators("shop"))
    state = state_of(domain)
    plan = find_plan(domain, state, [("check_out", "tea")])
    assert isinstance(plan, Plan)
    library.demote(version, BROKEN)
    run = Actor(domain, lambda: library, lambda: box, SandboxLimits(seconds=1.0)).act(plan, state)
    assert run.failed is not None
    assert "was demoted after the plan was made" in run.failed.detail
