"""Secrets of an adapter come from private files."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.kit.secret import read_secret
from gateway.errors import RefusedError, TransientError

SECRET = "Xanthippe4711"


def test_secret_files(tmp_path: Path) -> None:
    """A secret comes without its last newline; a missing, empty, open or strange file is an error without its text."""
    file = tmp_path / "password"
    with pytest.raises(TransientError, match="the password file cannot be read"):
        read_secret(file, "the password file")
    file.write_text(f"{SECRET}\n")
    file.chmod(0o604)
    with pytest.raises(RefusedError, match="may be read by everybody"):
        read_secret(file, "the password file")
    file.chmod(0o600)
    assert read_secret(file, "the password file") == SECRET
    for data, words in ((b"\n", "is empty"), (SECRET.encode() + b"\xff", "not UTF-8"), (b"x" * 70000, "not a small")):
        file.write_bytes(data)
        with pytest.raises(RefusedError, match=words) as caught:
            read_secret(file, "the password file")
        assert SECRET not in f"{caught.value!r}{caught.value.__cause__!r}"
