"""What counts as improved depends on what was asked for; coming less far never does."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from executor.focus import Focus, Measured, Reach

REACH = st.builds(Reach, st.integers(0, 11), st.integers(0, 9))
MEASURED = st.builds(
    Measured, REACH, st.none() | st.floats(0.001, 10), st.none() | st.integers(0, 20)
)  # fmt: skip
FOCUS = st.sampled_from(Focus)


def test_the_words_of_the_settings_name_the_focuses() -> None:
    assert [str(focus) for focus in Focus] == ["fix_errors", "optimize", "robustness"]
    assert len({focus.request for focus in Focus}) == 3


@given(FOCUS, MEASURED, MEASURED)
def test_what_comes_less_far_is_no_improvement(focus: Focus, before: Measured, after: Measured) -> None:
    if after.reach < before.reach:
        assert not focus.improved(before, after)


@given(FOCUS, MEASURED, MEASURED)
def test_no_body_is_better_than_itself_and_no_two_are_each_better(focus: Focus, one: Measured, other: Measured) -> None:
    assert not focus.improved(one, one)
    assert not (focus.improved(one, other) and focus.improved(other, one))


def test_more_trials_at_the_same_rung_and_more_rungs_are_further() -> None:
    steps = [Reach(3, 9), Reach(4), Reach(4, 1), Reach(5)]
    fixed = Focus.FIX_ERRORS.improved
    assert all(fixed(Measured(a), Measured(b)) for a, b in pairwise(steps))


def test_a_little_less_time_is_noise_and_time_that_nobody_measured_is_no_gain() -> None:
    def quicker(before: float | None, after: float | None) -> bool:
        return Focus.OPTIMIZE.improved(Measured(Reach(6), before), Measured(Reach(6), after))

    assert quicker(1.0, 0.5)
    assert not quicker(1.0, 0.95)
    assert not quicker(None, 0.5)
    assert not quicker(1.0, None)


def test_standing_more_unusual_inputs_is_robust() -> None:
    def sturdier(before: int | None, after: int | None) -> bool:
        return Focus.ROBUSTNESS.improved(Measured(Reach(6), 1.0, before), Measured(Reach(6), 9.0, after))

    assert sturdier(3, 4)
    assert not sturdier(4, 4)
    assert not sturdier(None, 4)
