"""Packages that a body declares: what may be declared, what it is pinned to, and what runs with it."""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.sandbox import Kind, Outcome, PackageSettings, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.dependencies import (
    Packages,
    UnavailableError,
    check_requirements,
    images_with_packages,
    prune,
)
from executor.sandbox.dependencies.audit import Audit, audit, read_audit
from executor.sandbox.dependencies.image import REPOSITORY
from executor.sandbox.dependencies.lock import Locked, ResolveError, resolve
from executor.sandbox.dependencies.wheel import unpack
from executor.sandbox.engine import connect
from executor.settings import Settings
from htn.errors import UsageError
from tests.sandbox.wheels import make_wheel

BIRD = "def sing(): return 'chirp ' + __import__('feather').COLOUR"
SING = "from bird import sing\ndef body(): return sing()"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: a bird in two versions, which needs a feather; something that needs what is not there."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "bird", "1.0", {"bird.py": BIRD}, needs=["feather>=2"])
    make_wheel(folder, "bird", "2.0", {"bird.py": BIRD.replace("chirp", "tweet")}, needs=["feather>=2"])
    make_wheel(folder, "feather", "2.1", {"feather/__init__.py": "COLOUR = 'red'", "feather/data.txt": "soft"})
    make_wheel(folder, "lost", "1.0", {"lost.py": ""}, needs=["nowhere"])
    make_wheel(folder, "shadow", "1.0", {"json.py": "raise SystemExit", "statistics/__init__.py": "mean = None"})
    make_wheel(folder, "rude", "1.0", {"rude.pth": "import os; os._exit(1)", "rude.py": "X = 1"})
    make_wheel(folder, "clash", "1.0", {"bird.py": "other"})
    return folder


@pytest.fixture
def packages(wheels: Path, tmp_path: Path) -> Packages:
    return Packages(PackageSettings(("*",), tmp_path / "kept", wheels))


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def docker(
    needs_docker: None, wheels: Path, said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    settings = PackageSettings(("bird", "shadow", "rude", "lost", "clash"), tmp_path_factory.mktemp("kept"), wheels)
    with open_sandbox(kind="docker", packages=settings, on_progress=said.append) as opened:
        yield opened
    engine = connect(30)
    prune(engine)
    engine.client.close()


def run(sandbox: Sandbox, code: str, *declared: str, **limits: Any) -> Outcome:
    program = Program(code, "body", dependencies=declared)
    return sandbox.call(program, {}, limits=SandboxLimits(**limits) if limits else None)


def why(outcome: Outcome) -> str:
    assert outcome.problem is not None
    assert outcome.problem.category == "environment"
    return outcome.problem.message


REFUSED = [
    "",
    " ",
    "-r /etc/passwd",
    "--index-url=elsewhere",
    "bird @ file:///tmp/bird.whl",
    "bird@git+ssh://host/bird",
    "./bird",
    "../bird.whl",
    "/tmp/bird-1.0.whl",
    "bird; python_version > '3'",
    "bird\n-r x",
    "bird --hash=sha256:00",
    "bird==1.0 sha256:00",
    "bird>=1 sha256:" + "0" * 64,
    "bird==1.* sha256:" + "0" * 64,
    "bírd",
    "bird" * 100,
    "bird #egg",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_name_with_versions_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        check_requirements([text])
    with pytest.raises(UsageError):
        Program("", "body", dependencies=(text,))


def test_names_have_one_form_and_are_declared_once() -> None:
    (found,) = check_requirements(["Ruamel_Yaml[Jinja2] >=1, <2"])
    assert (found.name, found.text) == ("ruamel-yaml", "ruamel-yaml[Jinja2]<2,>=1")
    with pytest.raises(UsageError, match="declared twice"):
        check_requirements(["ruamel.yaml", "Ruamel_YAML>=1"])


def test_only_python_bodies_declare_packages() -> None:
    with pytest.raises(UsageError, match="only python"):
        Program("", "body", "bash", dependencies=("bird",))


def test_what_is_declared_is_pinned_with_what_it_needs(packages: Packages) -> None:
    lock = packages.locked(["bird<2"])
    assert [(each.name, each.version) for each in lock.wheels] == [("bird", "1.0"), ("feather", "2.1")]
    assert all(len(each.sha256) == 64 for each in lock.wheels)


def test_a_lock_stays_when_there_is_something_newer(packages: Packages, wheels: Path, tmp_path: Path) -> None:
    ours = tmp_path / "wheels"
    shutil.copytree(wheels, ours)
    settings = replace(packages.settings, wheels=ours)
    first = Packages(settings).locked(["bird"])
    make_wheel(ours, "bird", "3.0", {"bird.py": BIRD})
    assert Packages(settings).locked(["bird"]) == first


def test_a_lock_can_be_declared_itself(packages: Packages) -> None:
    lock = packages.locked(["bird"])
    again = packages.locked(lock.lines())
    assert again.lines() == lock.lines()
    assert again.digest() == lock.digest()


def test_a_wheel_with_another_hash_than_the_pinned_one_is_refused(packages: Packages) -> None:
    with pytest.raises(UnavailableError, match=r"(?i)hash"):
        packages.locked([f"bird==1.0 sha256:{'0' * 64}"])


def test_a_kept_wheel_that_was_changed_is_refused(packages: Packages) -> None:
    lock = packages.locked(["feather"])
    path = lock.folder / lock.wheels[0].file
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ResolveError, match="not what was locked"):
        lock.paths()


@pytest.mark.parametrize(("declared", "reason"), [("nowhere", "nowhere"), ("lost", "nowhere"), ("bird>9", "bird>9")])
def test_what_cannot_be_had_says_why(packages: Packages, declared: str, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        packages.locked([declared])


def test_only_wheels_are_taken_because_building_runs_code(packages: Packages, wheels: Path, tmp_path: Path) -> None:
    ours = tmp_path / "wheels"
    ours.mkdir()
    with zipfile.ZipFile(ours / "bomb-1.0.zip", "w") as archive:
        archive.writestr("bomb-1.0/setup.py", f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(UnavailableError):
        Packages(replace(packages.settings, wheels=ours)).locked(["bomb"])
    assert not (tmp_path / "ran").exists()


def test_no_package_is_allowed_unless_somebody_says_so(wheels: Path) -> None:
    nothing = Packages(PackageSettings(wheels=wheels))
    with pytest.raises(UnavailableError, match="HTN_ALLOWED_PACKAGES=bird"):
        nothing.locked(["bird"])
    some = Packages(PackageSettings(("Bird",), wheels=wheels))
    assert some.locked(["bird"]).wheels
    some.close()
    with pytest.raises(UnavailableError, match="did you mean bird"):
        some.locked(["brid"])


def test_the_setting_lists_names() -> None:
    settings = Settings.load(allowed_packages="attrs, numpy")
    assert settings.packages.allowed == ("attrs", "numpy")
    assert Settings.load().packages.allowed == ()


def write_zip(path: Path, name: str, *, link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = ((stat.S_IFLNK if link else stat.S_IFREG) | 0o644) << 16
        archive.writestr(member, "/etc/passwd")
    return path


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\..\\x"])
def test_a_wheel_cannot_write_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResolveError, match="leads out of its folder"):
        unpack([write_zip(tmp_path / "w.whl", name)], tmp_path / "in" / "here")
    assert not list(tmp_path.rglob("x"))


def test_a_wheel_cannot_hold_a_link(tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="leads out of its folder"):
        unpack([write_zip(tmp_path / "w.whl", "x", link=True)], tmp_path)


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "w.whl").write_text("no zip")
    with pytest.raises(ResolveError, match="cannot be unpacked"):
        unpack([tmp_path / "w.whl"], tmp_path)


def test_unpacking_takes_modules_and_data_and_runs_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    files = {
        "a.py": f"open({str(tmp_path / 'ran')!r}, 'w')",
        "w-1.data/purelib/b.py": "B = 1",
        "w-1.data/scripts/tool": "#!/bin/sh",
        "bad.py": "def (",
    }
    unpack([make_wheel(tmp_path, "w", "1", files)], target)
    assert (target / "a.py").exists() and (target / "b.py").exists() and (target / "bad.py").exists()
    assert list((target / "__pycache__").glob("a.*.pyc"))
    assert not list(target.rglob("tool"))
    assert not (tmp_path / "ran").exists()


def test_an_audit_says_what_is_known_and_what_nobody_could_look_up() -> None:
    document = {
        "dependencies": [
            {"name": "bird", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"], "description": ""}]},
            {"name": "feather", "version": "2.1", "vulns": []},
            {"name": "nest", "skip_reason": "nest is not found"},
        ]
    }
    told = read_audit(document).told()
    assert "bird 1.0 has the known vulnerability CVE-1, mended in 1.1" in told
    assert "not checked for known vulnerabilities: nest is not found" in told
    assert "feather" not in told
    assert Audit().told() == "no known vulnerabilities"


def test_an_audit_that_cannot_be_made_never_looks_like_a_clean_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.sandbox.dependencies.audit.find_spec", lambda name: None)
    found = audit([Locked("bird", "1.0", "0" * 64, "bird.whl")])
    assert found.unchecked
    assert "pip-audit is not installed" in found.told()


def test_what_is_known_of_kept_packages_is_said_in_every_process_and_asked_again_after_a_day(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def audited(pinned: Sequence[Locked]) -> Audit:
        asked.append(len(pinned))
        return Audit(unchecked=(f"asked {len(asked)} times",))

    monkeypatch.setattr("executor.sandbox.dependencies.packages.audit", audited)

    def opened() -> list[str]:
        told: list[str] = []
        Packages(PackageSettings(("*",), tmp_path / "kept", wheels), told.append).locked(("bird",))
        return [text.rpartition(": ")[2] for text in told if text.startswith("packages ")]

    assert (opened(), opened()) == (["asked 1 times"], ["asked 1 times"])
    (kept,) = (tmp_path / "kept").glob("*.audit")
    os.utime(kept, (0, 0))
    assert opened() == ["asked 2 times"]


@pytest.mark.docker
def test_a_body_runs_with_the_package_that_it_declares(docker: Sandbox) -> None:
    assert run(docker, SING, "bird<2").value == "chirp red"
    assert run(docker, SING, "bird").value == "tweet red"
    assert run(docker, SING, "bird<2").value == "chirp red"


@pytest.mark.docker
def test_the_images_with_packages_can_be_listed_to_be_removed(docker: Sandbox) -> None:
    run(docker, SING, "bird")
    engine = connect(30)
    names = images_with_packages(engine)
    engine.client.close()
    assert names
    assert all(name.startswith(REPOSITORY) for name in names)


@pytest.mark.docker
def test_a_body_that_declares_nothing_has_nothing(docker: Sandbox) -> None:
    run(docker, SING, "bird")
    outcome = run(docker, SING)
    assert outcome.problem is not None
    assert outcome.problem.category == "import"


@pytest.mark.docker
def test_data_beside_a_module_can_be_read(docker: Sandbox) -> None:
    code = "from importlib.resources import files\ndef body(): return files('feather').joinpath('data.txt').read_text()"
    assert run(docker, code, "bird").value == "soft"


@pytest.mark.docker
def test_what_is_resolved_is_said_before_it_is_used(docker: Sandbox, said: list[str]) -> None:
    run(docker, SING, "bird")
    told = [text for text in said if text.startswith("packages bird==2.0 sha256:")]
    assert len(told) == 1
    assert "known vulnerabilities" in told[0]


@pytest.mark.docker
def test_no_package_stands_before_a_standard_module_or_runs_at_the_start(docker: Sandbox) -> None:
    code = "import json, statistics\ndef body(): return json.dumps(statistics.mean([1, 3]))"
    assert run(docker, code, "shadow").value == "2"
    assert run(docker, "import rude\ndef body(): return rude.X", "rude").value == 1


@pytest.mark.docker
def test_it_runs_without_network_and_cannot_change_its_packages(docker: Sandbox) -> None:
    connecting = "import socket\ndef body(): socket.create_connection(('127.0.0.1', 80), 1)"
    assert not run(docker, connecting, "bird").ok
    writing = "import bird\ndef body(): open(bird.__file__, 'a')"
    outcome = run(docker, writing, "bird")
    assert outcome.problem is not None
    assert "Read-only" in outcome.problem.message or "Permission" in outcome.problem.message


@pytest.mark.docker
@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (("secret",), "the package secret is not allowed"),
        (("bird>9",), "cannot be had"),
        (("lost",), "cannot be had"),
        (("bird", "clash"), "two packages bring the file bird.py"),
    ],
)
def test_what_cannot_be_had_is_a_problem_of_the_environment(
    docker: Sandbox, declared: tuple[str, ...], reason: str
) -> None:
    assert reason in why(run(docker, "def body(): return 1", *declared))


@pytest.mark.docker
def test_the_pins_are_part_of_what_a_body_runs_on(docker: Sandbox) -> None:
    on = {docker.runs_on(Program("", "body", dependencies=each)) for each in ((), ("bird",), ("bird<2",), ("secret",))}
    assert len(on) == 4
    declared = Program("", "body", dependencies=("bird",))
    assert docker.runs_on(declared) == docker.runs_on(declared)


@pytest.mark.docker
def test_the_same_packages_are_built_once_and_can_be_pruned(docker: Sandbox, said: list[str]) -> None:
    run(docker, SING, "bird")
    said.clear()
    run(docker, SING, "bird==2.0")  # another declaration, the same lock
    assert not [text for text in said if text.startswith("building")]
    engine = connect(30)
    run(docker, SING, "bird<2")
    before = len(engine.client.images.list(name=REPOSITORY))
    removed = prune(engine, keep=before)
    engine.client.close()
    assert removed == 0


@pytest.mark.docker
def test_an_image_that_was_removed_is_built_again(
    needs_docker: None, wheels: Path, tmp_path: Path, docker: Sandbox
) -> None:
    settings = PackageSettings(("feather",), tmp_path, wheels)
    code = "import feather\ndef body(): return feather.COLOUR"
    for _ in range(2):
        with open_sandbox(kind="docker", packages=settings) as sandbox:
            assert run(sandbox, code, "feather").value == "red"
        engine = connect(30)
        prune(engine)
        engine.client.close()


LEVELS_WITHOUT: tuple[Kind, ...] = ("lockdown", "local")


@pytest.mark.parametrize("kind", LEVELS_WITHOUT)
def test_other_levels_say_that_packages_need_containers(kind: Kind, wheels: Path) -> None:
    settings = PackageSettings(("*",), wheels=wheels)
    with open_sandbox(kind=kind, packages=settings, on_progress=lambda text: None) as sandbox:
        assert "packages need containers" in why(run(sandbox, SING, "bird"))


def test_resolving_leaves_no_half_fetched_folder(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(ResolveError):
        resolve(check_requirements(["lost"]), tmp_path / "kept" / "one", wheels)
    assert not list((tmp_path / "kept").iterdir())
