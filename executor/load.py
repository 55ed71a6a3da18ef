"""Find a domain, by the name of a bundled one or by the path of a user's own file, and read a state file."""

import importlib
import importlib.util
import json
import pkgutil
import sys
import traceback
from pathlib import Path

import domains
from htn.domain import Domain
from htn.errors import DomainError, HtnError, UsageError, did_you_mean
from htn.state import State

_MOST_BYTES = 50_000_000


def bundled() -> list[str]:
    """Return the names of the domains that come with the program."""
    return sorted(module.name for module in pkgutil.iter_modules(domains.__path__))


def load_domain(name: str) -> Domain:
    """Return the domain called `name`, or the one that the file `name` defines.

    The file is the user's own: it is Python, and runs as the user.
    """
    if name.endswith(".py") or "/" in name:
        return _from_file(Path(name))
    if name not in bundled():
        raise UsageError(
            f"there is no bundled domain {name!r:.80}",
            hints=(
                *did_you_mean(name, bundled()),
                f"bundled: {', '.join(bundled())}; or give the path of a .py file",
            ),
        )
    module = importlib.import_module(f"domains.{name}")
    return _only_domain(vars(module), name)


def _from_file(path: Path) -> Domain:
    if not path.is_file():
        raise UsageError(f"there is no domain file {path}")
    spec = importlib.util.spec_from_file_location(f"_htn_domain_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's file raises, it is the file that does not import
        del sys.modules[spec.name]
        frames = reversed(traceback.extract_tb(error.__traceback__))
        line = next((f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()), None)
        line = line or getattr(error, "lineno", None)
        raise DomainError(
            f"the domain file {path} does not import: {type(error).__name__}: {error}",
            where=f"{path}:{line}" if line else str(path),
            hints=("run it with python to see the whole traceback",),
        ) from error
    domain = _only_domain(vars(module), str(path))
    domain.source = str(path)
    return domain


def _only_domain(names: dict[str, object], where: str) -> Domain:
    found = list({id(v): v for v in names.values() if isinstance(v, Domain)}.values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise DomainError(f"{where} defines no domain", hints=('write: travel = Domain("travel")',))
    raise DomainError(f"{where} defines {len(found)} domains: {', '.join(d.name for d in found)}")


def load_state(domain: Domain, path: Path | None) -> State:
    """Return the state to start from: the domain's own, with the variables that the file at `path` names."""
    state = _own_state(domain)
    if path is None:
        return state
    try:
        for name, value in State.from_json(_read_json(path)).__dict__.items():
            setattr(state, name, value)
    except UsageError as error:
        raise UsageError(error.message, where=str(path), hints=error.hints) from error
    return state.copy()


def _own_state(domain: Domain) -> State:
    if domain.make_state is None:
        return State()
    try:
        state = domain.make_state()
    except HtnError:
        raise
    except Exception as error:  # the function is the domain's own, and may raise anything
        raise DomainError(
            f"the initial state of {domain.name} cannot be made: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(state, State):
        raise DomainError(f"the initial state of {domain.name} is a {type(state).__name__}, not a State")
    return state


def _read_json(path: Path) -> object:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot read the state file {path}: it is not a file")
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"the state file {path} is larger than {_MOST_BYTES:,} bytes")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the state file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the state file is not JSON: {error}",
            hints=('write it as {"loc": {"alice": "home"}}',),
        ) from error
