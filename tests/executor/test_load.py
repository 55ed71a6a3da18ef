"""Finding a domain and reading a state: whatever is wrong with the file, the error says what and where."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from executor.load import bundled, load_domain, load_state
from htn.domain import Domain
from htn.errors import DomainError, UsageError
from htn.state import State

DOMAIN = 'from htn.domain import Domain\nmine = Domain("mine")\n'


def written(folder: Path, text: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_domain_can_be_loaded_with_its_state(name: str) -> None:
    domain = load_domain(name)
    assert domain.name == name
    assert list(load_state(domain, None))


def test_a_bundled_name_almost_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(UsageError) as caught:
        load_domain("report")
    assert caught.value.hints[0] == "did you mean reports?"
    assert "bundled: " in caught.value.hints[1]


@pytest.mark.parametrize("name", ["", "..", "__init__", "data", "os", "reports.x"])
def test_what_is_not_bundled_is_not_imported(name: str) -> None:
    with pytest.raises(UsageError, match="there is no bundled domain"):
        load_domain(name)


@pytest.mark.parametrize("form", ["{folder}/mine.py", "mine.py", "./mine.py", "{folder}/../{last}/mine.py"])
def test_a_file_is_found_by_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    written(tmp_path, DOMAIN)
    monkeypatch.chdir(tmp_path)
    assert load_domain(form.format(folder=tmp_path, last=tmp_path.name)).name == "mine"


@pytest.mark.parametrize("name", ["no_such.py", "no/such", "{folder}/", "{folder}"])
def test_a_path_without_a_file_is_said_to_have_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no domain file"):
        load_domain(name.format(folder=tmp_path))


BROKEN = {
    "a syntax error": ("x = 1\ndef f(:\n", "SyntaxError", 2),
    "an exception": ("x = 1\n\nraise ValueError('boom')\n", "ValueError: boom", 3),
    "a missing module": ("import no_such_module_at_all\n", "ModuleNotFoundError", 1),
    "an exception further down": ("def f():\n    return {}['x']\n\nf()\n", "KeyError", 2),
    "it leaves the program": ("import sys\nsys.exit(0)\n", "SystemExit", 2),
    "endless recursion": ("def f():\n    f()\nf()\n", "RecursionError", 2),
    "a null byte": ("x = 1\0\n", "null bytes", None),
}


@pytest.mark.parametrize(("text", "why", "line"), BROKEN.values(), ids=BROKEN)
def test_a_domain_file_that_does_not_import_says_why_and_in_which_line(
    tmp_path: Path, text: str, why: str, line: int | None
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DomainError) as caught:
        load_domain(path)
    assert why in caught.value.message
    assert path in caught.value.message
    if line:
        assert caught.value.where == f"{path}:{line}"


def test_a_mistake_in_the_domain_language_is_told_in_its_own_words(tmp_path: Path) -> None:
    path = written(tmp_path, DOMAIN + "@mine.command('fly')\ndef f(state):\n    return state\n")
    with pytest.raises(DomainError, match="fly has a command but is no operator of mine"):
        load_domain(path)


def test_a_file_that_failed_leaves_no_half_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(DomainError):
        load_domain(written(tmp_path, "raise ValueError", "half.py"))
    assert {name for name in set(sys.modules) - before if "half" in name} == set()


def test_a_file_without_a_domain_is_shown_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="defines no domain") as caught:
        load_domain(written(tmp_path, "x = 1\n"))
    assert 'Domain("' in caught.value.hints[0]


def test_a_file_with_two_domains_names_them(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="defines 2 domains: mine, other"):
        load_domain(written(tmp_path, DOMAIN + 'other = Domain("other")\n'))


def test_one_domain_under_two_names_is_one_domain(tmp_path: Path) -> None:
    assert load_domain(written(tmp_path, DOMAIN + "again = mine\n")).name == "mine"


def test_a_dataclass_in_a_domain_file_works(tmp_path: Path) -> None:
    text = DOMAIN + "from dataclasses import dataclass\n@dataclass\nclass Part:\n    size: 'int' = 3\nPart()\n"
    assert load_domain(written(tmp_path, text)).name == "mine"


def domain_with(state: Any) -> Domain:
    domain = Domain("mine")
    domain.initial_state(lambda: state() if callable(state) else state)
    return domain


def test_the_state_file_replaces_the_variables_that_it_names_and_no_others(tmp_path: Path) -> None:
    domain = domain_with(lambda: State(loc={"me": "home", "you": "park"}, cash={"me": 3}, day=1))
    path = Path(written(tmp_path, json.dumps({"loc": {"me": "park"}, "day": 2, "more": [[["a", "b"], 1]]}), "s.json"))
    domain.variable("more", "number")
    state = load_state(domain, path)
    assert state == State(loc={"me": "park"}, cash={"me": 3}, day=2, more={("a", "b"): 1})


def test_a_variable_that_the_domain_does_not_have_is_answered_with_the_right_one(tmp_path: Path) -> None:
    path = Path(written(tmp_path, '{"locc": {"me": "park"}}', "s.json"))
    with pytest.raises(UsageError, match="mine has no state variable locc") as caught:
        load_state(domain_with(lambda: State(loc={"me": "home"})), path)
    assert caught.value.hints[0] == "did you mean loc?"
    assert caught.value.where == str(path)


def test_a_domain_that_says_nothing_about_its_state_takes_any_variable(tmp_path: Path) -> None:
    path = Path(written(tmp_path, '{"anything": 1}', "s.json"))
    assert load_state(Domain("mine"), path) == State(anything=1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"cash": {"me": 3, "you": "much"}}', "cash[you] is 'much', not number"),
        ('{"cash": {"me": -1}}', "cash[me] is -1, less than 0"),
        ('{"day": "Monday"}', "day is 'Monday', not integer"),
    ],
)
def test_a_value_that_its_variable_cannot_have_is_named_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    domain = domain_with(lambda: State(cash={}, day=1))
    domain.variable("cash", {"type": "number", "minimum": 0})
    domain.variable("day", "integer")
    with pytest.raises(UsageError) as caught:
        load_state(domain, Path(written(tmp_path, text, "s.json")))
    assert why in caught.value.message


def test_a_state_file_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    assert load_state(Domain("mine"), Path(written(tmp_path, '\ufeff{"day": 2}', "s.json"))) == State(day=2)


def test_what_is_not_a_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.json")
    with pytest.raises(UsageError, match="it is not a file"):
        load_state(Domain("mine"), tmp_path / "s.json")


def test_a_domain_file_imports_the_files_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    written(tmp_path, "NAME = 'mine'\n", "beside_at_once.py")
    written(tmp_path, "DAY = 7\n", "beside_later.py")
    text = (
        "from htn import Domain, State\nimport beside_at_once\nmine = Domain(beside_at_once.NAME)\n"
        "@mine.initial_state\ndef start():\n    import beside_later\n    return State(day=beside_later.DAY)\n"
    )
    domain = load_domain(written(tmp_path, text))
    assert load_state(domain, None) == State(day=7)


def test_files_beside_a_domain_do_not_stand_before_other_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    load_domain(written(tmp_path, DOMAIN))
    assert sys.path.index(str(tmp_path)) == len(sys.path) - 1


def test_a_bundled_domain_that_is_typed_as_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_domain("travel.py")
    assert caught.value.hints == ("the bundled domain is called travel, without .py",)
    written(tmp_path, DOMAIN)
    with pytest.raises(UsageError) as caught:
        load_domain(str(tmp_path / "mne.py"))
    assert caught.value.hints == ("did you mean mine.py?",)


def test_without_anything_the_state_is_empty() -> None:
    assert load_state(Domain("mine"), None) == State()


def test_the_journal_starts_with_the_state(tmp_path: Path) -> None:
    path = Path(written(tmp_path, '{"day": 2}', "s.json"))
    state = load_state(domain_with(lambda: State(day=1)), path)
    assert state.mark() == 0


BAD_STATES = {
    "not JSON": ("{", "is not JSON"),
    "not text": ("\udcff", "is not JSON"),
    "a list": ("[1, 2]", "a state is a JSON object"),
    "a number": ("3", "a state is a JSON object"),
    "deep": ("[" * 100_000, "is not JSON"),
    "deep values": ('{"a": {"b": ' + "[" * 900 + "]" * 900 + "}}", "nested too deeply"),
    "not a number": ('{"day": NaN}', "is not JSON"),
    "a name that is none": ('{"a b": 1}', "cannot name a state variable"),
    "a name with underscores": ('{"__class__": 1}', "cannot name a state variable"),
    "a name that states have": ('{"copy": 1}', "cannot name a state variable"),
    "a bare list": ('{"day": [1, 2]}', "is a list, but not of"),
    "a key that is none": ('{"loc": {"$map": [[[1], 2]]}}', "is malformed"),
}


@pytest.mark.parametrize(("text", "why"), BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_file_that_cannot_be_used_says_why_and_which_file(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        load_state(Domain("mine"), path)
    assert why in caught.value.message
    assert caught.value.where == str(path)


def test_a_state_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "no.json", tmp_path):
        with pytest.raises(UsageError, match="cannot read the state file"):
            load_state(Domain("mine"), path)


def boom() -> State:
    raise KeyError("no data")


def test_an_initial_state_that_cannot_be_made_is_the_domains_mistake() -> None:
    with pytest.raises(DomainError, match="the initial state of mine cannot be made: KeyError"):
        load_state(domain_with(boom), None)
    with pytest.raises(DomainError, match="the initial state of mine cannot be made: SystemExit"):
        load_state(domain_with(sys.exit), None)
    with pytest.raises(DomainError, match="the initial state of mine is a dict, not a State"):
        load_state(domain_with({"loc": {}}), None)


def test_a_file_that_was_changed_within_a_second_is_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    file = tmp_path / "quick.py"
    for name in ("one", "two"):
        file.write_text(f'from htn import Domain\nd = Domain("{name}")\n')
        os.utime(file, (1_000_000_000, 1_000_000_000))
        assert load_domain(str(file)).name == name
