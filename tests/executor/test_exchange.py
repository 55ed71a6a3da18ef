"""An operator leaves a library as a file and comes into another: whole, checked, and trusted for what it shows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.exchange import Imported, as_bundle, as_python, bring_in, carried, read_file
from executor.library import Library
from executor.load import load_domain
from executor.sandbox import Sandbox
from htn import Plan, find_plan
from htn.domain import Domain
from htn.errors import UsageError
from tests.executor.shop import LARGEST, RIGHT, shop, state_of
from tests.executor.test_library import entry

Change = Callable[[dict[str, Any]], Any]


def taken_out(library: Library, trust: str = "trusted", **parts: Any) -> Any:
    return carried(
        library, library.admit(entry(**parts), trust, [{"rung": 4, "name": "given examples", "passed": True}])
    )


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def came_in(library: Library, one: Any, **more: Any) -> Imported:
    return bring_in(library, one, who="ada", why="from the other team", **more)


def emptied(one: Any, version: str = "elsewhere") -> Any:
    """The same entry in another domain, which the library does not know."""
    other = one.entry.model_copy(update={"domain": version})
    return one.model_copy(update={"entry": other, "version": other.version})


@pytest.mark.parametrize("ending", ["py", "json"])
@pytest.mark.parametrize("code", [RIGHT, RIGHT + "    # it's '''quoted''' and \\n \"too\" ä\n", RIGHT.strip()])
def test_what_is_written_is_read_back(library: Library, tmp_path: Path, ending: str, code: str) -> None:
    one = taken_out(library, code=code)
    path = write(tmp_path, f"out.{ending}", as_python(one) if ending == "py" else as_bundle([one, emptied(one)]))
    first, *rest = read_file(path)
    assert (first.entry, first.version, first.trust) == (one.entry, one.version, "trusted")
    assert len(rest) == (ending == "json")


def test_the_python_file_is_a_domain_whose_plans_need_no_library(library: Library, tmp_path: Path) -> None:
    one = taken_out(library)
    domain = load_domain(str(write(tmp_path, "order_total.py", as_python(one))))
    assert domain.name == "shop"
    state = state_of(domain)
    plan = find_plan(domain, state, [("order_total", "books")])
    assert isinstance(plan, Plan)
    assert [action.version for action in plan.actions] == [one.version]


def test_the_python_file_puts_its_operator_into_another_domain(library: Library, tmp_path: Path) -> None:
    write(tmp_path, "order_total.py", as_python(taken_out(library)))
    text = (
        "from htn import Domain, State\nfrom order_total import add_to\n\nmarket = Domain('market')\nadd_to(market)\n"
        "@market.method('check_out')\ndef check_out(state, order):\n    return [('order_total', order)]\n"
        "@market.initial_state\ndef start():\n    return State(cart={'tea': [4.0]}, total={})\n"
    )
    domain = load_domain(str(write(tmp_path, "market.py", text)))
    assert domain.name == "market"
    assert isinstance(find_plan(domain, state_of(domain), [("check_out", "tea")]), Plan)


def test_what_comes_in_is_on_probation_at_most_and_plans_use_it(library: Library, tmp_path: Path) -> None:
    one = emptied(taken_out(library))
    found = came_in(library, one)
    assert (found.trust, found.current) == ("probation", True)
    (record,) = library.evidence(found.version)
    assert "calls itself trusted with 1 records, which do not count here" in record["detail"]
    (_, event), = library.events("elsewhere", "order_total")  # fmt: skip
    assert (event.kind, event.who, event.why) == ("imported", "ada", "from the other team")


@pytest.mark.parametrize(
    ("said", "level"), [("retired", "quarantined"), ("blind faith", "quarantined"), ("pinned", "probation")]
)
def test_what_an_entry_says_of_itself_can_only_lower_its_level(library: Library, said: str, level: str) -> None:
    one = emptied(taken_out(library)).model_copy(update={"trust": said})
    assert came_in(library, one).trust == level


def test_an_entry_that_was_demoted_elsewhere_is_not_used_here(library: Library) -> None:
    one = emptied(taken_out(library)).model_copy(update={"evidence": [{"name": "demoted", "passed": False}]})
    assert came_in(library, one).trust == "quarantined"


def test_what_was_demoted_or_retired_here_does_not_come_back_by_an_import(library: Library) -> None:
    one = taken_out(library)
    library.demote(one.version, {"detail": "it broke"})
    assert came_in(library, one).trust == "quarantined"
    assert library.in_plans(shop(), "order_total") is None


def test_where_plans_use_a_version_they_go_on_with_it(library: Library) -> None:
    other = taken_out(library, code=RIGHT + "\n")
    mine = entry()
    one = other.model_copy(update={"entry": mine, "version": mine.version})
    found = came_in(library, one)
    assert not found.current
    assert f"htn library rollback shop.order_total {mine.version[:12]}" in found.note
    assert library.in_plans(shop(), "order_total") == other.version


def test_an_import_whose_evidence_is_gathered_anew_has_the_level_that_it_shows(library: Library, box: Sandbox) -> None:
    found = came_in(library, emptied(taken_out(library, "quarantined")), sandbox=lambda: box)
    assert found.trust == "probation"
    assert [r["rung"] for r in library.evidence(found.version)[1:]] == [0, 1, 2, 3, 4, 8]


def test_an_import_that_fails_here_is_not_written(library: Library, box: Sandbox) -> None:
    one = emptied(taken_out(library, code=LARGEST))
    with pytest.raises(UsageError, match="fails here at rung 4, given examples"):
        came_in(library, one, sandbox=lambda: box)
    assert library.versions("elsewhere", "order_total") == []


def deep(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def with_entry(**parts: Any) -> Change:
    return lambda row: {**row, "entry": {**row["entry"], **parts}}


HOSTILE: dict[str, tuple[Change, str]] = {
    "another body": (with_entry(code="def order_total(order, amounts):\n    return 1\n"), "is not what was exported"),
    "a field that is not ours": (with_entry(more=1), "entry.more: Extra inputs"),
    "a field missing": (lambda row: {k: v for k, v in row.items() if k != "trust"}, "trust: Field required"),
    "a name that leads elsewhere": (with_entry(name="../../x"), "is not a usable name"),
    "a domain that is a key": (with_entry(domain="a:b"), "is not a usable name"),
    "a domain that is Python": (with_entry(domain="import"), "is not a usable name"),
    "the name of another": (with_entry(name="refund"), "its contract is that of order_total"),
    "a version that is none": (lambda row: {**row, "version": "../x"}, "version: String should match"),
    "a body of two megabytes": (with_entry(code="#" * 2_000_000), "is the most"),
    "a body of many lines": (with_entry(code="# \n" * 100_000), "is too long"),
    "a contract that is none": (with_entry(contract=[1]), "entry.contract: Input should be"),
    "a contract that cannot be read": (
        with_entry(contract={"name": "order_total", "effects": ["x"]}),
        "cannot use 'x'",
    ),
    "an example that is none": (with_entry(examples=[{"given": 1}]), "version|example"),
    "a language that nobody knows": (with_entry(language="brainfuck"), "version|language"),
    "evidence that is a text": (lambda row: {**row, "evidence": "much"}, "evidence: Input should be"),
    "an entry that is a text": (lambda row: {**row, "entry": "x" * 100}, "entry: Input should be"),
    "an entry that is deep": (with_entry(declared={"x": deep(200)}), "version|deep|recursion"),
}


@pytest.mark.parametrize(("change", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_bundle_is_hostile_until_it_is_checked(library: Library, tmp_path: Path, change: Change, why: str) -> None:
    bundle = json.loads(as_bundle([taken_out(library)]))
    bundle["entries"] = [change(row) for row in bundle["entries"]]
    with pytest.raises(UsageError, match=why) as caught:
        read_file(write(tmp_path, "in.json", json.dumps(bundle)))
    assert len(caught.value.message) < 500


TEXTS = {
    "nothing": "", "no JSON": "{", "a list": "[]", "deep": "[" * 100_000, "NaN": '{"format": NaN}',
    "another format": '{"format": "x", "edition": 1, "entries": []}',
    "another edition": '{"format": "htn library", "edition": 2, "entries": []}',
    "too many entries": json.dumps({"format": "htn library", "edition": 1, "entries": [{}] * 10_001}),
    "a number of a million digits": '{"format": "htn library", "edition": ' + "1" * 1_000_000 + "}",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_file_that_is_no_bundle_is_refused_in_few_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_file(write(tmp_path, "in.json", text))
    assert len(caught.value.message) < 400


PYTHON = {
    "no such names": "x = 1\n",
    "code instead of literals": "VERSION = 'x'\nTRUST = 'x'\nENTRY = __import__('os').environ\nBODY = 'x'\n",
    "an entry that is computed": "VERSION = 'x'\nTRUST = 'x'\nENTRY = dict(a=1)\nBODY = 'x'\n",
    "one name twice": "VERSION = 'x'\nVERSION = 'y'\n",
    "nested": "ENTRY = " + "(" * 5_000 + ")" * 5_000,
    "no Python": "def",
    "a null byte": "x = '\0'",
}


@pytest.mark.parametrize("text", PYTHON.values(), ids=PYTHON)
def test_a_python_file_that_was_not_exported_is_refused_and_not_run(tmp_path: Path, text: str) -> None:
    ran = tmp_path / "ran"
    with pytest.raises(UsageError):
        read_file(write(tmp_path, "in.py", f"open({str(ran)!r}, 'w').close()\n{text}"))
    assert not ran.exists()


def test_a_body_that_breaks_a_static_rule_does_not_come_in(library: Library, tmp_path: Path) -> None:
    one = taken_out(library, code="import os\n" + RIGHT)
    with pytest.raises(UsageError, match="breaks a rule"):
        read_file(write(tmp_path, "in.json", as_bundle([one])))


def test_text_in_an_entry_never_becomes_source(library: Library, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = f"'''\nopen({str(ran)!r}, 'w').close()\n'''\"\"\"\\"
    one = taken_out(library, code=RIGHT + "".join(f"    # {line}\n" for line in text.split("\n")), description=text)
    path = write(tmp_path, "order_total.py", as_python(one))
    assert load_domain(str(path)).operators["order_total"].description == text
    assert not ran.exists()
    assert read_file(path)[0].entry == one.entry


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is neither"):
        read_file(write(tmp_path, "in.txt", ""))
    with pytest.raises(UsageError, match="there is no file"):
        read_file(tmp_path / "none.json")


def test_a_domain_that_has_the_operator_refuses_it(library: Library, tmp_path: Path) -> None:
    write(tmp_path, "order_total.py", as_python(taken_out(library)))
    text = "from htn import Domain\nfrom order_total import add_to\nm = Domain('m')\nadd_to(m)\nadd_to(m)\n"
    with pytest.raises(UsageError, match="m has order_total already"):
        load_domain(str(write(tmp_path, "market.py", text)))
    assert Domain("m").operators == {}
