"""Find a domain, by the name of a bundled one or by the path of a user's own file, and read a state file."""

import hashlib
import importlib
import importlib.util
import json
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import domains
from htn.domain import Domain
from htn.errors import DomainError, HtnError, UsageError, did_you_mean, told
from htn.state import State
from htn.values import plain, show

_MOST_BYTES = 50_000_000
_PREFIX = "_htn_domain_"


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


def digest_of(domain: Domain) -> str:
    """Return a hash of the file of a domain, or "" where it has none."""
    return digest_at(Path(domain.source))


def digest_at(path: Path) -> str:
    """Return a hash of the domain's file at `path`, or "" where there is none."""
    if path.suffix != ".py" or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _AsItIs(SourceFileLoader):
    """Reads the file itself: bytecode that was kept of it may be that of a file of the same size and second."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _from_file(path: Path) -> Domain:
    if not path.is_file():
        known = path.stem in bundled()
        hints = (f"the bundled domain is called {path.stem}, without .py",) if known else ()
        raise UsageError(f"there is no domain file {path}", hints=hints or did_you_mean(path.name, _beside(path)))
    if path.suffix != ".py":
        raise UsageError(f"{path} is not a Python file")
    name = f"{_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItIs(name, str(path)))
    assert spec is not None and spec.loader is not None  # it was given one
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with _importing_from(path.resolve().parent):
            spec.loader.exec_module(module)
    except (UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever the user's file raises, it is the file that does not import
        del sys.modules[spec.name]
        frames = reversed(traceback.extract_tb(error.__traceback__))
        line = next((f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()), None)
        line = line or getattr(error, "lineno", None)
        raise DomainError(
            f"the domain file {path} does not import: {told(error)}",
            where=f"{path}:{line}" if line else str(path),
            hints=("run it with python to see the whole traceback",),
        ) from error
    domain = _only_domain(vars(module), str(path))
    domain.source = str(path)
    return domain


def _beside(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.glob("*.py"))


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let a domain's file import the files beside it, as python does.

    They come first while it loads; later, when one of its functions imports something, they come last, where they
    cannot stand before what this program imports when it needs it.
    """
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
    if place not in sys.path:
        sys.path.append(place)


def line_of(error: BaseException) -> str | None:
    """Return the file and line of the domain at which foreign code failed, or None where there is none."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith((_PREFIX, "domains."))
    ]
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else None


def _only_domain(names: dict[str, object], where: str) -> Domain:
    found = list({id(v): v for v in names.values() if isinstance(v, Domain)}.values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise DomainError(f"{where} defines no domain", hints=('write: travel = Domain("travel")',))
    raise DomainError(f"{where} defines {len(found)} domains: {', '.join(d.name for d in found)}")


def load_state(domain: Domain, path: Path | None) -> State:
    """Return the state to start from: the domain's own, with the variables that the file at `path` names.

    UsageError where the file names a variable that the domain does not have, or gives one a value that it cannot have.
    """
    if path is None:
        return _own_state(domain)
    try:
        return state_from(domain, _read_json(path))
    except DomainError:
        raise
    except UsageError as error:
        raise UsageError(error.message, where=str(path), hints=error.hints) from error


def state_from(domain: Domain, given: object = None) -> State:
    """Return the state to start from: the domain's own, with the variables that `given` names, as JSON writes them.

    UsageError as for `load_state`.
    """
    state = _own_state(domain)
    if given is None:
        return state
    variables = State.from_json(given).__dict__
    _check_names(domain, state, list(variables))
    for name, value in variables.items():
        _check_values(domain, name, value)
        setattr(state, name, value)
    return state.copy()


def _check_names(domain: Domain, state: State, names: list[str]) -> None:
    """Refuse a variable that the domain has no use for. A domain that has neither a state nor declarations has none."""
    in_examples = [name for example in domain.examples for name in (*example.given, *example.then)]
    known = sorted({*state, *domain.variables, *domain.results, *domain.goal_methods, *in_examples})
    unknown = [name for name in names if name not in known]
    if unknown and (list(state) or domain.variables):
        raise UsageError(
            f"{domain.name} has no state variable {unknown[0]}",
            hints=(
                *(did_you_mean(unknown[0], known) or (f"it has {', '.join(known)}",)),
                f"a variable that only the run makes can be declared: {domain.name}.variable({unknown[0]!r})",
            ),
        )


def _check_values(domain: Domain, name: str, value: object) -> None:
    """Refuse a value that the declared type of its variable does not allow."""
    if name not in domain.variables:
        return
    allowed = domain.variables[name].type
    places = [(f"{name}[{show(key)}]", v) for key, v in value.items()] if isinstance(value, dict) else [(name, value)]
    for place, held in places:
        if why := allowed.refuse(plain(held), place):
            raise UsageError(why)


def _own_state(domain: Domain) -> State:
    if domain.make_state is None:
        return State()
    try:
        state = domain.make_state()
    except (HtnError, KeyboardInterrupt):
        raise
    except BaseException as error:  # the function is the domain's own, and may raise anything
        raise DomainError(
            f"the initial state of {domain.name} cannot be made: {told(error)}", where=line_of(error)
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
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read the state file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the state file is not JSON: {error}",
            hints=('write it as {"loc": {"alice": "home"}}',),
        ) from error
