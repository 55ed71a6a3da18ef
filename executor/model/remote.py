"""Which models a server lists: what OpenAI's and Anthropic's protocols have in common."""

from contextlib import suppress
from urllib.parse import quote

from executor.model.protocol import ModelStatus
from executor.model.wire import NotSentError, RefusedError, Wire
from htn.errors import ServiceMissing, did_you_mean

MOST_NAMED = 12
_NO_LIST = (404, 405, 501)


def look_up(wire: Wire, *, provider: str, model: str, path: str, service: str) -> ModelStatus:
    """Return the status of a model; `path` is where the server lists the models that it has."""

    def status(*, answers: bool, present: bool, models: tuple[str, ...], hints: tuple[str, ...]) -> ModelStatus:
        return ModelStatus(
            name=f"{provider}:{model}",
            address=wire.url,
            answers=answers,
            version=None,
            models=models,
            present=present,
            hints=hints,
            service=service,
        )

    try:
        models = _listed(wire, path)
        present = not {model, f"models/{model}"}.isdisjoint(models) or _has(wire, path, model)
    except NotSentError as unsent:
        return status(answers=False, present=False, models=(), hints=unsent.error.hints)
    except RefusedError as error:
        if error.status in _NO_LIST:
            told = ("it does not say which models it has: whether this is one shows when it is asked",)
            return status(answers=True, present=True, models=(), hints=told)
        return status(answers=True, present=False, models=(), hints=(error.message, *error.hints))
    except ServiceMissing as error:
        return status(answers=False, present=False, models=(), hints=(error.message, *error.hints))
    return status(answers=True, present=present, models=models, hints=() if present else _nearest(model, models))


def no_such_model(wire: Wire, model: str, path: str) -> ServiceMissing:
    """Return the error for a model that the server does not have, with the names that are near."""
    models: tuple[str, ...] = ()
    with suppress(NotSentError, ServiceMissing):  # the list only helps to say what is wrong
        models = _listed(wire, path)
    return ServiceMissing(f"the server at {wire.url} has no model {model!r}", hints=_nearest(model, models))


def _listed(wire: Wire, path: str) -> tuple[str, ...]:
    found = wire.look(path)
    entries = found.get("data") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return ()
    return tuple(wire.clean(str(entry.get("id"))) for entry in entries if isinstance(entry, dict))


def _has(wire: Wire, path: str, model: str) -> bool:
    """Say whether the server knows a name that it does not list, such as one that stands for the latest version."""
    try:
        found = wire.look(f"{path.partition('?')[0]}/{quote(model, safe='')}")
    except RefusedError:
        return False
    return isinstance(found, dict) and "id" in found


def _nearest(model: str, models: tuple[str, ...]) -> tuple[str, ...]:
    meant = did_you_mean(model, models)
    if meant or not models:
        return meant
    more = f", and {len(models) - MOST_NAMED} more" if len(models) > MOST_NAMED else ""
    return (f"it has: {', '.join(models[:MOST_NAMED])}{more}",)
