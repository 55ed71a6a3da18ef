"""Whatever is killed, every step is committed once, the state is that of an undisturbed run, and nothing is left."""

import random
from pathlib import Path

from tests.executor.kills.rounds import disturbed, suspended
from tests.services import landlock_works, require_or_skip

_ROUNDS = 20


def test_a_run_whose_driver_sandbox_and_server_are_killed_comes_to_the_same_end(folder: Path) -> None:
    require_or_skip("landlock", landlock_works())
    seed = random.randrange(10_000)  # named where it fails
    rounds, server_kills = disturbed(_ROUNDS, folder, seed=seed)
    assert [(seed, one.run_id, one.wrong) for one in rounds if one.wrong] == []
    assert sum(one.driver_kills for one in rounds) >= _ROUNDS / 2
    assert sum(one.sandbox_kills for one in rounds) >= 1
    assert server_kills >= 1


def test_a_driver_that_is_suspended_and_wakes_up_late_does_nothing_twice_and_gives_way(folder: Path) -> None:
    require_or_skip("landlock", landlock_works())
    seed = random.randrange(10_000)
    rounds = suspended(2, folder, seed=seed)
    assert [(seed, one.run_id, one.wrong) for one in rounds if one.wrong] == []
    assert all(one.suspended_to != 0 for one in rounds)
