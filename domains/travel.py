"""Going from one place to another: the textbook example, and the tutorial's.

Alice walks when it is not far, and takes a taxi when she can pay for it. After Nau's example for Pyhop (2013).
"""

from collections.abc import Sequence

from htn.domain import Domain
from htn.network import Task
from htn.state import State

travel = Domain("travel")

travel.variable("loc", "string", "where a person or a taxi is")
travel.variable("cash", {"type": "number", "unit": "dollar"}, "what a person can spend")
travel.variable("owe", {"type": "number", "unit": "dollar"}, "what a person still has to pay")
travel.variable("dist", {"type": "number", "unit": "km"}, "how far it is from one place to another")


@travel.initial_state
def at_home() -> State:
    """Alice and Bob are at home; the park is eight kilometres away, the station is near."""
    roads = {("home", "park"): 8, ("home", "station"): 1, ("station", "park"): 9}
    return State(
        loc={"alice": "home", "bob": "home", "taxi": "station"},
        cash={"alice": 20, "bob": 3},
        owe={"alice": 0, "bob": 0},
        dist=roads | {(end, start): km for (start, end), km in roads.items()},
    )


def fare(km: float) -> float:
    """Return what a taxi costs, in dollars."""
    return 1.5 + 0.5 * km


@travel.operator
def walk(state: State, person: str, start: str, end: str) -> State | None:
    """The person walks from start to end."""
    if state.loc[person] != start:
        return None
    state.loc[person] = end
    return state


@travel.operator
def call_taxi(state: State, place: str) -> State:
    """A taxi comes to the place."""
    state.loc["taxi"] = place
    return state


@travel.operator
def ride(state: State, person: str, start: str, end: str) -> State | None:
    """The person rides from start to end, and owes the fare."""
    if state.loc[person] != start or state.loc["taxi"] != start:
        return None
    state.loc[person] = state.loc["taxi"] = end
    state.owe[person] = fare(state.dist[start, end])
    return state


@travel.operator
def pay(state: State, person: str) -> State | None:
    """The person pays what is owed."""
    if state.cash[person] < state.owe[person]:
        return None
    state.cash[person] -= state.owe[person]
    state.owe[person] = 0
    return state


@travel.method("travel")
def already_there(state: State, person: str, start: str, end: str) -> Sequence[Task] | None:
    """There is nothing to do when start and end are the same place."""
    return [] if start == end else None


@travel.method("travel")
def on_foot(state: State, person: str, start: str, end: str) -> Sequence[Task] | None:
    """Walking will do when it is no more than two kilometres."""
    if state.dist[start, end] > 2:
        return None
    return [("walk", person, start, end)]


@travel.method("travel")
def by_taxi(state: State, person: str, start: str, end: str) -> Sequence[Task] | None:
    """A taxi goes anywhere, for a person who can pay."""
    if state.cash[person] < fare(state.dist[start, end]):
        return None
    return [("call_taxi", start), ("ride", person, start, end), ("pay", person)]
