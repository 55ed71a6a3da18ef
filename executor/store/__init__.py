"""Keep what was learned, in Redis. The only package that imports `redis`."""

from pathlib import Path

from executor.store.address import read_address
from executor.store.allowed import Allowed
from executor.store.breakers import Breakers, BreakerState, BreakerTimes
from executor.store.budgets import Budgets, Held
from executor.store.bulk import Bulk, Changes, Standing
from executor.store.leases import Lease, LeaseLost, Leases, LeaseTimes
from executor.store.lessons import MOST_LESSONS, StoredLesson, StoredLessons
from executor.store.pointers import Pointers, StoredEvent
from executor.store.results import ResultLimits, Results, ResultStatistics
from executor.store.retries import RetryCounts
from executor.store.runs import Claim, RunLogs, event_text, unknown_run
from executor.store.server import EmbeddedServer, RemoteServer, Server
from executor.store.store import Store, StoredEntry, StoreStatus, TrustMoved
from executor.store.tallies import Tallies, Tally
from executor.store.turns import Turns
from executor.store.waiting import StoredProposal, Waiting
from executor.store.watched import MOST_COUNTEREXAMPLES, Promotion, PutBack, Use, Watched, digest
from executor.store.workers import Workers

__all__ = [
    "MOST_COUNTEREXAMPLES",
    "MOST_LESSONS",
    "Allowed",
    "BreakerState",
    "BreakerTimes",
    "Breakers",
    "Budgets",
    "Bulk",
    "Changes",
    "Claim",
    "Held",
    "Lease",
    "LeaseLost",
    "LeaseTimes",
    "Leases",
    "Pointers",
    "Promotion",
    "PutBack",
    "ResultLimits",
    "ResultStatistics",
    "Results",
    "RetryCounts",
    "RunLogs",
    "Standing",
    "Store",
    "StoreStatus",
    "StoredEntry",
    "StoredEvent",
    "StoredLesson",
    "StoredLessons",
    "StoredProposal",
    "Tallies",
    "Tally",
    "TrustMoved",
    "Turns",
    "Use",
    "Waiting",
    "Watched",
    "Workers",
    "digest",
    "event_text",
    "open_running_store",
    "open_store",
    "unknown_run",
]


def open_store(*, redis_url: str | None, data_dir: Path, prefix: str = "htn") -> Store:
    """Return the store on the server at `redis_url`, or without one on a server of our own.

    Our own server keeps its files in `data_dir` and is shared by all processes that name the same
    folder. Raises ServiceMissing when the server does not answer or cannot be started.
    """
    server: Server
    server = RemoteServer(read_address(redis_url)) if redis_url else EmbeddedServer(data_dir)
    store = Store(server, prefix=prefix)
    try:
        store.check()
    except BaseException:
        store.close()
        raise
    return store


def open_running_store(*, redis_url: str | None, data_dir: Path, prefix: str = "htn") -> Store | None:
    """Return the store if its server runs already, else None: nothing is started, and nothing is kept running."""
    if redis_url is None:
        server = EmbeddedServer(data_dir)
        if not server.is_running():
            return None
        redis_url = server.address.url
    return open_store(redis_url=redis_url, data_dir=data_dir, prefix=prefix)
