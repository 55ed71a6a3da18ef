"""Everything that a hostile program tries is held: it ends as it must, the next call is right, the host unchanged."""

import os
from collections import Counter
from collections.abc import Callable

import pytest

from executor.sandbox import JSON, Category, Kind, Sandbox
from tests.hostile.host import Host
from tests.hostile.judge import Seen, judge, probe, run, runs
from tests.hostile.program import Hostile
from tests.hostile.programs import KINDS
from tests.hostile.programs.languages import ORDINARY
from tests.hostile.table import DOCUMENT, Table

# Elsewhere a program in another language than Python is refused before it is looked at.
RUNS_OTHER_LANGUAGES = ("docker",)
ALL = [each for programs in KINDS.values() for each in programs]


@pytest.mark.parametrize("hostile", ALL, ids=lambda each: each.name)
def test_a_hostile_program_is_held(
    hostile: Hostile,
    level: Kind,
    sandbox: Sandbox,
    languages: Callable[[str], bool],
    right: JSON,
    host: Host,
    before: Callable[[str], dict[str, int | list[str]]],
    account: dict[str, dict[str, Seen]],
) -> None:
    if hostile.language != "python":
        if level not in RUNS_OTHER_LANGUAGES:
            problem = run(hostile, sandbox, host).problem
            assert problem is not None
            assert problem.category == Category.ENVIRONMENT
            assert probe(sandbox) == right
            return
        require_language(level, hostile.language, languages(hostile.language))
    was = before(hostile.language)
    seen = judge(hostile, run(hostile, sandbox, host), level)
    wrong = list(seen.why)
    if (after := probe(sandbox)) != right:
        wrong.append(f"the next call was {after}")
    if hostile.language != "python" and not runs(sandbox, hostile.language):
        wrong.append(f"the next call in {hostile.language} was not right")
    wrong += host.changes(was)
    seen = Seen(seen.ended, tuple(wrong))
    account.setdefault(level, {})[hostile.name] = seen
    if level in hostile.not_held:
        assert not seen.held, f"{level} holds it: take it out of `not_held`"
    else:
        assert seen.held, "; ".join(seen.why)


def test_there_are_more_than_a_hundred_programs_and_no_two_have_the_same_name() -> None:
    names = [each.name for each in ALL]
    assert len(set(names)) == len(names)
    assert len([each for each in ALL if each.language == "python"]) >= 110


def require_language(level: Kind, language: str, runs_here: bool) -> None:
    """Skip where a sandbox does not run a language, or fail where HTN_REQUIRE names the language."""
    if not runs_here:
        reason = f"the {level} sandbox does not run {language} here"
        if level == "docker" and language in os.environ.get("HTN_REQUIRE", "").replace(",", " ").split():
            pytest.fail(f"HTN_REQUIRE names {language}, but {reason}")
        pytest.skip(reason)


def test_every_other_language_has_hostile_programs() -> None:
    counts = Counter(each.language for each in ALL if each.language != "python")
    assert set(counts) == set(ORDINARY)
    assert min(counts.values()) >= 3


def test_the_table_in_the_documents_says_what_was_observed(level: Kind, account: dict[str, dict[str, Seen]]) -> None:
    seen = account.get(level, {})
    table = Table.read(DOCUMENT)
    if os.environ.get("HTN_TEST_WRITE_HOSTILE") and {each.name for each in ALL if each.language == "python"} <= set(
        seen
    ):
        table = table.with_column(level, KINDS, seen)
        table.write(DOCUMENT, KINDS)
    assert table.differences(level, KINDS, seen) == []
