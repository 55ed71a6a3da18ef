"""Know while planning what a body will return: run it then, in the sandbox, where it is trusted and pure.

Planning uses contracts and runs no code; this is the one exception, and off unless it is asked for. It covers entries
that are trusted or pinned and whose evidence holds a passed rung of determinism and purity. What a body returned is
kept by its version and inputs, in the process and among the kept results (`executor.results`), so a later plan, and the
run itself, need not run it again.

A body that cannot be run, fails, or breaks its contract here decides nothing: what it returns stays unknown, and the
run will see. Nothing is demoted for what happened only in a plan.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.body import perform
from executor.library import Library
from executor.results import CachedSandbox
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import Results
from htn.contract import Contract, scope_of
from htn.errors import HtnError
from htn.state import State
from htn.values import to_json

_TRUSTED = ("trusted", "pinned")
_PURITY = 3  # the rung of determinism and purity


@dataclass
class Foresight:
    """Evaluates bodies for one command. `evaluations` counts the bodies that were run, or looked up, for it."""

    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    results: Callable[[], Results]
    limits: SandboxLimits
    most: int
    on_note: Callable[[str], None] = lambda text: None
    evaluations: int = 0
    _known: dict[str, Mapping[str, Any] | None] = field(default_factory=dict, repr=False)
    _allowed: dict[str, bool] = field(default_factory=dict, repr=False)
    _said: set[str] = field(default_factory=set, repr=False)

    def __call__(
        self, version: str, contract: Contract, state: State, arguments: tuple[Any, ...]
    ) -> Mapping[str, Any] | None:
        """Return what the body of an entry returns in a state for some arguments; None where that cannot be said."""
        try:
            if not self._may(version):
                return None
            scope = scope_of(contract, state, arguments)
            key = json.dumps([version, to_json({**scope.arguments, **scope.reads}, "what the body is given")])
            if key not in self._known:
                self._known[key] = self._evaluate(version, contract, state, arguments)
            return self._known[key]
        except HtnError as error:
            self._note(f"bodies are not run while planning: {error.message}")
            return None

    def _may(self, version: str) -> bool:
        """Say whether an entry is trusted enough, and known to be pure."""
        if version not in self._allowed:
            library = self.library()
            tried = [record for record in library.evidence(version) if record.get("rung") == _PURITY]
            pure = bool(tried) and tried[-1].get("passed") is True
            self._allowed[version] = library.trust(version) in _TRUSTED and pure
        return self._allowed[version]

    def _evaluate(
        self, version: str, contract: Contract, state: State, arguments: tuple[Any, ...]
    ) -> Mapping[str, Any] | None:
        if self.evaluations >= self.most:
            self._note(f"{self.most} bodies were run while planning; what others return stays unknown")
            return None
        self.evaluations += 1
        kept = CachedSandbox(self.sandbox(), self.results(), pure=lambda program: True, on_trouble=self._note)
        entry = self.library().entry(version)
        seen = perform(entry.program(), contract, state, arguments, kept, limits=self.limits)
        return seen.outputs if seen.ok else None

    def _note(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.on_note(text)
