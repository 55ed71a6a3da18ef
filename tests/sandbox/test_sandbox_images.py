"""Images of languages and what compilers made: how they are put together, found, kept and removed."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.sandbox import Images, LanguageSettings, Program, check_languages, language_named, open_sandbox
from executor.sandbox.archive import RootArchive
from executor.sandbox.engine import Engine, connect
from executor.sandbox.image import CONTENT_LABEL, ensure_image, import_archive
from executor.sandbox.languages.artefacts import Artefacts, artefact_key
from executor.sandbox.languages.images import FORMAT_LABEL, LANGUAGE_LABEL, image_of, unwanted_images
from executor.sandbox.languages.manage import remove_images
from executor.sandbox.languages.packages import needed_packages
from htn.errors import ServiceMissing

needs_docker = [pytest.mark.docker, pytest.mark.usefixtures("needs_docker")]


@pytest.fixture
def engine() -> Iterator[Engine]:
    connected = connect(60)
    yield connected
    connected.client.close()


def package(**members: tarfile.TarInfo) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for member in members.values():
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    stream.seek(0)
    return stream


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o755, size: int = 0, target: str = ""
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.size, made.linkname = kind, mode, size, target
    made.uid = 1000
    return made


def test_a_root_file_system_has_no_rights_and_no_devices_that_its_packages_had() -> None:
    stream = io.BytesIO()
    archive = RootArchive(stream)
    first = package(
        a=entry("./bin/su", mode=0o6755, size=3),
        b=entry("./root", tarfile.DIRTYPE, 0o700),
        c=entry("./dev/sda", tarfile.BLKTYPE),
        d=entry("./usr/share/doc/x", size=1),
        e=entry("./bin/hard", tarfile.LNKTYPE, target="./bin/su"),
    )
    archive.add_package(first, ["usr/share/doc/*"])
    archive.add_package(package(a=entry("./usr/bin/su", size=9)), [])
    archive.finish()
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        found = {member.name: member for member in tar}
    assert found["usr/bin/su"].mode == 0o755
    assert found["usr/bin/su"].size == 3
    assert found["usr/bin/hard"].linkname == "usr/bin/su"
    assert found["root"].mode == 0o755
    assert found["bin"].linkname == "usr/bin"
    assert not {"dev/sda", "usr/share/doc/x", "bin/su"} & set(found)
    assert {member.uid for member in found.values()} == {0}


def test_packages_are_those_of_an_empty_machine() -> None:
    if not Path("/usr/bin/apt-get").exists():
        pytest.skip("this machine has no apt-get")
    found = needed_packages(("bash",))
    assert {"bash", "libc6"} <= {each.name for each in found}
    assert all(each.hash.startswith("SHA256:") for each in found)
    assert needed_packages(("bash",), left_out=("lib*",)) == tuple(e for e in found if not e.name.startswith("lib"))


def test_a_machine_without_apt_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServiceMissing, match="no apt-get") as missing:
        needed_packages(("bash",))
    assert any("setting images" in hint for hint in missing.value.hints)


def test_an_artefact_is_kept_by_all_that_decides_about_it(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path / "deep")
    key = artefact_key({"code": "a"}, "image")
    assert kept.get(key) is None
    kept.put(key, "made")
    assert kept.get(key) == "made"
    assert Artefacts(tmp_path / "deep").get(key) == "made"
    assert len({key, artefact_key({"code": "b"}, "image"), artefact_key({"code": "a"}, "other")}) == 3


def test_a_damaged_artefact_is_none(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    kept.put("key", "made")
    (tmp_path / "key").write_text((tmp_path / "key").read_text()[:-1])
    assert kept.get("key") is None
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    assert kept.get("key") is None


def test_the_artefacts_used_least_recently_make_room(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path, most_mb=1)
    for at, name in enumerate("abc"):
        kept.put(name, name * 300_000)
        os.utime(tmp_path / name, (at, at))
    assert kept.get("a")  # which makes b the one used least recently
    kept.put("d", "d" * 300_000)
    assert [bool(kept.get(name)) for name in "abcd"] == [True, False, True, True]
    kept.put("e", "e" * 2**21)
    assert kept.get("e") is None
    assert {path.name for path in tmp_path.iterdir()} == {"a", "c", "d"}


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Artefacts(tmp_path / "file")
    kept.put("key", "made")
    assert kept.get("key") is None


def test_languages_go_by_their_usual_names() -> None:
    words = ["JS", "node", "sh", "golang", "C++", "cpp", "rs", "py", "Java", "ruby"]
    names = ["javascript", "javascript", "bash", "go", "c++", "c++", "rust", "python", "java", None]
    assert [language_named(word) for word in words] == names


class TestWithAnEngine:
    pytestmark = needs_docker

    def test_a_language_whose_image_is_missing_says_what_to_run(self) -> None:
        nowhere = LanguageSettings(images={"go": "nobody/has-this:1", "javascript": "nobody/has-this:1"})
        with open_sandbox(kind="docker", languages=nowhere) as sandbox:
            for language in nowhere.images:
                problem = sandbox.call(Program("func body() {}", "body", language), {}).problem
                assert problem is not None
                assert problem.category == "environment"
                assert f"htn sandbox build {language}" in problem.message
            checked = list(check_languages(sandbox, ["python", "go"]))
        assert [(each.ok, each.hint) for each in checked] == [(True, ""), (False, "htn sandbox build go")]

    def test_what_a_language_cannot_do_is_a_problem_of_the_environment(self) -> None:
        with open_sandbox(kind="docker") as sandbox:
            script = sandbox.call(Program("func f() {}", language="go", form="script"), {})
        assert script.problem is not None
        assert "function" in script.problem.message
        assert script.problem.category == "environment"

    def test_the_list_names_every_language_and_what_would_make_its_image(self) -> None:
        rows = {row.language: row for row in Images({"go": "nobody/has-this:1"}).rows()}
        assert list(rows) == ["python", "javascript", "bash", "go", "java", "c++", "rust"]
        assert (rows["go"].present, rows["go"].how) == (False, "would be pulled")
        assert rows["go"].hint == "htn sandbox build go"

    def test_an_image_of_another_format_is_not_used_and_not_wanted(self, engine: Engine) -> None:
        stream = io.BytesIO()
        RootArchive(stream).finish()
        labels = {CONTENT_LABEL: "0" * 64, LANGUAGE_LABEL: "rust", FORMAT_LABEL: "0"}
        old = "htn-sandbox-rust:test-of-an-old-format"
        made = import_archive(engine, old, stream, labels)
        try:
            current = image_of(engine, "rust", None)
            assert current is None or current.id != made.id
            python = ensure_image(engine, None, print).reference
            unwanted = unwanted_images(engine, {}, python)
            assert old in unwanted
            assert python not in unwanted
            assert remove_images(engine, [old]) == ([old], [])
        finally:
            if old in [tag for image in engine.client.images.list() for tag in image.tags]:
                engine.client.images.remove(old)
