"""Celery as the transport: steps travel through the Redis server of the store, and workers take them from there.

The only module that imports Celery. A label is a queue. What Celery would do when a worker dies (deliver once more
after a timeout) comes too late and may come twice; so it is told to wait for long, and the guard and the coordinator do
without it. Messages are JSON: a run's id and a step's key, nothing that could be run.

Celery's keys begin with the store's prefix and `_celery:`, so they never meet those of the store.
"""

import signal
import warnings
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from executor.transport.protocol import Work
from htn.errors import ServiceMissing

try:
    from celery import Celery, signals
    from celery.exceptions import SecurityWarning
    from kombu.exceptions import OperationalError
except ImportError as error:
    raise ServiceMissing(
        f"steps on several machines need Celery, which is not installed: {error}",
        hints=("pip install 'htn-planner[distributed]'",),
    ) from error

_TASK = "htn.steps"
_VISIBILITY = 3600  # seconds after which Celery itself would deliver once more what a worker took and did not end


def make_app(url: str, prefix: str) -> Any:
    """Return the Celery app that sends and takes steps over the Redis server at `url`."""
    app = Celery("htn", broker=_broker(url), set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "global_keyprefix": f"{prefix}_celery:",
            "visibility_timeout": _VISIBILITY,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
    )
    return app


class CeleryTransport:
    """Sends steps to workers through Celery."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def dispatch(self, run_id: str, steps: Sequence[str], label: str) -> None:
        """Send steps on their way; see `Transport`."""
        try:
            self._app.send_task(_TASK, (run_id, list(steps)), queue=label, ignore_result=True, retry=False)
        except OperationalError as error:
            raise ServiceMissing(f"the step could not be sent to workers: {error}", hints=("htn doctor",)) from error


def celery_transport(url: str, prefix: str) -> CeleryTransport:
    """Return a transport over the Redis server at `url`."""
    return CeleryTransport(make_app(url, prefix))


def serve(
    app: Any,
    work: Work,
    *,
    name: str,
    labels: Sequence[str],
    concurrency: int,
    on_ready: Callable[[], object],
    on_leaving: Callable[[], object],
    on_end: Callable[[], object],
) -> int:
    """Take steps and carry them out in processes of their own until a signal ends it; return the exit code.

    `work` is called in these processes, which are forked from this one. `on_ready` is called here when steps can come,
    `on_leaving` when a signal has come and no further ones are taken, `on_end` in each process when it ends.
    """

    @app.task(name=_TASK)  # type: ignore[untyped-decorator]
    def carry_out(run_id: str, steps: list[str]) -> None:
        for step in steps:
            work(str(run_id), str(step))

    receivers = (
        (signals.worker_ready, lambda **_: on_ready()),
        (signals.worker_shutting_down, lambda **_: on_leaving()),
        (signals.worker_process_shutdown, lambda **_: on_end()),
    )
    for what, receiver in receivers:
        what.connect(receiver, weak=False)
    # It names an option of Celery's own command, which nobody can give here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        worker = app.Worker(
            hostname=f"{name}@htn", pool="prefork", concurrency=concurrency, queues=list(labels), loglevel="WARNING",
            quiet=True, without_gossip=True, without_mingle=True, without_heartbeat=True, optimization="fair",
        )  # fmt: skip
        worker.start()
    finally:
        for what, receiver in receivers:
            what.disconnect(receiver)
        for number, handler in before.items():
            signal.signal(number, handler)
    return int(worker.exitcode or 0)


def _broker(url: str) -> str:
    """Return the address of a server as Celery's messaging library wants it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        database = parse_qs(parts.query).get("db", ["0"])[0]
        who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return f"redis+socket://{who}{parts.path}?virtual_host={database}"
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query:
        return f"{url}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    return url
