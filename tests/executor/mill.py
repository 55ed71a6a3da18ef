"""A domain in a file, as workers need it: steps that wait for some of the forty before them, and take a while."""

from pathlib import Path

SOURCE = '''
"""Steps in a random graph: each adds up what up to three of the forty before it came to."""

import os
import random
import time

from htn.domain import Domain
from htn.state import State

mill = Domain("mill")
SECONDS = float(os.environ.get("MILL_SECONDS", "0"))


def parents(step, seed):
    chance = random.Random(f"{seed} {step}")
    return chance.sample(range(max(0, step - 40), step), k=min(step, chance.choice([0, 1, 1, 2, 2, 3])))


@mill.initial_state
def nothing_yet():
    return State(value={}, place={"here": 1})


@mill.operator
def grind(state, step, seed):
    state.value[step] = 1 + sum(state.value[one] for one in parents(step, seed)) % 1_000_003
    return state


@mill.command("grind", delivery="at least once")
def slowly(state, step, seed):
    time.sleep(SECONDS)
    return grind(state, step, seed)


@mill.method("mill")
def all_of_it(state, steps, seed):
    return [("grind", step, seed) for step in range(steps)]
'''


def write_mill(folder: Path, more: str = "") -> Path:
    """Write the domain's file."""
    path = folder / "mill.py"
    path.write_text(SOURCE + more, encoding="utf-8")
    return path
