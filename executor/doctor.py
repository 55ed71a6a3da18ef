"""Check what the program stands on, and say for each what to do."""

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from executor.model import open_model
from executor.model_states import ModelState, model_states
from executor.sandbox import engine_status, image_status, open_sandbox
from executor.settings import Settings
from executor.store import open_store
from htn.errors import HtnError


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `needed_for` says what does not work without it.

    `models` are the models with their states, where these were looked at.
    """

    name: str
    ok: bool
    found: str
    needed_for: str
    hints: tuple[str, ...] = ()
    models: tuple[ModelState, ...] = ()


def examine(settings: Settings, note: Callable[[str], None] = lambda text: None) -> Iterator[Check]:
    """Look at Python, Redis, Docker, the image, the sandbox, the model and how all models do, in this order.

    `note` hears of what takes long, such as an image that is built.
    """
    yield _python()
    for name, needed_for, look in (
        ("Redis", "the library: plan, run, learn", _redis),
        ("Docker", "bodies in containers", _docker),
        ("image", "bodies in containers", _image),
        ("sandbox", "carrying out and learning operators", partial(_sandbox, note=note)),
        ("model", "learning; plans and runs without gaps need none", _model),
        ("models", "learning; plans and runs without gaps need none", _models),
    ):
        yield _guarded(name, needed_for, look, settings)


def _guarded(name: str, needed_for: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except HtnError as error:
        return Check(name, False, error.message, needed_for, error.hints)


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    hints = () if ok else ("install Python 3.11 or newer",)
    return Check("Python", ok, f"{platform.python_version()} on {platform.system()}", "everything", hints)


def _redis(settings: Settings) -> Check:
    with open_store(redis_url=settings.redis_url, data_dir=settings.data_dir) as store:
        status = store.status()
    keeps = "append-only file" if status.appendonly else "no append-only file"
    found = f"{status.kind} {status.version} at {status.address}, {keeps}"
    ok = status.writable and status.appendonly and not status.evicting
    return Check("Redis", ok, found, "the library: plan, run, learn", status.hints)


def _docker(settings: Settings) -> Check:
    status = engine_status(settings.docker_timeout)
    found = f"engine {status.version}" if status.answering else status.why or "no engine answers"
    hints = (status.hint,) if status.hint else ()
    return Check("Docker", status.answering, found, "bodies in containers", hints)


def _image(settings: Settings) -> Check:
    status = image_status(settings.image, seconds=settings.docker_timeout)
    size = f", {status.megabytes:.0f} MB" if status.present else ""
    # An image that can be made when it is first needed is nothing to worry about.
    return Check("image", True, f"{status.reference}: {status.how}{size}", "bodies in containers")


def _sandbox(settings: Settings, note: Callable[[str], None]) -> Check:
    with open_sandbox(
        kind=settings.sandbox,
        image=settings.image,
        docker_timeout=settings.docker_timeout,
        limits=settings.limits,
        packages=settings.packages,
        pool=settings.pool,
        fence=settings.fence,
        languages=settings.languages,
        on_progress=note,
    ) as sandbox:
        return Check("sandbox", True, sandbox.description, "carrying out and learning operators")


def _model(settings: Settings) -> Check:
    place = settings.model_place
    status = open_model(
        place.spec,
        endpoint=place.endpoint,
        api_key=place.key,
        timeout=settings.model_timeout,
        num_ctx=settings.num_ctx,
        max_calls=settings.max_calls,
    ).status()
    version = f" {status.version}" if status.version else ""
    if not status.answers:
        found = f"nothing answers at {status.address}"
    elif not status.models and not status.version:
        may = "may be on" if status.present else "could not be looked up on"
        found = f"{status.name} {may} {status.service} at {status.address}"
    else:
        found = f"{status.name} {'is' if status.present else 'is not'} on {status.service}{version} at {status.address}"
    return Check("model", status.present, found, "learning; plans and runs without gaps need none", status.hints)


def _models(settings: Settings) -> Check:
    with open_store(redis_url=settings.redis_url, data_dir=settings.data_dir) as store:
        states = tuple(state for state in model_states(settings, store) if state.health != "unused")
    found = "; ".join(map(_in_short, states))
    offline = [state.model for state in states if state.health == "offline"]
    hints = ("htn models says more",) if any(state.health != "healthy" for state in states) else ()
    return Check("models", not offline, found, "learning; plans and runs without gaps need none", hints, states)


def _in_short(state: ModelState) -> str:
    stats = state.stats
    if stats.success_rate is None or stats.mean_seconds is None:
        return f"{state.model} {state.health}, breaker {state.breaker}, never asked"
    return (
        f"{state.model} {state.health}, breaker {state.breaker}, "
        f"{stats.calls:,} calls, {stats.success_rate:.0%} well, {stats.mean_seconds:.1f} s each"
    )
