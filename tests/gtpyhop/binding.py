"""The name `gtpyhop` for ours, so that GTPyhop's own examples and tests run on it."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import htn.gtpyhop as ours


@contextmanager
def bound_as_gtpyhop() -> Iterator[None]:
    """Let `import gtpyhop` give ours and `import gtpyhop.examples` the installed examples, until the block ends."""
    modules, path, own_path = dict(sys.modules), list(sys.path), list(ours.__path__)
    installed = importlib.util.find_spec("gtpyhop")
    assert installed is not None and installed.submodule_search_locations
    for name in _bound():
        del sys.modules[name]
    sys.modules["gtpyhop"] = ours
    ours.__path__ = [*own_path, *installed.submodule_search_locations]
    try:
        yield
    finally:
        ours.__path__, sys.path[:] = own_path, path
        for name in set(sys.modules) - set(modules):
            # One of the examples imports another by its bare name.
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(
                tuple(installed.submodule_search_locations)
            ):
                del sys.modules[name]
        for name in _bound():
            del sys.modules[name]
        sys.modules.update({name: module for name, module in modules.items() if name.partition(".")[0] == "gtpyhop"})


def _bound() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "gtpyhop"]
