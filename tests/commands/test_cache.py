"""htn cache."""

from pathlib import Path

from executor.store import open_store
from tests.commands.shell import Shell

A, B = "a" * 64, "b" * 64


def fill(folder: Path) -> None:
    with open_store(redis_url=None, data_dir=folder / "data") as store:
        results = store.results()
        results.put(A, "one")
        results.put(B, "four")
        results.get(A)
        results.get("c" * 64)
        store.answers().put(A, "an answer")
        store.answers().get(A)


def test_stats_say_how_often_a_result_was_found(htn: Shell, folder: Path) -> None:
    fill(folder)
    said = htn("cache", "stats")
    assert said.code == 0
    assert "entries   2 of 10,000" in said.out
    assert "hit rate  50.0%" in said.out
    assert "answers   1 of the model, found 1 times" in said.out
    found = htn("cache", "stats", "--json", HTN_CACHE_ENTRIES="7").json
    assert (found["entries"], found["bytes"], found["hits"], found["misses"]) == (2, 7, 1, 1)
    assert found["hit_rate"] == 0.5
    assert found["limits"]["entries"] == 7
    assert (found["answers"]["entries"], found["answers"]["hits"]) == (1, 1)


def test_clear_removes_the_old_ones_or_all(htn: Shell, folder: Path) -> None:
    fill(folder)
    assert htn("cache", "clear", "--older-than-hours", "1").out == "removed 0 results and 0 answers\n"
    assert htn("cache", "clear", "--json").json == {"removed": 2, "answers": 1}
    assert htn("cache", "stats", "--json").json["hits"] == 0


def test_an_age_that_is_none_is_refused(htn: Shell) -> None:
    said = htn("cache", "clear", "--older-than-hours", "-1")
    assert said.code == 2
    assert "older-than-hours" in said.err


def test_a_limit_that_is_none_is_refused(htn: Shell) -> None:
    said = htn("cache", "stats", HTN_CACHE_LIMIT="lots")
    assert said.code == 2
    assert "HTN_CACHE_LIMIT" in said.err
