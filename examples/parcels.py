"""Parcels to deliver across a river: by the bridge or by the ferry. The bridge is closed."""

from typing import Any

from htn.domain import Domain
from htn.network import Task
from htn.state import State

domain = Domain("parcels")
domain.variable("at", "string", "where a parcel is, or who has it")
domain.variable("ferry", "boolean", "whether a ferry runs, by day")
domain.variable("told", "string", "what the receiver of a parcel was told")


@domain.initial_state
def morning() -> State:
    """The piano is in the depot, and the ferry runs."""
    return State({"at": {"piano": "depot"}, "ferry": {"today": True}, "told": {}})


@domain.operator
def drive(state: State, parcel: str, place: str) -> State:
    """A van takes the parcel across the bridge."""
    state.at[parcel] = place
    return state


@domain.command("drive", retry=True)
def across_the_bridge(state: State, parcel: str, place: str) -> Any:
    """The bridge is closed, whatever the plan says."""
    raise ConnectionError("the bridge is closed for repairs")


@domain.operator
def ship(state: State, parcel: str, place: str) -> State | None:
    """The ferry takes the parcel across, where it runs."""
    if not state.ferry["today"]:
        return None
    state.at[parcel] = place
    return state


@domain.operator
def store(state: State, parcel: str, place: str) -> State:
    """The parcel waits in a store on this side of the river, where its receiver can fetch it."""
    state.at[parcel] = place
    return state


@domain.operator
def tell(state: State, parcel: str, words: str) -> State:
    """The receiver of a parcel is told something."""
    state.told[parcel] = words
    return state


@domain.method("bring")
def by_van(state: State, parcel: str, place: str) -> list[Task]:
    """By the bridge: it is quicker."""
    return [("drive", parcel, place)]


@domain.method("bring")
def by_ferry(state: State, parcel: str, place: str) -> list[Task] | None:
    """By the ferry, where it runs."""
    return [("ship", parcel, place)] if state.ferry["today"] else None


@domain.method("deliver")
def bring_and_tell(state: State, parcel: str, place: str) -> list[Task]:
    """Bring it, then say so."""
    return [("bring", parcel, place), ("tell", parcel, "delivered")]
