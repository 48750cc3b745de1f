"""The access key of a bucket is read from a file of its own, and from nothing that others can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.attachments.bucket.credentials import read_access_key
from gateway.errors import Code, RefusedError

GOOD = "[default]\naws_access_key_id = AKIA\naws_secret_access_key = pass%word/=\n"


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    """A file with this text."""
    path = folder / "bucket.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_it_is_read(tmp_path: Path, mode: int) -> None:
    """In the form of AWS, whatever its section is called; also where a platform shares it with the node by a group."""
    found = read_access_key(key_file(tmp_path, GOOD, mode))
    assert (found.id, found.secret, found.token) == ("AKIA", "pass%word/=", None)
    assert "word" not in repr(found)


def test_a_key_that_ends(tmp_path: Path) -> None:
    """Has a token."""
    assert read_access_key(key_file(tmp_path, f"{GOOD}aws_session_token = t0\n")).token == "t0"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o660])
def test_others_can_read_or_change_it(tmp_path: Path, mode: int) -> None:
    """Then it is refused, with the command that mends it."""
    with pytest.raises(RefusedError, match="others") as caught:
        read_access_key(key_file(tmp_path, GOOD, mode))
    assert caught.value.code is Code.INVALID and caught.value.hint.startswith("chmod 0600")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not an ini file with s3cret",
        "aws_secret_access_key = s3cret\n",
        "[default]\naws_secret_access_key = s3cret\n",
        "[default]\naws_access_key_id = s3cret\naws_secret_access_key =\n",
        f"{GOOD}region = s3cret\n",
        f"{GOOD}aws_access_key_id = s3cret\n",
        f"{GOOD}[other]\naws_access_key_id = s3cret\naws_secret_access_key = s3cret\n",
    ],
    ids=["empty", "no ini", "no section", "no id", "no secret", "another setting", "twice", "two keys"],
)
def test_what_is_no_key(tmp_path: Path, text: str) -> None:
    """It is refused, and nothing of it is repeated."""
    with pytest.raises(RefusedError, match="one access key") as caught:
        read_access_key(key_file(tmp_path, text))
    error: BaseException | None = caught.value
    assert isinstance(error, RefusedError) and error.code is Code.INVALID
    assert "s3cret" not in f"{error}{error.hint}" and error.__suppress_context__ is (error.__context__ is not None)


def test_no_file(tmp_path: Path) -> None:
    """It is said which setting names it."""
    with pytest.raises(RefusedError, match=r"attachments\.credentials_file") as caught:
        read_access_key(tmp_path / "nowhere")
    assert caught.value.code is Code.NO_KEY
