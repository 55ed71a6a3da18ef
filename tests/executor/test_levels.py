"""What a run may do is one table: every cell of it follows from a rule for levels and a rule for modes."""

from itertools import product
from pathlib import Path

import pytest

from executor.levels import DEFAULT, TABLE, Acting, Level, May, Mode, acting_of, as_markdown
from htn.domain import Domain
from htn.errors import UsageError

PAGE = Path(__file__).parents[2] / "docs" / "acting-levels.md"

# The naive rules: from which level on a model is asked for what, and from which mode on what is done.
ASKED_FROM = {
    May.ASK_RECOVERY: Level.ADAPTIVE,
    May.ASK_DECISION: Level.INTELLIGENT,
    May.ASK_DATA: Level.INTELLIGENT,
    May.ADAPT: Level.AUTONOMOUS,
}
DONE_FROM = {
    May.RETRY: Mode.STRICT,
    May.ASK_DECISION: Mode.STRICT,
    May.OTHER_METHOD: Mode.ADAPTIVE,
    May.REPLAN: Mode.ADAPTIVE,
    May.KEPT: Mode.ADAPTIVE,
    May.ASK_RECOVERY: Mode.ADAPTIVE,
    May.ASK_DATA: Mode.ADAPTIVE,
    May.ADAPT: Mode.CREATIVE,
}
LEVELS, MODES = list(Level), list(Mode)


@pytest.mark.parametrize(("level", "mode", "what"), list(product(Level, Mode, May)))
def test_a_run_may_do_what_its_level_and_its_mode_both_allow(level: Level, mode: Mode, what: May) -> None:
    by_level = LEVELS.index(level) >= LEVELS.index(ASKED_FROM.get(what, Level.BASIC))
    by_mode = MODES.index(mode) >= MODES.index(DONE_FROM[what])
    assert Acting(level, mode).may(what) is (by_level and by_mode)


def test_the_table_has_a_cell_for_every_pair_and_no_other() -> None:
    assert list(TABLE) == list(product(Level, Mode))


def test_a_higher_level_and_a_freer_mode_allow_no_less() -> None:
    for (level, mode), (other, freer) in product(TABLE, TABLE):
        if LEVELS.index(level) <= LEVELS.index(other) and MODES.index(mode) <= MODES.index(freer):
            assert TABLE[level, mode] <= TABLE[other, freer]


def test_by_default_no_model_is_asked() -> None:
    assert (DEFAULT.level, DEFAULT.mode) == (Level.BASIC, Mode.ADAPTIVE)
    assert not any(DEFAULT.may(what) for what in ASKED_FROM)


def test_the_page_shows_the_table() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")


def test_whoever_starts_a_run_goes_before_the_domain_and_the_domain_before_settings() -> None:
    domain, settings = Domain("d"), Acting(Level.AUTONOMOUS, Mode.CREATIVE)
    assert acting_of(domain) == DEFAULT
    assert acting_of(domain, settings) == settings
    domain.acting(level="intelligent")
    assert acting_of(domain, settings) == Acting(Level.INTELLIGENT, Mode.CREATIVE)
    domain.acting(mode="strict")
    assert acting_of(domain, settings, level="adaptive") == Acting(Level.ADAPTIVE, Mode.STRICT)
    assert acting_of(domain, settings, mode="adaptive") == Acting(Level.INTELLIGENT, Mode.ADAPTIVE)


def test_a_level_that_there_is_not_is_refused_with_what_is_meant() -> None:
    with pytest.raises(UsageError, match="'inteligent' is no level of acting") as refused:
        acting_of(Domain("d"), level="inteligent")
    assert refused.value.hints == ("did you mean intelligent?",)
