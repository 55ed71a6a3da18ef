"""What is known to be wrong with pinned packages: pip-audit is asked, where it is installed and reaches its data.

Nothing is refused because of it: a person decides. Where it could not be asked, or has no data on a package, that is
said, because silence would read as "nothing is known".
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from executor.sandbox.dependencies.lock import Locked

_SECONDS = 120.0
_INSTALL = "pip-audit is not installed: pip install 'htn-planner[audit]'"


@dataclass(frozen=True)
class Vulnerability:
    """A flaw that is known: where, how it is called, and which versions do not have it."""

    package: str
    identity: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f", mended in {', '.join(self.fixed_in)}" if self.fixed_in else ""
        return f"{self.package} has the known vulnerability {self.identity}{mended}"


@dataclass(frozen=True)
class Audit:
    """What is known of some packages; `unchecked` says for which nobody could be asked, and why."""

    found: tuple[Vulnerability, ...] = ()
    unchecked: tuple[str, ...] = ()

    def told(self) -> str:
        """Return all of it as one sentence for people."""
        said = [*map(str, self.found), *(f"not checked for known vulnerabilities: {why}" for why in self.unchecked)]
        return "; ".join(said) or "no known vulnerabilities"


def audit(wheels: Sequence[Locked]) -> Audit:
    """Return what is known of some pinned packages. Never raises."""
    if find_spec("pip_audit") is None:
        return Audit(unchecked=(_INSTALL,))
    with tempfile.TemporaryDirectory(prefix="htn-audit-") as folder:
        pins = Path(folder, "pins.txt")
        pins.write_text("".join(f"{each.name}=={each.version} --hash=sha256:{each.sha256}\n" for each in wheels))
        command = (
            sys.executable, "-I", "-m", "pip_audit", "--format", "json", "--progress-spinner", "off",
            "--disable-pip", "--require-hashes", "--timeout", "15", "--requirement", str(pins),
        )  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - no shell
        except (OSError, subprocess.TimeoutExpired) as error:
            return Audit(unchecked=(f"pip-audit does not come to an end: {error}",))
    try:
        return read_audit(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        return Audit(unchecked=(f"pip-audit failed: {said[0][:200]}",))


def read_audit(document: Any) -> Audit:
    """Return what a document of pip-audit says. Raises KeyError and TypeError for one in another form."""
    found, unchecked = [], []
    for each in document["dependencies"]:
        if "skip_reason" in each:
            unchecked.append(str(each["skip_reason"])[:200])
        for flaw in each.get("vulns", ()):
            package = f"{each['name']} {each['version']}"
            found.append(Vulnerability(package, str(flaw["id"]), tuple(map(str, flaw["fix_versions"]))))
    return Audit(tuple(found), tuple(unchecked))
