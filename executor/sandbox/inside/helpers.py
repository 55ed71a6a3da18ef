"""Helper files beside a body: modules that are imported from memory, so that nothing is written.

util.py              import util
shapes/__init__.py   import shapes
shapes/round.py      import shapes.round, also where the folder has no `__init__.py`
data.txt             pkgutil.get_data(module, "data.txt"), beside a helper module
"""

import linecache
import posixpath
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType


class Helpers:
    """Finds and loads the modules that a body brings along. Raises `SyntaxError` for one that does not compile."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files
        self._code: dict[str, CodeType] = {}
        for name, text in files.items():
            if name.endswith(".py"):
                linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
                self._code[name] = compile(text, name, "exec", dont_inherit=True)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a module, or None for one that is not among the files."""
        place = name.replace(".", "/")
        for file, package in ((f"{place}/__init__.py", True), (f"{place}.py", False)):
            if file in self._code:
                spec = ModuleSpec(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
                spec.has_location = True
                return spec
        if any(file.startswith(f"{place}/") for file in self._code):
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a helper module; a folder without `__init__.py` has nothing to run."""
        origin = module.__spec__.origin if module.__spec__ else None
        if origin:
            exec(self._code[origin], module.__dict__)  # noqa: S102 - in the locked child

    def get_data(self, path: str) -> bytes:
        """Return the contents of a helper file. Raises `OSError` for one that is not there."""
        name = posixpath.normpath(path)
        if name not in self._files:
            raise FileNotFoundError(f"there is no helper file {name}")
        return self._files[name].encode()
