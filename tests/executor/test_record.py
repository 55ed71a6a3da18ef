"""What an entry records of itself: what it ran on, its packages with their lock, and the tests that it was tried on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.asserted import FIELD, MOST, KeptTest, asserted_in
from executor.check import Candidate, check
from executor.entry import Entry
from executor.exchange import as_bundle, as_python, carried, read_file
from executor.generate import Hints
from executor.generate.prompt import body_prompt, repair_prompt
from executor.learn_settings import alone_of
from executor.library import Library
from executor.normal import normal_form
from executor.sandbox import Sandbox
from executor.settings import Settings
from executor.validate import ALONE, Trial, Verdict, alone, climb
from htn.errors import UsageError
from tests.executor.shop import RIGHT, contract, shop
from tests.executor.test_library import ORIGIN, entry

# An entry as it was stored when entries had neither packages nor a lock, and the version that it had.
BEFORE = Path(__file__).with_name("entry_before_packages.json")
VERSION_BEFORE = "c82ba5ea2ae80961d31b819dc2851cb0d97e519aa1b351b5dcdb3468e4a2340a"
PIN = f"tally==1.2 sha256:{'0' * 64}"
WITH_PACKAGE = "import tally\n\n" + RIGHT.replace("sum(amounts)", "tally.up(amounts)")


def declaring(*packages: str, code: str = WITH_PACKAGE) -> Candidate:
    return Candidate(contract(), code, packages=packages)


def looked_at(candidate: Candidate, box: Sandbox, *allowed: str) -> Verdict:
    """What the rungs say that run nothing."""
    return climb(Trial(candidate, box), ladder=alone(allowed)[:2])


def test_an_entry_that_was_stored_before_is_read_with_the_version_that_it_had(library: Library) -> None:
    old = Entry.model_validate_json(BEFORE.read_text())
    assert old.version == VERSION_BEFORE
    assert library.admit(old, "probation", []) == VERSION_BEFORE
    assert library.entry(VERSION_BEFORE).packages == ()


def test_packages_and_their_lock_are_part_of_what_an_entry_is_and_what_it_ran_on_is_not() -> None:
    plain, declared = entry(), entry().model_copy(update={"packages": ("tally",)})
    locked = declared.model_copy(update={"lock": (PIN,)})
    assert len({plain.version, declared.version, locked.version}) == 3
    elsewhere = entry(origin=ORIGIN.model_copy(update={"runs_on": "docker sha256:1"}))
    assert elsewhere.version == plain.version
    assert declared.program().dependencies == declared.candidate().packages == ("tally",)
    assert locked.program().dependencies == locked.candidate().packages == (PIN,)


def test_an_entry_whose_packages_no_program_can_have_is_not_admitted(library: Library) -> None:
    with pytest.raises(UsageError, match="is no requirement"):
        library.admit(entry().model_copy(update={"packages": ("../tally",)}), "probation", [])
    assert library.entries() == []


@pytest.mark.parametrize("write", [lambda one: (as_bundle([one]), "one.json"), lambda one: (as_python(one), "one.py")])
def test_packages_travel_with_an_entry(library: Library, tmp_path: Path, write: Callable[[Any], Any]) -> None:
    made = entry(code=WITH_PACKAGE).model_copy(update={"packages": ("tally",), "lock": (PIN,)})
    text, name = write(carried(library, library.admit(made, "probation", [])))
    (tmp_path / name).write_text(text)
    (back,) = read_file(tmp_path / name)
    assert (back.version, back.entry.lock) == (made.version, (PIN,))


def test_no_package_may_be_declared_unless_the_setting_lists_it(box: Sandbox) -> None:
    refused = looked_at(declaring("tally>=1"), box).failed
    assert refused is not None
    assert refused.rung == 1
    assert "the setting allowed_packages lists none" in refused.detail
    assert "HTN_ALLOWED_PACKAGES=tally" in refused.detail
    assert looked_at(declaring("tally>=1"), box, "tally").passed
    assert looked_at(declaring("tally>=1"), box, "*").passed
    assert not looked_at(declaring("tally>=1"), box, "other").passed


@pytest.mark.parametrize(
    "package", ["https://example.org/tally.whl", "tally; python_version > '3'", "-r x", "tally", ""]
)
def test_what_is_no_requirement_is_refused_by_the_rung_that_runs_nothing(box: Sandbox, package: str) -> None:
    packages = (package, package) if package == "tally" else (package,)
    assert not looked_at(declaring(*packages), box, "*").passed


def test_only_python_bodies_declare_packages(box: Sandbox) -> None:
    code = "function order_total(order, amounts) { return null; }"
    found = looked_at(Candidate(contract(), code, "javascript", ("tally",)), box, "*").failed
    assert found is not None
    assert "only python bodies can" in found.detail


@pytest.mark.parametrize("module", ["os", "socket", "importlib", "os.path", "_socket"])
def test_declared_packages_open_no_module_of_pythons_own(module: str) -> None:
    assert check(declaring("tally", code=f"import {module}\n{RIGHT}"))
    assert check(declaring("tally", code=f"from {module} import path\n{RIGHT}"))


def test_without_a_package_its_module_cannot_be_imported() -> None:
    assert check(declaring())
    assert not check(declaring("tally"))


def test_a_body_with_other_packages_is_another_body() -> None:
    assert len({normal_form(declaring(*names)) for names in ((), ("a",), ("b",), ("a", "b"))}) == 4
    assert normal_form(declaring("a", "b")) == normal_form(declaring("b", "a"))


def test_a_prompt_speaks_of_packages_only_where_some_are_allowed() -> None:
    assert "packages" not in body_prompt(shop(), contract())
    assert "allowed are: tally, more" in body_prompt(shop(), contract(), hints=Hints(packages=("tally", "more")))
    asked: dict[str, Any] = {"code": WITH_PACKAGE, "check": "smoke", "problem": "import", "attempts": []}
    assert "PACKAGES" not in repair_prompt(shop(), contract(), **asked)
    assert "PACKAGES: tally" in repair_prompt(shop(), contract(), **asked, packages=("tally",))


def test_the_ladder_of_the_settings_allows_what_they_list() -> None:
    assert alone_of(Settings.load()) == ALONE
    assert alone_of(Settings.load(allowed_packages="tally, more")) == alone(("tally", "more"))


def test_what_every_rung_ran_on_is_in_the_evidence(box: Sandbox) -> None:
    trial = Trial(Candidate(contract(), RIGHT), box, shop().variables)
    verdict = climb(trial)
    on = box.runs_on(trial.program)
    assert [e.runs_on for e in verdict.evidence] == ["", "", on, on, "", on]
    assert [e.to_json().get("runs_on") for e in verdict.evidence] == [None, None, on, on, None, on]


def test_the_examples_of_the_user_are_tests_and_stand_in_front(library: Library) -> None:
    other = KeptTest({"arguments": ["a"], "state": {"cart": {"a": [1.0]}}}, {"total[a]": 1.0}, ("x #0", "x #1"))
    version = library.admit(entry(), "probation", [{"rung": 5, "passed": True, FIELD: [other.to_json()]}])
    first, second = library.tests(version)
    assert (first.origin, first.expected) == (("the user",), {"total[books]": 10.0})
    assert second == other


DAMAGED: list[Any] = [
    None, 3, "text", {}, [[]], [{"inputs": {}, "expected": {}, "origin": ["x"]}],
    [{"inputs": {"arguments": ["a"], "state": {}}, "expected": {}, "origin": []}],
    [{"inputs": {"arguments": 3, "state": {}}, "expected": {}, "origin": ["x"]}],
]  # fmt: skip


@pytest.mark.parametrize("damaged", DAMAGED)
def test_what_is_no_test_in_the_evidence_is_left_out(damaged: Any) -> None:
    good = KeptTest({"arguments": ["a"], "state": {}}, {"total[a]": 1.0}, ("x #0",))
    assert asserted_in([{FIELD: damaged}, {}, {FIELD: [good.to_json()]}]) == [good]


def test_few_tests_are_kept_and_none_that_is_large() -> None:
    many = [KeptTest({"arguments": [n], "state": {}}, {"total[a]": n}, ("x #0",)).to_json() for n in range(3 * MOST)]
    large = KeptTest({"arguments": ["a" * 100_000], "state": {}}, {}, ("x #0", "x #1")).to_json()
    kept = asserted_in([{FIELD: [large, *many]}])
    assert len(kept) == MOST
    assert all(len(json.dumps(test.to_json())) < 20_000 for test in kept)
