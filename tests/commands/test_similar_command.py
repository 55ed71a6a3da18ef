"""htn library similar and lessons, in processes of their own."""

from pathlib import Path

import pytest

from executor.lessons import Lessons
from executor.library import Library
from executor.store import open_store
from tests.commands.shell import NOBODY, Shell
from tests.executor.operators import operator


@pytest.fixture
def filled(htn: Shell) -> Shell:
    """A shell with three operators in its library, and two lessons."""
    with open_store(redis_url=None, data_dir=Path(htn.environment["HTN_DATA_DIR"])) as store:
        library = Library(store)
        for entry in (
            operator("column_mean", "The mean of a column.", file="string", column="string"),
            operator("pay", "A person pays.\nUse it at a till.", person="string", shop="string"),
            operator("feed", "Feed an animal \x1b[31m.", domain="zoo", animal="string"),
        ):
            library.admit(entry, "trusted", [])
        lessons = Lessons(store)
        for domain, language in (("shop", "python"), ("zoo", "go")):
            lessons.note(domain, language, "runtime", f"\x1b[31mdivision by zero in the {domain}", "count first")
    return htn


def test_a_text_finds_the_operator_that_shares_its_words(filled: Shell) -> None:
    said = filled("library", "similar", "the mean of some column")
    assert (said.code, said.err) == (0, "")
    first, description, why = said.out.splitlines()[:3]
    assert first.startswith("shop.column_mean(file: text, column: text)  trusted  ")
    assert (description, why) == ("  The mean of a column.", "  shares column, mean")


def test_a_line_that_says_when_to_use_it_is_found(filled: Shell) -> None:
    assert filled("library", "similar", "at the till", "--json").json[0]["name"] == "shop.pay"


@pytest.mark.parametrize("name", ["pay", "shop.pay"])
def test_the_name_of_an_operator_finds_it_and_what_has_its_types(filled: Shell, name: str) -> None:
    found = filled("library", "similar", name, "--json", "--most", "2").json
    assert [row["name"] for row in found] == ["shop.pay", "shop.column_mean"]
    assert found[0]["why"].startswith("the same name; the same types")
    assert set(found[0]) == {
        "name", "version", "signature", "description", "trust", "uses", "created", "score", "why",
    }  # fmt: skip


def test_there_is_always_an_answer_and_no_did_you_mean(filled: Shell) -> None:
    said = filled("library", "similar", "colum_maen")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("shop.column_mean")
    assert len(filled("library", "similar", "%§ \udcff", "--json").json) == 3


def test_the_domain_and_the_trust_narrow_it(filled: Shell) -> None:
    found = filled("library", "similar", "mean", "--domain", "zoo", "--json").json
    assert [row["name"] for row in found] == ["zoo.feed"]
    said = filled("library", "similar", "mean", "--least-trust", "pinned")
    assert (said.code, said.out, said.err) == (0, "", "the library holds nothing to choose from\n")
    assert "\x1b" not in filled("library", "similar", "feed").out


def test_lessons_are_listed_and_forgotten(filled: Shell) -> None:
    said = filled("library", "lessons").out.splitlines()
    assert said[0] == "shop  python  [Nmdivision by zero in the shop (runtime, once): count first"
    assert len(said) == 2
    (row,) = filled("library", "lessons", "--domain", "zoo", "--json").json
    assert (row["language"], row["category"], row["count"], row["advice"]) == ("go", "runtime", 1, "count first")
    assert filled("library", "lessons", "--domain", "zoo", "--clear", "--json").json == {
        "domain": "zoo",
        "forgotten": 1,
    }
    assert filled("library", "lessons", "--domain", "zoo").err == "there are no lessons\n"
    assert len(filled("library", "lessons", "--json").json) == 1


def test_clear_needs_a_domain_and_a_server(filled: Shell) -> None:
    refused = filled("library", "lessons", "--clear")
    assert (refused.code, "--domain DOMAIN --clear" in refused.err) == (2, True)
    for words in (("similar", "mean"), ("lessons",)):
        assert filled("library", *words, "--redis-url", NOBODY).code == 7
    assert filled("library", "lessons", "--domain", "a:b").code == 2
