"""What a process that drives distributed runs has to have their steps carried out: workers, and its own threads."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property

from executor.crew import Crew, workers_alive
from executor.store import Store
from executor.transport import Threads
from executor.worker import Worker
from htn.domain import Domain

_THREADS = 4  # that carry out steps here where no worker answers


class Hands:
    """The workers of one store, and one in this process for where none answers."""

    def __init__(self, store: Store, worker: Worker, note: Callable[[str], None]) -> None:
        self._store, self._worker, self._note = store, worker, note

    def close(self) -> None:
        """Let the threads of this process end."""
        crew: Crew | None = self.__dict__.get("crew")
        if crew is not None and isinstance(crew.here, Threads):
            crew.here.close()

    def owning(self, run_id: str, domain: Domain) -> AbstractContextManager[None]:
        """Let this process carry out, meanwhile, steps of a run that it drives, whose domain may be in no file."""
        return self._worker.shelf.owning(run_id, domain)

    @cached_property
    def crew(self) -> Crew:
        """Who carries the steps out. ServiceMissing without Celery."""
        from executor.transport.celery_app import celery_transport  # noqa: PLC0415 - an extra, and slow to import

        workers = self._store.workers()
        transport = celery_transport(self._store.address.url, self._store.prefix)
        return Crew(transport, Threads(self._worker.carry_out, _THREADS), lambda: workers_alive(workers), self._note)
