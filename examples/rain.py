"""How many days in a row was there no rain? One step of it nobody has written: to find the longest dry spell.

`dry(july, four_years)` finds it in each of these periods and tells the results. The measurements are those of
`domains/data/seattle.csv`.
"""

import csv
from pathlib import Path

from htn import Domain, State, Unknown
from htn.network import Task

DATA = Path(__file__).parents[1] / "domains" / "data" / "seattle.csv"

rain = Domain("rain")
MILLIMETRES = {"type": "array", "items": {"type": "number", "minimum": 0}}
rain.variable("rain", MILLIMETRES, "the rain of each day of a period, in mm, in the order of the days")
rain.variable("spell", {"type": "integer", "minimum": 0}, "the longest dry spell of a period, in days")
rain.variable("text", "string", "what is told of some periods")
rain.result("text")
rain.declare(
    "dry_spell",
    {"period": "string"},
    """Find the longest dry spell of a period: how many days in a row are without rain at most. A day is without rain
    where its rain is 0. Put the number of days into spell[period].""",
)


@rain.initial_state
def seattle() -> State:
    """The rain of one month, and of all days that were measured."""
    with DATA.open(newline="", encoding="utf-8") as lines:
        days = {row["date"]: float(row["precipitation"]) for row in csv.DictReader(lines)}
    july = [amount for date, amount in days.items() if date.startswith("2015-07")]
    return State(rain={"july": july, "four_years": list(days.values())}, spell={}, text={})


@rain.operator
def tell(state: State, *periods: str) -> State | None:
    """What was found is told."""
    if any(period not in state.spell for period in periods):
        return None
    state.text[periods] = Unknown(f"what is told of {', '.join(periods)}")
    return state


@rain.command("tell")
def write_lines(state: State, *periods: str) -> State:
    """Write a line for each period."""
    state.text[periods] = "\n".join(
        f"{period}: at most {state.spell[period]} of {len(state.rain[period])} days in a row without rain"
        for period in periods
    )
    return state


@rain.method("dry")
def find_then_tell(state: State, *periods: str) -> list[Task]:
    """Find the longest dry spell of each period, then tell them."""
    return [*(("dry_spell", period) for period in periods), ("tell", *periods)]
