"""The token of the services: made once, the user's alone, and the same for all who start at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executor.token import NAME, service_token
from htn.errors import UsageError


def test_it_is_made_once_and_only_the_user_can_read_it(tmp_path: Path) -> None:
    token = service_token(tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / NAME
    assert service_token(path.parent) == token == path.read_text().strip()
    assert len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert service_token(tmp_path / "other") != token


def test_all_who_start_at_once_get_the_same_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: service_token(tmp_path), range(64)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_one_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    service_token(tmp_path)
    (tmp_path / NAME).chmod(0o644)
    with pytest.raises(UsageError, match="others can read"):
        service_token(tmp_path)


def test_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 40)
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot keep the token"):
        service_token(tmp_path)


@pytest.mark.parametrize("text", ["", "short", "two words of some length", "é" * 20, "x" * 15])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    (tmp_path / NAME).chmod(0o600)
    with pytest.raises(UsageError, match="holds no token"):
        service_token(tmp_path)
