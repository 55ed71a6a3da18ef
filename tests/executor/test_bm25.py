"""The index of words gives what the formula says, however it came about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.similar.bm25 import Bm25
from executor.words import words_in
from tests.executor.operators import naive_scores

KEYS = st.sampled_from("abcdef")
WORDS = st.lists(st.sampled_from(["mean", "median", "column", "file", "row", "sum"]), max_size=8)
# Taking the text of a key in, or (None) taking it out.
CHANGES = st.lists(st.tuples(KEYS, st.none() | WORDS), max_size=25)


def changed(changes: list[tuple[str, list[str] | None]]) -> tuple[Bm25, dict[str, list[str]]]:
    index, texts = Bm25(), dict[str, list[str]]()
    for key, words in changes:
        if words is None:
            index.remove(key)
            texts.pop(key, None)
        else:
            index.add(key, words)
            texts[key] = words
    return index, texts


@given(CHANGES, WORDS)
def test_the_scores_are_those_of_the_formula(changes: list[tuple[str, list[str] | None]], asked: list[str]) -> None:
    index, texts = changed(changes)
    assert index.scores(asked) == pytest.approx(naive_scores(texts, asked))
    assert {key for key in "abcdef" if key in index} == set(texts)
    assert len(index) == len(texts)


@given(CHANGES, WORDS)
def test_an_index_that_has_grown_and_shrunk_equals_one_built_afresh(
    changes: list[tuple[str, list[str] | None]], asked: list[str]
) -> None:
    index, texts = changed(changes)
    afresh = Bm25()
    for key, words in texts.items():
        afresh.add(key, words)
    assert index.scores(asked) == afresh.scores(asked)
    for key in texts:
        assert index.shared(key, asked) == afresh.shared(key, asked)


def test_a_rare_word_says_more_than_a_common_one() -> None:
    index = Bm25()
    for key, text in {"a": "mean column", "b": "median column", "c": "mode column"}.items():
        index.add(key, text.split())
    assert index.shared("b", ["column", "median"]) == ["median", "column"]
    scores = index.scores(["median", "column"])
    assert max(scores, key=lambda key: scores[key]) == "b"
    assert scores["a"] > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("column_statistics", ["column", "statistic"]),
        ("readHTTPTable2", ["read", "http", "table2"]),
        ("The entries of the files, in boxes!", ["entry", "file", "boxe"]),
        ("status glass gas", ["status", "glass", "gas"]),
        ("mean = sum(values) / len(values)", ["mean", "sum", "value", "len", "value"]),
        ("Größe_der_Straße", ["größe", "der", "straße"]),
        ("", []),
    ],
)
def test_a_text_is_taken_apart_into_the_words_that_count(text: str, words: list[str]) -> None:
    assert words_in(text) == words


@given(st.text(max_size=300))
def test_any_text_has_words_without_seams_and_capitals(text: str) -> None:
    for word in words_in(text):
        assert word == word.lower()
        assert 0 < len(word) <= 40
        assert "_" not in word


def test_a_text_of_any_size_has_a_limited_number_of_words() -> None:
    assert len(words_in("word " * 1_000_000)) == 2_000
