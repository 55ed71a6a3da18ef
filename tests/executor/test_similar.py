"""What is similar is suggested: by name and types first, then by vectors, then by words; and nothing more than that."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.entry import TRUST, Entry
from executor.library import Library
from executor.similar import Finder, Suggestion, Wanted, known_operators
from executor.similar.catalogue import Card, Catalogue
from executor.store import Bulk, Store
from executor.words import words_in
from htn.contract import Contract
from htn.domain import Domain
from htn.errors import ServiceMissing, UsageError
from htn.failure import Gap
from htn.state import State
from tests.executor.operators import operator
from tests.executor.shop import contract, gap_in, shop

MEAN = operator("column_mean", "The mean of a column of numbers.", file="string", column="string")
PAY = operator("pay", "A person pays in a shop.", person="string", shop="string")
SCALE = operator("scale_column", "Multiply a column by a number.", factor="number", column="string")
SORT = operator("sort_list", "Put the numbers of a list in order.", numbers="[number]")


def admitted(library: Library, *entries: Entry, trust: str = "trusted") -> list[str]:
    return [library.admit(entry, trust, []) for entry in entries]


def names(found: Iterable[Suggestion]) -> list[str]:
    return [each.name for each in found]


class Counting(Bulk):
    """The reads of a store, with a list of the versions whose documents were read."""

    read: list[str]

    def documents(self, versions: Sequence[str]) -> dict[str, str]:
        self.read += versions
        return super().documents(versions)


@pytest.fixture
def counted(store: Store, library: Library, monkeypatch: pytest.MonkeyPatch) -> tuple[Finder, list[str]]:
    """A finder, and the list of versions whose documents it reads."""
    bulk = store.bulk()
    counting = Counting(bulk._connection, bulk._keys)
    counting.read = []
    monkeypatch.setattr(store, "bulk", lambda: counting)
    return Finder(library, store), counting.read


# --- the order


def test_the_same_name_comes_first_whatever_the_words_say(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY, operator("average", "Pay.", x="number"))
    wanted = Wanted.of_contract(
        operator("average", "The mean of a column of numbers.", file="string", column="string").promise()
    )
    assert names(Finder(library, store).find(wanted)) == ["average", "column_mean", "pay"]


def test_types_in_order_come_before_types_in_another_order_and_those_before_the_number(
    store: Store, library: Library
) -> None:
    admitted(library, MEAN, SCALE, SORT, operator("grow", "", column="string", factor="number"))
    wanted = Wanted("multiply a column", types=("string", "number"))
    found = Finder(library, store).find(wanted)
    assert names(found) == ["grow", "scale_column", "column_mean"]
    assert [each.why.partition(";")[0] for each in found] == [
        "the same types", "the same types in another order", "the same number of parameters",
    ]  # fmt: skip


def test_among_equal_types_words_decide_and_why_says_which(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY)
    wanted = Wanted("the mean of the numbers in a column", types=("string", "string"))
    first, second = Finder(library, store).find(wanted)
    assert (first.name, second.name) == ("column_mean", "pay")
    assert first.why == "the same types; shares column, mean, number"
    assert first.score > second.score == 0


def test_without_types_only_what_shares_a_word_is_suggested(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY, SORT)
    assert names(Finder(library, store).find(Wanted("put numbers in order"))) == ["sort_list", "column_mean"]
    assert Finder(library, store).find(Wanted("zebra")) == []


def test_the_nearest_is_answered_even_where_nothing_is_alike(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY, SORT)
    found = Finder(library, store).find(Wanted("srt_lst"), most=1, nearest=True)
    assert [(each.name, each.why) for each in found] == [("sort_list", "nothing but the spelling of its name")]
    assert len(Finder(library, store).find(Wanted("srt_lst"), nearest=True)) == 3
    assert len(Finder(library, store).find(Wanted("sort"), nearest=True)) == 3


KINDS = st.lists(st.sampled_from(["string", "number", "[number]"]), max_size=3)
OPERATORS = st.dictionaries(
    st.tuples(st.sampled_from(["mean", "pay", "sort", "scale"]), st.sampled_from(["shop", "zoo"])),
    st.tuples(st.lists(st.sampled_from(["column", "number", "person", "list"]), max_size=4), KINDS),
    min_size=1,
)


def cards(drawn: dict[tuple[str, str], tuple[list[str], list[str]]]) -> list[tuple[Card, str]]:
    return [
        (Card(f"{domain}.{name}", domain, name, tuple(kinds)), " ".join([name, *words]))
        for (name, domain), (words, kinds) in drawn.items()
    ]


def ranks(catalogue: Catalogue, wanted: Wanted) -> list[tuple[int, set[str]]]:
    return [(alike, group) for alike, group in catalogue.groups(wanted) if group]


@given(OPERATORS, st.lists(st.integers(0, 7)), st.sampled_from(["mean", "other"]), KINDS)
def test_an_index_equals_one_built_afresh_after_any_entries_came_and_went(
    drawn: dict[tuple[str, str], tuple[list[str], list[str]]], gone: list[int], name: str, kinds: list[str]
) -> None:
    rows = cards(drawn)
    out = {rows[at % len(rows)][0].version for at in gone}
    grown, afresh = Catalogue(), Catalogue()
    for card, text in [*rows, *rows]:  # the second time takes the place of the first
        grown.add(card, text)
    for version in out:
        grown.remove(version)
    for card, text in reversed(rows):
        if card.version not in out:
            afresh.add(card, text)
    wanted = Wanted("mean of a column", name, tuple(kinds))
    assert ranks(grown, wanted) == ranks(afresh, wanted)
    assert grown.words.scores(["mean", "column"]) == afresh.words.scores(["mean", "column"])
    assert grown.by_spelling("maen") == afresh.by_spelling("maen")


@given(OPERATORS, st.sampled_from(["mean", "other"]), st.none() | KINDS)
def test_the_groups_are_what_comparing_each_entry_with_what_is_wanted_gives(
    drawn: dict[tuple[str, str], tuple[list[str], list[str]]], name: str, kinds: list[str] | None
) -> None:
    catalogue = Catalogue()
    for card, text in cards(drawn):
        catalogue.add(card, text)
    wanted = Wanted("", name, None if kinds is None else tuple(kinds))
    naive: dict[int, set[str]] = {}
    for card, _ in cards(drawn):
        naive.setdefault(card.alike(wanted), set()).add(card.version)
    naive.pop(0, None)
    assert ranks(catalogue, wanted) == sorted(naive.items(), reverse=True)


# --- a library that others write to


def test_what_was_learned_and_replaced_meanwhile_is_seen_and_only_that_is_read(
    library: Library, counted: tuple[Finder, list[str]]
) -> None:
    finder, read = counted
    mean, pay = admitted(library, MEAN, PAY)
    assert names(finder.find(Wanted("column"))) == ["column_mean"]
    assert sorted(read) == sorted([mean, pay])
    read.clear()
    assert names(finder.find(Wanted("column"))) == ["column_mean"]
    assert read == []
    (newer,) = admitted(library, operator("pay", "Pay for a column.", person="string", shop="string"))
    found = finder.find(Wanted("column"))
    assert {each.version for each in found} == {mean, newer}
    assert read == [newer]


def test_where_the_store_goes_away_halfway_the_rest_is_read_with_the_next_question(
    library: Library, counted: tuple[Finder, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Bulk, versions: Sequence[str]) -> dict[str, str]:
        raise ServiceMissing("nobody answers")

    finder, _ = counted
    admitted(library, MEAN)
    finder.refresh()
    admitted(library, PAY)
    with monkeypatch.context() as patched:
        patched.setattr(Counting, "documents", away)
        with pytest.raises(ServiceMissing):
            finder.find(Wanted("pays"))
    assert names(finder.find(Wanted("pays"))) == ["pay"]
    assert names(finder.find(Wanted("mean"))) == ["column_mean"]


def test_a_new_finder_finds_what_one_that_was_there_all_along_finds(store: Store, library: Library) -> None:
    old = Finder(library, store)
    for entry in (MEAN, PAY, SCALE, SORT):
        admitted(library, entry)
        old.refresh()
    wanted = Wanted("a column of numbers", "pay", ("string", "string"))
    assert old.find(wanted) == Finder(library, store).find(wanted)


@given(st.lists(st.tuples(st.sampled_from(["mean", "pay", "sort"]), st.integers(0, 3), st.booleans()), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_after_any_versions_came_and_went_an_old_finder_and_a_new_one_say_the_same(
    store: Store, library: Library, deeds: list[tuple[str, int, bool]]
) -> None:
    old = Finder(library, store)
    for name, number, look in deeds:
        text = f"{name} {'column ' * number}"
        version = admitted(library, operator(name, text, **dict.fromkeys("abc"[:number], "string")))[0]
        earlier = library.versions("shop", name)[0]
        if look:
            old.refresh()
            store.pointers().move("shop", name, earlier, expected=version)
    wanted = Wanted("the mean of a column", "pay", ("string",))
    assert old.find(wanted, most=9) == Finder(library, store).find(wanted, most=9)


def test_a_retired_entry_is_left_out_at_once_and_trust_and_domain_narrow_the_answer(
    store: Store, library: Library
) -> None:
    finder = Finder(library, store)
    for level in TRUST:
        admitted(library, operator(f"mean_{level}", "A mean."), trust=level)
    admitted(library, operator("mean_elsewhere", "A mean.", domain="zoo"))
    assert {each.trust for each in finder.find(Wanted("mean"), most=9)} == {*TRUST} - {"retired"}
    assert len(finder.find(Wanted("mean"), most=9, least_trust="retired")) == 6
    assert names(finder.find(Wanted("mean"), most=9, domain="zoo")) == ["mean_elsewhere"]
    assert {e.trust for e in finder.find(Wanted("mean"), most=9, least_trust="trusted")} == {"trusted", "pinned"}
    store.set_trust(library.current("zoo", "mean_elsewhere") or "", "retired", "{}")
    assert finder.find(Wanted("mean"), domain="zoo") == []
    with pytest.raises(UsageError, match="not a level of trust"):
        finder.find(Wanted("mean"), least_trust="good")


def test_as_many_as_are_asked_for_are_found_behind_many_that_do_not_count(store: Store, library: Library) -> None:
    for number in range(30):
        admitted(library, operator(f"mean_{number:02}", "A mean, a mean, a mean."), trust="retired")
    admitted(library, operator("some_other_mean", "It is not so much of a mean as others are."))
    assert names(Finder(library, store).find(Wanted("mean"), most=2)) == ["some_other_mean"]


def test_uses_and_the_day_it_was_learned_are_told(store: Store, library: Library) -> None:
    (version,) = admitted(library, operator("mean", "A mean.", created="2026-03-04"))
    library.used(version, None)
    (found,) = Finder(library, store).find(Wanted("mean"))
    assert (found.uses, found.created, found.signature, found.version) == (1, "2026-03-04", "mean()", version)


@pytest.mark.parametrize(
    "document",
    ["", "{", "[]", "{}", '{"contract": 1}', '{"contract": {"parameters": 1}}', '{"contract": {"parameters": [1]}}',
     '{"contract": {"name": "mean", "description": "mean"}}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_entry_is_never_suggested_and_stops_nothing(store: Store, library: Library, document: str) -> None:
    store.admit("shop", "mean", "b" * 64, document, trust="trusted", evidence=[])
    admitted(library, MEAN)
    assert names(Finder(library, store).find(Wanted("mean", "mean"), nearest=True)) == ["column_mean"]


def test_an_entry_under_another_name_than_its_own_is_not_suggested(store: Store, library: Library) -> None:
    store.admit("shop", "other", MEAN.version, MEAN.canonical(), trust="trusted", evidence=[])
    assert Finder(library, store).find(Wanted("mean", "other"), nearest=True) == []


def test_an_entry_that_another_process_admits_is_found(store: Store, library: Library, folder: Path) -> None:
    finder = Finder(library, store)
    assert finder.find(Wanted("mean")) == []
    code = (
        "import sys; from pathlib import Path\n"
        "from executor.library import Library\nfrom executor.store import open_store\n"
        "from tests.executor.test_similar import MEAN\n"
        "with open_store(redis_url=None, data_dir=Path(sys.argv[1])) as store:\n"
        "    Library(store).admit(MEAN, 'trusted', [])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)
    assert names(finder.find(Wanted("mean"))) == ["column_mean"]


# --- vectors


class Senses:
    """Stands in for an embedding model: one number for each of a few senses. It is no model."""

    name = "stand-in:senses"

    def __init__(self, answer: Callable[[list[list[float]]], list[list[float]]] = lambda vectors: vectors) -> None:
        self.asked: list[str] = []
        self.answer = answer

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        senses = [{"mean", "average", "middle"}, {"pay", "spend", "money"}, {"sort", "order", "rank"}]
        return self.answer([[0.01 + len(sense & set(words_in(text))) for sense in senses] for text in texts])


def test_vectors_find_what_shares_no_word(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY, SORT)
    found = Finder(library, store, embedder=Senses()).find(Wanted("spend money"))
    assert names(found)[0] == "pay"
    assert found[0].why.startswith("the cosine of its text is 1.00")
    assert found[0].score > found[1].score


def test_among_equal_vectors_words_decide(store: Store, library: Library) -> None:
    admitted(library, MEAN, operator("average_row", "An average of a row."))
    embedder = Senses()
    assert names(Finder(library, store, embedder=embedder).find(Wanted("middle of a row"))) == [
        "average_row", "column_mean",
    ]  # fmt: skip
    assert names(Finder(library, store, embedder=embedder).find(Wanted("middle of a column")))[0] == "column_mean"


def test_the_same_name_comes_before_the_nearest_vector(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY)
    assert names(Finder(library, store, embedder=Senses()).find(Wanted("mean", "pay"))) == ["pay", "column_mean"]


def test_a_vector_is_computed_once_for_a_version_and_model_and_kept_for_other_processes(
    store: Store, library: Library
) -> None:
    admitted(library, MEAN, PAY)
    first, second, other = Senses(), Senses(), Senses()
    other.name = "stand-in:another"
    for embedder in (first, second, other):
        Finder(library, store, embedder=embedder).find(Wanted("money"))
    assert [len(embedder.asked) for embedder in (first, second, other)] == [3, 1, 3]
    finder = Finder(library, store, embedder=second)
    admitted(library, SORT)
    finder.find(Wanted("money"))
    finder.find(Wanted("money"))
    assert len(second.asked) == 1 + 1 + 1 + 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda vectors: [],
        lambda vectors: [*vectors, [1.0]],
        lambda vectors: [[] for _ in vectors],
        lambda vectors: [[0.0, 0.0] for _ in vectors],
        lambda vectors: [[float("nan"), 1.0] for _ in vectors],
        lambda vectors: [[float("inf"), 1.0] for _ in vectors],
        lambda vectors: [[1.0] * 100_000 for _ in vectors],
        lambda vectors: [["one"] for _ in vectors],
        lambda vectors: [[1.0] * (at + 1) for at, _ in enumerate(vectors)],
    ],
)
def test_what_an_embedding_model_must_not_answer_leaves_the_words(
    store: Store, library: Library, answer: Callable[[list[list[float]]], list[list[float]]]
) -> None:
    admitted(library, MEAN, PAY)
    notes: list[str] = []
    finder = Finder(library, store, embedder=Senses(answer), on_note=notes.append)
    assert names(finder.find(Wanted("mean"))) == ["column_mean"]
    assert len(notes) == 1
    assert "by their words alone" in notes[0]


def test_a_model_that_does_not_answer_leaves_the_words(store: Store, library: Library) -> None:
    def away(vectors: list[list[float]]) -> list[list[float]]:
        raise ServiceMissing("nobody answers")

    admitted(library, MEAN)
    assert names(Finder(library, store, embedder=Senses(away)).find(Wanted("mean"))) == ["column_mean"]


@pytest.mark.parametrize("kept", ["", "no base64!", "AAAA", "AAAAAA==", "AADAfwAAgD8="])
def test_a_kept_vector_that_is_none_is_computed_anew(store: Store, library: Library, kept: str) -> None:
    (version,) = admitted(library, PAY)
    store.bulk().keep_vectors(Senses.name, {version: kept})
    embedder = Senses()
    assert names(Finder(library, store, embedder=embedder).find(Wanted("money"))) == ["pay"]
    assert len(embedder.asked) == 2


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=3, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_the_nearness_of_any_vector_to_itself_is_one(store: Store, library: Library, vector: list[float]) -> None:
    admitted(library, PAY)
    embedder = Senses(lambda vectors: [vector for _ in vectors])
    embedder.name = f"stand-in:{vector}"
    notes: list[str] = []
    (found,) = Finder(library, store, embedder=embedder, on_note=notes.append).find(Wanted("pay"))
    assert bool(notes) != any(vector)
    assert notes or found.score == pytest.approx(1.0)


# --- what is wanted, and how it is said


def test_a_gap_is_looked_for_as_the_domain_declares_it() -> None:
    domain = shop()
    wanted = Wanted.of_gap(domain, gap_in(domain))
    assert (wanted.name, wanted.types) == ("order_total", ("string",))
    assert "Add up what an order costs." in wanted.text
    promised = shop(promised=contract())
    assert Wanted.of_gap(promised, gap_in(promised)) == Wanted.of_contract(contract())


def test_a_gap_that_nobody_declared_is_looked_for_by_name_and_number_of_arguments() -> None:
    gap = Gap(("send_mail", "ada", 3), (), State(), declared=False, remaining=1)
    assert Wanted.of_gap(Domain("post"), gap) == Wanted("send_mail\n", "send_mail", ("any", "any"))


def test_limits_units_and_choices_make_no_other_type() -> None:
    def types(schema: object) -> tuple[str, ...] | None:
        return Wanted.of_contract(
            Contract.from_json({"name": "f", "parameters": [{"name": "x", "type": schema}]})
        ).types

    assert types({"type": "number", "minimum": 3, "unit": "kg"}) == types({"type": ["number", "null"]}) == ("number",)
    assert types({"type": "array", "items": {"type": "number"}, "minItems": 1}) == ("list of number",)
    assert types({}) == ("any",)


def test_a_prompt_gets_one_line_each_the_most_similar_first(store: Store, library: Library) -> None:
    admitted(library, MEAN, PAY)
    found = Finder(library, store).find(Wanted("the mean of a column", types=("string", "string")))
    assert known_operators(found) == [
        "column_mean(file: text, column: text): The mean of a column of numbers. [the same types; shares column, mean]",
        "pay(person: text, shop: text): A person pays in a shop. [the same types]",
    ]


@given(st.lists(st.tuples(st.text(max_size=3_000), st.text(max_size=3_000), st.text(max_size=300)), max_size=40))
def test_what_goes_into_a_prompt_is_bounded_and_each_on_one_line(rows: list[tuple[str, str, str]]) -> None:
    lines = known_operators(
        Suggestion("v", "d", "n", signature, "trusted", 1.0, why, description) for signature, description, why in rows
    )
    assert len(lines) <= min(20, len(rows))
    assert sum(map(len, lines)) <= 4_000
    assert all(line.splitlines() == [line] for line in lines)
