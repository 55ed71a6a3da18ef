"""Sandboxes that other packages bring, by an entry point."""

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest

from executor.sandbox import Program, SandboxLimits, open_sandbox, sandbox_names
from executor.sandbox.installed import GROUP, installed_sandboxes
from executor.settings import Settings
from htn.errors import ServiceMissing, UsageError

PARROT = """
    from executor.sandbox import Outcome

    class Parrot:
        level = "parrot"
        description = "parrot: repeats the code"
        covers = does_not_cover = ()

        def __init__(self, limits):
            self.limits = limits

        def runs_on(self, program):
            return "parrot"

        def call(self, program, arguments, *, limits=None, hash_seed=0, clock=None):
            return Outcome(program.code, None, "", "", False, 0.0, self.level, arguments)

        async def acall(self, program, arguments, **more):
            return self.call(program, arguments, **more)

        def close(self):
            self.closed = True

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.close()

    def fly(limits):
        raise RuntimeError("no wings")

    def pose(limits):
        return "a parrot"

    def lie(limits):
        bird = Parrot(limits)
        bird.level = "docker"
        return bird
"""

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make a package `parrots` importable, with some entry points, as if it had been installed."""

    def make(points: str) -> None:
        (tmp_path / "parrots.py").write_text(dedent(PARROT))
        about = tmp_path / "parrots-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: parrots\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "parrots", raising=False)

    return make


def test_a_sandbox_of_another_package_is_opened_by_its_name(install: Install) -> None:
    install("parrot = parrots:Parrot")
    limits = SandboxLimits(seconds=3)
    with open_sandbox(kind="parrot", limits=limits) as sandbox:
        assert sandbox.limits == limits
        assert sandbox.call(Program("hello", "body"), {}).value == "hello"


def test_its_name_is_a_setting_like_any_other(install: Install) -> None:
    install("parrot = parrots:Parrot")
    assert Settings.load(sandbox="parrot").sandbox == "parrot"
    assert "parrot" in sandbox_names()


def test_a_name_that_is_mistyped_gets_a_hint(install: Install) -> None:
    install("parrot = parrots:Parrot")
    with pytest.raises(UsageError, match="there is no sandbox 'parot'") as caught:
        open_sandbox(kind="parot")
    assert caught.value.hints[0] == "did you mean parrot?"
    with pytest.raises(UsageError, match="did you mean parrot"):
        Settings.load(sandbox="parot")


def test_without_a_package_there_is_none() -> None:
    assert not [point for point in entry_points(group=GROUP) if point.name == "parrot"]
    assert "parrot" not in installed_sandboxes()
    with pytest.raises(UsageError, match="there is no sandbox 'parrot'"):
        open_sandbox(kind="parrot")


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ("parrots:fly", "failed: RuntimeError: no wings"),
        ("parrots:pose", "it has no level, limits"),
        ("parrots:lie", "says that its level is 'docker', which must be 'parrot'"),
        ("parrots:missing", "failed: AttributeError"),
        ("no_such_module:open", "failed: ModuleNotFoundError"),
    ],
)
def test_a_package_that_fails_is_named(install: Install, point: str, why: str) -> None:
    install(f"parrot = {point}")
    with pytest.raises(ServiceMissing, match="the sandbox parrot of parrots") as caught:
        open_sandbox(kind="parrot")
    assert why in caught.value.message
    assert "mend or remove" in caught.value.hints[0]


def test_no_package_can_take_the_place_of_one_of_ours(install: Install) -> None:
    install("local = parrots:Parrot\ndocker = parrots:Parrot")
    with open_sandbox(kind="local", on_progress=lambda text: None) as sandbox:
        assert sandbox.call(Program("def body(): return 1", "body"), {}).value == 1
